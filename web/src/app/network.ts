/** Loads a model and ONNX Runtime once, from the cache if they were fetched before. */

import type * as Ort from "onnxruntime-web";
import { PageError } from "../image/pixels.ts";
import { joined } from "../image/png.ts";
import type { Network } from "../inference/segment.ts";
import { readSpec, type ModelSpec } from "../inference/spec.ts";

export interface Loaded {
  readonly spec: ModelSpec;
  readonly network: Network;
  readonly threads: number;
}

export type OnFetch = (text: string, share: number | null) => void;

const MOST_THREADS = 8;
const CACHE = "lmsc-models-" + __BUILD__;
const loaded = new Map<string, Promise<Loaded>>();

/** A bundled model, ready to run. */
export function loadModel(name: string, base: string, onFetch: OnFetch): Promise<Loaded> {
  const known = loaded.get(name);
  if (known) return known;
  const made = open(name, base, onFetch);
  made.catch(() => loaded.delete(name));
  loaded.set(name, made);
  return made;
}

let runtime: Promise<typeof Ort> | null = null;

async function open(name: string, base: string, onFetch: OnFetch): Promise<Loaded> {
  runtime ??= startRuntime(base, onFetch);
  runtime.catch(() => (runtime = null));
  const ort = await runtime;
  const bytes = await fetchCached(new URL(`models/${name}-int8.onnx`, base), "model", onFetch);
  const spec = readSpec(bytes, `${name}-int8.onnx`);
  onFetch("Preparing the model", null);
  const session = await ort.InferenceSession.create(bytes);
  const network: Network = async (pixels, channels, height, width) => {
    const input = new ort.Tensor("float32", pixels, [1, channels, height, width]);
    const outputs = await session.run({ image: input });
    return outputs.logits.data as Float32Array;
  };
  return { spec, network, threads: ort.env.wasm.numThreads ?? 1 };
}

async function startRuntime(base: string, onFetch: OnFetch): Promise<typeof Ort> {
  const wasm = await fetchCached(new URL("vendor/ort-wasm-simd-threaded.wasm", base), "runtime", onFetch);
  const address = new URL("vendor/ort.wasm.bundle.min.mjs", base).href;
  const ort = (await import(/* @vite-ignore */ address)) as typeof Ort;
  ort.env.wasm.wasmBinary = wasm;
  ort.env.wasm.numThreads = self.crossOriginIsolated ? Math.min(MOST_THREADS, navigator.hardwareConcurrency || 1) : 1;
  ort.env.logLevel = "error";
  return ort;
}

/** A file of this page, kept in the browser for the next visit and for use without a network. */
async function fetchCached(url: URL, what: string, onFetch: OnFetch): Promise<Uint8Array<ArrayBuffer>> {
  const cache = "caches" in self ? await caches.open(CACHE).catch(() => null) : null;
  const known = await cache?.match(url);
  if (known) return new Uint8Array(await known.arrayBuffer());
  const response = await fetch(url).catch(() => null);
  if (!response?.ok || !response.body) {
    const found = response ? `the server answers ${response.status}` : "there is no connection";
    throw new PageError(`The ${what} cannot be fetched from ${url.pathname}: ${found}. Check the connection and try again.`);
  }
  const bytes = await readAll(response, what, onFetch);
  await cache?.put(url, new Response(bytes, { headers: { "Content-Type": response.headers.get("Content-Type") ?? "" } })).catch(() => undefined);
  return bytes;
}

async function readAll(response: Response, what: string, onFetch: OnFetch): Promise<Uint8Array<ArrayBuffer>> {
  // With a compressed transfer the length is not that of the content, so only bytes are told.
  const length = response.headers.get("Content-Encoding") ? 0 : Number(response.headers.get("Content-Length"));
  const parts: Uint8Array[] = [];
  let received = 0;
  for (const reader = response.body!.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) return joined(parts);
    parts.push(value);
    received += value.length;
    onFetch(`Fetching the ${what}, ${(received / 1e6).toFixed(1)} MB`, length ? received / length : null);
  }
}
