/** Baseline TIFF without a library: strips or tiles, 8 or 16 bits or floats, raw, LZW, Deflate or PackBits. */

import { inflate, joined } from "./png.ts";
import { newValues, PageError, type Pixels, type Values } from "./pixels.ts";

const [WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC] = [256, 257, 258, 259, 262];
const [STRIP_OFFSETS, CHANNELS, STRIP_ROWS, STRIP_BYTES, PLANAR, PREDICTOR] = [273, 277, 278, 279, 284, 317];
const [COLOUR_MAP, TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_BYTES] = [320, 322, 323, 324, 325];
const [EXTRA_SAMPLES, SAMPLE_FORMAT, NODATA] = [338, 339, 42113];
const TYPE_BYTES: Readonly<Record<number, number>> = { 1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 11: 4, 12: 8 };
const KINDS: Readonly<Record<number, string>> = { 2: "CCITT", 3: "fax", 4: "fax", 6: "JPEG", 7: "JPEG", 50000: "Zstandard", 50001: "WebP" };

interface Directory {
  readonly get: (tag: number, fallback: number) => number;
  readonly all: (tag: number) => number[];
  readonly text: (tag: number) => string;
  readonly isLittle: boolean;
}

export interface DecodedTiff {
  readonly image: Pixels;
  readonly nodata: number | null;
}

export async function decodeTiff(file: Uint8Array): Promise<DecodedTiff> {
  const directory = readDirectory(file);
  const { get } = directory;
  const [width, height, numAll] = [get(WIDTH, 0), get(HEIGHT, 0), get(CHANNELS, 1)];
  const bits = get(BITS, 1);
  const isFloat = get(SAMPLE_FORMAT, 1) === 3;
  if (!(isFloat ? bits === 32 : bits === 8 || bits === 16) || get(SAMPLE_FORMAT, 1) === 2) {
    throw new PageError(`The TIFF has ${bits} bits per value${isFloat ? " (float)" : ""}; 8 and 16 bits and 32-bit floats are read. Save it as one of these, or use \`lmsc predict\`.`);
  }
  const like: Values = isFloat ? new Float32Array(0) : bits === 8 ? new Uint8Array(0) : new Uint16Array(0);
  const data = newValues(like, width * height * numAll);
  await readBlocks(file, directory, { width, height, channels: numAll, data });
  const nodata = directory.text(NODATA);
  const kept = get(EXTRA_SAMPLES, -1) > 0 ? numAll - directory.all(EXTRA_SAMPLES).length : numAll;
  return { image: finished({ width, height, channels: numAll, data }, kept, directory), nodata: nodata ? Number(nodata) : null };
}

function finished(image: Pixels, kept: number, directory: Directory): Pixels {
  const photometric = directory.get(PHOTOMETRIC, 1);
  if (photometric === 3) return fromMap(image, directory.all(COLOUR_MAP));
  if (photometric > 3) throw new PageError("The TIFF's colours are neither grey, RGB nor a palette. Save it as RGB.");
  if (photometric === 0 && !(image.data instanceof Float32Array)) {
    const most = image.data instanceof Uint8Array ? 255 : 65535;
    image.data.forEach((value, at) => (image.data[at] = most - value));
  }
  if (kept === image.channels) return image;
  const data = newValues(image.data, image.width * image.height * kept);
  for (let pixel = 0; pixel < image.width * image.height; pixel++) {
    for (let channel = 0; channel < kept; channel++) data[pixel * kept + channel] = image.data[pixel * image.channels + channel];
  }
  return { ...image, channels: kept, data };
}

function fromMap(image: Pixels, map: readonly number[]): Pixels {
  const num = map.length / 3;
  const data = new Uint8Array(image.data.length * 3);
  image.data.forEach((index, at) => {
    for (let channel = 0; channel < 3; channel++) data[3 * at + channel] = map[channel * num + index] >> 8;
  });
  return { ...image, channels: 3, data };
}

function readDirectory(file: Uint8Array): Directory {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const isLittle = file[0] === 0x49;
  if (view.getUint16(2, isLittle) !== 42) {
    throw new PageError("This is a BigTIFF, which the page does not read. Use `lmsc predict`, which does.");
  }
  const start = view.getUint32(4, isLittle);
  const count = view.getUint16(start, isLittle);
  const entries = new Map<number, { type: number; count: number; at: number }>();
  for (let entry = start + 2; entry < start + 2 + 12 * count; entry += 12) {
    const [type, number] = [view.getUint16(entry + 2, isLittle), view.getUint32(entry + 4, isLittle)];
    const isInline = (TYPE_BYTES[type] ?? 1) * number <= 4;
    entries.set(view.getUint16(entry, isLittle), { type, count: number, at: isInline ? entry + 8 : view.getUint32(entry + 8, isLittle) });
  }
  if (view.getUint32(start + 2 + 12 * count, isLittle) !== 0) {
    // A second page: a stack, or reduced copies, which are marked.
    checkPages(view, view.getUint32(start + 2 + 12 * count, isLittle), isLittle);
  }
  const all = (tag: number): number[] => {
    const entry = entries.get(tag);
    if (!entry) return [];
    return Array.from({ length: entry.count }, (_, index) => {
      const at = entry.at + index * (TYPE_BYTES[entry.type] ?? 1);
      if (entry.type === 3) return view.getUint16(at, isLittle);
      return entry.type === 4 ? view.getUint32(at, isLittle) : view.getUint8(at);
    });
  };
  return {
    all,
    isLittle,
    get: (tag, fallback) => all(tag)[0] ?? fallback,
    text: (tag) => String.fromCharCode(...all(tag)).replace(/\0[^]*$/, "").trim(),
  };
}

