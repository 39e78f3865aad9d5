/** From an image to probabilities, tile by tile, like `inference/modes.py` and `predictor.py`. */

import { markMissing, missingPixels } from "../image/missing.ts";
import { PageError, rint, type Pixels } from "../image/pixels.ts";
import { resize } from "../image/resize.ts";
import { findWindow, normalize, type IntensityWindow } from "./preprocess.ts";
import type { ModelSpec } from "./spec.ts";
import { cutSide, type Side } from "./tiling.ts";

/** Maps pixels "C H W" to logits "L H W". */
export type Network = (pixels: Float32Array, channels: number, height: number, width: number) => Promise<Float32Array>;

export interface Probabilities {
  readonly height: number;
  readonly width: number;
  /** Of class 1, "H W"; 0 where pixels are missing. */
  readonly foreground: Float32Array;
  /** Of an object's contour; null from models without. */
  readonly contour: Float32Array | null;
}

export interface Progress {
  readonly done: number;
  readonly total: number;
  /** The rectangle of the network's image that is new, and its foreground probability "h w". */
  readonly patch: { left: number; top: number; width: number; height: number; foreground: Float32Array };
  /** The whole image as the network sees it. */
  readonly height: number;
  readonly width: number;
}

export const TILE_PX = 832;

export interface Options {
  readonly tilePx?: number;
  readonly scale?: number;
  readonly nodata?: number | null;
  /** Called after each tile; rejects to cancel. */
  readonly onTile?: (progress: Progress) => Promise<void>;
}

/** The probabilities of an image, as `lmsc predict` computes them. */
export async function segment(image: Pixels, spec: ModelSpec, network: Network, options: Options = {}): Promise<Probabilities> {
  checkFinite(image);
  const marked = spec.spectrogram ? image : markMissing(image, options.nodata ?? null);
  const scale = options.scale ?? spec.scale;
  const [height, width] = [image.height, image.width].map((side) => Math.max(1, rint(side * scale)));
  const small = resize(marked, height, width);
  const outputs = await tiled(small, findWindow(small, spec), spec, network, options);
  return concluded(resize(outputs, image.height, image.width), spec, marked);
}

function checkFinite(image: Pixels): void {
  if (image.data instanceof Float32Array && image.data.some((value) => Math.abs(value) === Infinity)) {
    throw new PageError("Values of the image are infinite. Replace them by numbers, or by NaN where nothing is known.");
  }
}

function numOutputs(spec: ModelSpec): number {
  return spec.numLogits + (spec.contour ? 1 : 0);
}

/** Blended probabilities "H W L" of an image cut into tiles. */
async function tiled(
  image: Pixels,
  window: IntensityWindow,
  spec: ModelSpec,
  network: Network,
  options: Options,
): Promise<Pixels> {
  const longest = options.tilePx ?? TILE_PX;
  const rows = cutSide(image.height, longest, spec.sideMultiplePx, spec.marginPx);
  const columns = cutSide(image.width, longest, spec.sideMultiplePx, spec.marginPx);
  const num = numOutputs(spec);
  const whole = { ...image, channels: num, data: new Float32Array(image.height * image.width * num) };
  const total = rows.startsPx.length * columns.startsPx.length;
  let done = 0;
  for (const [rowIndex, top] of rows.startsPx.entries()) {
    const strip = new Float32Array(num * rows.tilePx * columns.paddedPx);
    for (const [index, left] of columns.startsPx.entries()) {
      const pixels = normalize(readPadded(image, top, left, rows.tilePx, columns.tilePx), window, spec);
      const logits = await network(pixels, spec.inputChannels, rows.tilePx, columns.tilePx);
      checkLogits(logits, num * rows.tilePx * columns.tilePx, spec);
      const probability = logits.map(sigmoid);
      addTile(strip, probability, num, rows.tilePx, columns, index, left);
      const patch = patchOf(probability, image, top, left, rows.tilePx, columns.tilePx);
      await options.onTile?.({ done: ++done, total, patch, height: image.height, width: image.width });
    }
    addStrip(whole, strip, rows, columns, rowIndex);
  }
  return whole;
}

