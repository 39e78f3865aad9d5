"""`lmsc data`: checks a folder of images and masks, or makes one from other annotations or from nothing."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from lmsc_unet.datasets.options import DataOptions, split_at_commas
from lmsc_unet.errors import ConfigError, DataError

if TYPE_CHECKING:
    from lmsc_unet.datasets.check import CheckReport

app = App(name="data", help="Check a folder of images and masks, or make one.")


@app.command
def check(
    data: Path,
    *,
    options: Annotated[DataOptions, Parameter(name="*")] = DataOptions(),  # noqa: B008 - frozen
    output: Annotated[Literal["table", "json"], Parameter(name="--format")] = "table",
    preview: Path | None = None,
) -> int:
    """Report what a dataset contains and everything wrong with it; exit code 1 if training would fail.

    Args:
        data: The folder with the images and masks, or NuInsSeg as published.
        options: Location of images and masks, and meaning of mask values.
        output: Output format.
        preview: A new PNG file with the first masks, as interpreted, beside their images.
    """
    from lmsc_unet.core.progress import counting
    from lmsc_unet.datasets.check import check_dataset
    from lmsc_unet.datasets.check_report import report_dict, report_text

    if preview is not None:
        _check_new_png(preview)
    with counting("reading") as show:
        report = check_dataset(data, options, on_progress=show)
    if output == "json":
        import json

        print(json.dumps(report_dict(report), indent=2, ensure_ascii=False))
    else:
        print(report_text(report))
    if preview is not None:
        _write_preview(report, preview)
    return int(report.has_errors)


@app.command
def convert(
    source: Path,
    *,
    out: Path,
    images: Path | None = None,
    classes: Annotated[tuple[str, ...], Parameter(converter=split_at_commas, negative="")] = (),
    instances: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Turn outlines of COCO, LabelMe, YOLO, CVAT or QuPath into a folder of images and masks.

    The kind is recognised by content. Where objects overlap, the smaller one is on top.

    Args:
        source: The folder with annotations and images, or one file of annotations.
        out: A new folder for images/ and masks/.
        images: Folder of the images, if they are not below the annotations.
        classes: Names of the classes in order, comma-separated, without the background; by default as annotated.
        instances: Number the objects in masks of 16 bits, instead of class ids.
    """
    from lmsc_unet.core.progress import counting
    from lmsc_unet.datasets.convert.conversion import convert as write
    from lmsc_unet.datasets.convert.conversion import read_annotations

    found, annotations = read_annotations(source, images, classes)
    for kind, number in annotations.skipped.most_common():
        print(f"lmsc: note: {number} annotations of the kind {kind} are no areas and left out.", file=sys.stderr)
    with counting("drawing") as show:
        write(annotations, out, instances=instances, on_progress=show)
    num_objects = sum(len(image.objects) for image in annotations.images)
    names = ", ".join(annotations.class_names)
    print(f"{found.kind}: {len(annotations.images)} images with {num_objects} objects of {names} are in {out}.")
    how = " --instances" if instances else ""
    print(f"Next: lmsc data check {out}{how}; lmsc train {out} --out RUN{how}")


@app.command
def nuclei(out: Path, *, count: int = 40, size_px: int = 512, seed: int = 0) -> None:
    """Draw images of stained tissue with known nuclei, to try things on.

    Writes images/, masks/ (0 and 255) and labels/ (16-bit nucleus numbers).

    Args:
        out: A new folder.
        count: Number of images.
        size_px: Side of the images.
        seed: Seed of the images.
    """
    from lmsc_unet.synthetic.tissue.writer import write_nuclei

    write_nuclei(out, count=count, size_px=size_px, seed=seed)
    print(f"{count} pictures of {size_px} x {size_px} px with masks are in {out}")


def _check_new_png(path: Path) -> None:
    if path.suffix.lower() != ".png":
        raise ConfigError(f"{path}: the preview is a PNG. Use that suffix, as in {path.with_suffix('.png').name}.")
    if path.exists():
        raise ConfigError(f"{path}: this file exists already. Name a new one for the preview.")


def _write_preview(report: "CheckReport", path: Path) -> None:
    from lmsc_unet.evaluation.mask_preview import draw_preview
    from lmsc_unet.imageio import write_png

    try:
        write_png(path, draw_preview(report))
    except DataError as error:
        print(f"lmsc: note: {error}", file=sys.stderr)
    else:
        print(f"The first masks, as interpreted, are in {path}.", file=sys.stderr)
