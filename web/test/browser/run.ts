/** Drives the built page in Chromium: `node run.js PAGE SHOTS`. Prints what it did; fails on the first wrong thing. */

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import { decodePng } from "../../src/image/png.ts";
import { checkAccessible, count, download, elapsedMs, errorOf, finished, openExample, openFiles } from "./page.ts";
import { serve } from "./server.ts";

const [folder, shots] = process.argv.slice(2);
const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
const CASES = join(shots, "cases");
const MOST_DIFFERENT = 0.001;
const [SLACK_S, SLACK_HZ] = [1e-3, 1e4]; // a row and a column

interface Case {
  readonly kind: "image" | "recording";
  readonly files: readonly string[];
  readonly mask: string;
  readonly objects: number;
  readonly boxes: readonly (readonly number[])[];
}

const CASE_LIST = JSON.parse(readFileSync(join(CASES, "cases.json"), "utf8")) as readonly Case[];

async function shoot(page: Page, name: string): Promise<void> {
  await page.waitForTimeout(250);
  await page.screenshot({ path: join(shots, `${name}.png`) });
}

async function step(name: string, action: () => Promise<string | void>): Promise<void> {
  const start = Date.now();
  const said = await action();
  console.log(`${name}: ${said ?? "as wanted"} (${((Date.now() - start) / 1000).toFixed(1)} s)`);
}

async function opened(browser: Browser, address: string, options: Parameters<Browser["newContext"]>[0] = {}): Promise<{ page: Page; context: BrowserContext }> {
  const context = await browser.newContext({ viewport: { width: 1360, height: 850 }, ...options });
  const page = await context.newPage();
  page.on("pageerror", (error) => assert.fail(`the page throws: ${error.message}`));
  page.on("request", (request) => {
    const url = new URL(request.url());
    assert.ok(url.origin === new URL(address).origin || ["blob:", "data:"].includes(url.protocol), `the page asks for ${url}`);
    assert.equal(request.method(), "GET", "nothing is sent");
  });
  await page.goto(address);
  await page.waitForSelector(".example");
  return { page, context };
}

async function testImages(page: Page, address: string): Promise<void> {
  await step("first visit", async () => {
    await shoot(page, "empty");
    await checkAccessible(page, "the empty page");
    await page.click(".example >> nth=0");
    await finished(page);
    await shoot(page, "image");
    await checkAccessible(page, "a result");
    assert.match((await page.textContent("#made")) ?? "", /[2-9] threads/);
    return `${await count(page)} nuclei, ${await page.textContent("#made")}`;
  });
  await step("table and picture", () => testSelection(page));
  await step("settings", () => testSettings(page));
  await step("downloads", () => testDownloads(page));
  await step("link", async () => {
    await page.fill("#um", "0.25");
    const before = await count(page);
    const address = page.url();
    assert.match(address, /example=tissue&.*um=0.25/);
    const other = await page.context().newPage();
    await other.goto(address);
    await finished(other);
    assert.equal(await count(other), before);
    assert.match((await other.textContent("#numbers")) ?? "", /µm²/);
    await other.close();
  });
  await step("errors", () => testErrors(page));
  await step("drop", async () => {
    const bytes = [...readFileSync(join(CASES, "grey.png"))];
    const data = await page.evaluateHandle((content) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([new Uint8Array(content)], "grey.png"));
      return transfer;
    }, bytes);
    await page.dispatchEvent("#stage", "drop", { dataTransfer: data });
    await page.waitForFunction(() => document.getElementById("file-name")!.textContent === "grey.png");
    await finished(page);
  });
  await step("1024 x 1024 px", async () => {
    await openExample(page, address, "tissue-large");
    await shoot(page, "image-large");
    return `${await count(page)} nuclei in ${Math.round(await elapsedMs(page))} ms, threads allowed`;
  });
  await step("cancel", async () => {
    await page.reload();
    await page.waitForSelector("#working:not([hidden])");
    await page.click("#cancel");
    await page.waitForSelector("#working", { state: "hidden" });
    assert.equal(await page.textContent("#status"), "Cancelled.");
    await openFiles(page, [join(CASES, "grey.png")]);
    await finished(page);
  });
}

