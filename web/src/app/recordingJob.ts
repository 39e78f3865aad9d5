/** One recording in the worker: a spectrogram, searched block by block. */

import { PageError } from "../image/pixels.ts";
import { openRecording, type Recording } from "../signals/files.ts";
import { toPicture } from "../signals/noise.ts";
import type { RawFormat } from "../signals/samples.ts";
import { prepare, search, type Prepared } from "../signals/search.ts";
import { TINT, type Tell } from "./imageJob.ts";
import type { NamedFile, Picture } from "./messages.ts";
import { loadModel } from "./network.ts";

const MOST_ROWS = 16_384; // of a canvas

export async function searchFiles(files: readonly NamedFile[], raw: RawFormat | null, base: string, tell: Tell): Promise<void> {
  tell({ kind: "stage", text: "Reading the samples", share: null });
  const recording = openRecording(files, raw);
  const model = await loadModel("signals", base, (text, share) => tell({ kind: "stage", text, share }));
  tell({ kind: "model", text: `${model.spec.name}, INT8`, threads: model.threads });
  tell({ kind: "stage", text: "Making the spectrogram", share: null });
  const start = performance.now();
  const prepared = prepare(recording.samples, recording.sampleRateHz, recording.centerHz, model.spec);
  const { lowDb, highDb } = model.spec.spectrogram!;
  tell({ kind: "picture", picture: pictureOf(prepared, recording, lowDb, highDb) });
  tell({ kind: "stage", text: "Searching", share: 0 });
  const { rows, columns } = prepared.db;
  const found = await search(prepared, model.spec, model.network, (done, total, firstRow, mask) => {
    const rgba = new Uint8ClampedArray(mask.length * 4);
    mask.forEach((is, at) => is && rgba.set([...TINT, 90], 4 * at));
    tell({ kind: "stage", text: `Searching, row ${done} of ${total}`, share: done / total });
    tell({ kind: "patch", left: 0, top: firstRow, width: columns, height: mask.length / columns, rgba, ofWidth: columns, ofHeight: rows });
  });
  const boxes = found.boxes.map((box) => ({ ...box, startSample: box.startSample + recording.startSample, stopSample: box.stopSample + recording.startSample }));
  tell({
    kind: "signals",
    boxes,
    mask: new Uint8Array(found.mask),
    height: rows,
    width: columns,
    metadata: recording.metadata,
    framesPerRow: prepared.grid.stft.framesPerRow,
    remark: `${recording.remark} ${prepared.hasDcOffset ? "A steady line at 0 Hz was left out: most receivers leak there." : ""}`.trim(),
    elapsedMs: performance.now() - start,
  });
}

/** The spectrogram in grey, as the network sees it. */
function pictureOf({ db, grid }: Prepared, recording: Recording, lowDb: number, highDb: number): Picture {
  if (db.rows > MOST_ROWS) {
    throw new PageError(`The spectrogram has ${db.rows} rows; the page draws up to ${MOST_ROWS}. Cut the recording, or use \`lmsc detect\`.`);
  }
  const grey = toPicture(db, lowDb, highDb).data;
  const rgba = new Uint8ClampedArray(grey.length * 4);
  grey.forEach((value, at) => rgba.set([value, value, value, 255], 4 * at));
  const seconds = (row: number): number => (recording.startSample + grid.sample(row)) / recording.sampleRateHz;
  const axes = { lowHz: grid.hz(0), highHz: grid.hz(db.columns), startS: seconds(0), stopS: seconds(db.rows), sampleRateHz: recording.sampleRateHz };
  return { task: "recording", width: db.columns, height: db.rows, rgba, axes };
}
