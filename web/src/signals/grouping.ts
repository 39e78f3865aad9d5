/** Which pieces are one transmission, and which are by-products, like `joining.py`, `byproducts.py` and `grouping.py`. */

import { joined, type Piece } from "./pieces.ts";
import { medianOf } from "./plane.ts";

const ALIKE_DB = 22;
const TONES_DB = 7;
const TONE_DISTANCE = 8;
const TONE_WIDTHS = 4;
const DRIFT = 1;
const HANDOVER = 0.5;
const AT_ONCE_ROWS = 1.5;
const SHARED = 0.4;
const [SYMBOLS, PULSES] = [60, 12];
const [CARRIER_COLUMNS, UNMODULATED] = [4, 16];
const LONGEST_GAP_S = 0.016;
const LEAST_GAP_ROWS = 4;
const NOTCH = 0.05;
const CLOSE_ROWS = 4;

/** The transmissions of all pieces of a spectrogram with `numRows` rows. */
export function transmissions(pieces: readonly Piece[], numRows: number, framesPerRow: number, rowS: number): Piece[] {
  const longestGap = Math.max(LONGEST_GAP_S / rowS, LEAST_GAP_ROWS);
  const apart = Math.max(longestGap, CLOSE_ROWS);
  return clusters(pieces, apart).flatMap((cluster) => {
    const stop = Math.max(...cluster.map((piece) => piece.bottomPx));
    const stopRow = stop + apart < numRows ? numRows + 2 : numRows;
    const strong = withoutByProducts(cluster, stopRow, false);
    return withoutByProducts(join(strong, stopRow, framesPerRow, longestGap), stopRow, true);
  });
}

function clusters(pieces: readonly Piece[], apart: number): Piece[][] {
  const found: Piece[][] = [];
  let stop = -Infinity;
  for (const piece of [...pieces].sort((one, other) => one.topPx - other.topPx)) {
    if (piece.topPx - stop > apart) found.push([]);
    found[found.length - 1].push(piece);
    stop = Math.max(stop, piece.bottomPx);
  }
  return found;
}

type Belong = (one: Piece, other: Piece) => boolean;

function join(pieces: readonly Piece[], stopRow: number, framesPerRow: number, longestGap: number): Piece[] {
  const bursts = gathered(pieces, (one, other) => touch(one, other, stopRow), AT_ONCE_ROWS);
  return gathered(bursts, (one, other) => belong(one, other, framesPerRow, longestGap), longestGap);
}

/** Whether the second piece goes on without a gap, in the same band or in the next tone. */
function touch(one: Piece, other: Piece, stopRow: number): boolean {
  const gap = other.topPx - one.bottomPx;
  const apartDb = Math.abs(one.peakDb - other.peakDb);
  if (gap <= 0 && apartDb <= ALIKE_DB && shareBand(one, other)) return true;
  const follows = Math.abs(gap) <= Math.max(AT_ONCE_ROWS, HANDOVER * Math.min(one.numRows, other.numRows));
  const starts = begins(one) && Math.abs(one.topPx - other.topPx) <= AT_ONCE_ROWS;
  const stops = ends(one, stopRow) && Math.abs(one.bottomPx - other.bottomPx) <= AT_ONCE_ROWS;
  if (apartDb > TONES_DB) return false;
  return (follows && apartOf(one, other) <= DRIFT) || ((follows || starts || stops) && mayBeTones(one, other));
}

/** Whether the second piece goes on after a gap that is natural for such a signal. */
function belong(one: Piece, other: Piece, framesPerRow: number, longestGap: number): boolean {
  if (Math.abs(one.peakDb - other.peakDb) > ALIKE_DB || !shareBand(one, other)) return false;
  const columns = Math.min(one.coreColumns, other.coreColumns);
  let longest = SYMBOLS / (columns * framesPerRow);
  const pulse = Math.max(1, medianOf(one.parts.lengths));
  if (columns <= CARRIER_COLUMNS && columns * pulse * framesPerRow <= UNMODULATED) longest = Math.max(longest, PULSES * pulse);
  longest = Math.max(longest, NOTCH * Math.min(one.numRows, other.numRows));
  return other.topPx - one.bottomPx <= Math.min(longest, longestGap);
}

function begins(piece: Piece): boolean {
  return piece.topPx >= 1;
}

function ends(piece: Piece, stopRow: number): boolean {
  return piece.bottomPx <= stopRow - 1;
}

function shareBand(one: Piece, other: Piece): boolean {
  const [[low, high], [otherLow, otherHigh]] = [one.mainBand, other.mainBand];
  const narrower = Math.min(high - low, otherHigh - otherLow);
  const common = Math.min(high, otherHigh) - Math.max(low, otherLow) + narrower / 2;
  return common >= SHARED * Math.max(0.5, narrower);
}

function widths(one: Piece, other: Piece): [number, number] {
  return [one.mainBand[1] - one.mainBand[0], other.mainBand[1] - other.mainBand[0]];
}

function mayBeTones(one: Piece, other: Piece): boolean {
  const both = widths(one, other);
  const [narrow, wide] = [Math.min(...both), Math.max(...both)];
  if (wide > TONE_WIDTHS * narrow) return false;
  const apart = apartOf(one, other);
  return apart <= 0 || (wide / Math.max(0.5, narrow + wide) <= apart && apart <= TONE_DISTANCE);
}