async function testSelection(page: Page): Promise<void> {
  await page.click("#table tbody tr >> nth=2");
  assert.equal(await page.getAttribute("#table tr.selected button", "data-id"), "3");
  const box = (await page.locator("#canvas").boundingBox())!;
  await page.mouse.click(box.x + 5, box.y + 5);
  assert.equal(await page.locator("#table tr.selected").count(), 0);
  await page.focus("#canvas");
  for (const key of ["+", "+", "ArrowLeft", "ArrowUp", "-", "0"]) await page.keyboard.press(key);
  await page.focus("#table tbody button >> nth=5");
  await page.keyboard.press("Enter");
  await page.focus("#canvas");
  for (let times = 0; times < 8; times++) await page.keyboard.press("+");
  await shoot(page, "selected");
  await page.click("#zoom-fit");
  await page.click("#table th button >> nth=1");
  assert.equal(await page.getAttribute("#table th >> nth=1", "aria-sort"), "descending");
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.wheel(0, -400);
  assert.match((await page.textContent("#readout")) ?? "", /^x \d+, y \d+ px/);
  await page.click("#zoom-fit");
}

async function testSettings(page: Page): Promise<void> {
  const before = await page.textContent("#numbers");
  await page.fill("#threshold", "0.9");
  await page.waitForFunction((text) => document.getElementById("numbers")!.textContent !== text, before);
  await page.fill("#threshold", "0.5");
  await page.waitForFunction((text) => document.getElementById("numbers")!.textContent === text, before);
  await page.check("input[value=fill]");
  await page.fill("#opacity", "60");
  await shoot(page, "fill");
  assert.match(page.url(), /style=fill&opacity=0.6/);
  await page.check("input[value=outline]");
  await page.fill("#um", "0.5");
  assert.match((await page.textContent("#table thead")) ?? "", /µm²/);
  await page.fill("#um", "");
}

async function testDownloads(page: Page): Promise<void> {
  const num = await count(page);
  const labels = await decodePng(await download(page, "Labels"));
  assert.ok(labels.data instanceof Uint16Array);
  assert.equal(labels.data.reduce((most, value) => Math.max(most, value), 0), num);
  const mask = await decodePng(await download(page, "Mask"));
  assert.deepEqual(new Set(mask.data), new Set([0, 255]));
  const whole = JSON.parse(String(await download(page, "GeoJSON"))) as { features: { geometry: { coordinates: number[][][] } }[] };
  assert.equal(whole.features.length, num);
  const [ring] = whole.features[0].geometry.coordinates;
  assert.deepEqual(ring[0], ring[ring.length - 1]);
  const rows = String(await download(page, "CSV")).trim().split("\n");
  assert.equal(rows.length, num + 1);
  assert.match(rows[0], /^label,area_px,centroid_x_px,centroid_y_px/);
}

async function testErrors(page: Page): Promise<void> {
  const whole = readFileSync(join(CASES, "grey.png"));
  const upload = async (name: string, buffer: Buffer): Promise<string> => {
    await page.setInputFiles("#file", { name, mimeType: "", buffer });
    return errorOf(page);
  };
  assert.match(await upload("half.png", whole.subarray(0, whole.length >> 1)), /truncated or damaged.*Copy or export it again/);
  assert.match(await upload("a.zip", Buffer.from("PK\x03\x04 and more")), /this is a zip file/);
  assert.match(await upload("lonely.sigmf-meta", Buffer.from('{"global": {"core:datatype": "ci8", "core:sample_rate": 1}}')), /Choose lonely.sigmf-data together/);
  assert.match(await upload("b.sigmf-meta", Buffer.from("{")), /is no JSON/);
  await shoot(page, "error");
  await checkAccessible(page, "an error");
}

async function testParity(page: Page): Promise<void> {
  for (const one of CASE_LIST) {
    await step(one.files.join(), async () => {
      await openFiles(page, one.files.map((name) => join(CASES, name)));
      if (one.files[0] === "raw.iq") await answerForm(page);
      await finished(page);
      return one.kind === "image" ? compareMask(page, one) : compareBoxes(page, one);
    });
  }
}

async function answerForm(page: Page): Promise<void> {
  await page.waitForSelector("#format:not([hidden])", { timeout: 60_000 });
  await checkAccessible(page, "the form for raw samples");
  await shoot(page, "raw");
  await page.selectOption("#datatype", "ci16_le");
  await page.fill("#rate", "2400000");
  await page.click("#format button");
}

async function compareMask(page: Page, one: Case): Promise<string> {
  const mask = await decodePng(await download(page, "Mask"));
  const truth = await decodePng(readFileSync(join(CASES, one.mask)));
  assert.deepEqual([mask.width, mask.height], [truth.width, truth.height]);
  const differ = [...mask.data].filter((value, at) => value !== truth.data[at]).length / mask.data.length;
  const num = await count(page);
  assert.ok(differ < MOST_DIFFERENT, `${(100 * differ).toFixed(3)} % of the pixels have another class`);
  assert.ok(Math.abs(num - one.objects) <= Math.ceil(0.01 * one.objects), `${num} objects, lmsc predict finds ${one.objects}`);
  return `${(100 * differ).toFixed(4)} % of the pixels differ, ${num} objects and ${one.objects}`;
}

