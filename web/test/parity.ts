/** Compares the page's arithmetic with masks and label images that `lmsc predict` wrote; run by hand and by `make test-web`. */
import { readFileSync, readdirSync } from "node:fs";
import { decodePng } from "../src/image/png.ts";
import { labelImage, regionsOf } from "../src/inference/instances.ts";
import { segment, toMask } from "../src/inference/segment.ts";
import { readSpec } from "../src/inference/spec.ts";
import { decodeTiff } from "../src/image/tiff.ts";
import * as ort from "onnxruntime-web/wasm";

const [model, images, results] = process.argv.slice(2);
const bytes = readFileSync(model);
const spec = readSpec(bytes, model);
ort.env.wasm.numThreads = 1;
const session = await ort.InferenceSession.create(bytes);
const network = async (pixels: Float32Array, c: number, h: number, w: number) =>
  (await session.run({ image: new ort.Tensor("float32", pixels, [1, c, h, w]) })).logits.data as Float32Array;
for (const name of readdirSync(images).sort()) {
  const file = readFileSync(`${images}/${name}`);
  const decoded = /\.tiff?$/.test(name) ? await decodeTiff(file) : { image: await decodePng(file), nodata: null };
  const start = performance.now();
  const found = await segment(decoded.image, spec, network, { nodata: decoded.nodata });
  const middle = performance.now();
  const mask = toMask(found.foreground, spec.threshold);
  const labels = labelImage(regionsOf(mask, found.contour), found.height, found.width);
  const end = performance.now();
  const stem = name.replace(/\.\w+$/, "");
  const truth = (await decodePng(readFileSync(`${results}/masks/${stem}.png`))).data;
  const other = (await decodePng(readFileSync(`${results}/instances/${stem}.png`))).data;
  const differ = mask.reduce((sum, value, at) => sum + (value !== (truth[at] ? 1 : 0) ? 1 : 0), 0);
  const most = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => Math.max(a, b), 0);
  const labelsDiffer = labels.reduce((sum, value, at) => sum + (value !== other[at] ? 1 : 0), 0);
  console.log(name, decoded.image.width, decoded.image.height, `differ ${(100 * differ / mask.length).toFixed(4)} %`, "objects", most(labels), most(other), `labels differ ${labelsDiffer}`, `${Math.round(middle - start)} ms + ${Math.round(end - middle)} ms`);
}