function checkLogits(logits: Float32Array, length: number, spec: ModelSpec): void {
  if (logits.length !== length || !Number.isFinite(logits[0])) {
    throw new PageError(`${spec.name} does not give what its description says. Export the model again.`);
  }
}

export function sigmoid(logit: number): number {
  return Math.fround(Math.fround(0.5 * Math.fround(Math.tanh(0.5 * logit))) + 0.5);
}

/** The window of one tile; beyond the image's end it is padded by reflection. */
function readPadded(image: Pixels, top: number, left: number, height: number, width: number): Pixels {
  const { channels, data } = image;
  const part = data instanceof Uint8Array ? new Uint8Array(height * width * channels) : data instanceof Uint16Array ? new Uint16Array(height * width * channels) : new Float32Array(height * width * channels);
  const columns = Array.from({ length: width }, (_, column) => left + mirrored(column, image.width - left));
  for (let row = 0, at = 0; row < height; row++) {
    const start = (top + mirrored(row, image.height - top)) * image.width;
    for (const column of columns) {
      for (let from = (start + column) * channels, stop = from + channels; from < stop; from++) part[at++] = data[from];
    }
  }
  return { height, width, channels, data: part };
}

/** The index in a side of `length` px that a place beyond its end mirrors, with the edge repeated. */
function mirrored(place: number, length: number): number {
  const at = place % (2 * length);
  return at < length ? at : 2 * length - 1 - at;
}

function addTile(strip: Float32Array, tile: Float32Array, num: number, height: number, columns: Side, index: number, left: number): void {
  const weight = columns.weights[index];
  const { paddedPx, tilePx } = columns;
  for (let line = 0; line < num * height; line++) {
    const [to, from] = [line * paddedPx + left, line * tilePx];
    for (let column = 0; column < tilePx; column++) {
      strip[to + column] += Math.fround(tile[from + column] * weight[column]);
    }
  }
}

function addStrip(whole: Pixels, strip: Float32Array, rows: Side, columns: Side, rowIndex: number): void {
  const { channels: num, width, height, data } = whole;
  const [top, weight] = [rows.startsPx[rowIndex], rows.weights[rowIndex]];
  for (let channel = 0; channel < num; channel++) {
    for (let row = 0; row < Math.min(rows.tilePx, height - top); row++) {
      const from = (channel * rows.tilePx + row) * columns.paddedPx;
      const to = (top + row) * width * num + channel;
      for (let column = 0; column < width; column++) {
        data[to + column * num] += Math.fround(strip[from + column] * weight[row]);
      }
    }
  }
}

function patchOf(tile: Float32Array, image: Pixels, top: number, left: number, tileHeight: number, tileWidth: number): Progress["patch"] {
  const [height, width] = [Math.min(tileHeight, image.height - top), Math.min(tileWidth, image.width - left)];
  const foreground = new Float32Array(height * width);
  for (let row = 0; row < height; row++) {
    foreground.set(tile.subarray(row * tileWidth, row * tileWidth + width), row * width);
  }
  return { left, top, width, height, foreground };
}

function concluded(outputs: Pixels, spec: ModelSpec, marked: Pixels): Probabilities {
  const { height, width, channels, data } = outputs;
  const plane = (channel: number): Float32Array =>
    Float32Array.from({ length: height * width }, (_, at) => data[at * channels + channel]);
  const foreground = plane(0);
  const contour = spec.contour ? plane(channels - 1) : null;
  missingPixels(marked)?.forEach((is, at) => {
    if (!is) return;
    foreground[at] = 0;
    if (contour) contour[at] = 0;
  });
  return { height, width, foreground, contour };
}

/** Class ids "H W" of probabilities. */
export function toMask(foreground: Float32Array, threshold: number): Uint8Array {
  const least = Math.fround(threshold);
  return Uint8Array.from(foreground, (probability) => (probability >= least ? 1 : 0));
}
