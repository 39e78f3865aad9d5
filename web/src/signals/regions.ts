/** Connected regions of a whole mask, like `signals/detection/regions.py`; cells that touch at a corner are connected. */

import type { Gated } from "./gating.ts";
import { rowsOf, type Plane } from "./plane.ts";

export const END_ROWS = 64;
const MOST_ROWS = 1024;
const SEEN_CELLS = 1 << 18;
const HEAVIEST = 100;
const LEAST_CELLS = 3;

export interface Region {
  readonly firstRow: number;
  readonly stopRow: number;
  readonly lowColumn: number;
  readonly stopColumn: number;
  readonly numCells: number;
  readonly confidenceSum: number;
  readonly weight: number;
  /** Power per column of the spectrogram over the region's rows. */
  readonly columnPower: Float64Array;
  /** Its rows in order; for a long one, those near its ends. */
  readonly endRows: readonly Plane[];
}

interface Growing {
  firstRow: number;
  stopRow: number;
  lowColumn: number;
  stopColumn: number;
  numCells: number;
  confidenceSum: number;
  weight: number;
  isSeeded: boolean;
}

/** The regions that hold a seed; `power` is in units of the noise. */
export function findRegions(found: Gated, confidence: Float32Array, power: Plane): Region[] {
  const { columns } = power;
  const labels = components(found.mask, columns);
  const growing = new Map<number, Growing>();
  for (let at = 0; at < labels.length; at++) {
    if (!labels[at]) continue;
    const [row, column] = [Math.floor(at / columns), at % columns];
    let region = growing.get(labels[at]);
    if (!region) {
      region = { firstRow: row, stopRow: row, lowColumn: column, stopColumn: column, numCells: 0, confidenceSum: 0, weight: 0, isSeeded: false };
      growing.set(labels[at], region);
    }
    const weight = Math.min(HEAVIEST, Math.max(1, power.data[at]));
    region.stopRow = row + 1;
    region.lowColumn = Math.min(region.lowColumn, column);
    region.stopColumn = Math.max(region.stopColumn, column + 1);
    region.numCells++;
    region.confidenceSum += confidence[at] * weight;
    region.weight += weight;
    region.isSeeded ||= found.isSeed[at] === 1;
  }
  return [...growing.values()].filter((one) => one.isSeeded && one.numCells >= LEAST_CELLS).map((one) => completed(one, power));
}

function completed(region: Growing, power: Plane): Region {
  const { columns, data } = power;
  const { firstRow, stopRow } = region;
  const columnPower = new Float64Array(columns);
  for (let at = firstRow * columns; at < stopRow * columns; at++) columnPower[at % columns] += data[at];
  const most = Math.min(MOST_ROWS, Math.max(2 * END_ROWS, Math.floor(SEEN_CELLS / columns)));
  const isLong = stopRow - firstRow > most;
  const endRows = isLong
    ? [rowsOf(power, firstRow, firstRow + END_ROWS), rowsOf(power, stopRow - most + END_ROWS, stopRow)]
    : [rowsOf(power, firstRow, stopRow)];
  return { ...region, columnPower, endRows };
}

/** A number from 1 per connected component; 0 elsewhere. */
function components(mask: Uint8Array, columns: number): Int32Array {
  const parents = [0];
  const root = (label: number): number => {
    while (parents[label] !== label) label = parents[label] = parents[parents[label]];
    return label;
  };
  const labels = new Int32Array(mask.length);
  for (let at = 0; at < mask.length; at++) {
    if (!mask[at]) continue;
    const column = at % columns;
    const before = [column > 0 ? at - 1 : -1, column > 0 ? at - columns - 1 : -1, at - columns, column + 1 < columns ? at - columns + 1 : -1];
    let own = 0;
    for (const place of before) {
      if (place < 0 || !labels[place]) continue;
      const other = root(labels[place]);
      if (own && other !== own) parents[Math.max(own, other)] = Math.min(own, other);
      own = own ? Math.min(own, other) : other;
    }
    if (!own) {
      own = parents.length;
      parents.push(own);
    }
    labels[at] = own;
  }
  return labels.map((label) => (label ? root(label) : 0));
}
