/** One static folder with relative addresses; ONNX Runtime, the models and the examples beside the page's own code. */

import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { build, defineConfig, type Plugin } from "vite";

const WEIGHTS = resolve("../src/lmsc_unet/weights");
const OUT = resolve(process.env.PAGE_OUT ?? "../src/lmsc_unet/apps/serve/page");
const RUNTIME = resolve("node_modules/onnxruntime-web");
const VENDORED = ["ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"];
const MODELS = ["nuclei-int8.onnx", "signals-int8.onnx"];

/** Changes with the models and the runtime, which the browser keeps under this name. */
const BUILD = createHash("sha256")
  .update(MODELS.map((name) => createHash("sha256").update(readFileSync(join(WEIGHTS, name))).digest("hex")).join())
  .update(readFileSync(join(RUNTIME, "package.json")))
  .digest("hex")
  .slice(0, 10);

function copied(): Plugin {
  return {
    name: "copied",
    async closeBundle() {
      for (const folder of ["vendor", "models"]) mkdirSync(join(OUT, folder), { recursive: true });
      for (const name of VENDORED) copyFileSync(join(RUNTIME, "dist", name), join(OUT, "vendor", name));
      for (const name of MODELS) copyFileSync(join(WEIGHTS, name), join(OUT, "models", name));
      writeFileSync(join(OUT, "LICENSES.txt"), licences());
      await buildServiceWorker();
    },
  };
}

/** The page's own files; the runtime and the models are kept when they are first used. */
async function buildServiceWorker(): Promise<void> {
  const list = (folder: string): string[] => (existsSync(join(OUT, folder)) ? readdirSync(join(OUT, folder)).sort().map((name) => `./${folder}/${name}`) : []);
  const shell = ["./", "./icon.svg", "./LICENSES.txt", ...list("assets"), ...list("examples"), "./vendor/ort.wasm.bundle.min.mjs"];
  const content = createHash("sha256");
  for (const name of shell) content.update(readFileSync(join(OUT, name === "./" ? "index.html" : name)));
  await build({
    configFile: false,
    publicDir: false,
    define: { __BUILD__: JSON.stringify(BUILD), __SHELL_BUILD__: JSON.stringify(content.digest("hex").slice(0, 10)), __SHELL__: JSON.stringify(shell) },
    build: { outDir: OUT, emptyOutDir: false, lib: { entry: "src/sw.ts", formats: ["es"], fileName: () => "sw.js" } },
    logLevel: "warn",
  });
}

function licences(): string {
  const parts = [
    ["LMSC-UNet: this page, the model of signals and the synthetic examples", readFileSync("../LICENSE", "utf8")],
    ["The model of nuclei: CC BY 4.0, https://creativecommons.org/licenses/by/4.0/", attribution()],
    [`ONNX Runtime Web ${version(RUNTIME)} (MIT), with parts of others`, runtimeLicence()],
    ["onnxruntime-common, in the same file (MIT)", "As ONNX Runtime."],
  ];
  return parts.map(([title, text]) => `${"=".repeat(78)}\n${title}\n${"=".repeat(78)}\n\n${text.trim()}\n`).join("\n");
}

function attribution(): string {
  return (
    "Trained on NuInsSeg (Mahbod et al. 2024, CC BY 4.0), the 2018 Data Science Bowl, stage 1 (CC0), and TNBC (Naylor\n" +
    "et al. 2018, CC BY 4.0). See docs/models/nuclei.md of lmsc-unet."
  );
}

function version(folder: string): string {
  return (JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string }).version;
}

/** The npm package holds no licence; the Python package of the same source does, with those of all its parts. */
function runtimeLicence(): string {
  const folder = process.env.ONNXRUNTIME;
  if (!folder) throw new Error("ONNXRUNTIME names the folder of the Python package onnxruntime, whose licences are copied. Use `make web`.");
  return ["LICENSE", "ThirdPartyNotices.txt"].map((name) => readFileSync(join(folder, name), "utf8")).join("\n\n");
}

export default defineConfig({
  base: "./",
  define: { __BUILD__: JSON.stringify(BUILD) },
  worker: { format: "es" },
  build: { outDir: OUT, emptyOutDir: true, target: "es2022", modulePreload: { polyfill: false }, assetsInlineLimit: 0 },
  plugins: [copied()],
});
