/** The panel of results: numbers, histogram, table and downloads. */

import { diameterOf } from "../inference/objects.ts";
import { element } from "./elements.ts";
import type { Export } from "./exports.ts";
import { histogram } from "./histogram.ts";
import type { ImageResult, SignalResult } from "./messages.ts";
import { median, rounded, withUnit } from "./numbers.ts";
import type { Column } from "./table.ts";

export function showNumbers(values: readonly (readonly [string, string, string?])[]): void {
  const groups = values.map(([name, value, unit]) => {
    const group = document.createElement("div");
    const [term, detail] = [document.createElement("dt"), document.createElement("dd")];
    [term.textContent, detail.textContent] = [name, value];
    if (unit) {
      const small = document.createElement("small");
      small.textContent = unit;
      detail.append(small);
    }
    group.append(term, detail);
    return group;
  });
  element("numbers").replaceChildren(...groups);
}

export function showHistogram(areas: readonly number[], unit: string): void {
  const drawn = histogram(areas, unit);
  element("histogram").replaceChildren(...(drawn ? [drawn] : []));
  element("histogram").hidden = !drawn;
}

export function plural(number: number, name: string): string {
  if (number === 1) return `1 ${name}`;
  return `${number} ${name === "nucleus" ? "nuclei" : `${name}s`}`;
}

export function imageNumbers(result: ImageResult, um: number | null): readonly (readonly [string, string, string?])[] {
  const { objects, mask, className } = result;
  const share = (100 * mask.reduce((sum, is) => sum + is, 0)) / mask.length;
  const [factor, unit] = um === null ? [1, "px"] : [um * um, "µm²"];
  const middle = objects.length ? rounded(median(objects.map((object) => object.areaPx)) * factor) : "–";
  const name = plural(2, className).replace(/^2 /, "");
  return [[name, String(objects.length)], ["of the area", rounded(share), "%"], ["median area", middle, unit]];
}

export function imageColumns(result: ImageResult, um: number | null): Column[] {
  const { objects } = result;
  const [side, unit] = um === null ? [1, "px"] : [um, "µm"];
  const square = um === null ? "px" : "µm²";
  const whole = (value: number): string => value.toFixed(um === null ? 0 : 1);
  return [
    { title: "No.", values: objects.map((object) => object.id), text: String },
    { title: `Area, ${square}`, values: objects.map((object) => object.areaPx * side * side), text: whole },
    { title: `Diameter, ${unit}`, values: objects.map((object) => diameterOf(object.areaPx) * side), text: (value) => value.toFixed(1) },
    { title: "x, px", values: objects.map((object) => object.x), text: (value) => value.toFixed(0) },
    { title: "y, px", values: objects.map((object) => object.y), text: (value) => value.toFixed(0) },
  ];
}

export function signalNumbers(result: SignalResult, sampleRateHz: number): readonly (readonly [string, string, string?])[] {
  const share = (100 * result.mask.reduce((sum, is) => sum + is, 0)) / result.mask.length;
  const lengthS = result.boxes.length ? median(result.boxes.map((box) => box.stopSample - box.startSample)) / sampleRateHz : 0;
  const [value, unit] = withUnit(lengthS, "s", lengthS / 100 || 1).split(" ");
  return [
    [result.boxes.length === 1 ? "signal" : "signals", String(result.boxes.length)],
    ["of the cells", rounded(share), "%"],
    ["median length", result.boxes.length ? value : "–", result.boxes.length ? unit : ""],
  ];
}

export function signalColumns(result: SignalResult, sampleRateHz: number): Column[] {
  const { boxes } = result;
  const seconds = (value: number): string => withUnit(value, "s", Math.abs(value) / 100 || 1);
  const hz = (value: number): string => withUnit(value, "Hz", Math.abs(value) / 100 || 1);
  return [
    { title: "No.", values: boxes.map((_, index) => index + 1), text: String },
    { title: "Start", values: boxes.map((box) => box.startSample / sampleRateHz), text: seconds },
    { title: "Length", values: boxes.map((box) => (box.stopSample - box.startSample) / sampleRateHz), text: seconds },
    { title: "Centre", values: boxes.map((box) => (box.lowHz + box.highHz) / 2), text: hz },
    { title: "Width", values: boxes.map((box) => box.highHz - box.lowHz), text: hz },
    { title: "SNR, dB", values: boxes.map((box) => box.snrDb), text: (value) => value.toFixed(1) },
  ];
}

export function showDownloads(exports: readonly Export[], stem: string, onError: (text: string) => void): void {
  const buttons = exports.map((one) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = one.title;
    button.setAttribute("aria-label", `Download ${one.title}, ${stem}${one.suffix}`);
    button.addEventListener("click", () => {
      save(one, stem).catch((error: unknown) => onError(error instanceof Error ? error.message : String(error)));
    });
    return button;
  });
  element("downloads").replaceChildren(...buttons);
}

async function save(one: Export, stem: string): Promise<void> {
  const address = URL.createObjectURL(new Blob([await one.content()], { type: one.type }));
  const link = document.createElement("a");
  [link.href, link.download] = [address, stem + one.suffix];
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
