/** From an image of any depth to a network's input, like `inference/preprocess.py`. */

import { newValues, PageError, type Pixels } from "../image/pixels.ts";
import type { ModelSpec } from "./spec.ts";
import { gatherStats, type Stats } from "./stats.ts";

export interface IntensityWindow {
  readonly low: readonly number[];
  readonly high: readonly number[];
  readonly gains: readonly number[];
  readonly medians: readonly number[];
}

const PERCENTILES = [1, 99] as const;
const LARGEST_GAIN = 2;
const LEAST_LIGHT = 1 / 8;
const OVERSHOOT = 1;
const LUMA = [0.299, 0.587, 0.114].map(Math.fround);

/** The values of a whole image that become 0 and 1, by the spec's scaling. */
export function findWindow(image: Pixels, spec: ModelSpec): IntensityWindow {
  return SCALINGS[spec.scaling](matchChannels(image, spec));
}

const SCALINGS: Readonly<Record<ModelSpec["scaling"], (image: Pixels) => IntensityWindow>> = {
  range: byRange,
  percentile: (image) => byPercentile(gatherStats(image)),
  "per-channel": (image) => {
    const stats = gatherStats(image);
    const spreads = stats.each().map(spread);
    return withMedians({ low: spreads.map((pair) => pair[0]), high: spreads.map((pair) => pair[1]) }, stats);
  },
  balanced: byBalance,
};

function byRange(image: Pixels): IntensityWindow {
  if (image.data instanceof Uint8Array) return { low: [0], high: [255], gains: [1], medians: [] };
  if (image.data instanceof Uint16Array) return { low: [0], high: [65535], gains: [1], medians: [] };
  const stats = gatherStats(image);
  let [low, high] = stats.extremes();
  if (low >= 0 && high <= 1) [low, high] = [0, 1];
  return withMedians({ low: [low], high: [high] }, stats);
}

function byPercentile(stats: Stats): IntensityWindow {
  const [low, high] = spread(stats);
  return withMedians({ low: [low], high: [high] }, stats);
}

function byBalance(image: Pixels): IntensityWindow {
  const stats = gatherStats(image);
  const whites = stats.byChannel(PERCENTILES[1]);
  const brightest = Math.max(...whites);
  if (brightest <= 0 || new Set(whites).size === 1) return byPercentile(stats);
  const gains = whites.map((white) =>
    white >= brightest * LEAST_LIGHT ? Math.min(brightest / white, LARGEST_GAIN) : 0,
  );
  const [low, high] = stats.percentiles(PERCENTILES, gains);
  if (high - low <= 1e-6 * Math.abs(high)) return byPercentile(stats);
  return withMedians({ low: [low], high: [high], gains }, stats);
}

function spread(stats: Stats): [number, number] {
  const [low, high] = stats.percentiles(PERCENTILES);
  if (low < high) return [low, high];
  const [least, largest] = stats.beside(low, PERCENTILES);
  return [Math.min(low, least), Math.max(high, largest)];
}

function withMedians(found: { low: number[]; high: number[]; gains?: number[] }, stats: Stats): IntensityWindow {
  return { gains: [1], ...found, medians: stats.hasMissing ? stats.byChannel(50) : [] };
}

/** Repeats grey for a model of three channels, converts colour to luma for a model of one. */
export function matchChannels(image: Pixels, spec: ModelSpec): Pixels {
  const { channels, data, height, width } = image;
  const needed = spec.inputChannels;
  if (channels === needed) return image;
  if (channels === 1 && needed === 3) {
    const repeated = newValues(data, data.length * 3);
    data.forEach((value, at) => repeated.fill(value, 3 * at, 3 * at + 3));
    return { height, width, channels: 3, data: repeated };
  }
  if (channels === 3 && needed === 1) {
    const grey = new Float32Array(height * width);
    for (let at = 0; at < grey.length; at++) {
      grey[at] = LUMA[0] * data[3 * at] + LUMA[1] * data[3 * at + 1] + LUMA[2] * data[3 * at + 2];
    }
    return { height, width, channels: 1, data: grey };
  }
  throw new PageError(
    `The image has ${counted(channels)}, but ${spec.name} was trained on images with ${counted(needed)}. ` +
      "Save it as grey or RGB, or train a model on such images.",
  );
}

function counted(channels: number): string {
  return channels === 1 ? "1 channel" : `${channels} channels`;
}

/** Pixels "H W C" as the network's input "C H W". */
export function normalize(image: Pixels, window: IntensityWindow, spec: ModelSpec): Float32Array {
  const matched = matchChannels(image, spec);
  const { channels, data } = matched;
  const size = matched.height * matched.width;
  const planes = new Float32Array(size * channels);
  const at = (values: readonly number[], channel: number): number =>
    Math.fround(values.length === 1 ? values[0] : values[channel]);
  for (let channel = 0; channel < channels; channel++) {
    const plane = planes.subarray(channel * size, (channel + 1) * size);
    for (let pixel = 0, from = channel; pixel < size; pixel++, from += channels) plane[pixel] = data[from];
    if (window.medians.length) fillMissing(plane, data, channels, at(window.medians, channel));
    const gain = at(window.gains, channel);
    if (gain !== 1) for (let pixel = 0; pixel < size; pixel++) plane[pixel] *= gain;
  }
  fillDark(planes, size, window.gains);
  for (let channel = 0; channel < channels; channel++) {
    const low = at(window.low, channel);
    const range = (window.high[Math.min(channel, window.high.length - 1)] - window.low[Math.min(channel, window.low.length - 1)]) || 1;
    const [factor, mean] = [Math.fround(1 / range), at(spec.mean, channel)];
    const inverse = Math.fround(1 / at(spec.std, channel));
    for (let pixel = channel * size; pixel < (channel + 1) * size; pixel++) {
      const scaled = Math.fround(Math.fround(planes[pixel] - low) * factor);
      const clipped = Math.min(Math.max(scaled, -OVERSHOOT), 1 + OVERSHOOT);
      planes[pixel] = Math.fround(clipped - mean) * inverse;
    }
  }
  return planes;
}

function fillMissing(plane: Float32Array, data: Pixels["data"], channels: number, median: number): void {
  for (let pixel = 0; pixel < plane.length; pixel++) {
    for (let at = pixel * channels; at < (pixel + 1) * channels; at++) {
      if (Number.isNaN(data[at])) plane[pixel] = median;
    }
  }
}

/** A channel without light becomes the mean of the others. */
function fillDark(planes: Float32Array, size: number, gains: readonly number[]): void {
  const dark = gains.flatMap((gain, channel) => (gain === 0 ? [channel] : []));
  const lit = gains.flatMap((gain, channel) => (gain === 0 ? [] : [channel]));
  for (const channel of dark) {
    for (let pixel = 0; pixel < size; pixel++) {
      const sum = lit.reduce((total, other) => Math.fround(total + planes[other * size + pixel]), 0);
      planes[channel * size + pixel] = sum / lit.length;
    }
  }
}