async function compareBoxes(page: Page, one: Case): Promise<string> {
  const rows = String(await download(page, "CSV")).trim().split("\n").slice(1).map((row) => row.split(","));
  const found = rows.map((row) => row.slice(0, 4).map(Number));
  assert.equal(found.length, one.boxes.length, `${found.length} signals, lmsc detect finds ${one.boxes.length}`);
  const isNear = (box: readonly number[], other: readonly number[]): boolean =>
    box.every((value, at) => Math.abs(value - other[at]) <= (at < 2 ? SLACK_S : SLACK_HZ));
  for (const box of one.boxes) assert.ok(found.some((other) => isNear(box, other)), `the signal ${box.join()} is missing`);
  return `${found.length} signals, as lmsc detect`;
}

async function testRecordings(page: Page, address: string): Promise<void> {
  await step("recording", async () => {
    await openExample(page, address, "radio");
    await shoot(page, "recording");
    const box = (await page.locator("#canvas").boundingBox())!;
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    assert.match((await page.textContent("#readout")) ?? "", /^\d.* m?s, [−\d].* k?Hz/);
    const whole = JSON.parse(String(await download(page, "SigMF annotations"))) as { annotations: Record<string, unknown>[] };
    assert.equal(whole.annotations.length, await count(page));
    assert.ok("core:freq_lower_edge" in whole.annotations[0]);
    await page.click("#table tbody tr >> nth=1");
    await checkAccessible(page, "a recording");
    return `${await count(page)} signals in ${Math.round(await elapsedMs(page))} ms`;
  });
}

async function testOffline(page: Page, context: BrowserContext, address: string): Promise<void> {
  await step("without a network", async () => {
    await page.goto(address);
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
    await context.setOffline(true);
    await openExample(page, address, "tissue");
    await context.setOffline(false);
    return `${await count(page)} nuclei`;
  });
}

async function testOthers(browser: Browser, address: string): Promise<void> {
  await step("dark, on a phone", async () => {
    const phone = await opened(browser, address, { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true, colorScheme: "dark" });
    await shoot(phone.page, "phone-empty");
    await openExample(phone.page, address, "tissue");
    await shoot(phone.page, "phone");
    await phone.page.locator("#result").scrollIntoViewIfNeeded();
    await phone.page.evaluate(() => document.getElementById("result")!.scrollIntoView());
    await shoot(phone.page, "phone-result");
    await checkAccessible(phone.page, "a dark phone");
    const isWide = await phone.page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
    assert.ok(!isWide, "the page is wider than the phone");
    await phone.context.close();
  });
  await step("dark", async () => {
    const dark = await opened(browser, address, { colorScheme: "dark" });
    await openExample(dark.page, address, "radio");
    await shoot(dark.page, "recording-dark");
    await checkAccessible(dark.page, "a dark recording");
    await dark.context.close();
  });
}

async function testPlainHost(browser: Browser): Promise<void> {
  const served = await serve(folder, false);
  await step("1024 x 1024 px without isolation", async () => {
    const { page, context } = await opened(browser, served.address, { serviceWorkers: "block" });
    assert.equal(await page.evaluate(() => crossOriginIsolated), false);
    await openExample(page, served.address, "tissue-large");
    assert.match((await page.textContent("#made")) ?? "", /1 thread\b/);
    const text = `${await count(page)} nuclei in ${Math.round(await elapsedMs(page))} ms, one thread`;
    await context.close();
    return text;
  });
  await served.close();
}

async function main(): Promise<void> {
  if (!CHROMIUM) throw new Error("Chromium is missing. Install it (Debian: apt-get install chromium), then run `make test-web` again.");
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
  const served = await serve(folder, true);
  try {
    const { page, context } = await opened(browser, served.address);
    await testImages(page, served.address);
    await testRecordings(page, served.address);
    await testParity(page);
    await testOffline(page, context, served.address);
    await testOthers(browser, served.address);
    await testPlainHost(browser);
  } finally {
    await browser.close();
    await served.close();
  }
  writeFileSync(join(shots, "done"), new Date().toISOString());
  console.log(`The page does what it should. Pictures are in ${shots}.`);
}

await main();
