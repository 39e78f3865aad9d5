/** Recordings in files: SigMF pairs and archives, WAV with I/Q, and raw samples. */

import { PageError } from "../image/pixels.ts";
import { decodeSamples, frameBytes, type RawFormat } from "./samples.ts";
import type { Samples } from "./stft.ts";
import { readWav } from "./wav.ts";

export interface NamedBytes {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The longest capture of a recording, its first channel. */
export interface Recording {
  readonly name: string;
  readonly samples: Samples;
  readonly sampleRateHz: number;
  readonly centerHz: number;
  /** The capture's first sample, counted from the file's first. */
  readonly startSample: number;
  /** SigMF metadata to which annotations can be added. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** What was left aside, in words; empty if nothing was. */
  readonly remark: string;
}

/** The samples do not say what they are: the user must. */
export class FormatNeeded extends PageError {}

const [META, DATA] = [".sigmf-meta", ".sigmf-data"];
const MOST_SAMPLES = 1 << 26;

export function openRecording(files: readonly NamedBytes[], raw: RawFormat | null): Recording {
  const unpacked = files.flatMap((file) => (isTar(file.bytes) ? untar(file) : [file]));
  const meta = unpacked.find((file) => file.name.endsWith(META));
  if (meta) return fromSigmf(meta, unpacked);
  const [file] = unpacked;
  if (file.name.endsWith(DATA) && !raw) {
    throw new PageError(`${file.name}: its metadata is missing. Choose the ${META} and the ${DATA} together.`);
  }
  refusePacked(file);
  const wav = readWav(file.bytes, file.name);
  if (wav) return limited(wav.format, file.bytes.subarray(wav.start, wav.stop), file.name, wav.numChannels);
  if (!raw) throw new FormatNeeded(`${file.name} is no image, SigMF or WAV. If it holds raw samples, say what they are.`);
  return limited(raw, file.bytes, file.name, 1);
}

const PACKED: readonly (readonly [readonly number[], string])[] = [
  [[0x1f, 0x8b, 8], "a gzip file"],
  [[0x50, 0x4b, 3, 4], "a zip file"],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], "an xz file"],
  [[0x25, 0x50, 0x44, 0x46], "a PDF"],
  [[0x47, 0x49, 0x46, 0x38], "a GIF"],
  [[0x89, 0x48, 0x44, 0x46], "an HDF5 file"],
  [[0x93, 0x4e, 0x55, 0x4d], "a NumPy file"],
];

function refusePacked({ name, bytes }: NamedBytes): void {
  if (!bytes.length) throw new PageError(`${name}: the file is empty (0 bytes). Copy or export it again.`);
  const found = PACKED.find(([magic]) => magic.every((byte, at) => bytes[at] === byte));
  if (found) {
    throw new PageError(`${name}: this is ${found[1]}. PNG, JPEG and TIFF images, and SigMF, WAV and raw recordings are read: unpack or convert it.`);
  }
}

function limited(format: RawFormat, content: Uint8Array, name: string, numChannels: number): Recording {
  const datatype = format.datatype.replace("i24", "i32"); // SigMF has no 24 bits
  const global = { "core:datatype": datatype, "core:sample_rate": format.sampleRateHz, "core:version": "1.2.0", "core:metadata_only": true };
  const captures = [{ "core:sample_start": 0, "core:frequency": format.centerHz }];
  return {
    name,
    samples: decodeSamples(checked(content, frameBytes(format.datatype, numChannels), name), format.datatype, numChannels),
    sampleRateHz: format.sampleRateHz,
    centerHz: format.centerHz,
    startSample: 0,
    metadata: { global, captures, annotations: [] },
    remark: numChannels > 1 ? `Channel 0 of ${numChannels} was searched.` : "",
  };
}

function checked(content: Uint8Array, frame: number, name: string): Uint8Array {
  const count = Math.floor(content.length / frame);
  if (count === 0) throw new PageError(`${name}: the recording is empty. Record or copy it again.`);
  if (count > MOST_SAMPLES) {
    throw new PageError(`${name}: the recording has ${count} samples; the page takes up to ${MOST_SAMPLES}. Cut it, or use \`lmsc detect\`, which reads any length.`);
  }
  return content.subarray(0, count * frame);
}

interface CaptureEntry {
  readonly "core:sample_start"?: number;
  readonly "core:frequency"?: number;
  readonly "core:header_bytes"?: number;
}

