"""Makes the page's examples in a folder: invented tissue and an invented recording, with thumbnails and a list."""

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from lmsc_unet.signals.noise import NoiseFloor, above_floor_db, to_picture
from lmsc_unet.signals.recording import open_recording
from lmsc_unet.signals.settings import Stft
from lmsc_unet.signals.stft import power_rows
from lmsc_unet.synthetic.radio.impairments import NONE
from lmsc_unet.synthetic.radio.scene import SceneOptions
from lmsc_unet.synthetic.radio.writer import write_scenes
from lmsc_unet.synthetic.tissue.writer import write_nuclei

THUMBNAIL_PX = (336, 224)


def make_examples(out: Path) -> None:
    """Writes the examples; the same files every time."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        listed = [
            tissue(
                out,
                Path(folder) / "small",
                "tissue",
                "Stained tissue, 512\u00a0×\u00a0512\u00a0px",
                size_px=512,
                seed=11,
            ),
            tissue(
                out,
                Path(folder) / "large",
                "tissue-large",
                "Stained tissue, 1024\u00a0×\u00a01024\u00a0px",
                size_px=1024,
                seed=5,
            ),
            radio(out, Path(folder) / "radio", "radio", "Radio signals, 0.26\u00a0s at 1\u00a0MHz", seed=14),
        ]
    (out / "examples.json").write_text(json.dumps(listed, ensure_ascii=False) + "\n", "utf-8")


def tissue(out: Path, folder: Path, name: str, title: str, *, size_px: int, seed: int) -> dict[str, object]:
    write_nuclei(folder, count=1, size_px=size_px, seed=seed)
    image = Image.open(next((folder / "images").iterdir()))
    image.save(out / f"{name}.jpg", quality=88)
    return listed(out, name, title, [f"{name}.jpg"], image.crop((0, 0, 504, 336)))


def radio(out: Path, folder: Path, name: str, title: str, *, seed: int) -> dict[str, object]:
    options = SceneOptions(seed=seed, mixture="broad", samples=1 << 18, sample_rate_hz=1e6, impairments=NONE)
    list(write_scenes(folder, options, count=4, datatype="ci8"))
    meta = sorted(folder.glob("*.sigmf-meta"))[-1]  # the fourth, of many kinds
    recording = open_recording(meta)
    power = np.concatenate(list(power_rows(recording.chunks(recording.captures[0]), Stft(frames_per_row=4))))
    shown = to_picture(above_floor_db(power, NoiseFloor().update(power)))
    files = [f"{name}.sigmf-meta", f"{name}.sigmf-data"]
    (out / files[0]).write_text(json.dumps(without_truth(meta), indent=2) + "\n", "utf-8")
    (out / files[1]).write_bytes(meta.with_suffix(".sigmf-data").read_bytes())
    return listed(out, name, title, files, Image.fromarray(shown))


def without_truth(meta: Path) -> dict[str, object]:
    """The metadata without annotations, so that what the page finds stands alone."""
    whole: dict[str, object] = json.loads(meta.read_text("utf-8"))
    whole["annotations"] = []
    fields = whole["global"]
    assert isinstance(fields, dict)
    for key in ("core:dataset", "core:sha512"):
        fields.pop(key, None)
    return whole


def listed(out: Path, name: str, title: str, files: list[str], picture: Image.Image) -> dict[str, object]:
    thumbnail = f"{name}-thumbnail.jpg"
    picture.convert("RGB").resize(THUMBNAIL_PX).save(out / thumbnail, quality=80)
    return {"id": name, "title": title, "files": files, "thumbnail": thumbnail}


if __name__ == "__main__":
    make_examples(Path(sys.argv[1]))