function checkPages(view: DataView, start: number, isLittle: boolean): void {
  const count = view.getUint16(start, isLittle);
  for (let entry = start + 2; entry < start + 2 + 12 * count; entry += 12) {
    if (view.getUint16(entry, isLittle) === 254 && view.getUint32(entry + 8, isLittle) & 5) return;
  }
  throw new PageError("The TIFF has several pages. One image per file is needed: save each page by itself.");
}

async function readBlocks(file: Uint8Array, directory: Directory, image: Pixels): Promise<void> {
  const { get, all } = directory;
  const isTiled = all(TILE_OFFSETS).length > 0;
  const [blockWidth, blockHeight] = isTiled
    ? [get(TILE_WIDTH, 0), get(TILE_HEIGHT, 0)]
    : [image.width, Math.min(image.height, get(STRIP_ROWS, image.height))];
  const isPlanar = get(PLANAR, 1) === 2 && image.channels > 1;
  const inBlock = isPlanar ? 1 : image.channels;
  const across = Math.ceil(image.width / blockWidth);
  const perPlane = across * Math.ceil(image.height / blockHeight);
  const [offsets, sizes] = isTiled ? [all(TILE_OFFSETS), all(TILE_BYTES)] : [all(STRIP_OFFSETS), all(STRIP_BYTES)];
  for (const [index, offset] of offsets.entries()) {
    if (offset + sizes[index] > file.length) throw new PageError("The TIFF is truncated. Copy or export it again.");
    const place = index % perPlane;
    const [top, left] = [Math.floor(place / across) * blockHeight, (place % across) * blockWidth];
    const bytes = await unpack(file.subarray(offset, offset + sizes[index]), get(COMPRESSION, 1));
    const values = decodeBlock(bytes, image.data, blockWidth, inBlock, directory);
    const plane = isPlanar ? Math.floor(index / perPlane) : 0;
    copyBlock(values, image, { top, left, blockWidth, blockHeight, inBlock, plane });
  }
}

async function unpack(bytes: Uint8Array, compression: number): Promise<Uint8Array> {
  if (compression === 1) return bytes;
  if (compression === 5) return lzw(bytes);
  if (compression === 8 || compression === 32946) return inflate(bytes);
  if (compression === 32773) return packBits(bytes);
  throw new PageError(
    `The TIFF is compressed by ${KINDS[compression] ?? `method ${compression}`}; none, LZW, Deflate and PackBits are read. Save it by one of these, or use \`lmsc predict\`.`,
  );
}

function decodeBlock(bytes: Uint8Array, like: Values, width: number, channels: number, directory: Directory): Values {
  const predictor = directory.get(PREDICTOR, 1);
  if (predictor === 3) throw new PageError("The TIFF has floats with a predictor. Save it without, or use `lmsc predict`.");
  const size = like.BYTES_PER_ELEMENT;
  const values = newValues(like, Math.floor(bytes.length / size));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < values.length; at++) {
    if (size === 1) values[at] = bytes[at];
    else values[at] = size === 2 ? view.getUint16(2 * at, directory.isLittle) : view.getFloat32(4 * at, directory.isLittle);
  }
  if (predictor === 2) {
    const stride = width * channels;
    for (let at = 0; at < values.length; at++) if (at % stride >= channels) values[at] += values[at - channels];
  }
  return values;
}

interface Block {
  readonly top: number;
  readonly left: number;
  readonly blockWidth: number;
  readonly blockHeight: number;
  readonly inBlock: number;
  readonly plane: number;
}

function copyBlock(values: Values, image: Pixels, block: Block): void {
  const { width, height, channels, data } = image;
  for (let row = 0; row < Math.min(block.blockHeight, height - block.top); row++) {
    for (let column = 0; column < Math.min(block.blockWidth, width - block.left); column++) {
      const from = (row * block.blockWidth + column) * block.inBlock;
      const to = ((block.top + row) * width + block.left + column) * channels + block.plane;
      for (let channel = 0; channel < block.inBlock; channel++) data[to + channel] = values[from + channel];
    }
  }
}

function packBits(bytes: Uint8Array): Uint8Array {
  const out: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    const head = bytes[at++];
    if (head < 128) {
      for (let stop = at + head + 1; at < stop; at++) out.push(bytes[at]);
    } else if (head > 128) {
      for (let left = 257 - head; left > 0; left--) out.push(bytes[at]);
      at++;
    }
  }
  return Uint8Array.from(out);
}

const [CLEAR, END, FIRST] = [256, 257, 258];

function lzw(bytes: Uint8Array): Uint8Array {
  const singles = Array.from({ length: FIRST }, (_, code) => Uint8Array.of(code & 255));
  const parts: Uint8Array[] = [];
  let table = singles.slice();
  let previous: Uint8Array | null = null;
  let [bits, held, numHeld] = [9, 0, 0];
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xffffff;
    numHeld += 8;
    if (numHeld < bits) continue;
    const code = (held >> (numHeld - bits)) & ((1 << bits) - 1);
    numHeld -= bits;
    if (code === END) break;
    if (code === CLEAR) {
      [table, previous, bits] = [singles.slice(), null, 9];
      continue;
    }
    const entry: Uint8Array = table[code] ?? joined([previous!, previous!.subarray(0, 1)]);
    parts.push(entry);
    if (previous) table.push(joined([previous, entry.subarray(0, 1)]));
    previous = entry;
    bits = table.length >= 2047 ? 12 : table.length >= 1023 ? 11 : table.length >= 511 ? 10 : 9;
  }
  return joined(parts);
}
