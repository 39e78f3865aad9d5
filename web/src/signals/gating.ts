/** Restricts a mask to cells with power, like `signals/detection/gating.py`. */

import { NEIGHBOURS_ALIKE } from "./background.ts";
import { highestAround, windowMeans, type Plane } from "./plane.ts";

const NEAR_ROWS = 2;
const SKIRTS = [
  [1 / 32, 18],
  [1 / 8, 24],
  [1, 36],
] as const;
const CORE_DB = 12;
const FALL_DB = 7;
const FALL_COLUMNS = 9;
const [LOW_DEVIATES, HIGH_DEVIATES] = [2, 5];
const SMOOTH = 5;

export interface Gated {
  readonly mask: Uint8Array;
  readonly isSeed: Uint8Array;
}

/** A mask "T F" without cells that lack power; `power` is in units of the noise. */
export function gated(mask: Uint8Array, confidence: Float32Array, power: Plane, framesPerRow: number, sure: number): Gated {
  const smooth = windowMeans(power, SMOOTH, SMOOTH);
  const three = windowMeans(power, 1, 3);
  const skirts = skirtsOf(three);
  const core = highestAround(smooth, Math.max(1, power.columns >> 5), "across");
  const beside = windowMeans(power, 1, FALL_COLUMNS);
  const highest = highestAround(beside, NEAR_ROWS, "down");
  const [low, high] = [LOW_DEVIATES, HIGH_DEVIATES].map((deviates) => threshold(framesPerRow, deviates));
  const [coreFactor, fallFactor] = [10 ** (-CORE_DB / 10), 10 ** (-FALL_DB / 10)];
  const kept = new Uint8Array(mask.length);
  const isSeed = new Uint8Array(mask.length);
  for (let at = 0; at < mask.length; at++) {
    if (!mask[at]) continue;
    const least = highest.data[at] * fallFactor;
    const isGap = beside.data[at] <= least && least >= 1;
    const isKept = smooth.data[at] > low && three.data[at] > skirts[at] && !isGap && smooth.data[at] > core.data[at] * coreFactor;
    if (!isKept) continue;
    kept[at] = mask[at];
    if (confidence[at] >= sure && smooth.data[at] > high) isSeed[at] = 1;
  }
  return { mask: kept, isSeed };
}

function threshold(framesPerRow: number, deviates: number): number {
  const cells = (SMOOTH * SMOOTH * framesPerRow) / NEIGHBOURS_ALIKE;
  return (1 - 1 / (9 * cells) + deviates / (3 * Math.sqrt(cells))) ** 3;
}

/** The power that a cell must exceed to be more than the skirt of a stronger signal. */
function skirtsOf(three: Plane): Float32Array {
  const highest = highestAround(three, NEAR_ROWS, "down");
  const limits = new Float32Array(three.data.length);
  for (const [share, downDb] of SKIRTS) {
    const around = highestAround(highest, Math.max(1, Math.round(share * three.columns)), "across").data;
    const factor = Math.fround(10 ** (-downDb / 10));
    for (let at = 0; at < limits.length; at++) limits[at] = Math.max(limits[at], around[at] * factor);
  }
  return limits;
}
