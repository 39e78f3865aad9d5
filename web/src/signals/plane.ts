/** A plane "T F" of numbers: rows are times, columns frequencies. */
export interface Plane {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float32Array;
}

export function rowsOf(plane: Plane, first: number, stop: number): Plane {
  const { columns, data } = plane;
  return { rows: stop - first, columns, data: data.subarray(first * columns, stop * columns) };
}

export function mapped(plane: Plane, change: (value: number) => number): Plane {
  return { ...plane, data: plane.data.map(change) };
}

export function stacked(planes: readonly Plane[]): Plane {
  const columns = planes[0].columns;
  const rows = planes.reduce((sum, plane) => sum + plane.rows, 0);
  const data = new Float32Array(rows * columns);
  let at = 0;
  for (const plane of planes) {
    data.set(plane.data, at);
    at += plane.data.length;
  }
  return { rows, columns, data };
}

/** The index in a side that a place beyond it mirrors, with the edge repeated. */
function mirrored(place: number, length: number): number {
  const at = ((place % (2 * length)) + 2 * length) % (2 * length);
  return at < length ? at : 2 * length - 1 - at;
}

/** The mean of the window around each cell, mirrored at the edges. */
export function windowMeans(plane: Plane, rows: number, columns: number): Plane {
  return summed(summed(plane, columns, "across", 1), rows, "down", Math.fround(1 / (rows * columns)));
}

function summed(plane: Plane, size: number, way: "across" | "down", factor: number): Plane {
  if (size === 1 && factor === 1) return plane;
  const { rows, columns, data } = plane;
  const out = new Float32Array(data.length);
  const before = size >> 1;
  const length = way === "across" ? columns : rows;
  const places = Array.from({ length: length + size - 1 }, (_, at) => mirrored(at - before, length));
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      let sum = 0;
      for (let shift = 0; shift < size; shift++) {
        sum += way === "across" ? data[row * columns + places[column + shift]] : data[places[row + shift] * columns + column];
      }
      out[row * columns + column] = sum * factor;
    }
  }
  return { rows, columns, data: out };
}

/** The highest value within `reach` cells on both sides along an axis. */
export function highestAround(plane: Plane, reach: number, way: "across" | "down"): Plane {
  const { rows, columns } = plane;
  let best = plane.data;
  const step = way === "across" ? 1 : columns;
  const length = way === "across" ? columns : rows;
  // Windows grow by doubling: after each round, best holds the highest within `done` cells on both sides.
  for (let done = 0, left = Math.min(reach, length - 1); left > 0; ) {
    const shift = Math.min(left, 2 * done + 1);
    const wider = best.slice();
    for (let at = 0; at < best.length; at++) {
      const place = way === "across" ? at % columns : Math.floor(at / columns);
      if (place >= shift) wider[at] = Math.max(wider[at], best[at - shift * step]);
      if (place + shift < length) wider[at] = Math.max(wider[at], best[at + shift * step]);
    }
    best = wider;
    done += shift;
    left -= shift;
  }
  return { rows, columns, data: best };
}

/** A quantile of sorted values, linear between neighbours. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const at = (sorted.length - 1) * share;
  const low = sorted[Math.floor(at)];
  return low + (sorted[Math.ceil(at)] - low) * (at - Math.floor(at));
}

export function medianOf(values: ArrayLike<number>): number {
  return quantile(Float64Array.from(values).sort(), 0.5);
}
