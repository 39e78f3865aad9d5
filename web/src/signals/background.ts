/** What a receiver adds: roll-off, steady lines, a DC offset, gain steps; like `signals/detection/background.py`. */

import { powerOverFloor } from "./noise.ts";
import { mapped, medianOf, quantile, rowsOf, stacked, windowMeans, type Plane } from "./plane.ts";

export const NEIGHBOURS_ALIKE = 1.74;
const LEAST_ROWS = 24;
const [LOWEST_SHARE, LOW, HIGH] = [0.1, 0.3, 0.7];
const DEVIATE = 0.5244;
const [NEIGHBOURS, AROUND] = [17, 33];
const LINE_COLUMNS = 4;
const RISE = 1.25;
const [STEADIER, GAIN_STEPS] = [0.6, 1.35];
const [WEAK, STRONG] = [3, 100];
const [ROLL_OFF, RIPPLE] = [0.1, 1.1];
const ROW_COLUMNS = 3;
const LEAST_LEVEL = 0.05;
const DEAD_BAND = 0.2;
const DOWN = 10 ** -2.5;
const BLOCK_PX = 16;
const [QUIETEST_SHARE, QUIET_SHARE] = [0.05, 0.25];
const [QUIETEST_DEVIATE, QUIET_DEVIATE] = [-1.645, -0.674];
const UNEVEN = 20;
const MIN_SNR_DB = 3;

export interface Background {
  /** Level per column; empty if unknown. */
  readonly level: Float64Array;
  readonly dcOffset: DcOffset | null;
  readonly framesPerRow: number;
  /** The least SNR of a signal; what is weaker may be unevenness of the noise. */
  readonly minSnrDb: number;
}

/** Rows in dB above the noise floor as dB above their own noise. */
export function flatten(db: Plane, background: Background): Plane {
  const power = powerOverFloor(background.dcOffset ? fillDcOffset(db, background.dcOffset) : db);
  const { columns, data } = power;
  if (background.level.length) data.forEach((value, at) => (data[at] = value / background.level[at % columns]));
  const levels = rowLevels(power, background.framesPerRow);
  data.forEach((value, at) => (data[at] = value / levels[Math.floor(at / columns)]));
  return mapped(power, (value) => 10 * Math.log10(Math.max(value, 1e-20)));
}

export function findBackground(db: Plane, framesPerRow: number, hasZeroColumn: boolean): Background {
  const alive = withoutMuted(db);
  const dcOffset = hasZeroColumn && alive.rows ? findDcOffset(alive) : null;
  if (alive.rows < LEAST_ROWS) return { level: new Float64Array(0), dcOffset, framesPerRow, minSnrDb: MIN_SNR_DB };
  const power = powerOverFloor(dcOffset ? fillDcOffset(alive, dcOffset) : alive);
  const [lowest, rawLow, high] = quantilesByColumn(power, [LOWEST_SHARE, LOW, HIGH]);
  const [noiseLow, noiseHigh] = [-DEVIATE, DEVIATE].map((deviate) => noiseQuantile(framesPerRow, deviate));
  const steady = Math.max((noiseHigh / noiseLow) ** STEADIER, GAIN_STEPS);
  const isTone = high.map((value, at) => (value < steady * rawLow[at] ? 1 : 0));
  const low = rawLow.map((value) => value / noiseLow);
  const level = slidingMedian(low, NEIGHBOURS).map((value) => Math.min(RIPPLE, Math.max(ROLL_OFF, value)));
  const leastRise = RISE + 3 / Math.sqrt(framesPerRow * alive.rows);
  const around = slidingMedian(low, AROUND);
  const middle = noiseQuantile(framesPerRow, 0);
  const isRaised = lowest.map((value, at) => (value > middle * around[at] && low[at] > leastRise * around[at] ? 1 : 0));
  const isLine = lines(isRaised, low.map((value, at) => value / around[at]), isTone);
  const levels = level.map((value, at) => (isLine[at] ? Math.max(value, low[at]) : value));
  const found = { level: levels, dcOffset, framesPerRow, minSnrDb: MIN_SNR_DB };
  return { ...found, minSnrDb: leastSnrDb(powerOverFloor(flatten(alive, found)), framesPerRow) };
}

