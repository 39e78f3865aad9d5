/** The page: opens files in a worker, shows what it says, and keeps settings in the address. */

import type { ImageObject } from "../inference/objects.ts";
import type { RawFormat } from "../signals/samples.ts";
import { element } from "./elements.ts";
import { exampleButton, fetchExample, listExamples, type Example } from "./examples.ts";
import { imageExports, signalExports } from "./exports.ts";
import { axisLabels, boxMarks, objectMarks, patches, pathOf, picture, type Marks } from "./layers.ts";
import { readHash, writeHash, type Settings } from "./link.ts";
import type { Axes, ImageResult, NamedFile, Picture, Reply, Request, SignalResult } from "./messages.ts";
import { rounded, withUnit } from "./numbers.ts";
import { imageColumns, imageNumbers, plural, showDownloads, showHistogram, showNumbers, signalColumns, signalNumbers } from "./results.ts";
import { ResultTable } from "./table.ts";
import { Viewer } from "./viewer.ts";

let settings: Settings = readHash(location.hash);
let worker: Worker | null = null;
let files: readonly NamedFile[] = [];
let axes: Axes | null = null;
let tiles: HTMLCanvasElement | null = null;
let result: ImageResult | SignalResult | null = null;
let path: Path2D | null = null;
let pictureSize = { width: 0, height: 0 };
let selected: number | null = null;
let made = "";

const viewer = new Viewer(element("canvas"));
const table = new ResultTable(element("table"), element("pages"), (id) => select(id, true));
const marks = (): Marks => ({ style: settings.style, opacity: settings.opacity, selected });
const objects = (): readonly ImageObject[] => (result?.kind === "objects" ? result.objects : []);

function ask(request: Request): void {
  if (!worker) {
    worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }: MessageEvent<Reply>) => receive(data);
    worker.onerror = () => fail("The page's worker did not start. Reload the page, or take a newer browser.", false);
  }
  worker.postMessage(request);
}

function open(some: readonly NamedFile[], example: string | null, raw: RawFormat | null = null): void {
  stop();
  files = some;
  [result, path, tiles, selected] = [null, null, null, null];
  change({ example });
  for (const id of ["error", "result", "list", "format", "readout"] as const) element(id).hidden = true;
  element("file-name").textContent = files.map((file) => file.name).join(", ");
  element("another").hidden = false;
  document.body.classList.remove("fresh");
  clearStage();
  busy("Starting", null);
  ask({ kind: "open", files, scale: settings.scale, threshold: settings.threshold, raw });
}

function clearStage(): void {
  [axes, pictureSize] = [null, { width: 0, height: 0 }];
  for (const id of ["empty", "tools", "view"] as const) element(id).hidden = true;
  viewer.show(0, 0, false, []);
}

/** Ends the work that is going on, whatever it is. */
function stop(): void {
  if (element("working").hidden) return;
  worker?.terminate();
  worker = null;
  element("working").hidden = true;
}

function busy(text: string, share: number | null): void {
  element("working").hidden = false;
  element("working-text").textContent = text;
  if (share === null) element("progress").removeAttribute("value");
  else element("progress").value = share;
}

function receive(reply: Reply): void {
  if (reply.kind === "stage") busy(reply.text, reply.share);
  else if (reply.kind === "model") made = `${reply.text}, ${plural(reply.threads, "thread")}`;
  else if (reply.kind === "picture") showPicture(reply.picture);
  else if (reply.kind === "patch") showPatch(reply);
  else if (reply.kind === "error") fail(reply.text, reply.needsFormat);
  else showResult(reply);
}

function fail(text: string, needsFormat: boolean): void {
  element("working").hidden = true;
  element("error").textContent = text;
  element("error").hidden = needsFormat;
  if (pictureSize.width === 0) element("empty").hidden = needsFormat;
  element("format").hidden = !needsFormat;
  if (needsFormat) {
    element("status").textContent = text;
    element("datatype").focus();
  }
}

function showPicture(shown: Picture): void {
  const source = document.createElement("canvas");
  [source.width, source.height] = [shown.width, shown.height];
  source.getContext("2d")!.putImageData(new ImageData(shown.rgba, shown.width, shown.height), 0, 0);
  [axes, pictureSize] = [shown.axes, { width: shown.width, height: shown.height }];
  element("empty").hidden = true;
  for (const id of ["tools", "view"] as const) element(id).hidden = false;
  for (const id of ["image-fields", "threshold-field"] as const) element(id).hidden = shown.task === "recording";
  const painters = axes
    ? [picture(source), patches(() => tiles, shown.width, shown.height), boxMarks(() => (result?.kind === "signals" ? result.boxes : []), marks), axisLabels(axes, shown.width, shown.height, colours)]
    : [picture(source), patches(() => tiles, shown.width, shown.height), objectMarks(objects, () => path, marks)];
  viewer.show(shown.width, shown.height, axes !== null, painters);
}