/** The gap between two bands in units of the sum of their widths; negative if they overlap. */
function apartOf(one: Piece, other: Piece): number {
  const [[low, high], [otherLow, otherHigh]] = [one.mainBand, other.mainBand];
  const [width, otherWidth] = widths(one, other);
  return (Math.max(low, otherLow) - Math.min(high, otherHigh)) / Math.max(0.5, width + otherWidth);
}

/** Adds pieces to each other until none belongs to another. */
function gathered(pieces: readonly Piece[], belongs: Belong, longestGap: number): Piece[] {
  let found = gatheredOnce(pieces, belongs, longestGap);
  for (let fewer = gatheredOnce(found, belongs, longestGap); fewer.length < found.length; fewer = gatheredOnce(found, belongs, longestGap)) {
    found = fewer;
  }
  return found;
}

function gatheredOnce(pieces: readonly Piece[], belongs: Belong, longestGap: number): Piece[] {
  const ended: Piece[] = [];
  let goingOn: Piece[] = [];
  const inOrder = [...pieces].sort((one, other) => one.topPx - other.topPx || one.parts.firstColumn - other.parts.firstColumn);
  for (const piece of inOrder) {
    ended.push(...goingOn.filter((one) => one.bottomPx + longestGap < piece.topPx));
    goingOn = goingOn.filter((one) => one.bottomPx + longestGap >= piece.topPx);
    const apartDb = (one: Piece): number => Math.abs(one.peakDb - piece.peakDb);
    const fitting = goingOn.filter((one) => belongs(one, piece)).sort((one, other) => apartDb(one) - apartDb(other) || one.topPx - other.topPx);
    if (fitting.length) goingOn[goingOn.indexOf(fitting[0])] = joined(fitting[0], piece);
    else goingOn.push(piece);
  }
  return [...ended, ...goingOn];
}

const BY_PRODUCT_DB = 10;
const PART_DB = 2;
const TONE_ALIKE_DB = 6;
const AFTERGLOW_DB = 18;
const AFTERGLOW = 0.5;
const [INSIDE, SAME, LARGE] = [0.7, 0.7, 1 / 3];
const SLACK_ROWS = 2;

type Fate = "kept" | "part" | "dropped";

/** The pieces without by-products; parts of a stronger piece are added to it. */
function withoutByProducts(pieces: readonly Piece[], stopRow: number, merges: boolean): Piece[] {
  const kept: Piece[] = [];
  for (const piece of [...pieces].sort((one, other) => other.power - one.power)) {
    let fate: Fate = "kept";
    for (let index = 0; index < kept.length && fate === "kept"; index++) {
      fate = fateOf(piece, kept[index], stopRow, merges);
      if (fate === "part") kept[index] = joined(kept[index], piece, true);
    }
    if (fate === "kept") kept.push(piece);
  }
  return kept;
}

function fateOf(weak: Piece, strong: Piece, stopRow: number, merges: boolean): Fate {
  const belowDb = strong.peakDb - weak.peakDb;
  const near = isNear(weak, strong);
  if (near && belowDb >= AFTERGLOW_DB && glows(weak, strong, stopRow)) return "dropped";
  const common = Math.min(strong.bottomPx + SLACK_ROWS, weak.bottomPx) - Math.max(strong.topPx - SLACK_ROWS, weak.topPx);
  if (common < INSIDE * weak.numRows) return "kept";
  const [hasStart, hasEnd] = [begins(strong), ends(strong, stopRow)];
  const covered = common / strong.numRows;
  if (belowDb < BY_PRODUCT_DB) {
    const hasItsTimes = (hasStart || hasEnd) && covered >= SAME && belowDb < TONE_ALIKE_DB;
    return merges && (isWithin(weak, strong) || (hasItsTimes && mayBeTones(weak, strong))) ? "part" : "kept";
  }
  const isSkirt = near && (hasStart || hasEnd || belowDb >= AFTERGLOW_DB);
  const hasItsTimes = (hasStart || hasEnd) && covered >= LARGE;
  const isInside = hasStart && hasEnd && belowDb >= BY_PRODUCT_DB + PART_DB;
  return isSkirt || hasItsTimes || isInside ? "dropped" : "kept";
}

function isNear(weak: Piece, strong: Piece): boolean {
  const [[low, high], [weakLow, weakHigh]] = [strong.wholeBand, weak.wholeBand];
  const [width, middle] = [high - low, (weakLow + weakHigh) / 2];
  return (low - width <= middle && middle <= high + width) || Math.min(high, weakHigh) > Math.max(low, weakLow);
}

function isWithin(weak: Piece, strong: Piece): boolean {
  const [[low, high], [weakLow, weakHigh]] = [strong.wholeBand, weak.mainBand];
  return Math.min(high, weakHigh) - Math.max(low, weakLow) > (weakHigh - weakLow) / 2;
}

function glows(weak: Piece, strong: Piece, stopRow: number): boolean {
  const reach = AFTERGLOW * strong.numRows;
  const isClose = strong.topPx - reach <= weak.topPx && weak.bottomPx <= strong.bottomPx + reach;
  return isClose && begins(weak) && ends(weak, stopRow);
}
