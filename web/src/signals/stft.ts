/** The short-time Fourier transform, like `signals/stft.py`: samples to rows of power, pixels to seconds and hertz. */

import { PageError } from "../image/pixels.ts";
import type { Stft } from "../inference/spec.ts";
import type { Plane } from "./plane.ts";

const WINDOWS = { hann: [0.5, 0.5], blackman: [0.42, 0.5, 0.08], rectangular: [1] } as const;

/** Samples as numbers: in-phase and quadrature interleaved, or real ones. */
export interface Samples {
  readonly data: Float32Array;
  readonly isComplex: boolean;
}

export function numSamples(samples: Samples): number {
  return samples.data.length / (samples.isComplex ? 2 : 1);
}

export function slice(samples: Samples, start: number, stop: number): Samples {
  const size = samples.isComplex ? 2 : 1;
  return { ...samples, data: samples.data.subarray(start * size, stop * size) };
}

export function rowSamples(stft: Stft): number {
  return stft.hop * stft.framesPerRow;
}

/** Rows "T F" of linear power; noise of power 1 has the mean 1. */
export function powerRows(samples: Samples, stft: Stft): Plane {
  const total = numSamples(samples);
  const step = rowSamples(stft);
  const needed = step - stft.hop + stft.nfft;
  const count = total >= needed ? Math.floor((total - needed) / step) + 1 : 0;
  const rest = total - count * step;
  const isFilled = count > 0 && rest >= stft.nfft;
  const columns = samples.isComplex ? stft.nfft : stft.nfft >> 1;
  const rows = count + (isFilled || count === 0 ? 1 : 0);
  const data = new Float32Array(rows * columns);
  const transform = new Transform(stft, samples.isComplex);
  for (let row = 0; row < count; row++) {
    transform.fill(slice(samples, row * step, total), stft.framesPerRow, data.subarray(row * columns, (row + 1) * columns));
  }
  const last = data.subarray(count * columns);
  if (isFilled) {
    // A row with fewer frames would have a larger variance: it gets frames of the row before.
    const frames = Math.floor((rest - stft.nfft) / stft.hop) + 1;
    transform.fill(slice(samples, (count - 1) * step + frames * stft.hop, total), stft.framesPerRow, last);
  } else if (count === 0) {
    if (total < stft.nfft) throw new PageError(`The recording has ${total} samples; at least ${stft.nfft} are needed.`);
    transform.fill(samples, Math.max(1, Math.floor((total - stft.nfft) / stft.hop) + 1), last);
  }
  return { rows, columns, data };
}

class Transform {
  private readonly weights: Float32Array;
  private readonly real: Float32Array;
  private readonly imaginary: Float32Array;
  private readonly fft: Fft;

  constructor(private readonly stft: Stft, private readonly isComplex: boolean) {
    const { nfft, window } = stft;
    const shape = Float64Array.from({ length: nfft }, (_, at) =>
      WINDOWS[window].reduce((sum, factor, k) => sum + (-1) ** k * factor * Math.cos((2 * Math.PI * k * at) / nfft), 0),
    );
    const norm = Math.sqrt(shape.reduce((sum, value) => sum + value * value, 0));
    this.weights = Float32Array.from(shape, (value) => value / norm);
    [this.real, this.imaginary] = [new Float32Array(nfft), new Float32Array(nfft)];
    this.fft = new Fft(nfft);
  }

  /** The mean power of the first frames. */
  fill(samples: Samples, numFrames: number, row: Float32Array): void {
    const { nfft, hop } = this.stft;
    const { data } = samples;
    const { real, imaginary, weights } = this;
    for (let frame = 0; frame < numFrames; frame++) {
      for (let at = 0; at < nfft; at++) {
        const place = frame * hop + at;
        real[at] = (this.isComplex ? data[2 * place] : data[place]) * weights[at];
        imaginary[at] = this.isComplex ? data[2 * place + 1] * weights[at] : 0;
      }
      this.fft.transform(real, imaginary);
      const half = nfft >> 1;
      for (let column = 0; column < row.length; column++) {
        const bin = this.isComplex ? (column + half) % nfft : column;
        row[column] += real[bin] * real[bin] + imaginary[bin] * imaginary[bin];
      }
    }
    for (let column = 0; column < row.length; column++) row[column] /= numFrames;
  }
}

/** A radix-2 transform in place. */
class Fft {
  private readonly cosines: Float64Array;
  private readonly sines: Float64Array;
  private readonly reversed: Uint32Array;

  constructor(private readonly size: number) {
    if (size & (size - 1)) throw new PageError(`Frames of ${size} samples are no power of two. Use \`lmsc detect\`.`);
    this.cosines = Float64Array.from({ length: size / 2 }, (_, at) => Math.cos((2 * Math.PI * at) / size));
    this.sines = Float64Array.from({ length: size / 2 }, (_, at) => -Math.sin((2 * Math.PI * at) / size));
    const bits = Math.log2(size);
    this.reversed = Uint32Array.from({ length: size }, (_, at) => {
      let value = 0;
      for (let bit = 0; bit < bits; bit++) value |= ((at >> bit) & 1) << (bits - 1 - bit);
      return value;
    });
  }

  transform(real: Float32Array, imaginary: Float32Array): void {
    const { size, reversed, cosines, sines } = this;
    for (let at = 0; at < size; at++) {
      const other = reversed[at];
      if (other <= at) continue;
      [real[at], real[other]] = [real[other], real[at]];
      [imaginary[at], imaginary[other]] = [imaginary[other], imaginary[at]];
    }
    for (let width = 2; width <= size; width *= 2) {
      const [half, stride] = [width / 2, size / width];
      for (let start = 0; start < size; start += width) {
        for (let at = start, turn = 0; at < start + half; at++, turn += stride) {
          const [cosine, sine] = [cosines[turn], sines[turn]];
          const x = real[at + half] * cosine - imaginary[at + half] * sine;
          const y = real[at + half] * sine + imaginary[at + half] * cosine;
          real[at + half] = real[at] - x;
          imaginary[at + half] = imaginary[at] - y;
          real[at] += x;
          imaginary[at] += y;
        }
      }
    }
  }
}

/** Where a spectrogram's pixels lie. */
export class Grid {
  constructor(
    readonly stft: Stft,
    readonly sampleRateHz: number,
    readonly centerHz: number,
    readonly isComplex: boolean,
  ) {}

  get numColumns(): number {
    return this.isComplex ? this.stft.nfft : this.stft.nfft >> 1;
  }

  get binHz(): number {
    return this.sampleRateHz / this.stft.nfft;
  }

  private get zeroPx(): number {
    return (this.isComplex ? this.numColumns / 2 : 0) + 0.5;
  }

  hz(columnPx: number): number {
    return this.centerHz + (columnPx - this.zeroPx) * this.binHz;
  }

  /** The sample at a row's edge. */
  sample(rowPx: number): number {
    return rowPx * rowSamples(this.stft) + (this.stft.nfft - this.stft.hop) / 2;
  }

  columnPx(hz: number): number {
    return (hz - this.centerHz) / this.binHz + this.zeroPx;
  }

  rowPx(sample: number): number {
    return (sample - (this.stft.nfft - this.stft.hop) / 2) / rowSamples(this.stft);
  }
}
