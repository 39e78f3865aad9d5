/** Percentiles of an image's values, like `inference/intensity_stats.py`: exact for integers, sampled for floats. */

import type { Pixels } from "../image/pixels.ts";

export interface Stats {
  readonly hasMissing: boolean;
  percentiles(shares: readonly number[], gains?: readonly number[]): number[];
  byChannel(share: number): number[];
  beside(value: number, shares: readonly [number, number]): [number, number];
  extremes(): [number, number];
  each(): Stats[];
}

export function gatherStats(image: Pixels): Stats {
  return image.data instanceof Float32Array ? sampled(image) : counted(image);
}

function counted(image: Pixels): Stats {
  const levels = image.data instanceof Uint8Array ? 256 : 65536;
  const counts = Array.from({ length: image.channels }, () => new Float64Array(levels));
  for (let at = 0; at < image.data.length; ) {
    for (let channel = 0; channel < image.channels; channel++) counts[channel][image.data[at++]]++;
  }
  return countedStats(counts);
}

function countedStats(counts: Float64Array[]): Stats {
  const together = counts[0].slice();
  for (const one of counts.slice(1)) one.forEach((count, level) => (together[level] += count));
  return {
    hasMissing: false,
    percentiles: (shares, gains = [1]) => {
      if (gains.every((gain) => gain === 1)) return ofCounts(identity(together.length), together, shares);
      const pairs: [number, number][] = [];
      counts.forEach((one, channel) => {
        const gain = gains[channel];
        if (gain > 0) one.forEach((count, level) => count > 0 && pairs.push([level * gain, count]));
      });
      pairs.sort((one, other) => one[0] - other[0]);
      return ofCounts(Float64Array.from(pairs, (pair) => pair[0]), Float64Array.from(pairs, (pair) => pair[1]), shares);
    },
    byChannel: (share) => counts.map((one) => ofCounts(identity(one.length), one, [share])[0]),
    beside: (value, shares) => {
      const others = together.slice();
      others[Math.trunc(value)] = 0;
      return others.some((count) => count > 0) ? inner(identity(others.length), others, shares) : [value, value];
    },
    extremes: () => [together.findIndex((count) => count > 0), lastAbove(together)],
    each: () => counts.map((one) => countedStats([one])),
  };
}

function identity(length: number): Float64Array {
  return Float64Array.from({ length }, (_, index) => index);
}

function lastAbove(counts: Float64Array): number {
  for (let level = counts.length - 1; level >= 0; level--) if (counts[level] > 0) return level;
  return 0;
}

function sums(counts: Float64Array): Float64Array {
  const upto = new Float64Array(counts.length);
  let sum = 0;
  counts.forEach((count, index) => (upto[index] = sum += count));
  return upto;
}

/** The first place whose sum is above a rank. */
function place(upto: Float64Array, rank: number): number {
  let low = 0;
  let high = upto.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (upto[middle] <= rank) low = middle + 1;
    else high = middle;
  }
  return low;
}

function ofCounts(values: Float64Array, counts: Float64Array, shares: readonly number[]): number[] {
  const upto = sums(counts);
  return shares.map((share) => {
    const at = ((upto[upto.length - 1] - 1) * share) / 100;
    const low = values[place(upto, Math.floor(at))];
    const high = values[place(upto, Math.ceil(at))];
    return low + (high - low) * (at - Math.floor(at));
  });
}

function inner(values: Float64Array, counts: Float64Array, shares: readonly [number, number]): [number, number] {
  const upto = sums(counts);
  const ranks = shares.map((share) => ((upto[upto.length - 1] - 1) * share) / 100);
  const [low, high] = [Math.ceil(ranks[0]), Math.floor(ranks[1])].sort((one, other) => one - other);
  return [values[place(upto, low)], values[place(upto, high)]];
}

const SAMPLED_PIXELS = 512 * 512;

function sampled(image: Pixels): Stats {
  const { height, width, channels, data } = image;
  const step = Math.max(1, Math.round(Math.sqrt((height * width) / SAMPLED_PIXELS)));
  const [top, left] = [height, width].map((side) => Math.min(step >> 1, side - 1));
  const lows = new Array<number>(channels).fill(NaN);
  const highs = new Array<number>(channels).fill(NaN);
  let hasMissing = false;
  for (let at = 0; at < data.length; at++) {
    const value = data[at];
    const channel = at % channels;
    if (Number.isNaN(value)) hasMissing = true;
    else {
      if (!(lows[channel] <= value)) lows[channel] = value;
      if (!(highs[channel] >= value)) highs[channel] = value;
    }
  }
  const kept = Array.from({ length: channels }, () => [] as number[]);
  for (let row = top; row < height; row += step) {
    for (let column = left; column < width; column += step) {
      const start = (row * width + column) * channels;
      const pixel = data.subarray(start, start + channels);
      if (!hasMissing || !pixel.some(Number.isNaN)) pixel.forEach((value, channel) => kept[channel].push(value));
    }
  }
  if (kept[0].length === 0) {
    kept.forEach((values, channel) => values.push(lows[channel] || 0, highs[channel] || 0));
  }
  return sampledStats(kept.map((values) => Float32Array.from(values)), lows, highs, hasMissing);
}

function sampledStats(kept: Float32Array[], lows: number[], highs: number[], hasMissing: boolean): Stats {
  const known = (values: number[]): number[] => values.filter((value) => !Number.isNaN(value));
  const extremes = (): [number, number] =>
    known(lows).length ? [Math.min(...known(lows)), Math.max(...known(highs))] : [0, 0];
  const joined = (gains: readonly number[]): Float64Array => {
    const parts = kept.flatMap((values, channel) => {
      const gain = gains.length === 1 ? gains[0] : gains[channel];
      return gain > 0 ? [Float64Array.from(values, (value) => value * gain)] : [];
    });
    const all = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    return all.sort();
  };
  const ones = (values: Float64Array): Float64Array => new Float64Array(values.length).fill(1);
  return {
    hasMissing,
    percentiles: (shares, gains = [1]) => {
      const values = joined(gains);
      return ofCounts(values, ones(values), shares);
    },
    byChannel: (share) =>
      kept.map((values) => {
        const sorted = Float64Array.from(values).sort();
        return ofCounts(sorted, ones(sorted), [share])[0];
      }),
    beside: (value, shares) => {
      const others = joined([1]).filter((one) => one !== value);
      return others.length ? inner(others, ones(others), shares) : extremes();
    },
    extremes,
    each: () => kept.map((values, channel) => sampledStats([values], [lows[channel]], [highs[channel]], hasMissing)),
  };
}
