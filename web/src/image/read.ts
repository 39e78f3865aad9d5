/** Any image file that the page reads, as pixels; the first bytes decide, not the name. */

import { PageError, type Pixels } from "./pixels.ts";
import { decodePng, PNG_SIGNATURE } from "./png.ts";
import { decodeTiff } from "./tiff.ts";

export interface Decoded {
  readonly image: Pixels;
  readonly nodata: number | null;
}

const MOST_PIXELS = 40_000_000;
const JPEG_START = [0xff, 0xd8, 0xff];

export function isImage(file: Uint8Array): boolean {
  return starts(file, PNG_SIGNATURE) || starts(file, JPEG_START) || isTiff(file);
}

export async function decodeImage(file: Uint8Array): Promise<Decoded> {
  const decoded = await decode(file);
  const { width, height } = decoded.image;
  if (width * height > MOST_PIXELS) {
    throw new PageError(
      `The image has ${width} x ${height} px; the page takes up to 40 million. Cut it, or use \`lmsc predict\`, which reads images by rows.`,
    );
  }
  return decoded;
}

async function decode(file: Uint8Array): Promise<Decoded> {
  try {
    if (starts(file, PNG_SIGNATURE)) return { image: await decodePng(file), nodata: null };
    if (isTiff(file)) return await decodeTiff(file);
    return { image: await decodeJpeg(file), nodata: null };
  } catch (error) {
    if (error instanceof PageError) throw error;
    throw new PageError("The image is damaged: it cannot be decoded. Copy or export it again.");
  }
}

/** By the browser, turned as its EXIF orientation says; a grey JPEG stays grey. */
async function decodeJpeg(file: Uint8Array): Promise<Pixels> {
  const blob = new Blob([new Uint8Array(file)], { type: "image/jpeg" });
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none", imageOrientation: "from-image" });
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true })!;
  context.drawImage(bitmap, 0, 0);
  const rgba = context.getImageData(0, 0, width, height).data;
  const channels = jpegComponents(file) === 1 ? 1 : 3;
  const data = new Uint8Array(width * height * channels);
  for (let pixel = 0, at = 0; pixel < width * height; pixel++) {
    for (let channel = 0; channel < channels; channel++) data[at++] = rgba[4 * pixel + channel];
  }
  return { height, width, channels, data };
}

/** How many components a JPEG's frame header names. */
function jpegComponents(file: Uint8Array): number {
  for (let at = 2; at + 9 < file.length; ) {
    const marker = file[at + 1];
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return file[at + 9];
    at += 2 + ((file[at + 2] << 8) | file[at + 3]);
  }
  return 3;
}

function isTiff(file: Uint8Array): boolean {
  return starts(file, [0x49, 0x49, 42, 0]) || starts(file, [0x4d, 0x4d, 0, 42]) || starts(file, [0x49, 0x49, 43, 0]);
}

function starts(file: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, at) => file[at] === byte);
}
