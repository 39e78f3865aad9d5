/** SigMF datatypes, and bytes as samples. */

import { PageError } from "../image/pixels.ts";
import type { Samples } from "./stft.ts";

/** How raw samples are stored. */
export interface RawFormat {
  readonly datatype: string;
  readonly sampleRateHz: number;
  readonly centerHz: number;
}

type Reader = (view: DataView, at: number, isLittle: boolean) => number;

const READERS: Readonly<Record<string, readonly [number, Reader]>> = {
  i8: [1, (view, at) => view.getInt8(at) / 128],
  u8: [1, (view, at) => view.getUint8(at) / 128 - 1],
  i16: [2, (view, at, isLittle) => view.getInt16(at, isLittle) / 32768],
  u16: [2, (view, at, isLittle) => view.getUint16(at, isLittle) / 32768 - 1],
  i24: [3, (view, at) => (view.getInt8(at + 2) * 65536 + view.getUint16(at, true)) / 8388608],
  i32: [4, (view, at, isLittle) => view.getInt32(at, isLittle) / 2147483648],
  u32: [4, (view, at, isLittle) => view.getUint32(at, isLittle) / 2147483648 - 1],
  f32: [4, (view, at, isLittle) => view.getFloat32(at, isLittle)],
  f64: [8, (view, at, isLittle) => view.getFloat64(at, isLittle)],
};
const [LOWEST_PEAK, HIGHEST_PEAK] = [1e-10, 1e8];

interface Datatype {
  readonly isComplex: boolean;
  readonly bytes: number;
  readonly read: Reader;
  readonly isLittle: boolean;
  readonly isFloat: boolean;
}

function parseDatatype(name: unknown): Datatype {
  const match = typeof name === "string" ? /^([cr])([fiu])(8|16|24|32|64)(?:_(le|be))?$/.exec(name) : null;
  const found = match && READERS[match[2] + match[3]];
  if (!match || !found) {
    throw new PageError(`The datatype is ${JSON.stringify(name)}, which is none of SigMF. It must be one like cf32_le, ci16_le, ci8 or cu8.`);
  }
  return { isComplex: match[1] === "c", bytes: found[0], read: found[1], isLittle: match[4] !== "be", isFloat: match[2] === "f" };
}

/** The bytes of one sample of all channels. */
export function frameBytes(datatype: unknown, numChannels: number): number {
  const { bytes, isComplex } = parseDatatype(datatype);
  return bytes * (isComplex ? 2 : 1) * numChannels;
}

/** The samples of the first channel: integers become -1..1, floats of extreme size are scaled by a power of two. */
export function decodeSamples(content: Uint8Array, datatype: unknown, numChannels: number): Samples {
  const type = parseDatatype(datatype);
  const inSample = type.isComplex ? 2 : 1;
  const count = Math.floor(content.length / (type.bytes * inSample * numChannels));
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const data = new Float32Array(count * inSample);
  for (let sample = 0, at = 0; sample < count; sample++) {
    for (let part = 0; part < inSample; part++, at++) {
      data[at] = type.read(view, (sample * inSample * numChannels + part) * type.bytes, type.isLittle);
    }
  }
  if (type.isFloat) scaleExtremes(data);
  return { data, isComplex: type.isComplex };
}

function scaleExtremes(data: Float32Array): void {
  const peak = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  if (!Number.isFinite(peak)) {
    throw new PageError("Samples are NaN or infinite. Write the recording without them, or check the type of a sample and its byte order.");
  }
  if (peak === 0 || (peak >= LOWEST_PEAK && peak <= HIGHEST_PEAK)) return;
  const gain = 2 ** Math.min(120, Math.max(-120, -Math.floor(Math.log2(peak))));
  data.forEach((value, at) => (data[at] = value * gain));
}
