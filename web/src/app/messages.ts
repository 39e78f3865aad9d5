/** What the page and its worker say to each other. */

import type { ImageObject } from "../inference/objects.ts";
import type { RawFormat } from "../signals/samples.ts";
import type { SignalBox } from "../signals/boxes.ts";

export interface NamedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export type Request =
  | { readonly kind: "open"; readonly files: readonly NamedFile[]; readonly scale: number; readonly threshold: number; readonly raw: RawFormat | null }
  | { readonly kind: "threshold"; readonly threshold: number };

export interface Picture {
  readonly task: "image" | "recording";
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8ClampedArray<ArrayBuffer>;
  readonly axes: Axes | null;
}

/** Where a spectrogram's pixels lie: columns are frequencies, rows times. */
export interface Axes {
  readonly lowHz: number;
  readonly highHz: number;
  readonly startS: number;
  readonly stopS: number;
  readonly sampleRateHz: number;
}

export interface ImageResult {
  readonly kind: "objects";
  readonly height: number;
  readonly width: number;
  readonly mask: Uint8Array<ArrayBuffer>;
  readonly labels: Int32Array<ArrayBuffer>;
  readonly objects: readonly ImageObject[];
  readonly className: string;
  readonly elapsedMs: number;
}

export interface SignalResult {
  readonly kind: "signals";
  readonly boxes: readonly SignalBox[];
  readonly mask: Uint8Array<ArrayBuffer>;
  readonly height: number;
  readonly width: number;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly framesPerRow: number;
  /** What was left aside, in words; empty if nothing was. */
  readonly remark: string;
  readonly elapsedMs: number;
}

export type Reply =
  | { readonly kind: "stage"; readonly text: string; readonly share: number | null }
  | { readonly kind: "model"; readonly text: string; readonly threads: number }
  | { readonly kind: "picture"; readonly picture: Picture }
  | { readonly kind: "patch"; readonly left: number; readonly top: number; readonly width: number; readonly height: number; readonly rgba: Uint8ClampedArray<ArrayBuffer>; readonly ofWidth: number; readonly ofHeight: number }
  | ImageResult
  | SignalResult
  | { readonly kind: "error"; readonly text: string; readonly needsFormat: boolean };
