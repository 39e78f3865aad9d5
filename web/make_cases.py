"""Writes images and recordings, and what `lmsc predict` and `lmsc detect` find in them, to compare the page with."""

import json
import sys
import tarfile
import tempfile
import wave
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image

from lmsc_unet.imageio import read_image, write_png
from lmsc_unet.inference.detector import load_detector
from lmsc_unet.inference.predictor import Predictor
from lmsc_unet.inference.runtime import Runtime
from lmsc_unet.signals.detection import find_in_recording
from lmsc_unet.signals.recording import open_raw, open_recording
from lmsc_unet.synthetic.radio.impairments import CHEAP_RADIO
from lmsc_unet.synthetic.radio.scene import SceneOptions
from lmsc_unet.synthetic.radio.writer import write_scenes
from lmsc_unet.synthetic.tissue.writer import write_nuclei

RUNTIME = Runtime(backend="onnxruntime", threads=1)


def main(out: Path) -> None:
    """Writes the cases and their list."""
    out.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder:
        cases = [*images(out, Path(folder) / "tissue"), *recordings(out, Path(folder) / "radio")]
    (out / "cases.json").write_text(json.dumps(cases), "utf-8")


def images(out: Path, folder: Path) -> list[dict[str, Any]]:
    write_nuclei(folder, count=1, size_px=1100, seed=77)
    whole = read_image(next((folder / "images").iterdir()))
    part = whole[:333, :277]
    dark = part.copy()
    dark[:60], dark[:, :30] = 0, 0
    Image.fromarray(whole).save(out / "rgb.png")
    Image.fromarray(part).convert("L").save(out / "grey.png")
    Image.fromarray(part).convert("P", palette=Image.Palette.ADAPTIVE).save(out / "palette.png")
    Image.fromarray(dark).save(out / "border.png")
    Image.fromarray(part).save(out / "photo.jpg", quality=92)
    tifffile.imwrite(out / "deep.tif", part.astype(np.uint16) * 200, compression="deflate", predictor=True)
    tifffile.imwrite(out / "floats.tif", part.astype(np.float32) / 300, tile=(64, 64))
    Image.fromarray(part).save(out / "lzw.tif", compression="tiff_lzw")
    predictor = Predictor.load("nuclei-int8", runtime=RUNTIME)
    return [image_case(out, path, predictor) for path in sorted(out.iterdir()) if path.suffix != ".json"]


def image_case(out: Path, path: Path, predictor: Predictor) -> dict[str, Any]:
    found = predictor.predict(read_image(path))
    mask = f"{path.stem}-truth.png"
    (out / "truth").mkdir(exist_ok=True)
    write_png(out / "truth" / mask, found.mask * np.uint8(255))
    return {"kind": "image", "files": [path.name], "mask": f"truth/{mask}", "objects": int(found.instances().max())}


def recordings(out: Path, folder: Path) -> list[dict[str, Any]]:
    options = SceneOptions(seed=5, mixture="broad", samples=1 << 19, sample_rate_hz=2.4e6, impairments=CHEAP_RADIO)
    list(write_scenes(folder, options, count=9, datatype="ci16_le"))
    metas = sorted(folder.glob("*.sigmf-meta"))
    detector = load_detector("signals-int8", runtime=RUNTIME)
    archive, wav, raw = out / "archive.sigmf", out / "sound.wav", out / "raw.iq"
    with tarfile.open(archive, "w", format=tarfile.USTAR_FORMAT) as tar:
        for path in (metas[0], metas[0].with_suffix(".sigmf-data")):
            tar.add(path, arcname=f"{metas[0].stem}/{path.name}")
    content = metas[-1].with_suffix(".sigmf-data").read_bytes()
    raw.write_bytes(content)
    with wave.open(str(wav), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(2_400_000)
        file.writeframes(content)
    cases = [
        ([archive.name], open_recording(archive)),
        ([wav.name], open_raw(wav)),
        ([raw.name], open_raw(raw, datatype="ci16_le", sample_rate_hz=2.4e6)),
    ]
    return [{"kind": "recording", "files": files, "boxes": boxes(recording, detector)} for files, recording in cases]


def boxes(recording: Any, detector: Any) -> list[list[float]]:
    known = detector.for_recording(recording)
    found = find_in_recording(recording, known.stft, known.masker, class_names=known.class_names)
    rate_hz = recording.sample_rate_hz
    return [
        [one.start_sample / rate_hz, one.stop_sample / rate_hz, one.low_hz, one.high_hz]
        for one in found
        if known.keeps(one)
    ]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
