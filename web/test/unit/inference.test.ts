/** Arithmetic that has to be that of the Python package, on cases small enough to check by hand. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pixels } from "../../src/image/pixels.ts";
import { rint } from "../../src/image/pixels.ts";
import { resize } from "../../src/image/resize.ts";
import { markMissing } from "../../src/image/missing.ts";
import { labelImage, regionsOf } from "../../src/inference/instances.ts";
import { measure, signedArea } from "../../src/inference/objects.ts";
import { gatherStats } from "../../src/inference/stats.ts";
import { cutSide } from "../../src/inference/tiling.ts";
import { distanceLevels } from "../../src/inference/watershed.ts";

const grey = (height: number, width: number, data: Uint8Array): Pixels => ({ height, width, channels: 1, data });

function disc(size: number, ...centres: [number, number, number][]): Uint8Array {
  const mask = new Uint8Array(size * size);
  mask.forEach((_, at) => {
    const [row, column] = [Math.floor(at / size), at % size];
    if (centres.some(([y, x, radius]) => (row - y) ** 2 + (column - x) ** 2 <= radius ** 2)) mask[at] = 1;
  });
  return mask;
}

test("halves are rounded to even", () => {
  assert.deepEqual([0.5, 1.5, 2.5, -0.5, 2.4].map(rint), [0, 2, 2, 0, 2].map((value) => value));
});

test("an image is resized by linear interpolation, halved by means", () => {
  const image = grey(2, 4, Uint8Array.of(0, 100, 200, 255, 0, 100, 200, 255));
  assert.deepEqual([...resize(image, 1, 2).data], [50, 228]);
  assert.deepEqual([...resize(grey(1, 2, Uint8Array.of(0, 90)), 1, 3).data], [0, 45, 90]);
  assert.equal(resize(image, 2, 4), image);
});

test("percentiles are linear between neighbours, per channel and together", () => {
  const stats = gatherStats({ height: 1, width: 2, channels: 2, data: Uint8Array.of(0, 10, 20, 30) });
  assert.deepEqual(stats.percentiles([0, 50, 100]), [0, 15, 30]);
  assert.deepEqual(stats.byChannel(50), [10, 20]);
});

test("the weights of tiles sum to 1 at every pixel, and tiles cover the side", () => {
  for (const length of [1, 31, 832, 833, 1300, 5000]) {
    const side = cutSide(length, 832, 32, 158);
    const sums = new Float64Array(side.paddedPx);
    side.startsPx.forEach((start, index) => side.weights[index].forEach((weight, at) => (sums[start + at] += weight)));
    assert.ok(sums.every((sum) => Math.abs(sum - 1) < 1e-6), `length ${length}`);
    assert.ok(side.paddedPx >= length && side.startsPx.every((start) => start % 32 === 0));
  }
});

test("a border of zeros is missing, a dark picture is not", () => {
  const bright = new Uint8Array(64).fill(120).map((value, at) => value + (at % 7));
  bright.fill(0, 0, 16);
  const marked = markMissing(grey(8, 8, bright));
  assert.ok(marked.data instanceof Float32Array && Number.isNaN(marked.data[0]) && !Number.isNaN(marked.data[20]));
  const dark = grey(8, 8, Uint8Array.from({ length: 64 }, (_, at) => at % 3));
  assert.equal(markMissing(dark), dark);
});

test("the distance to the background is Euclidean, in sixteenths of a pixel", () => {
  const mask = new Uint8Array(25).fill(1);
  mask[0] = 0;
  const levels = distanceLevels(mask, 5, 5);
  assert.equal(levels[1], 16);
  assert.equal(levels[24], Math.round(16 * Math.sqrt(32)));
});

test("discs that touch at a neck are two objects, numbered from the top", () => {
  const mask = disc(60, [18, 20, 12], [40, 30, 13]);
  const labels = labelImage(regionsOf(mask, null), 60, 60);
  assert.equal(labels[18 * 60 + 20], 1);
  assert.equal(labels[40 * 60 + 30], 2);
  assert.equal(Math.max(...labels), 2);
});

test("specks of under 20 px are no objects", () => {
  assert.equal(Math.max(...labelImage(regionsOf(disc(20, [8, 8, 2]), null), 20, 20)), 0);
});

test("an outline holds exactly the pixels of its object, with its holes", () => {
  const size = 24;
  const mask = disc(size, [11, 11, 9]);
  for (const at of [11 * size + 11, 11 * size + 12, 5 * size + 10]) mask[at] = 0;
  const [object] = measure(Int32Array.from(mask), size, size);
  const area = object.rings.reduce((sum, ring) => sum + signedArea(ring) / 2, 0);
  assert.equal(area, object.areaPx);
  assert.equal(object.rings.filter((ring) => signedArea(ring) < 0).length, 2);
});

test("an object whose pixels touch at a corner keeps its area", () => {
  const labels = Int32Array.of(1, 0, 0, 1);
  const [object] = measure(labels, 2, 2);
  assert.equal(object.rings.reduce((sum, ring) => sum + signedArea(ring) / 2, 0), 2);
});
