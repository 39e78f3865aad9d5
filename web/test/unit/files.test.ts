/** Files in and out. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { decodePng, encodePng } from "../../src/image/png.ts";
import { readHash, writeHash, DEFAULTS } from "../../src/app/link.ts";
import { ticks, withUnit } from "../../src/app/numbers.ts";
import { FormatNeeded, openRecording } from "../../src/signals/files.ts";
import { powerRows } from "../../src/signals/stft.ts";

test("PNG of 8 and 16 bits comes back as it was", async () => {
  for (const data of [Uint8Array.of(0, 1, 128, 255, 7, 9), Uint16Array.of(0, 1, 256, 65535, 300, 9)]) {
    const image = await decodePng(await encodePng(data, 2, 3));
    assert.deepEqual([image.height, image.width, image.channels], [2, 3, 1]);
    assert.deepEqual(image.data, data);
  }
});

test("a truncated PNG says what to do", async () => {
  const whole = await encodePng(new Uint8Array(100), 10, 10);
  await assert.rejects(decodePng(whole.subarray(0, whole.length - 20)), /truncated or damaged.*Copy or export it again/);
});

test("the address keeps settings and ignores what is no setting", () => {
  const settings = { ...DEFAULTS, example: "tissue", threshold: 0.3, um: 0.25 };
  assert.deepEqual(readHash(writeHash(settings)), settings);
  assert.equal(writeHash(DEFAULTS), "");
  assert.deepEqual(readHash("#threshold=7&style=<b>&opacity=x"), DEFAULTS);
});

test("ticks are round numbers within their ends", () => {
  assert.deepEqual(ticks(-0.3, 1.1, 5).values, [0, 0.5, 1]);
  assert.equal(withUnit(-2.5e5, "Hz", 1e3, 5e5), "−250 kHz");
});

const raw = { datatype: "ci8", sampleRateHz: 1000, centerHz: 5000 };
const bytes = (name: string, content: string | Uint8Array): { name: string; bytes: Uint8Array } => ({
  name,
  bytes: typeof content === "string" ? new TextEncoder().encode(content) : content,
});

test("raw samples need a form; other files say what they are", () => {
  const file = bytes("a.bin", Uint8Array.from({ length: 64 }, (_, at) => at));
  assert.throws(() => openRecording([file], null), FormatNeeded);
  assert.equal(openRecording([file], raw).samples.data[1], 1 / 128);
  assert.throws(() => openRecording([bytes("a.zip", Uint8Array.of(0x50, 0x4b, 3, 4, 0))], null), /a zip file/);
  assert.throws(() => openRecording([bytes("a.bin", "")], null), /empty/);
});

test("a SigMF pair is read with its captures, and a lonely half names the other", () => {
  const meta = { global: { "core:datatype": "ci8", "core:sample_rate": 1000 }, captures: [{ "core:sample_start": 0, "core:frequency": 7 }, { "core:sample_start": 10, "core:frequency": 9 }] };
  const files = [bytes("a.sigmf-meta", JSON.stringify(meta)), bytes("a.sigmf-data", new Uint8Array(80).fill(1))];
  const recording = openRecording(files, null);
  assert.deepEqual([recording.centerHz, recording.startSample, recording.samples.data.length], [9, 10, 60]);
  assert.match(recording.remark, /longest of 2 captures/);
  assert.throws(() => openRecording(files.slice(0, 1), null), /Choose a.sigmf-data together/);
  assert.throws(() => openRecording(files.slice(1), null), /Choose the .sigmf-meta/);
});

test("a tone at a quarter of the rate lies in column 3N/4", () => {
  const data = Float32Array.from({ length: 2048 }, (_, at) => [[1, 0], [0, 1], [-1, 0], [0, -1]][(at >> 1) % 4][at & 1]);
  const rows = powerRows({ data, isComplex: true }, { nfft: 256, hop: 256, window: "hann", framesPerRow: 1 });
  assert.equal(rows.rows, 4);
  const first = rows.data.subarray(0, 256);
  assert.equal(first.indexOf(Math.max(...first)), 192);
});
