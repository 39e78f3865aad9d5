/** A look all over a recording before it is searched: noise floor, background, and how long a row should be. */

import type { Stft } from "../inference/spec.ts";
import { findBackground, type Background } from "./background.ts";
import { aboveFloorDb, NoiseFloor } from "./noise.ts";
import { medianOf, quantile, rowsOf, stacked, type Plane } from "./plane.ts";
import { numSamples, powerRows, rowSamples, slice, type Samples } from "./stft.ts";

const BASE_FRAMES = 8;
const ROW_S = 1e-3;
const LEAST_ROWS = 128;
const NORMALISED_HZ = 1e3;
const [STRETCHES, STRETCH_ROWS] = [32, 32];
const WIDE_COLUMNS = 16;
const [RISE, SHARE] = [4, 0.1];
const CLICK_ROWS = 1;
const FEWEST_BURSTS = 4;

function survey(samples: Samples, stft: Stft): Plane[] {
  const total = numSamples(samples);
  const size = Math.min(total, STRETCH_ROWS * rowSamples(stft));
  const starts = new Set(Array.from({ length: STRETCHES }, (_, index) => Math.floor(((total - size) * index) / (STRETCHES - 1))));
  return [...starts].map((start) => powerRows(slice(samples, start, start + size), stft));
}

export function surveyNoise(samples: Samples, stft: Stft): { floor: NoiseFloor; background: Background } {
  const floor = new NoiseFloor();
  const seen = survey(samples, stft);
  for (const power of seen) floor.update(power);
  const db = aboveFloorDb(stacked(seen), floor.level);
  return { floor, background: findBackground(db, stft.framesPerRow, samples.isComplex) };
}

/** Frames averaged per row, by the sample rate, the length, and how short wide packets are. */
export function framesOf(samples: Samples, sampleRateHz: number, stft: Stft): number {
  const byRate = sampleRateHz < NORMALISED_HZ ? BASE_FRAMES : powerOfTwo(Math.min(BASE_FRAMES, (Math.SQRT2 * ROW_S * sampleRateHz) / stft.hop));
  const fewest = Math.min(byRate, powerOfTwo(numSamples(samples) / (LEAST_ROWS * stft.hop)));
  if (fewest === 1) return 1;
  const bursts = survey(samples, { ...stft, framesPerRow: 1 }).flatMap(packetRows);
  return bursts.length < FEWEST_BURSTS ? fewest : Math.min(fewest, powerOfTwo(medianOf(bursts) / 2));
}

/** The lengths of wide packets that begin and end within rows of power. */
function packetRows(power: Plane): number[] {
  const total = new Float64Array(power.rows);
  const squares = new Float64Array(power.rows);
  for (let row = 0; row < power.rows; row++) {
    for (const value of rowsOf(power, row, row + 1).data) {
      total[row] += value;
      squares[row] += value * value;
    }
  }
  const floor = Math.max(quantile(total.slice().sort(), 0.1), 1e-30);
  const highest = total.reduce((most, value) => Math.max(most, value), 0);
  const least = Math.max(RISE * floor, SHARE * highest);
  const isOn = Array.from(total, (value, row) => value > least && value ** 2 / Math.max(squares[row], 1e-60) >= WIDE_COLUMNS);
  const lengths: number[] = [];
  for (let start = isOn[0] ? isOn.indexOf(false) : 0; start >= 0 && start < isOn.length; ) {
    const first = isOn.indexOf(true, start);
    const stop = first < 0 ? -1 : isOn.indexOf(false, first);
    if (stop < 0) break;
    lengths.push(stop - first);
    start = stop;
  }
  return lengths.filter((rows) => rows > CLICK_ROWS);
}

function powerOfTwo(limit: number): number {
  return 2 ** Math.max(0, Math.floor(Math.log2(Math.max(limit, 1))));
}