/** The least SNR of a signal among noise of mean 1: the lower, the more even the noise is. */
export function leastSnrDb(power: Plane, framesPerRow: number): number {
  const [height, width] = [Math.floor(power.rows / BLOCK_PX), Math.floor(power.columns / BLOCK_PX)];
  const means = new Float64Array(height * width);
  for (let row = 0; row < height * BLOCK_PX; row++) {
    for (let column = 0; column < width * BLOCK_PX; column++) {
      const block = Math.floor(row / BLOCK_PX) * width + Math.floor(column / BLOCK_PX);
      means[block] += power.data[row * power.columns + column] / BLOCK_PX ** 2;
    }
  }
  means.sort();
  const numFrames = (framesPerRow * BLOCK_PX ** 2) / NEIGHBOURS_ALIKE;
  const byChance = noiseQuantile(numFrames, QUIET_DEVIATE) / noiseQuantile(numFrames, QUIETEST_DEVIATE);
  const ratio = quantile(means, QUIET_SHARE) / Math.max(quantile(means, QUIETEST_SHARE), 1e-9);
  const spread = Math.log(ratio) ** 2 - Math.log(byChance) ** 2;
  const deviation = Math.sqrt(Math.max(spread, 0)) / (QUIET_DEVIATE - QUIETEST_DEVIATE);
  return Math.min(10 * Math.log10(Math.max(UNEVEN * deviation, 1e-6)), MIN_SNR_DB);
}

function withoutMuted(db: Plane): Plane {
  const parts: Plane[] = [];
  for (let row = 0; row < db.rows; row++) {
    const one = rowsOf(db, row, row + 1);
    if (one.data.some((value) => value > -100)) parts.push(one);
  }
  return parts.length ? stacked(parts) : { rows: 0, columns: db.columns, data: new Float32Array(0) };
}

function quantilesByColumn(power: Plane, shares: readonly number[]): Float64Array[] {
  const found = shares.map(() => new Float64Array(power.columns));
  for (let column = 0; column < power.columns; column++) {
    const sorted = Float64Array.from({ length: power.rows }, (_, row) => power.data[row * power.columns + column]).sort();
    shares.forEach((share, index) => (found[index][column] = quantile(sorted, share)));
  }
  return found;
}

/** The noise of each row: lower after a gain step, higher under the skirts of a strong signal, else 1. */
function rowLevels(power: Plane, framesPerRow: number): Float64Array {
  const smooth = windowMeans(power, 1, ROW_COLUMNS);
  const noise = noiseQuantile((framesPerRow * ROW_COLUMNS) / NEIGHBOURS_ALIKE, -DEVIATE);
  const highest = new Float64Array(power.rows);
  const raw = new Float64Array(power.rows);
  for (let row = 0; row < power.rows; row++) {
    const sorted = rowsOf(smooth, row, row + 1).data.slice().sort();
    raw[row] = quantile(sorted, LOW) / noise;
    highest[row] = sorted[sorted.length - 1];
  }
  return slidingMedian(raw, framesPerRow === 1 ? 5 : 3).map((value, row) => {
    const level = Math.abs(Math.log(Math.max(value, 1e-9))) < DEAD_BAND ? 1 : value;
    const raised = Math.min(level, highest[row] * DOWN);
    return Math.max(Math.min(level, 1), raised, LEAST_LEVEL);
  });
}

/** The quantile of averaged noise of mean 1 at a normal deviate. */
export function noiseQuantile(numFrames: number, deviate: number): number {
  if (numFrames === 1) return -Math.log(0.5 * erfc(deviate / Math.SQRT2));
  return (1 - 1 / (9 * numFrames) + deviate / (3 * Math.sqrt(numFrames))) ** 3;
}