function colours(): { ink: string; ground: string } {
  const style = getComputedStyle(document.documentElement);
  return { ink: style.getPropertyValue("--soft"), ground: style.getPropertyValue("--stage") };
}

function showPatch(patch: Reply & { kind: "patch" }): void {
  if (!tiles) {
    tiles = document.createElement("canvas");
    [tiles.width, tiles.height] = [patch.ofWidth, patch.ofHeight];
  }
  tiles.getContext("2d")!.putImageData(new ImageData(patch.rgba, patch.width, patch.height), patch.left, patch.top);
  viewer.repaint();
}

function showResult(found: ImageResult | SignalResult): void {
  element("working").hidden = true;
  [result, tiles, selected] = [found, null, null];
  path = found.kind === "objects" ? pathOf(found.objects) : null;
  for (const id of ["result", "list"] as const) element(id).hidden = false;
  const seconds = found.elapsedMs / 1000;
  const size = found.kind === "objects" ? `${found.width} × ${found.height} px` : `${found.height} × ${found.width} cells, ${found.framesPerRow} frames per row`;
  const remark = found.kind === "signals" ? found.remark : "";
  element("made").textContent = `${size} in ${rounded(seconds)} s. ${made}. ${remark}`;
  element("made").dataset.elapsedMs = String(found.elapsedMs);
  fillPanel();
  const num = found.kind === "objects" ? found.objects.length : found.boxes.length;
  element("list").hidden = num === 0;
  element("status").textContent = `Done: ${plural(num, found.kind === "objects" ? found.className : "signal")}.`;
  viewer.repaint();
}

function fillPanel(): void {
  if (!result) return;
  const stem = (files[0]?.name ?? "result").replace(/\.[^.]+$/, "");
  const onError = (text: string): void => fail(text, false);
  if (result.kind === "objects") {
    const { um } = settings;
    const factor = um === null ? 1 : um * um;
    element("table-title").textContent = "Objects";
    showNumbers(imageNumbers(result, um));
    showHistogram(result.objects.map((object) => object.areaPx * factor), um === null ? "px" : "µm²");
    table.show(imageColumns(result, um));
    showDownloads(imageExports(result, um), stem, onError);
  } else if (axes) {
    element("table-title").textContent = "Signals";
    showNumbers(signalNumbers(result, axes.sampleRateHz));
    element("histogram").hidden = true;
    table.show(signalColumns(result, axes.sampleRateHz));
    showDownloads(signalExports(result, axes.sampleRateHz), stem, onError);
  }
  if (selected !== null) table.select(selected);
}

function select(id: number | null, isRevealed: boolean): void {
  selected = id;
  table.select(id);
  if (id !== null && isRevealed && result?.kind === "objects") {
    const { left, top, right, bottom } = result.objects[id - 1];
    viewer.reveal(left, top, right, bottom);
  } else if (id !== null && isRevealed && result?.kind === "signals") {
    const { leftPx, topPx, rightPx, bottomPx } = result.boxes[id - 1];
    viewer.reveal(leftPx, topPx, rightPx, bottomPx);
  }
  viewer.repaint();
}

/** What lies at a place of the picture: an object's label, or the smallest box around it. */
function at(x: number, y: number): number | null {
  if (result?.kind === "objects") {
    const isInside = x >= 0 && y >= 0 && x < result.width && y < result.height;
    return (isInside && result.labels[Math.floor(y) * result.width + Math.floor(x)]) || null;
  }
  const size = (index: number, boxes: SignalResult["boxes"]): number => (boxes[index].rightPx - boxes[index].leftPx) * (boxes[index].bottomPx - boxes[index].topPx);
  if (result?.kind !== "signals") return null;
  const { boxes } = result;
  const hit = boxes.flatMap((box, index) => (x >= box.leftPx && x <= box.rightPx && y >= box.topPx && y <= box.bottomPx ? [index] : []));
  hit.sort((one, other) => size(one, boxes) - size(other, boxes));
  return hit.length ? hit[0] + 1 : null;
}

function readOut(x: number, y: number): void {
  const isInside = x >= 0 && y >= 0 && x < pictureSize.width && y < pictureSize.height;
  element("readout").hidden = !isInside;
  const found = at(x, y);
  if (axes && result) {
    const seconds = axes.startS + (y / result.height) * (axes.stopS - axes.startS);
    const hz = axes.lowHz + (x / result.width) * (axes.highHz - axes.lowHz);
    const [rowS, columnHz] = [(axes.stopS - axes.startS) / result.height, (axes.highHz - axes.lowHz) / result.width];
    element("readout").textContent = `${withUnit(seconds, "s", rowS)}, ${withUnit(hz, "Hz", columnHz)}${found ? `, signal ${found}` : ""}`;
  } else {
    const name = result?.kind === "objects" ? result.className : "";
    element("readout").textContent = `x ${Math.floor(x)}, y ${Math.floor(y)} px${found ? `, ${name} ${found}` : ""}`;
  }
}

