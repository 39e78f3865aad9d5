/** Missing pixels, like `imageio/nodata.py`: NaN, a GeoTIFF's nodata value, and a border of exact zeros. */

import type { Pixels } from "./pixels.ts";

const LARGEST_SHARE = 0.5;
const LEAST_OUTSIDE = 0.95;
const LEAST_GAP = 1 / 64;
const LEAST_LEVELS = 8;
const SAMPLES_A_SIDE = 512;

/** The image with NaN in its missing pixels, as shares of full scale; unchanged if there are none. */
export function markMissing(image: Pixels, nodata: number | null = null): Pixels {
  const missing = knownMissing(image, nodata);
  const zeros = touchesFrame(image) ? zeroBorder(image, missing) : null;
  if (!zeros && !missing.some((is) => is === 1)) return image;
  const { channels, data } = image;
  const full = data instanceof Uint8Array ? 255 : data instanceof Uint16Array ? 65535 : 1;
  const marked = Float32Array.from(data, (value) => value / full);
  missing.forEach((is, pixel) => {
    if (is || zeros?.[pixel]) marked.fill(NaN, pixel * channels, (pixel + 1) * channels);
  });
  return { ...image, data: marked };
}

/** 1 where a pixel of a marked image is missing; null if none is. */
export function missingPixels(image: Pixels): Uint8Array | null {
  if (!(image.data instanceof Float32Array)) return null;
  const found = knownMissing(image, null);
  return found.includes(1) ? found : null;
}

function knownMissing(image: Pixels, nodata: number | null): Uint8Array {
  const { channels, data } = image;
  const found = new Uint8Array(image.height * image.width);
  const isFloat = data instanceof Float32Array;
  if (!isFloat && nodata === null) return found;
  const isAnyEnough = isFloat && nodata !== 0;
  for (let pixel = 0; pixel < found.length; pixel++) {
    let equal = 0;
    for (let at = pixel * channels; at < (pixel + 1) * channels; at++) {
      if (Number.isNaN(data[at])) found[pixel] = 1;
      if (data[at] === nodata) equal++;
    }
    if (equal >= (isAnyEnough ? 1 : channels)) found[pixel] = 1;
  }
  return found;
}

function isZero(image: Pixels, pixel: number): boolean {
  for (let at = pixel * image.channels; at < (pixel + 1) * image.channels; at++) {
    if (image.data[at] !== 0) return false;
  }
  return true;
}

function touchesFrame(image: Pixels): boolean {
  const { height, width } = image;
  for (let row = 0; row < height; row++) {
    const step = row === 0 || row === height - 1 ? 1 : Math.max(1, width - 1);
    for (let column = 0; column < width; column += step) if (isZero(image, row * width + column)) return true;
  }
  return false;
}

/** 1 where a pixel is zero, if the zeros lie outside of the scene; else null. */
function zeroBorder(image: Pixels, missing: Uint8Array): Uint8Array | null {
  const { height, width, channels, data } = image;
  const zeros = new Uint8Array(height * width);
  const least = new Array<number>(channels).fill(Infinity);
  let [numZeros, numKnown] = [0, 0];
  for (let pixel = 0; pixel < zeros.length; pixel++) {
    if (missing[pixel]) continue;
    numKnown++;
    if (isZero(image, pixel)) {
      zeros[pixel] = 1;
      numZeros++;
    } else {
      least.forEach((value, channel) => {
        const size = Math.abs(data[pixel * channels + channel]);
        if (size < value) least[channel] = size;
      });
    }
  }
  const isAside = numOutside(image, zeros, missing) >= LEAST_OUTSIDE * numZeros;
  if (numZeros === 0 || numZeros > LARGEST_SHARE * numKnown || !isAside) return null;
  const leastGap = data instanceof Float32Array ? 0 : LEAST_LEVELS;
  const samples = sampledChannels(image, zeros, missing);
  if (samples[0].length === 0) return null;
  const isWide = least.some((value, channel) => {
    const [middle, most] = [percentile(samples[channel], 50), percentile(samples[channel], 99)];
    const isFar = value > middle - value && value >= LEAST_GAP * (most - value) && most > value;
    return isFar && value >= leastGap;
  });
  return isWide ? zeros : null;
}

/** Zeros connected to the left or the right side along their row. */
function numOutside(image: Pixels, zeros: Uint8Array, missing: Uint8Array): number {
  const { height, width } = image;
  let count = 0;
  for (let row = 0; row < height; row++) {
    const start = row * width;
    const isEmpty = (at: number): boolean => zeros[start + at] === 1 || missing[start + at] === 1;
    let left = 0;
    while (left < width && isEmpty(left)) count += zeros[start + left++];
    if (left === width) continue;
    for (let right = width - 1; isEmpty(right); right--) count += zeros[start + right];
  }
  return count;
}

function sampledChannels(image: Pixels, zeros: Uint8Array, missing: Uint8Array): number[][] {
  const { height, width, channels, data } = image;
  const step = Math.max(1, Math.round(Math.sqrt(height * width) / SAMPLES_A_SIDE));
  const samples = Array.from({ length: channels }, () => [] as number[]);
  for (let row = 0; row < height; row += step) {
    for (let column = 0; column < width; column += step) {
      const pixel = row * width + column;
      if (zeros[pixel] || missing[pixel]) continue;
      samples.forEach((values, channel) => values.push(Math.abs(data[pixel * channels + channel])));
    }
  }
  samples.forEach((values) => values.sort((one, other) => one - other));
  return samples;
}

function percentile(sorted: readonly number[], share: number): number {
  const at = ((sorted.length - 1) * share) / 100;
  const low = sorted[Math.floor(at)];
  return low + (sorted[Math.ceil(at)] - low) * (at - Math.floor(at));
}
