/** Images as plain arrays, "H W C" with the channel varying fastest. */

export type Values = Uint8Array | Uint16Array | Float32Array;

export interface Pixels {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly data: Values;
}

/** What a user can mend: what was found, what is needed, what to do. */
export class PageError extends Error {}

/** An image of the same shape and type of values, filled with zeros. */
export function emptyLike(image: Pixels, height: number, width: number): Pixels & { data: Values } {
  const length = height * width * image.channels;
  return { height, width, channels: image.channels, data: newValues(image.data, length) };
}

export function newValues(like: Values, length: number): Values {
  if (like instanceof Uint8Array) return new Uint8Array(length);
  return like instanceof Uint16Array ? new Uint16Array(length) : new Float32Array(length);
}

/** Rounds halves to even, as NumPy does. */
export function rint(value: number): number {
  const low = Math.floor(value);
  const share = value - low;
  if (share < 0.5) return low;
  if (share > 0.5) return low + 1;
  return low % 2 === 0 ? low : low + 1;
}