/** The complementary error function by its series, for small arguments as here. */
function erfc(x: number): number {
  let [sum, term] = [x, x];
  for (let n = 1; n < 60; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return 1 - (2 / Math.sqrt(Math.PI)) * sum;
}

/** The median of neighbours, mirrored at the ends without repeating the edge. */
export function slidingMedian(values: Float64Array, size: number): Float64Array {
  const [half, length] = [size >> 1, values.length];
  const at = (place: number): number => {
    if (length <= half) return values[Math.min(length - 1, Math.max(0, place))];
    return values[place < 0 ? -place : place >= length ? 2 * length - 2 - place : place];
  };
  return values.map((_, index) => medianOf(Array.from({ length: size }, (_unused, shift) => at(index + shift - half))));
}

function lines(isRaised: Float64Array, rise: Float64Array, isTone: Float64Array): Uint8Array {
  const isLine = new Uint8Array(isRaised.length);
  for (let start = 0; start < isRaised.length; ) {
    let stop = start;
    while (stop < isRaised.length && isRaised[stop]) stop++;
    if (stop > start) {
      let peak = start;
      for (let at = start; at < stop; at++) if (rise[at] > rise[peak]) peak = at;
      const isSteady = isTone[peak] === 1 || rise[peak] < WEAK;
      if (stop - start <= LINE_COLUMNS && isSteady && rise[peak] < STRONG) isLine.fill(1, start, stop);
    }
    start = stop + 1;
  }
  return isLine;
}

interface DcOffset {
  readonly column: number;
  readonly level: number;
}

const [AWAY, REACH] = [1, 2];
const STRETCH_ROWS = 16;
const QUIET = 2;
const DEVIATES = 3;
const LEAST_SHARE = 0.5;
const STEADY = 1.5;
const MOST_OUTSIDE = 0.1;

function fillDcOffset(db: Plane, offset: DcOffset): Plane {
  const { column, level } = offset;
  const most = Math.max(STEADY * level, (Math.sqrt(level) + DEVIATES) ** 2);
  const data = db.data.slice();
  for (let row = 0; row < db.rows; row++) {
    const middle = row * db.columns + column;
    if (10 ** (db.data[middle] * 0.1) > most) continue;
    const [left, right] = [[middle - 2 * REACH, middle - 2 * REACH + 1], [middle + REACH + 1, middle + REACH + 2]];
    [data[middle - 2], data[middle - 1]] = [db.data[left[1]], db.data[left[0]]];
    [data[middle + 1], data[middle + 2]] = [db.data[right[1]], db.data[right[0]]];
    data[middle] = (db.data[left[0]] + db.data[right[1]]) / 2;
  }
  return { ...db, data };
}

/** The tone near 0 Hz in at least half of the rows; null if there is none. */
function findDcOffset(db: Plane): DcOffset | null {
  const [middle, reach] = [db.columns >> 1, AWAY + 2 * REACH + 1];
  const width = 2 * reach + 1;
  const num = Math.floor(db.rows / STRETCH_ROWS);
  if (middle - reach < 0 || middle + reach + 1 > db.columns || num === 0) return null;
  const stretches = Array.from({ length: num }, (_, stretch) =>
    Float64Array.from({ length: width }, (_unused, place) => {
      let sum = 0;
      for (let row = stretch * STRETCH_ROWS; row < (stretch + 1) * STRETCH_ROWS; row++) {
        sum += 10 ** (db.data[row * db.columns + middle - reach + place] * 0.1);
      }
      return sum / STRETCH_ROWS;
    }),
  );
  const besides = stretches.map((one) => [...one.subarray(0, reach - AWAY - REACH), ...one.subarray(reach + AWAY + REACH + 1)]);
  const levels = besides.map(mean);
  const least = Math.min(...levels);
  const quiet = levels.flatMap((level, index) => (level <= QUIET * least ? [index] : []));
  const excess = quiet.map((index) => stretches[index].map((value) => value - levels[index]));
  const means = Array.from({ length: width }, (_, place) => mean(excess.map((one) => one[place])));
  let place = reach - AWAY;
  for (let at = place; at <= reach + AWAY; at++) if (means[at] > means[place]) place = at;
  const noise = medianOf(quiet.map((index) => deviation(besides[index])));
  const on = excess.filter((one) => one[place] > DEVIATES * noise);
  if (on.length < LEAST_SHARE * quiet.length) return null;
  const line = (at: number): number => mean(on.map((one) => one[at]));
  if (Math.max(line(place - REACH), line(place + REACH)) > MOST_OUTSIDE * line(place)) return null;
  return { column: middle - reach + place, level: Math.max(...on.map((one) => one[place])) };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function deviation(values: readonly number[]): number {
  const middle = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - middle) ** 2)));
}
