/** The noise floor, and rows in decibels above it, like `signals/noise.py`. */

import { rint, type Pixels } from "../image/pixels.ts";
import { mapped, windowMeans, type Plane } from "./plane.ts";

const BIN_DB = 0.25;
const LOWEST_DB = -200;
const NUM_BINS = 1600;
const WINDOW_BINS = 8;
const TINY = 1e-30;

/** The lowest level that a large share of all cells has. */
export class NoiseFloor {
  private readonly counts = new Float64Array(NUM_BINS);
  private readonly share = 0.15;
  private readonly memoryRows = 4096;

  update(power: Plane): number {
    const decay = 0.5 ** (power.rows / this.memoryRows);
    this.counts.forEach((count, bin) => (this.counts[bin] = count * decay));
    for (const value of windowMeans(power, 5, 5).data) {
      if (!(value > TINY)) continue;
      const bin = Math.trunc((10 * Math.log10(value) - LOWEST_DB) / BIN_DB);
      this.counts[Math.min(NUM_BINS - 1, Math.max(0, bin))]++;
    }
    return this.level;
  }

  get level(): number {
    const heaps = heapsOf(this.counts);
    const total = this.counts.reduce((sum, count) => sum + count, 0);
    if (total === 0) return 0;
    const isPeak = (bin: number): boolean => heaps[bin] >= this.share * total && heaps[bin] >= widest(heaps, bin);
    let peak = heaps.findIndex((_, bin) => isPeak(bin));
    if (peak < 0) peak = heaps.indexOf(heaps.reduce((most, heap) => Math.max(most, heap), 0));
    let [sum, weights] = [0, 0];
    for (let bin = Math.max(0, peak - WINDOW_BINS); bin < Math.min(NUM_BINS, peak + WINDOW_BINS + 1); bin++) {
      const weight = this.counts[bin] + 1e-12;
      sum += weight * 10 ** ((LOWEST_DB + BIN_DB * (bin + 0.5)) / 10);
      weights += weight;
    }
    return sum / weights;
  }
}

/** The cells in a window of bins around each, as NumPy's convolution places it. */
function heapsOf(counts: Float64Array): Float64Array {
  return counts.map((_, bin) => {
    let sum = 0;
    for (let at = Math.max(0, bin - WINDOW_BINS / 2); at < Math.min(NUM_BINS, bin + WINDOW_BINS / 2); at++) sum += counts[at];
    return sum;
  });
}

function widest(heaps: Float64Array, bin: number): number {
  let most = 0;
  for (let at = Math.max(0, bin - WINDOW_BINS); at <= Math.min(NUM_BINS - 1, bin + WINDOW_BINS); at++) most = Math.max(most, heaps[at]);
  return most;
}

export function aboveFloorDb(power: Plane, level: number): Plane {
  if (level <= 0) return mapped(power, () => LOWEST_DB);
  return mapped(power, (value) => 10 * Math.log10(Math.max(value / level, 1e-20)));
}

export function powerOverFloor(db: Plane): Plane {
  return mapped(db, (value) => 10 ** (value * 0.1));
}

/** Rows of dB above the floor as the grey image that the network takes. */
export function toPicture(db: Plane, lowDb: number, highDb: number): Pixels {
  const scale = Math.fround(255 / (highDb - lowDb));
  const data = Uint8Array.from(db.data, (value) => rint(Math.min(255, Math.max(0, Math.fround(Math.fround(value - lowDb) * scale)))));
  return { height: db.rows, width: db.columns, channels: 1, data };
}
