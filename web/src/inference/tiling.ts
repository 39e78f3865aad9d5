/** Positions of tiles along a side and their blending weights, like `inference/sliding_window.py`. */

export interface Side {
  readonly lengthPx: number;
  readonly paddedPx: number;
  readonly tilePx: number;
  readonly startsPx: readonly number[];
  /** The weight of each tile at each of its pixels; the sum at every pixel is 1. */
  readonly weights: readonly Float32Array[];
}

const RAMP_PX = 1;

export function roundUp(lengthPx: number, multiplePx: number): number {
  return Math.ceil(lengthPx / multiplePx) * multiplePx;
}

export function cutSide(lengthPx: number, longestPx: number, multiplePx: number, marginPx: number): Side {
  const overlapPx = roundUp(2 * marginPx + RAMP_PX, multiplePx);
  const paddedPx = roundUp(lengthPx, multiplePx);
  const numTiles = Math.max(1, Math.ceil((paddedPx - overlapPx) / (longestPx - overlapPx)));
  const tilePx = roundUp(Math.ceil((paddedPx + (numTiles - 1) * overlapPx) / numTiles), multiplePx);
  const startsPx = starts(paddedPx, tilePx, overlapPx, multiplePx);
  return { lengthPx, paddedPx, tilePx, startsPx, weights: weightsOf(startsPx, tilePx, marginPx) };
}

function starts(lengthPx: number, tilePx: number, overlapPx: number, multiplePx: number): number[] {
  if (tilePx >= lengthPx) return [0];
  const numGaps = Math.ceil((lengthPx - tilePx) / (tilePx - overlapPx));
  const numSteps = Math.floor((lengthPx - tilePx) / multiplePx);
  return Array.from({ length: numGaps + 1 }, (_, index) => Math.floor((index * numSteps) / numGaps) * multiplePx);
}

function weightsOf(startsPx: readonly number[], tilePx: number, marginPx: number): Float32Array[] {
  const shares = startsPx.map(() => new Float64Array(tilePx).fill(1));
  for (let index = 0; index + 1 < startsPx.length; index++) {
    const fadePx = tilePx - (startsPx[index + 1] - startsPx[index]) - 2 * marginPx;
    const rise = Float64Array.from({ length: tilePx }, (_, at) =>
      Math.min(Math.max((at + 0.5 - marginPx) / fadePx, 0), 1),
    );
    shares[index + 1].set(rise);
    shares[index].forEach((share, at) => (shares[index][at] = Math.min(share, rise[tilePx - 1 - at])));
  }
  const summed = new Float64Array(startsPx[startsPx.length - 1] + tilePx);
  startsPx.forEach((start, index) => shares[index].forEach((share, at) => (summed[start + at] += share)));
  return startsPx.map((start, index) => Float32Array.from(shares[index], (share, at) => share / summed[start + at]));
}