/** Keeps a setting, in the address too. */
function change(some: Partial<Settings>): void {
  settings = { ...settings, ...some };
  history.replaceState(null, "", location.pathname + location.search + writeHash(settings));
  showSettings();
  viewer.repaint();
}

function showSettings(): void {
  element("threshold").value = String(settings.threshold);
  element("threshold-text").textContent = settings.threshold.toFixed(2);
  element("opacity").value = String(Math.round(settings.opacity * 100));
  element("opacity-text").textContent = `${Math.round(settings.opacity * 100)} %`;
  if (document.activeElement !== element("um")) element("um").value = settings.um === null ? "" : String(settings.um);
  if (document.activeElement !== element("scale")) element("scale").value = String(settings.scale);
  for (const radio of document.querySelectorAll<HTMLInputElement>("input[name=style]")) radio.checked = radio.value === settings.style;
}

async function openFiles(list: FileList | null): Promise<void> {
  const some = [...(list ?? [])];
  if (!some.length) return;
  try {
    open(await Promise.all(some.map(async (file) => ({ name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) }))), null);
  } catch {
    fail(`${some[0].name}: the file cannot be read. It may be a folder, or too large for this browser.`, false);
  }
}

async function openExample(example: Example): Promise<void> {
  try {
    open(await fetchExample(example), example.id);
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error), false);
  }
}

function listen(): void {
  const stage = element("stage");
  const isOver = (event: DragEvent, value: boolean): void => {
    event.preventDefault();
    stage.classList.toggle("over", value);
  };
  document.addEventListener("dragover", (event) => isOver(event, true));
  document.addEventListener("dragleave", (event) => isOver(event, event.relatedTarget !== null));
  document.addEventListener("drop", (event) => {
    isOver(event, false);
    void openFiles(event.dataTransfer?.files ?? null);
  });
  element("file").addEventListener("change", () => {
    void openFiles(element("file").files).then(() => (element("file").value = ""));
  });
  element("cancel").addEventListener("click", () => {
    stop();
    tiles = null;
    if (pictureSize.width === 0) element("empty").hidden = false;
    element("status").textContent = element("made").textContent = "Cancelled.";
    viewer.repaint();
  });
  element("another").addEventListener("click", () => location.assign(location.pathname));
  element("format").addEventListener("submit", (event) => {
    event.preventDefault();
    const raw = { datatype: element("datatype").value, sampleRateHz: Number(element("rate").value), centerHz: Number(element("centre").value) };
    open(files, null, raw);
  });
  element("zoom-in").addEventListener("click", () => viewer.zoom(1.4));
  element("zoom-out").addEventListener("click", () => viewer.zoom(1 / 1.4));
  element("zoom-fit").addEventListener("click", () => viewer.fit());
  viewer.onPoint = readOut;
  viewer.onLeave = () => (element("readout").hidden = true);
  viewer.onSelect = (x, y) => select(at(x, y), false);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => viewer.repaint());
  listenToSettings();
}

function listenToSettings(): void {
  element("threshold").addEventListener("input", () => change({ threshold: Number(element("threshold").value) }));
  element("threshold").addEventListener("input", later(() => {
    if (worker && files.length) ask({ kind: "threshold", threshold: settings.threshold });
  }));
  element("opacity").addEventListener("input", () => change({ opacity: Number(element("opacity").value) / 100 }));
  for (const radio of document.querySelectorAll<HTMLInputElement>("input[name=style]")) {
    radio.addEventListener("change", () => change({ style: radio.value as Settings["style"] }));
  }
  element("um").addEventListener("input", () => {
    const value = Number(element("um").value);
    change({ um: value > 0 ? value : null });
    fillPanel();
  });
  element("scale").addEventListener("change", () => {
    const value = Math.min(4, Math.max(0.1, Number(element("scale").value) || 1));
    change({ scale: value });
    if (files.length) open(files, settings.example);
  });
  element("share").addEventListener("click", () => {
    const isShared = settings.example !== null;
    const text = isShared ? "The link is copied: example and settings." : "The link with the settings is copied. It does not hold your file, which stays here.";
    navigator.clipboard.writeText(location.href).then(
      () => (element("made").textContent = element("status").textContent = text),
      () => fail(`The browser does not let the page copy. Copy the address yourself: ${location.href}`, false),
    );
  });
}

/** Waits until nothing came for a moment. */
function later(action: () => void): () => void {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = window.setTimeout(action, 120);
  };
}

async function start(): Promise<void> {
  showSettings();
  listen();
  if ("serviceWorker" in navigator && isSecureContext) navigator.serviceWorker.register("./sw.js").catch(() => undefined);
  const examples = await listExamples();
  element("examples").replaceChildren(...examples.map((one) => exampleButton(one, () => void openExample(one))));
  const wanted = examples.find((one) => one.id === settings.example);
  if (wanted) await openExample(wanted);
}

void start();
