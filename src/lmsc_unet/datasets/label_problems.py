"""What the check says of the values of all masks together."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from lmsc_unet.datasets.class_pixels import count_classes, lack_of_classes
from lmsc_unet.datasets.infer_labels import complaint_of, infer_label_map
from lmsc_unet.datasets.inspection import Findings
from lmsc_unet.datasets.labels import LabelMap
from lmsc_unet.datasets.options import DataOptions
from lmsc_unet.datasets.problems import Problem
from lmsc_unet.datasets.roboflow import with_class_table
from lmsc_unet.datasets.sample import Dataset
from lmsc_unet.errors import DataError
from lmsc_unet.metrics.counts import IGNORE


def find_labels(
    dataset: Dataset, findings: Sequence[Findings], options: DataOptions
) -> tuple[LabelMap | None, list[Problem]]:
    """The meaning of the masks that could be read, and what is wrong with it; no meaning where none could."""
    if dataset.layout == "sigmf":
        return LabelMap(kind="classes", class_names=options.classes), []
    masks = {found.sample.mask: found.mask for found in findings if found.sample.mask and found.mask}
    if not masks:
        return None, []
    try:
        label_map = infer_label_map(masks, with_class_table(options, masks))
    except DataError as error:
        return None, [Problem(file=dataset.root, reason=str(error).removeprefix(f"{dataset.root}: "))]
    complaints = ((path, complaint_of(label_map, mask)) for path, mask in masks.items())
    return label_map, [Problem(file=path, reason=reason) for path, reason in complaints if reason]


def class_problems(root: Path, findings: Sequence[Findings], label_map: LabelMap | None) -> Iterator[Problem]:
    """Classes that are nowhere: an error where one class is alone, a warning where others are left."""
    masks = [found.mask for found in findings if found.mask]
    if label_map is None or not masks:
        return
    pixels = count_classes(label_map, masks)
    lack = lack_of_classes(label_map, pixels)
    if lack:
        yield Problem(file=root, reason=lack)
    for class_id, name in enumerate(() if lack else label_map.class_names):
        if not pixels[class_id]:
            reason = f"no pixel is of class {class_id} ({name}) in any mask."
            yield Problem(file=root, reason=reason, severity="warning")
    if label_map.ignore_index is not None and not pixels[IGNORE]:
        reason = f"no pixel holds the value to leave out, {label_map.ignore_index}."
        yield Problem(file=root, reason=reason, severity="warning")
