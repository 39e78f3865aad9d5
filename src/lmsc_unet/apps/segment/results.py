"""The results folder of `lmsc predict`: masks/, instances/, overlays/, probabilities/ and a line per image."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, Literal

from lmsc_unet.apps.segment.label_files import label_files
from lmsc_unet.apps.segment.objects.object_files import PER_IMAGE, kinds_of
from lmsc_unet.apps.segment.objects.run_files import RUN_FILES, ImageResult
from lmsc_unet.apps.segment.writers import FOLDERS, OWN_FILES, name_of
from lmsc_unet.core.results_folder import RUN_FILE, Layout, ResultsFolder, mapping_of
from lmsc_unet.core.storage import remove, resolve_inside, temporary_of
from lmsc_unet.imageio import PixelSize

JOURNAL = "predictions.jsonl"
FINGERPRINT = (
    *("threshold", "scale", "tile_px", "overlays", "probabilities", "mask_values"),
    *("instances", "formats", "pixel_size_um", "backend", "shard"),
)
"""The arguments that results depend on."""
BEFORE = {"mask_values": "ids", "instances": False, "formats": []}
"""The values of arguments that older runs do not record."""


@dataclass(frozen=True, kw_only=True)
class ImageEntry:
    """The result of one image: one line of predictions.jsonl."""

    path: str
    """The image as named by the inputs."""
    status: Literal["ok", "failed"]
    """Whether there is a mask."""
    size: tuple[int, int] | None = None
    """Height and width in pixels."""
    class_shares: dict[str, float] | None = None
    """The share of pixels per class name."""
    ms: float | None = None
    """Milliseconds for reading, segmenting and writing; these overlap with neighbouring images."""
    error: str | None = None
    """Why there is no mask."""
    mask: str
    """Path of the mask in the results folder, whether it exists or not."""
    instances: str | None = None
    """Path of the label image in the results folder; None without `--instances`."""
    num_instances: int | None = None
    """Objects in the label image."""
    pixel_size_um: tuple[float, float] | None = None
    """Width and height of a pixel in micrometres, where objects are measured and it is known."""

    @property
    def name(self) -> str:
        """The image's name in the results."""
        return name_of(self.mask)

    @property
    def result(self) -> ImageResult:
        """What the files of all objects need of an image whose status is `ok`."""
        assert self.size is not None
        pixel = (
            None if self.pixel_size_um is None else PixelSize(x_um=self.pixel_size_um[0], y_um=self.pixel_size_um[1])
        )
        return ImageResult(name=self.name, path=PurePath(self.path), size_px=self.size, pixel=pixel)


def parse_entry(fields: dict[str, Any]) -> ImageEntry:
    """Parses a line.

    Raises:
        ValueError, TypeError: it is not a line of ours.
    """
    pairs = {name: None if fields.get(name) is None else tuple(fields[name]) for name in ("size", "pixel_size_um")}
    entry = ImageEntry(**(fields | pairs))
    for name in ("path", "mask", "instances"):
        value = getattr(entry, name)
        if (value is None) != (name == "instances" and entry.num_instances is None):
            raise ValueError(f"its {name} is {value!r}")
        if value is not None and (not isinstance(value, str) or "\0" in value):
            raise ValueError(f"its {name} is {value!r}")
    return entry


def files_of(out: Path, entry: ImageEntry) -> list[Path]:
    """All files that may belong to a mask: itself, in the other folders those of its name, and those of the run."""
    classes = sorted(path.name for path in (out / "probabilities").glob("*") if path.name.isdigit())
    folders = ["overlays", "probabilities", *(f"probabilities/{number}" for number in classes)]
    others = [*(f"{folder}/{entry.name}.png" for folder in folders), *label_files(entry.name), *RUN_FILES]
    others += [file for kind in kinds_of(PER_IMAGE) for file in kind.files(entry.name)]
    return [resolve_inside(out, file) for file in (entry.mask, *others)]


def fingerprint(described: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that results depend on, and the model's SHA-256."""
    arguments, model = mapping_of(described, "arguments"), mapping_of(described, "model")
    return {name: arguments.get(name, BEFORE.get(name)) for name in FINGERPRINT} | {"model_sha256": model.get("sha256")}


def _in_the_way(out: Path) -> list[str]:
    return [name for name in (*FOLDERS, *OWN_FILES, JOURNAL, RUN_FILE) if os.path.lexists(out / name)]


def _clean(out: Path) -> None:
    for folder in FOLDERS:
        for path in resolve_inside(out, f"{folder}/any").parent.rglob(".*.tmp"):
            remove(path)
    for name in OWN_FILES:
        remove(temporary_of(resolve_inside(out, name)))


PREDICTIONS = Layout(
    command="lmsc predict",
    journal=JOURNAL,
    parse=parse_entry,
    files_of=files_of,
    fingerprint=fingerprint,
    in_the_way=_in_the_way,
    clean=_clean,
)
PredictionsFolder = ResultsFolder[ImageEntry]
