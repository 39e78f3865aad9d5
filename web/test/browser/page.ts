/** The page as a visitor drives it. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";

let visits = 0;
export const PATIENCE_MS = 120_000;

/** Waits for a result, or fails with the page's own error. */
export async function finished(page: Page): Promise<void> {
  await page.waitForFunction(
    () => {
      const isShown = (id: string): boolean => !document.getElementById(id)!.hidden;
      return !isShown("working") && (isShown("result") || isShown("error"));
    },
    undefined,
    { timeout: PATIENCE_MS },
  );
  const error = await page.isHidden("#error") ? "" : await page.textContent("#error");
  assert.equal(error, "", `the page says: ${error}`);
}

export async function openFiles(page: Page, paths: readonly string[]): Promise<void> {
  await page.setInputFiles("#file", [...paths]);
}

export async function openExample(page: Page, address: string, id: string): Promise<void> {
  visits += 1;
  await page.goto(`${address}?visit=${visits}#example=${id}`); // another part behind # alone would load nothing
  await finished(page);
}

export async function count(page: Page): Promise<number> {
  return Number(await page.textContent("#numbers dd"));
}

export async function elapsedMs(page: Page): Promise<number> {
  return Number(await page.getAttribute("#made", "data-elapsed-ms"));
}

export async function download(page: Page, title: string): Promise<Buffer> {
  const [file] = await Promise.all([page.waitForEvent("download"), page.click(`#downloads button:text-is("${title}")`)]);
  return readFileSync(await file.path());
}

export async function errorOf(page: Page): Promise<string> {
  await page.waitForSelector("#error:not([hidden])", { timeout: PATIENCE_MS });
  return (await page.textContent("#error")) ?? "";
}

interface Violation {
  readonly impact?: string | null;
  readonly id: string;
  readonly help: string;
  readonly nodes: readonly { readonly html: string }[];
}

/** Fails on serious findings of axe-core. */
export async function checkAccessible(page: Page, what: string): Promise<void> {
  // The page's policy forbids scripts from elsewhere, so axe-core is evaluated, not added as an element.
  await page.evaluate(readFileSync("node_modules/axe-core/axe.min.js", "utf8"));
  const found = (await page.evaluate("axe.run(document).then((done) => done.violations)")) as Violation[];
  const serious = found.filter((one) => one.impact === "serious" || one.impact === "critical");
  const text = serious.map((one) => `${one.id}: ${one.help} in ${one.nodes.map((node) => node.html.slice(0, 120)).join(" | ")}`);
  assert.deepEqual(text, [], `axe-core finds on ${what}:\n${text.join("\n")}`);
  for (const one of found.filter((other) => !serious.includes(other))) console.log(`  axe-core, ${one.impact}: ${one.id}, ${one.help}`);
}
