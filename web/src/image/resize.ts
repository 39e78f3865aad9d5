/** Linear resizing like `imageio/resize.py`: the same taps, the same order of float32 operations. */

import { emptyLike, rint, type Pixels, type Values } from "./pixels.ts";

interface Taps {
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly share: Float32Array;
}

export function resize(image: Pixels, height: number, width: number): Pixels {
  if (image.height === height && image.width === width) return image;
  if (image.height === 2 * height && image.width === 2 * width) return halved(image, height, width);
  const rows = taps(image.height, height);
  const columns = taps(image.width, width);
  const resized = emptyLike(image, height, width);
  const stride = width * image.channels;
  const upper = new Float32Array(stride);
  const lower = new Float32Array(stride);
  const isInteger = !(image.data instanceof Float32Array);
  const one = Math.fround(1);
  for (let row = 0; row < height; row++) {
    mixAcross(image, rows.low[row], columns, upper);
    mixAcross(image, rows.high[row], columns, lower);
    const share = rows.share[row];
    const rest = Math.fround(one - share);
    const start = row * stride;
    for (let at = 0; at < stride; at++) {
      const mixed = Math.fround(Math.fround(upper[at] * rest) + Math.fround(lower[at] * share));
      resized.data[start + at] = isInteger ? rint(mixed) : mixed;
    }
  }
  return resized;
}

function taps(before: number, after: number): Taps {
  const low = new Int32Array(after);
  const high = new Int32Array(after);
  const share = new Float32Array(after);
  for (let index = 0; index < after; index++) {
    const at = Math.min(Math.max((index + 0.5) * (before / after) - 0.5, 0), before - 1);
    low[index] = Math.floor(at);
    high[index] = Math.min(low[index] + 1, before - 1);
    share[index] = at - low[index];
  }
  return { low, high, share };
}

function mixAcross(image: Pixels, row: number, columns: Taps, out: Float32Array): void {
  const { channels, width, data } = image;
  const start = row * width * channels;
  for (let column = 0, at = 0; column < columns.low.length; column++) {
    const left = start + columns.low[column] * channels;
    const right = start + columns.high[column] * channels;
    const share = columns.share[column];
    const rest = Math.fround(1 - share);
    for (let channel = 0; channel < channels; channel++, at++) {
      out[at] = Math.fround(Math.fround(data[left + channel] * rest) + Math.fround(data[right + channel] * share));
    }
  }
}

/** Means of 2 x 2 pixels, which linear interpolation by one half amounts to. */
function halved(image: Pixels, height: number, width: number): Pixels {
  const resized = emptyLike(image, height, width);
  const { channels, data } = image;
  const stride = image.width * channels;
  const finish = halfRounding(data);
  for (let row = 0, at = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      for (let channel = 0; channel < channels; channel++, at++) {
        const place = 2 * row * stride + 2 * column * channels + channel;
        const left = Math.fround(data[place] + data[place + stride]);
        const right = Math.fround(data[place + channels] + data[place + stride + channels]);
        resized.data[at] = finish(Math.fround(left + right));
      }
    }
  }
  return resized;
}

function halfRounding(data: Values): (sum: number) => number {
  if (data instanceof Uint8Array) return (sum) => (sum + 2) >> 2;
  if (data instanceof Uint16Array) return (sum) => rint(sum * 0.25);
  return (sum) => sum * 0.25;
}