function fromSigmf(meta: NamedBytes, files: readonly NamedBytes[]): Recording {
  const whole = parse(meta);
  const fields = whole.global ?? {};
  const stem = meta.name.slice(0, -META.length);
  const names = [fields["core:dataset"], stem + DATA, baseName(stem) + DATA];
  const data = files.find((file) => names.includes(file.name) || names.includes(baseName(file.name)));
  if (!data) throw new PageError(`${meta.name}: the samples are missing. Choose ${baseName(stem)}${DATA} together with it.`);
  const rate = fields["core:sample_rate"];
  if (typeof rate !== "number" || !(rate > 0)) {
    throw new PageError(`${meta.name}: core:sample_rate is ${JSON.stringify(rate) ?? "missing"}; a number above 0 is needed.`);
  }
  const numChannels = Number(fields["core:num_channels"] ?? 1);
  const frame = frameBytes(fields["core:datatype"], numChannels);
  const capture = longest(whole.captures ?? [], Number(fields["core:offset"] ?? 0), frame, data.bytes.length - Number(fields["core:trailing_bytes"] ?? 0));
  const content = checked(data.bytes.subarray(capture.byte, capture.byte + capture.count * frame), frame, data.name);
  const remarks = [
    numChannels > 1 ? `Channel 0 of ${numChannels} was searched.` : "",
    capture.of > 1 ? `The longest of ${capture.of} captures was searched.` : "",
  ];
  return {
    name: stem,
    samples: decodeSamples(content, fields["core:datatype"], numChannels),
    sampleRateHz: rate,
    centerHz: capture.centerHz,
    startSample: capture.start,
    metadata: { ...whole },
    remark: remarks.join(" ").trim(),
  };
}

interface SigmfMeta {
  global?: Record<string, unknown>;
  captures?: CaptureEntry[];
}

function parse(meta: NamedBytes): SigmfMeta {
  try {
    return JSON.parse(new TextDecoder().decode(meta.bytes)) as SigmfMeta;
  } catch (error) {
    throw new PageError(`${meta.name}: the metadata is no JSON (${String(error)}). Write it again with a SigMF tool.`);
  }
}

interface Place {
  readonly start: number;
  readonly count: number;
  readonly byte: number;
  readonly centerHz: number;
  readonly of: number;
}

/** The longest capture; captures of one frequency that follow each other are one. */
function longest(captures: readonly CaptureEntry[], offset: number, frame: number, numBytes: number): Place {
  const entries = captures.length ? captures : [{}];
  const headers = entries.map((entry) => entry["core:header_bytes"] ?? 0);
  const total = Math.floor((numBytes - headers.reduce((sum, size) => sum + size, 0)) / frame);
  const places: { start: number; count: number; byte: number; centerHz: number }[] = [];
  let skipped = 0;
  entries.forEach((entry, index) => {
    skipped += headers[index];
    const startOf = (one: CaptureEntry | undefined): number => (one ? Math.min(total, (one["core:sample_start"] ?? offset) - offset) : total);
    const [start, stop] = [index ? startOf(entry) : 0, startOf(entries[index + 1])];
    const centerHz = entry["core:frequency"] ?? 0;
    const last = places[places.length - 1];
    if (last?.centerHz === centerHz && !headers[index]) last.count += stop - start;
    else places.push({ start, count: stop - start, byte: skipped + start * frame, centerHz });
  });
  const best = places.reduce((most, place) => (place.count > most.count ? place : most));
  return { ...best, of: places.length };
}

function isTar(bytes: Uint8Array): boolean {
  return String.fromCharCode(...bytes.subarray(257, 262)) === "ustar";
}

function untar(archive: NamedBytes): NamedBytes[] {
  const found: NamedBytes[] = [];
  const text = (start: number, length: number): string =>
    new TextDecoder().decode(archive.bytes.subarray(start, start + length)).replace(/\0[^]*$/, "");
  for (let at = 0; at + 512 <= archive.bytes.length && archive.bytes[at] !== 0; ) {
    const size = parseInt(text(at + 124, 12).trim(), 8) || 0;
    const isFile = ["0", "", "\0"].includes(text(at + 156, 1));
    if (at + 512 + size > archive.bytes.length) throw new PageError(`${archive.name}: the archive is truncated. Get it again.`);
    if (isFile && !baseName(text(at, 100)).startsWith(".")) found.push({ name: text(at, 100), bytes: archive.bytes.subarray(at + 512, at + 512 + size) });
    at += 512 + Math.ceil(size / 512) * 512;
  }
  if (!found.some((file) => file.name.endsWith(META))) {
    throw new PageError(`${archive.name}: the archive holds no ${META} file, so it does not say what its samples are.`);
  }
  return found;
}

function baseName(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}
