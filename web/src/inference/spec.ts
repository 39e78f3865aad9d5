/** A model's description, as `lmsc export` writes it into the ONNX file (docs/reference/files.md). */

import { PageError } from "../image/pixels.ts";

export interface Stft {
  readonly nfft: number;
  readonly hop: number;
  readonly window: "hann" | "blackman" | "rectangular";
  readonly framesPerRow: number;
}

export interface ModelSpec {
  readonly name: string;
  readonly inputChannels: number;
  readonly classNames: readonly string[];
  readonly numLogits: number;
  readonly contour: boolean;
  readonly scale: number;
  readonly scaling: "range" | "percentile" | "per-channel" | "balanced";
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly threshold: number;
  readonly sideMultiplePx: number;
  readonly marginPx: number;
  readonly spectrogram: { readonly stft: Stft; readonly lowDb: number; readonly highDb: number } | null;
}

export const KEY = "lmsc_unet.model";
const NEWEST_VERSION = 3;

/** The description of a model file. */
export function readSpec(file: Uint8Array, name: string): ModelSpec {
  const text = readMetadata(file).get(KEY);
  if (text === undefined) {
    throw new PageError(`${name}: the file has no metadata ${KEY}. Use a file that \`lmsc export\` wrote.`);
  }
  return toSpec(JSON.parse(text), name);
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any
function toSpec(whole: any, name: string): ModelSpec {
  if (!(whole.version >= 1 && whole.version <= NEWEST_VERSION)) {
    throw new PageError(`${name}: its description has version ${whole.version}; this page reads up to ${NEWEST_VERSION}.`);
  }
  const spec = whole.spec;
  if (spec.treatment !== "tiles" || (spec.outputs ?? "logits") !== "logits" || spec.num_logits !== 1) {
    throw new PageError(`${name}: this page runs models with tiles and one logit. Use \`lmsc predict\` for this one.`);
  }
  const shown = spec.spectrogram?.shown;
  const stft = spec.spectrogram?.stft;
  return {
    name: spec.name,
    inputChannels: spec.input_channels,
    classNames: spec.class_names,
    numLogits: spec.num_logits,
    contour: spec.contour ?? false,
    scale: spec.scale,
    scaling: spec.scaling,
    mean: spec.mean,
    std: spec.std,
    threshold: spec.threshold,
    sideMultiplePx: spec.side_multiple_px,
    marginPx: spec.margin_px,
    spectrogram: stft
      ? {
          stft: { nfft: stft.nfft, hop: stft.hop, window: stft.window, framesPerRow: stft.frames_per_row },
          lowDb: shown.low_db,
          highDb: shown.high_db,
        }
      : null,
  };
}

const METADATA_FIELD = 14;

/** The keys and values of an ONNX file's `metadata_props`: protobuf, read without a library. */
export function readMetadata(file: Uint8Array): Map<string, string> {
  const found = new Map<string, string>();
  for (const [field, content] of lengthDelimited(file)) {
    if (field !== METADATA_FIELD) continue;
    const entry = [...lengthDelimited(content)].map(([key, text]) => [key, new TextDecoder().decode(text)] as const);
    const parts = new Map<number, string>(entry);
    found.set(parts.get(1) ?? "", parts.get(2) ?? "");
  }
  return found;
}

function* lengthDelimited(bytes: Uint8Array): Generator<[number, Uint8Array]> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 1; at < bytes.length; shift *= 128) {
      const byte = bytes[at++];
      value += (byte & 127) * shift;
      if (byte < 128) break;
    }
    return value;
  };
  while (at < bytes.length) {
    const tag = varint();
    const wire = tag % 8;
    if (wire === 0) varint();
    else if (wire === 1) at += 8;
    else if (wire === 5) at += 4;
    else if (wire === 2) {
      const length = varint();
      yield [Math.floor(tag / 8), bytes.subarray(at, at + length)];
      at += length;
    } else throw new PageError("The model is no ONNX file. Copy or export it again.");
  }
}
