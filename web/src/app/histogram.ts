/** A histogram of areas as SVG, with its numbers in words for screen readers. */

import { median, rounded } from "./numbers.ts";

const [WIDTH, HEIGHT, FOOT] = [332, 84, 18];
const MOST_BARS = 28;
const NAMESPACE = "http://www.w3.org/2000/svg";

export function histogram(values: readonly number[], unit: string): SVGSVGElement | null {
  if (values.length < 2) return null;
  const { counts, step } = binned(values);
  const svg = element("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT + FOOT}`, role: "img" });
  const sorted = [...values].sort((one, other) => one - other);
  const words = `Histogram of ${values.length} areas from ${rounded(sorted[0])} to ${rounded(sorted[sorted.length - 1])} ${unit}, median ${rounded(median(values))}`;
  svg.setAttribute("aria-label", words);
  const highest = Math.max(...counts);
  const wide = WIDTH / counts.length;
  counts.forEach((count, index) => {
    const height = count ? Math.max(1.5, (count / highest) * (HEIGHT - 12)) : 0;
    const bar = element("rect", { class: "bar", x: index * wide + 0.5, y: HEIGHT - height, width: Math.max(1, wide - 1), height });
    bar.append(titled(`${rounded(index * step)} to ${rounded((index + 1) * step)} ${unit}: ${count}`));
    svg.append(bar);
  });
  svg.append(element("line", { x1: 0, x2: WIDTH, y1: HEIGHT + 0.5, y2: HEIGHT + 0.5 }));
  const labels = [
    [0, "start", "0"],
    [WIDTH / 2, "middle", `area in ${unit}`],
    [WIDTH, "end", rounded(counts.length * step)],
  ] as const;
  for (const [x, anchor, text] of labels) {
    const label = element("text", { x, y: HEIGHT + 15, "text-anchor": anchor });
    label.textContent = text;
    svg.append(label);
  }
  return svg as SVGSVGElement;
}

/** Counts per bin from 0 on; the widths are round numbers. */
function binned(values: readonly number[]): { counts: number[]; step: number } {
  const largest = values.reduce((most, value) => Math.max(most, value), 0);
  const rough = largest / MOST_BARS || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((one) => one >= rough)!;
  const counts = new Array<number>(Math.floor(largest / step) + 1).fill(0);
  for (const value of values) counts[Math.floor(value / step)]++;
  return { counts, step };
}

function element(name: string, attributes: Readonly<Record<string, string | number>>): SVGElement {
  const made = document.createElementNS(NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}

function titled(text: string): SVGElement {
  const title = document.createElementNS(NAMESPACE, "title");
  title.textContent = text;
  return title;
}
