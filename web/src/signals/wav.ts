/** The header of a WAV file of I/Q samples. */

import { PageError } from "../image/pixels.ts";
import type { RawFormat } from "./samples.ts";

const [PCM, FLOAT, EXTENSIBLE] = [1, 3, 0xfffe];
const COMPONENTS: Readonly<Record<string, string>> = {
  [`${PCM} 8`]: "u8",
  [`${PCM} 16`]: "i16_le",
  [`${PCM} 24`]: "i24_le",
  [`${PCM} 32`]: "i32_le",
  [`${FLOAT} 32`]: "f32_le",
  [`${FLOAT} 64`]: "f64_le",
};

export interface WavHeader {
  readonly format: RawFormat;
  readonly numChannels: number;
  readonly start: number;
  readonly stop: number;
}

/** What a WAV file says of its samples; null if it is none. */
export function readWav(bytes: Uint8Array, name: string): WavHeader | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = (at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));
  if (!["RIFF", "RF64", "BW64"].includes(text(0)) || text(8) !== "WAVE") return null;
  let [format, start, stop, centerHz] = [-1, -1, -1, 0];
  for (let at = 12; at + 8 <= bytes.length; ) {
    const [kind, size, body] = [text(at), view.getUint32(at + 4, true), at + 8];
    if (kind === "fmt ") format = body;
    else if (kind === "auxi" && size >= 36) centerHz = view.getUint32(body + 32, true);
    else if (kind === "data") {
      start = body;
      stop = size === 0 || body + size > bytes.length ? bytes.length : body + size;
    }
    at = body + size + (size % 2);
  }
  if (format < 0 || start < 0) throw new PageError(`${name}: this WAV file has no format or no samples. It is damaged; record it again.`);
  const [channels, rate, bits] = [view.getUint16(format + 2, true), view.getUint32(format + 4, true), view.getUint16(format + 14, true)];
  const said = view.getUint16(format, true);
  const component = COMPONENTS[`${said === EXTENSIBLE ? view.getUint16(format + 24, true) : said} ${bits}`];
  if (!component || channels < 1 || (channels > 1 && channels % 2)) {
    throw new PageError(`${name}: this WAV file has ${channels} channels of ${bits} bits. I/Q samples are two channels of 8, 16, 24 or 32 bits, or floats: convert it.`);
  }
  const datatype = (channels === 1 ? "r" : "c") + component;
  return { format: { datatype, sampleRateHz: rate, centerHz }, numChannels: Math.max(1, channels >> 1), start, stop };
}
