/** One image in the worker: decoded, segmented tile by tile; its probabilities are kept for other thresholds. */

import type { Pixels } from "../image/pixels.ts";
import { decodeImage } from "../image/read.ts";
import { labelImage, regionsOf } from "../inference/instances.ts";
import { measure } from "../inference/objects.ts";
import { segment, toMask, type Probabilities, type Progress } from "../inference/segment.ts";
import { gatherStats } from "../inference/stats.ts";
import type { ImageResult, NamedFile, Picture, Reply } from "./messages.ts";
import { loadModel } from "./network.ts";

export type Tell = (reply: Reply, transfer?: Transferable[]) => void;

/** What is kept between thresholds. */
export interface Segmented {
  readonly probabilities: Probabilities;
  readonly className: string;
  readonly elapsedMs: number;
}

export const TINT = [18, 220, 189] as const;

export async function segmentFile(file: NamedFile, scale: number, threshold: number, base: string, tell: Tell): Promise<Segmented> {
  tell({ kind: "stage", text: "Reading the image", share: null });
  const { image, nodata } = await decodeImage(file.bytes);
  tell({ kind: "picture", picture: shownPicture(image) });
  const model = await loadModel("nuclei", base, (text, share) => tell({ kind: "stage", text, share }));
  tell({ kind: "model", text: `${model.spec.name}, INT8`, threads: model.threads });
  tell({ kind: "stage", text: "Segmenting", share: 0 });
  const start = performance.now();
  const onTile = async (progress: Progress): Promise<void> => {
    tell({ kind: "stage", text: `Segmenting, tile ${progress.done} of ${progress.total}`, share: progress.done / progress.total });
    const { left, top, width, height, foreground } = progress.patch;
    const rgba = tinted(foreground, threshold);
    tell({ kind: "patch", left, top, width, height, rgba, ofWidth: progress.width, ofHeight: progress.height }, [rgba.buffer]);
  };
  const probabilities = await segment(image, model.spec, model.network, { scale, nodata, onTile });
  return { probabilities, className: model.spec.classNames[1], elapsedMs: performance.now() - start };
}

/** The objects at one threshold. */
export function concluded(made: Segmented, threshold: number): ImageResult {
  const { foreground, contour, height, width } = made.probabilities;
  const mask = toMask(foreground, threshold);
  const labels = labelImage(regionsOf(mask, contour), height, width);
  const { className, elapsedMs } = made;
  return {
    kind: "objects",
    height,
    width,
    mask: new Uint8Array(mask),
    labels: new Int32Array(labels),
    objects: measure(labels, height, width),
    className,
    elapsedMs,
  };
}

function tinted(foreground: Float32Array, threshold: number): Uint8ClampedArray<ArrayBuffer> {
  const rgba = new Uint8ClampedArray(foreground.length * 4);
  foreground.forEach((probability, at) => {
    if (probability >= threshold) rgba.set([...TINT, 120], 4 * at);
  });
  return rgba;
}

/** An image of any depth in 8 bits, stretched between its 1st and 99th percentile unless it is 8-bit colour. */
function shownPicture(image: Pixels): Picture {
  const { height, width, channels, data } = image;
  const isPlain = data instanceof Uint8Array && channels >= 3;
  const stats = isPlain ? null : gatherStats(image);
  const [low, high] = stats ? stats.percentiles([1, 99]) : [0, 255];
  const gain = 255 / (high - low || 1);
  const rgba = new Uint8ClampedArray(height * width * 4);
  for (let pixel = 0; pixel < height * width; pixel++) {
    for (let channel = 0; channel < 3; channel++) {
      const value = data[pixel * channels + (channels >= 3 ? channel : 0)];
      rgba[4 * pixel + channel] = ((value || 0) - low) * gain;
    }
    rgba[4 * pixel + 3] = 255;
  }
  return { task: "image", width, height, rgba, axes: null };
}
