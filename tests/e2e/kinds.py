"""Every kind of dataset that a command meets, tiny."""

import json
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from lmsc_unet.synthetic.radio.scene import SceneOptions
from lmsc_unet.synthetic.radio.writer import write_pictures, write_scenes
from tests.datasets.test_sigmf_folder import write_labelled
from tests.training.small import write_discs

SCENES = SceneOptions(seed=1, samples=65_536)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of dataset, and what its models are used on."""

    write: Callable[[Path], object]
    """Fills a folder."""
    use: str = "predict"
    """The command that uses its models."""
    inputs: str = "*.sigmf-meta"
    """What it is used on, in the folder: the first that is named so."""
    split: str = "all"
    """What is scored."""
    num_classes: int = 2
    flags: tuple[str, ...] = ()
    """Of the training."""


def write_nuinsseg(folder: Path) -> None:
    """Organs as published."""
    for seed, organ in enumerate(("human liver", "mouse heart")):
        discs = write_discs(folder / "discs", count=4, seed=seed)
        for ours, theirs in (("images", "tissue images"), ("masks", "mask binary")):
            (folder / organ).mkdir(exist_ok=True)
            (discs / ours).rename(folder / organ / theirs)
        discs.rmdir()


def write_tiffs(folder: Path, dtype: type, scale: float) -> None:
    """One channel of other values, as microscopes write it."""
    write_discs(folder)
    for image in sorted((folder / "images").glob("*.png")):
        grey = np.asarray(Image.open(image))[..., 0]
        tifffile.imwrite(image.with_suffix(".tif"), (grey * scale).astype(dtype))
        image.unlink()


def write_archives(folder: Path, ending: str, mode: str) -> None:
    """Recordings of which each is one file."""
    list(write_scenes(folder, SCENES, count=4))
    for meta in sorted(folder.glob("*.sigmf-meta")):
        data = meta.with_suffix(".sigmf-data")
        with tarfile.open(meta.with_suffix(ending), mode) as archive:  # type: ignore[call-overload]
            for file in (meta, data):
                archive.add(file, arcname=f"{meta.stem}/{file.name}")
                file.unlink()


def write_spectrograms(folder: Path) -> None:
    """Pictures of recordings to train on, and recordings to search."""
    list(write_pictures(folder, SCENES, count=4))
    list(write_scenes(folder / "radio", SCENES, count=1))


KINDS = {
    "images": Kind(write=write_discs, inputs="images"),
    "NuInsSeg": Kind(write=write_nuinsseg, inputs="human liver/tissue images"),
    "16-bit TIFF": Kind(write=lambda folder: write_tiffs(folder, np.uint16, 200), inputs="images"),
    "float TIFF": Kind(write=lambda folder: write_tiffs(folder, np.float32, 1 / 300), inputs="images"),
    "SigMF pairs": Kind(write=lambda folder: list(write_scenes(folder, SCENES, count=4)), use="detect", split="val"),
    "SigMF archives": Kind(
        write=lambda folder: write_archives(folder, ".sigmf", "w"), use="detect", inputs="*.sigmf", split="val"
    ),
    "SigMF .gz": Kind(
        write=lambda folder: write_archives(folder, ".sigmf.gz", "w:gz"), use="detect", inputs="*.gz", split="val"
    ),
    "by label": Kind(
        write=write_labelled,
        use="detect",
        split="val",
        num_classes=3,
        flags=("--recordings.by-label", "--recordings.scales=1"),
    ),
    "pictures": Kind(write=write_spectrograms, use="detect", inputs="radio"),
}


def num_results(out: Path) -> int:
    """How many inputs a command says that it used."""
    (lines,) = (path for name in ("predictions", "detections") for path in out.glob(f"{name}.jsonl"))
    entries = [json.loads(line) for line in lines.read_text().splitlines()]
    assert [one for one in entries if one["error"] is not None] == []
    return len(entries)
