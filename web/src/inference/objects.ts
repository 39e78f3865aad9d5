/** Measurements and outlines of the objects of a label image. */

export interface ImageObject {
  /** The label, from 1. */
  readonly id: number;
  readonly areaPx: number;
  /** The centroid; the first pixel's centre is at (0.5, 0.5). */
  readonly x: number;
  readonly y: number;
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  /** Closed rings of pixel corners x, y, x, y, ...; the first pixel's corner is (0, 0). */
  readonly rings: readonly Int32Array[];
}

/** The objects in the order of their labels. */
export function measure(labels: Int32Array, height: number, width: number): ImageObject[] {
  const num = labels.reduce((most, label) => Math.max(most, label), 0);
  const [area, sumX, sumY] = [new Float64Array(num + 1), new Float64Array(num + 1), new Float64Array(num + 1)];
  const [left, top] = [new Int32Array(num + 1).fill(width), new Int32Array(num + 1).fill(height)];
  const [right, bottom] = [new Int32Array(num + 1), new Int32Array(num + 1)];
  for (let row = 0, at = 0; row < height; row++) {
    for (let column = 0; column < width; column++, at++) {
      const label = labels[at];
      if (label === 0) continue;
      area[label]++;
      sumX[label] += column + 0.5;
      sumY[label] += row + 0.5;
      left[label] = Math.min(left[label], column);
      top[label] = Math.min(top[label], row);
      right[label] = Math.max(right[label], column + 1);
      bottom[label] = Math.max(bottom[label], row + 1);
    }
  }
  return Array.from({ length: num }, (_, index) => {
    const id = index + 1;
    const box = { left: left[id], top: top[id], right: right[id], bottom: bottom[id] };
    const rings = outline(labels, width, id, box);
    return { id, areaPx: area[id], x: sumX[id] / area[id], y: sumY[id] / area[id], ...box, rings };
  });
}

interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

const STEPS = [[1, 0], [0, 1], [-1, 0], [0, -1]] as const; // right, down, left, up

/** The borders of one object along pixel edges, the object on the right of each edge's direction. */
function outline(labels: Int32Array, width: number, id: number, box: Box): Int32Array[] {
  const stride = box.right - box.left + 1;
  const isInside = (column: number, row: number): boolean =>
    column >= box.left && column < box.right && row >= box.top && row < box.bottom && labels[row * width + column] === id;
  // Bit d: an edge leaves this corner in direction d.
  const leaving = new Uint8Array(stride * (box.bottom - box.top + 1));
  const corner = (column: number, row: number): number => (row - box.top) * stride + column - box.left;
  for (let row = box.top; row < box.bottom; row++) {
    for (let column = box.left; column < box.right; column++) {
      if (!isInside(column, row)) continue;
      if (!isInside(column, row - 1)) leaving[corner(column, row)] |= 1;
      if (!isInside(column + 1, row)) leaving[corner(column + 1, row)] |= 2;
      if (!isInside(column, row + 1)) leaving[corner(column + 1, row + 1)] |= 4;
      if (!isInside(column - 1, row)) leaving[corner(column, row + 1)] |= 8;
    }
  }
  const rings: Int32Array[] = [];
  for (let start = 0; start < leaving.length; start++) {
    while (leaving[start]) rings.push(follow(leaving, start, stride, box));
  }
  return rings;
}

/** Takes the edges of one ring away; at a corner where two rings meet it turns right, around the same pixel. */
function follow(leaving: Uint8Array, start: number, stride: number, box: Box): Int32Array {
  const points: number[] = [];
  let at = start;
  let direction = -1;
  do {
    const next = [1, 0, 3, 2].map((turn) => (Math.max(direction, 0) + turn) & 3).find((one) => leaving[at] & (1 << one))!;
    if (next !== direction) points.push(box.left + (at % stride), box.top + Math.floor(at / stride));
    leaving[at] &= ~(1 << next);
    direction = next;
    at += STEPS[next][0] + STEPS[next][1] * stride;
  } while (at !== start || leaving[at] & (1 << ((direction + 1) & 3)));
  return Int32Array.from(points);
}

/** Twice the signed area of a ring: above 0 for an outer one, below for a hole. */
export function signedArea(ring: Int32Array): number {
  let sum = 0;
  for (let at = 0; at < ring.length; at += 2) {
    const next = (at + 2) % ring.length;
    sum += ring[at] * ring[next + 1] - ring[next] * ring[at + 1];
  }
  return sum;
}

/** The diameter of a circle of the same area. */
export function diameterOf(area: number): number {
  return 2 * Math.sqrt(area / Math.PI);
}
