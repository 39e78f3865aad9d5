/** The worker: everything that takes time. A cancelled job ends with its worker. */

import { PageError } from "../image/pixels.ts";
import { isImage } from "../image/read.ts";
import { concluded, segmentFile, type Segmented, type Tell } from "./imageJob.ts";
import type { NamedFile, Request } from "./messages.ts";
import { FormatNeeded } from "../signals/files.ts";
import { searchFiles } from "./recordingJob.ts";

declare const self: DedicatedWorkerGlobalScope;

const base = new URL("../", self.location.href).href;
let segmented: Segmented | null = null;
let threshold = 0.5; // the latest, which may have changed during the work

const tell: Tell = (reply, transfer = []) => self.postMessage(reply, transfer);

self.onmessage = async ({ data }: MessageEvent<Request>): Promise<void> => {
  try {
    threshold = data.threshold;
    if (data.kind === "threshold") answer();
    else await open(data);
  } catch (error) {
    const isKnown = error instanceof PageError;
    if (!isKnown) console.error(error);
    const text = isKnown ? error.message : `This did not work (${String(error)}). If memory is short, take a smaller file.`;
    tell({ kind: "error", text, needsFormat: error instanceof FormatNeeded });
  }
};

async function open(request: Request & { kind: "open" }): Promise<void> {
  segmented = null;
  const image = request.files.find((file: NamedFile) => isImage(file.bytes));
  if (image) {
    segmented = await segmentFile(image, request.scale, request.threshold, base, tell);
    tell({ kind: "stage", text: "Counting objects", share: null });
    answer();
  } else {
    await searchFiles(request.files, request.raw, base, tell);
  }
}

function answer(): void {
  if (!segmented) return;
  const result = concluded(segmented, threshold);
  tell(result, [result.mask.buffer, result.labels.buffer]);
}
