/** Objects of a mask as a label image, like `inference/instances.py` and `label_rows.py`: numbered from the top. */

import { rint } from "../image/pixels.ts";
import { basins } from "./watershed.ts";

const INTERIOR = 255;
const CONTOUR = 77;
const PASS_OF_SHAPES = 0.8;
const PASS_OF_CONTOURS = 0.6;
const MIN_OBJECT_PX = 20;
const TILE_SIDE_PX = 1024;
const HALO_PX = 96;
const SAME_IOU = 0.5;
const NAMES = 2 ** 26; // more than there are

/** Where objects are: 0 for background, or how much of its distance to the background a pixel keeps, up to 255. */
export function regionsOf(mask: Uint8Array, contour: Float32Array | null): Uint8Array {
  if (!contour) return mask.map((is) => (is ? INTERIOR : 0));
  const range = INTERIOR - CONTOUR;
  return mask.map((is, at) => (is ? rint(Math.fround(INTERIOR - Math.fround(range * contour[at]))) : 0));
}

/** The objects of regions "H W" as labels 1, 2, ... in the order of their first pixels. */
export function labelImage(regions: Uint8Array, height: number, width: number): Int32Array {
  const [rows, columns] = [edges(height), edges(width)];
  if (rows.length === 2 && columns.length === 2) return decode(regions, height, width);
  const names = new Int32Array(regions.length);
  let numNames = 1;
  for (let row = 0; row + 1 < rows.length; row++) {
    for (let column = 0; column + 1 < columns.length; column++) {
      const tile = { top: rows[row], bottom: rows[row + 1], left: columns[column], right: columns[column + 1] };
      numNames = addTile(regions, names, height, width, tile, numNames);
    }
  }
  return renumbered(names, 1);
}

interface Tile {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

function edges(lengthPx: number): number[] {
  const numTiles = Math.ceil(lengthPx / TILE_SIDE_PX);
  return Array.from({ length: numTiles + 1 }, (_, place) => Math.floor((place * lengthPx) / numTiles));
}

function decode(regions: Uint8Array, height: number, width: number): Int32Array {
  const hasContours = regions.some((kept) => kept > 0 && kept < INTERIOR);
  const pass = hasContours ? PASS_OF_CONTOURS : PASS_OF_SHAPES;
  return renumbered(basins(regions, height, width, pass, hasContours ? regions : null), MIN_OBJECT_PX);
}

/** Labels 1, 2, ... in the order of the objects' first pixels, without objects of fewer pixels. */
export function renumbered(labels: Int32Array, minPx: number): Int32Array {
  const areas = new Map<number, number>();
  for (const label of labels) if (label) areas.set(label, (areas.get(label) ?? 0) + 1);
  const numbers = new Map<number, number>();
  for (const [label, area] of areas) if (area >= minPx) numbers.set(label, numbers.size + 1);
  return labels.map((label) => numbers.get(label) ?? 0);
}

/** Decodes a tile with its halo and writes its names; an object shared with tiles before keeps its name. */
function addTile(
  regions: Uint8Array,
  names: Int32Array,
  height: number,
  width: number,
  tile: Tile,
  numNames: number,
): number {
  const [top, left] = [Math.max(0, tile.top - HALO_PX), Math.max(0, tile.left - HALO_PX)];
  const [bottom, right] = [Math.min(height, tile.bottom + HALO_PX), Math.min(width, tile.right + HALO_PX)];
  const [rows, columns] = [bottom - top, right - left];
  const part = new Uint8Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    part.set(regions.subarray((top + row) * width + left, (top + row) * width + right), row * columns);
  }
  const found = decode(part, rows, columns);
  const place = { top, left, columns, width };
  const nameOf = sharedNames(found, names, place, tile);
  let next = numNames;
  for (let row = tile.top; row < tile.bottom; row++) {
    for (let column = tile.left; column < tile.right; column++) {
      const label = found[(row - top) * columns + column - left];
      if (label === 0) continue;
      if (!nameOf.has(label)) nameOf.set(label, next++);
      names[row * width + column] = nameOf.get(label)!;
    }
  }
  return next;
}

interface Place {
  readonly top: number;
  readonly left: number;
  readonly columns: number;
  readonly width: number;
}

/** The names that objects have in tiles before: those with an IoU above one half where both are decided. */
function sharedNames(found: Int32Array, names: Int32Array, place: Place, tile: Tile): Map<number, number> {
  const [own, known, both] = [new Map<number, number>(), new Map<number, number>(), new Map<number, number>()];
  const count = (counts: Map<number, number>, key: number): void => void counts.set(key, (counts.get(key) ?? 0) + 1);
  for (let at = 0; at < found.length; at++) {
    const row = place.top + Math.floor(at / place.columns);
    const column = place.left + (at % place.columns);
    if (row >= tile.bottom || (row >= tile.top && column >= tile.left)) continue;
    const name = names[row * place.width + column];
    if (found[at]) count(own, found[at]);
    if (name) count(known, name);
    if (found[at] && name) count(both, found[at] * NAMES + name);
  }
  const nameOf = new Map<number, number>();
  for (const [pair, shared] of both) {
    const [label, name] = [Math.floor(pair / NAMES), pair % NAMES];
    if (shared > SAME_IOU * (own.get(label)! + known.get(name)! - shared)) nameOf.set(label, name);
  }
  return nameOf;
}
