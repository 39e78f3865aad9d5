/** The signals of one capture: the network's mask and boxes, by the rules of `lmsc detect`. */

import { PageError, rint } from "../image/pixels.ts";
import { segment, toMask, type Network } from "../inference/segment.ts";
import type { ModelSpec } from "../inference/spec.ts";
import { roundUp } from "../inference/tiling.ts";
import { flatten } from "./background.ts";
import type { SignalBox } from "./boxes.ts";
import { gated } from "./gating.ts";
import { transmissions } from "./grouping.ts";
import { aboveFloorDb, powerOverFloor, toPicture } from "./noise.ts";
import { toPiece, type Piece } from "./pieces.ts";
import { rowsOf, stacked, type Plane } from "./plane.ts";
import { findRegions } from "./regions.ts";
import { Grid, numSamples, powerRows, rowSamples, type Samples } from "./stft.ts";
import { framesOf, surveyNoise } from "./survey.ts";

const FLOOR_ROWS = 256;
const BLOCK_CELLS = 896 * 256;
const TILE_PX = 2048;
const SURE = 0.9;
const MIN_CELLS = 12;
const MIN_CONFIDENCE = 0.75;

export interface Found {
  readonly boxes: SignalBox[];
  readonly mask: Uint8Array;
}

/** A capture as a spectrogram, ready to be searched. */
export interface Prepared {
  readonly grid: Grid;
  /** Rows in dB above the noise floor. */
  readonly db: Plane;
  /** The same above their own noise, by blocks with their halo. */
  readonly flat: (first: number, stop: number) => Plane;
  readonly numSamples: number;
  /** Whether a steady line at 0 Hz was left out. */
  readonly hasDcOffset: boolean;
  readonly minSnrDb: number;
}

export function prepare(samples: Samples, sampleRateHz: number, centerHz: number, spec: ModelSpec): Prepared {
  const trained = spec.spectrogram!.stft;
  const framesPerRow = trained.framesPerRow === 1 ? framesOf(samples, sampleRateHz, trained) : trained.framesPerRow;
  const stft = { ...trained, framesPerRow };
  const { floor, background } = surveyNoise(samples, stft);
  const power = powerRows(samples, stft);
  if (!power.data.every(Number.isFinite)) {
    throw new PageError("The power of the samples is NaN or infinite. Check the type of a sample and its byte order.");
  }
  const blocks: Plane[] = [];
  for (let row = 0; row < power.rows; row += FLOOR_ROWS) {
    const block = rowsOf(power, row, Math.min(power.rows, row + FLOOR_ROWS));
    blocks.push(aboveFloorDb(block, floor.update(block)));
  }
  const db = stacked(blocks);
  const flat = (first: number, stop: number): Plane => flatten(rowsOf(db, first, stop), background);
  return { grid: new Grid(stft, sampleRateHz, centerHz, samples.isComplex), db, flat, numSamples: numSamples(samples), hasDcOffset: background.dcOffset !== null, minSnrDb: background.minSnrDb };
}

export type OnBlock = (done: number, total: number, firstRow: number, mask: Uint8Array) => void;

export async function search(prepared: Prepared, spec: ModelSpec, network: Network, onBlock: OnBlock): Promise<Found> {
  const { db, grid, flat } = prepared;
  const { columns, rows } = db;
  const mask = new Uint8Array(db.data.length);
  const isSeed = new Uint8Array(db.data.length);
  const confidence = new Float32Array(db.data.length);
  const power: Plane = { rows, columns, data: new Float32Array(db.data.length) };
  const halo = roundUp(spec.marginPx, spec.sideMultiplePx);
  const blockRows = Math.max(256, Math.floor(BLOCK_CELLS / grid.stft.nfft));
  const { lowDb, highDb } = spec.spectrogram!;
  for (let first = 0; first < rows; first += blockRows) {
    const stop = Math.min(rows, first + blockRows);
    const [from, to] = [Math.max(0, first - halo), Math.min(rows, stop + halo)];
    const block = flat(from, to);
    const found = await segment(toPicture(block, lowDb, highDb), spec, network, { tilePx: TILE_PX });
    const blockPower = powerOverFloor(block);
    const kept = gated(toMask(found.foreground, spec.threshold), found.foreground, blockPower, grid.stft.framesPerRow, SURE);
    const [start, end, at] = [(first - from) * columns, (stop - from) * columns, first * columns];
    mask.set(kept.mask.subarray(start, end), at);
    isSeed.set(kept.isSeed.subarray(start, end), at);
    confidence.set(found.foreground.subarray(start, end), at);
    power.data.set(blockPower.data.subarray(start, end), at);
    onBlock(stop, rows, first, mask.slice(at, stop * columns));
  }
  const pieces = findRegions({ mask, isSeed }, confidence, power).map(toPiece);
  const whole = transmissions(pieces, rows, grid.stft.framesPerRow, rowSamples(grid.stft) / grid.sampleRateHz);
  const boxes = whole.filter((piece) => isReported(piece, prepared.minSnrDb)).map((piece) => toBox(piece, grid, prepared.numSamples, spec.classNames[1]));
  boxes.sort((one, other) => one.startSample - other.startSample || one.lowHz - other.lowHz);
  return { boxes, mask };
}

function isReported(piece: Piece, minSnrDb: number): boolean {
  return piece.parts.numCells >= MIN_CELLS && piece.confidence >= MIN_CONFIDENCE && piece.snrDb >= minSnrDb;
}

function toBox(piece: Piece, grid: Grid, total: number, label: string): SignalBox {
  const half = Math.floor(rowSamples(grid.stft) / 2);
  let [start, stop] = [rint(grid.sample(piece.topPx)), rint(grid.sample(piece.bottomPx))];
  if (start < half) start = 0;
  if (stop > total - half) stop = total;
  const [lowest, highest] = [grid.hz(0.5), grid.hz(grid.numColumns + 0.5)];
  const [left, right] = piece.wholeBand.map((column) => grid.hz(column));
  const box = { startSample: start, stopSample: Math.max(start + 1, stop), lowHz: Math.min(Math.max(left, lowest), highest), highHz: Math.max(lowest, Math.min(right, highest)) };
  return {
    ...box,
    label,
    snrDb: piece.snrDb,
    confidence: piece.confidence,
    leftPx: grid.columnPx(box.lowHz),
    rightPx: grid.columnPx(box.highHz),
    topPx: grid.rowPx(box.startSample),
    bottomPx: grid.rowPx(box.stopSample),
  };
}
