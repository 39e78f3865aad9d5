/** The files that the page offers. */

import { encodePng } from "../image/png.ts";
import { diameterOf, signedArea, type ImageObject } from "../inference/objects.ts";
import type { ImageResult, SignalResult } from "./messages.ts";

export interface Export {
  readonly title: string;
  readonly suffix: string;
  readonly type: string;
  readonly content: () => Promise<BlobPart>;
}

const MOST_16_BIT = 65535;

export function imageExports(result: ImageResult, um: number | null): Export[] {
  const { height, width, mask, labels, objects } = result;
  return [
    { title: "Mask", suffix: "-mask.png", type: "image/png", content: () => encodePng(mask.map((is) => is * 255), height, width) },
    { title: "Labels", suffix: "-labels.png", type: "image/png", content: () => encodePng(toLabels(labels, objects.length), height, width) },
    { title: "GeoJSON", suffix: ".geojson", type: "application/geo+json", content: async () => geoJson(result, um) },
    { title: "CSV", suffix: ".csv", type: "text/csv", content: async () => objectsCsv(objects, um) },
  ];
}

function toLabels(labels: Int32Array, num: number): Uint16Array {
  if (num > MOST_16_BIT) throw new Error("There are more objects than a label image of 16 bits can number. Use `lmsc predict --instances`.");
  return Uint16Array.from(labels);
}

/** Objects as polygons in pixels, as QuPath reads them: the first pixel's corner is (0, 0), y grows downwards. */
export function geoJson(result: ImageResult, um: number | null): string {
  const features = result.objects.map((object) => ({
    type: "Feature",
    id: object.id,
    geometry: geometryOf(object),
    properties: {
      objectType: "annotation",
      classification: { name: result.className },
      name: String(object.id),
      ...measured(object, um),
    },
  }));
  return JSON.stringify({ type: "FeatureCollection", features }) + "\n";
}

function geometryOf(object: ImageObject): { type: string; coordinates: unknown } {
  const polygons: number[][][][] = [];
  const rings = [...object.rings].sort((one, other) => Math.sign(signedArea(other)) - Math.sign(signedArea(one)));
  for (const ring of rings) {
    const points = closed(ring);
    if (signedArea(ring) > 0) polygons.push([points]);
    else (polygons.find(([outer]) => contains(outer, ring[0] , ring[1])) ?? polygons[0]).push(points);
  }
  if (polygons.length === 1) return { type: "Polygon", coordinates: polygons[0] };
  return { type: "MultiPolygon", coordinates: polygons };
}

function closed(ring: Int32Array): number[][] {
  const points = Array.from({ length: ring.length / 2 }, (_, index) => [ring[2 * index], ring[2 * index + 1]]);
  return [...points, points[0]];
}

/** Whether a hole's corner, moved off the border, lies in a ring: by crossings to the left. */
function contains(ring: readonly number[][], x: number, y: number): boolean {
  let isInside = false;
  const [px, py] = [x - 0.25, y + 0.25];
  for (let at = 0; at + 1 < ring.length; at++) {
    const [[x1, y1], [x2, y2]] = [ring[at], ring[at + 1]];
    if (y1 > py !== y2 > py && px < x1 + ((py - y1) / (y2 - y1)) * (x2 - x1)) isInside = !isInside;
  }
  return isInside;
}

/** Some of what `lmsc predict` writes, by the same names: centroids count from the centre of the first pixel. */
function measured(object: ImageObject, um: number | null): Record<string, number> {
  const of = (value: number): number => Number(value.toFixed(3));
  const inPixels = {
    area_px: object.areaPx,
    centroid_x_px: of(object.x - 0.5),
    centroid_y_px: of(object.y - 0.5),
    left_px: object.left,
    top_px: object.top,
    width_px: object.right - object.left,
    height_px: object.bottom - object.top,
    diameter_px: of(diameterOf(object.areaPx)),
  };
  if (um === null) return inPixels;
  const area = object.areaPx * um * um;
  return { ...inPixels, area_um2: of(area), diameter_um: of(diameterOf(area)) };
}

export function objectsCsv(objects: readonly ImageObject[], um: number | null): string {
  const rows = objects.map((object) => ({ label: object.id, ...measured(object, um) }));
  return toCsv(rows, ["label", "area_px", "centroid_x_px", "centroid_y_px"]);
}

function toCsv(rows: readonly Readonly<Record<string, string | number>>[], ifEmpty: readonly string[]): string {
  const names = rows.length ? Object.keys(rows[0]) : ifEmpty;
  return [names.join(","), ...rows.map((row) => names.map((name) => row[name]).join(","))].join("\n") + "\n";
}

export function signalExports(result: SignalResult, sampleRateHz: number): Export[] {
  const { height, width, mask, boxes } = result;
  return [
    { title: "SigMF annotations", suffix: ".sigmf-meta", type: "application/json", content: async () => JSON.stringify(annotated(result), null, 2) + "\n" },
    { title: "CSV", suffix: ".csv", type: "text/csv", content: async () => signalsCsv(boxes, sampleRateHz) },
    { title: "Mask", suffix: "-mask.png", type: "image/png", content: () => encodePng(mask.map((is) => is * 255), height, width) },
  ];
}

/** The columns of `lmsc detect`. */
function signalsCsv(boxes: SignalResult["boxes"], sampleRateHz: number): string {
  const rows = boxes.map((box) => ({
    start_s: (box.startSample / sampleRateHz).toFixed(6),
    stop_s: (box.stopSample / sampleRateHz).toFixed(6),
    low_hz: box.lowHz.toFixed(6),
    high_hz: box.highHz.toFixed(6),
    bandwidth_hz: (box.highHz - box.lowHz).toFixed(6),
    snr_db: box.snrDb.toFixed(2),
    confidence: box.confidence.toFixed(4),
    label: box.label,
  }));
  return toCsv(rows, ["start_s", "stop_s", "low_hz", "high_hz", "bandwidth_hz", "snr_db", "confidence", "label"]);
}

/** The recording's metadata with the boxes as annotations, as `lmsc detect` writes them. */
function annotated(result: SignalResult): Record<string, unknown> {
  const whole = structuredClone(result.metadata) as Record<string, Record<string, unknown>> & { annotations?: unknown[] };
  const first = Number(whole.global["core:offset"] ?? 0);
  const extensions = ((whole.global["core:extensions"] as { name?: string }[] | undefined) ?? []).filter((one) => one.name !== "lmsc");
  whole.global["core:extensions"] = [...extensions, { name: "lmsc", version: "1.0.0", optional: true }];
  const added = result.boxes.map((box) => ({
    "core:sample_start": first + box.startSample,
    "core:sample_count": box.stopSample - box.startSample,
    "core:freq_lower_edge": box.lowHz,
    "core:freq_upper_edge": box.highHz,
    "core:label": box.label.slice(0, 20),
    "core:generator": "lmsc-unet",
    "lmsc:confidence": Number(box.confidence.toFixed(4)),
    "lmsc:snr_db": Number(box.snrDb.toFixed(2)),
  }));
  const kept = ((whole.annotations as Record<string, unknown>[] | undefined) ?? []).filter((one) => one["core:generator"] !== "lmsc-unet" || !("lmsc:confidence" in one));
  const start = (one: Record<string, unknown>): number => Number(one["core:sample_start"]);
  return { ...whole, annotations: [...kept, ...added].sort((one, other) => start(one) - start(other)) };
}
