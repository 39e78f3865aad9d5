/** PNG without a library, exact for 1 to 16 bits: the browser's own decoder would give 8 bits with colours managed. */

import { PageError, type Pixels } from "./pixels.ts";

export const PNG_SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];

interface Header {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colour: number;
  readonly isInterlaced: boolean;
}

const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
const TRUNCATED = "The PNG is truncated or damaged: a chunk is missing. Copy or export it again.";

/** The pixels without alpha; palettes become RGB, 16 bits stay. */
export async function decodePng(file: Uint8Array): Promise<Pixels> {
  const { header, data, palette } = readChunks(file);
  const channels = CHANNELS[header.colour];
  if (!channels || header.isInterlaced) {
    throw new PageError("The PNG is interlaced, or of an unknown kind. Save it without interlacing.");
  }
  const raw = await inflate(data);
  const rows = unfiltered(raw, header, channels);
  const values = unpacked(rows, header, channels);
  if (header.colour === 3) return fromPalette(values, header, palette);
  const kept = channels >= 3 ? 3 : 1;
  return { height: header.height, width: header.width, channels: kept, data: firstOf(values, channels, kept) };
}

function readChunks(file: Uint8Array): { header: Header; data: Uint8Array; palette: Uint8Array } {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  let header: Header | null = null;
  let palette = new Uint8Array();
  const parts: Uint8Array[] = [];
  let isEnded = false;
  for (let at = 8; at + 12 <= file.length && !isEnded; ) {
    const length = view.getUint32(at);
    const name = String.fromCharCode(...file.subarray(at + 4, at + 8));
    const body = file.subarray(at + 8, at + 8 + length);
    if (name === "IHDR") {
      const place = at + 8;
      header = {
        width: view.getUint32(place),
        height: view.getUint32(place + 4),
        depth: file[place + 8],
        colour: file[place + 9],
        isInterlaced: file[place + 12] !== 0,
      };
    } else if (name === "PLTE") palette = new Uint8Array(body);
    else if (name === "IDAT") parts.push(body);
    isEnded = name === "IEND";
    at += 12 + length;
  }
  if (!header || !isEnded) throw new PageError(TRUNCATED);
  return { header, data: joined(parts), palette };
}

export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The content of a zlib stream. */
export async function inflate(data: Uint8Array): Promise<Uint8Array> {
  return through(data, new DecompressionStream("deflate"));
}

export async function deflate(data: Uint8Array): Promise<Uint8Array> {
  return through(data, new CompressionStream("deflate"));
}

async function through(data: Uint8Array, stream: GenericTransformStream): Promise<Uint8Array> {
  const source = new Blob([new Uint8Array(data)]).stream();
  return new Uint8Array(await new Response(source.pipeThrough(stream as ReadableWritablePair)).arrayBuffer());
}

function unfiltered(raw: Uint8Array, header: Header, channels: number): Uint8Array {
  const step = Math.max(1, (header.depth * channels) >> 3);
  const stride = Math.ceil((header.width * header.depth * channels) / 8);
  if (raw.length < (stride + 1) * header.height) throw new PageError(TRUNCATED);
  const rows = new Uint8Array(stride * header.height);
  for (let row = 0; row < header.height; row++) {
    const filter = raw[row * (stride + 1)];
    const from = row * (stride + 1) + 1;
    const to = row * stride;
    for (let at = 0; at < stride; at++) {
      const left = at >= step ? rows[to + at - step] : 0;
      const up = row ? rows[to + at - stride] : 0;
      const corner = row && at >= step ? rows[to + at - stride - step] : 0;
      rows[to + at] = raw[from + at] + predicted(filter, left, up, corner);
    }
  }
  return rows;
}

function predicted(filter: number, left: number, up: number, corner: number): number {
  if (filter === 0) return 0;
  if (filter === 1) return left;
  if (filter === 2) return up;
  if (filter === 3) return (left + up) >> 1;
  const [a, b, c] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

function unpacked(rows: Uint8Array, header: Header, channels: number): Uint8Array | Uint16Array {
  const { depth, width, height, colour } = header;
  if (depth === 8) return rows;
  if (depth === 16) {
    const deep = new Uint16Array(rows.length >> 1);
    for (let at = 0; at < deep.length; at++) deep[at] = (rows[2 * at] << 8) | rows[2 * at + 1];
    return deep;
  }
  const stride = Math.ceil((width * depth * channels) / 8);
  const most = (1 << depth) - 1;
  const factor = colour === 3 ? 1 : 255 / most;
  const values = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const bit = column * depth;
      const byte = rows[row * stride + (bit >> 3)];
      values[row * width + column] = ((byte >> (8 - depth - (bit & 7))) & most) * factor;
    }
  }
  return values;
}

function fromPalette(indices: Uint8Array | Uint16Array, header: Header, palette: Uint8Array): Pixels {
  const data = new Uint8Array(indices.length * 3);
  indices.forEach((index, at) => data.set(palette.subarray(3 * index, 3 * index + 3), 3 * at));
  return { height: header.height, width: header.width, channels: 3, data };
}

function firstOf<T extends Uint8Array | Uint16Array>(values: T, channels: number, kept: number): T {
  if (channels === kept) return values;
  return values.filter((_, at) => at % channels < kept) as T;
}

/** A grey PNG of 8 or 16 bits. */
export async function encodePng(data: Uint8Array | Uint16Array, height: number, width: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = data.BYTES_PER_ELEMENT;
  const rows = new Uint8Array((width * bytes + 1) * height);
  for (let row = 0, at = 0; row < height; row++) {
    at++; // filter 0
    for (let column = 0; column < width; column++) {
      const value = data[row * width + column];
      if (bytes === 2) rows[at++] = value >> 8;
      rows[at++] = value & 255;
    }
  }
  const header = new Uint8Array(13);
  new DataView(header.buffer).setUint32(0, width);
  new DataView(header.buffer).setUint32(4, height);
  header[8] = 8 * bytes;
  const body = [chunk("IHDR", header), chunk("IDAT", await deflate(rows)), chunk("IEND", new Uint8Array())];
  return joined([Uint8Array.from(PNG_SIGNATURE), ...body]);
}

function chunk(name: string, body: Uint8Array): Uint8Array {
  const whole = new Uint8Array(body.length + 12);
  const view = new DataView(whole.buffer);
  view.setUint32(0, body.length);
  whole.set(new TextEncoder().encode(name), 4);
  whole.set(body, 8);
  view.setUint32(body.length + 8, crc(whole.subarray(4, body.length + 8)));
  return whole;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

function crc(bytes: Uint8Array): number {
  let value = 0xffffffff;
  for (const byte of bytes) value = CRC_TABLE[(value ^ byte) & 255] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}
