/** Pieces of a transmission: regions with their spectrum, like `signals/detection/pieces.py` and `edges.py`. */

import { medianOf } from "./plane.ts";
import { END_ROWS, type Region } from "./regions.ts";

const SKIRT_DB = 30;
const LEAST = 0.3;
const RISE = 4;
const MOST_LENGTHS = 64;

export type Band = readonly [number, number];

interface Parts {
  readonly topPx: number;
  readonly bottomPx: number;
  readonly firstColumn: number;
  /** Power above the noise per column, summed over rows. */
  readonly spectrum: Float64Array;
  /** Rows with the signal on. */
  readonly onRows: number;
  readonly lengths: readonly number[];
  readonly numCells: number;
  readonly weightedConfidence: number;
  readonly weight: number;
}

/** A part of a transmission, or all of it; rows and columns are edges of a spectrogram. */
export class Piece {
  readonly topPx: number;
  readonly bottomPx: number;
  readonly numRows: number;
  readonly power: number;
  readonly peakDb: number;
  readonly wholeBand: Band;
  readonly mainBand: Band;
  readonly coreColumns: number;

  constructor(readonly parts: Parts) {
    const { topPx, bottomPx, spectrum, onRows } = parts;
    [this.topPx, this.bottomPx, this.numRows] = [topPx, bottomPx, bottomPx - topPx];
    this.power = spectrum.reduce((sum, value) => sum + value, 0);
    this.peakDb = db(spectrum.reduce((most, value) => Math.max(most, value), 0) / onRows);
    this.wholeBand = this.band(0.99);
    this.mainBand = this.band(0.9);
    const [low, high] = this.band(0.8);
    this.coreColumns = Math.max(1, high - low);
  }

  get snrDb(): number {
    const [left, right] = this.wholeBand;
    return db(this.power / (Math.max(0.5, right - left) * this.parts.onRows));
  }

  get confidence(): number {
    return this.parts.weightedConfidence / Math.max(1e-9, this.parts.weight);
  }

  private band(share: number): Band {
    const [low, high] = columnsWith(this.parts.spectrum, share);
    return [this.parts.firstColumn + low, this.parts.firstColumn + high];
  }
}

export function toPiece(region: Region): Piece {
  const [topPx, bottomPx] = timeEdges(region);
  const numRows = region.stopRow - region.firstRow;
  const above = region.columnPower.map((power) => Math.max(0, power - numRows));
  const [first, stop] = downTheSkirts(above.map((power) => power / numRows), region.lowColumn, region.stopColumn);
  const onRows = Math.max(0.1, bottomPx - topPx);
  return new Piece({
    topPx,
    bottomPx: topPx + onRows,
    firstColumn: first,
    spectrum: above.slice(first, stop),
    onRows,
    lengths: [onRows],
    numCells: region.numCells,
    weightedConfidence: region.confidenceSum,
    weight: region.weight,
  });
}

/** Two pieces as one; if they are on at the same times, the rows of the first count alone. */
export function joined(one: Piece, other: Piece, isAtOnce = false): Piece {
  const [a, b] = [one.parts, other.parts];
  const first = Math.min(a.firstColumn, b.firstColumn);
  const stop = Math.max(a.firstColumn + a.spectrum.length, b.firstColumn + b.spectrum.length);
  const spectrum = new Float64Array(stop - first);
  for (const part of [a, b]) part.spectrum.forEach((value, at) => (spectrum[part.firstColumn - first + at] += value));
  return new Piece({
    topPx: Math.min(a.topPx, b.topPx),
    bottomPx: Math.max(a.bottomPx, b.bottomPx),
    firstColumn: first,
    spectrum,
    onRows: isAtOnce ? a.onRows : a.onRows + b.onRows,
    lengths: isAtOnce ? a.lengths : [...a.lengths, ...b.lengths].slice(-MOST_LENGTHS),
    numCells: a.numCells + b.numCells,
    weightedConfidence: a.weightedConfidence + b.weightedConfidence,
    weight: a.weight + b.weight,
  });
}

function downTheSkirts(above: Float64Array, low: number, stop: number): Band {
  const smooth = above.map((value, at) => ((above[at - 1] ?? 0) + value + (above[at + 1] ?? 0)) / 3);
  const highest = above.subarray(low, stop).reduce((most, value) => Math.max(most, value), 0);
  const least = Math.max(LEAST, highest * 10 ** (-SKIRT_DB / 10));
  const right = skirt(smooth.subarray(stop - 1), least);
  const left = skirt(smooth.slice(0, low + 1).reverse(), least);
  return [low - left, stop + right];
}

/** How many columns a skirt has that falls from the first value on. */
function skirt(smooth: Float64Array, least: number): number {
  let lowest = smooth[0];
  let place = 0;
  for (let at = 1; at < smooth.length; at++) {
    if (smooth[at] <= least) return at;
    if (smooth[at] > RISE * lowest) return place;
    if (smooth[at] < lowest) [lowest, place] = [smooth[at], at];
  }
  return smooth.length - 1;
}

function db(ratio: number): number {
  return 10 * Math.log10(Math.max(ratio, 1e-6));
}

/** The edges of the columns with a share of the power, half of the rest on each side. */
function columnsWith(power: Float64Array, share: number): Band {
  const total = power.reduce((sum, value) => sum + value, 0);
  if (total <= 0) return [0, power.length];
  const edge = (wanted: number): number => {
    let sum = 0;
    for (let at = 0; at < power.length; at++) {
      if (sum + power[at] >= wanted && power[at] > 0) return at + (wanted - sum) / power[at];
      sum += power[at];
    }
    return power.length;
  };
  return [edge((total * (1 - share)) / 2), edge((total * (1 + share)) / 2)];
}

/** First and last row: where power reaches half of its typical value. */
function timeEdges(region: Region): Band {
  const width = region.stopColumn - region.lowColumn;
  const power: number[] = [];
  for (const { rows, columns, data } of region.endRows) {
    for (let row = 0; row < rows; row++) {
      let sum = -width;
      for (let column = region.lowColumn; column < region.stopColumn; column++) sum += data[row * columns + column];
      power.push(sum);
    }
  }
  const middle = medianOf(power);
  const typical = medianOf(power.filter((value) => value >= middle));
  if (typical <= 0 || power.length < 2) return [region.firstRow, region.stopRow];
  return [region.firstRow + edgeOf(power, typical), region.stopRow - edgeOf([...power].reverse(), typical)];
}

function edgeOf(power: readonly number[], typical: number): number {
  const filled = power.slice(0, END_ROWS).map((value) => Math.min(1, Math.max(0, value / typical)));
  const first = Math.max(0, filled.findIndex((value) => value >= 0.5));
  return first + 1 - filled[first] - (first ? filled[first - 1] : 0);
}
