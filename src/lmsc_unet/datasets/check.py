"""`lmsc data check`: the contents of a dataset and everything wrong with it, before hours are spent on training."""

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lmsc_unet.datasets.folder import scan_dataset
from lmsc_unet.datasets.groups import group_problems
from lmsc_unet.datasets.infer_labels import complaint_of, infer_label_map
from lmsc_unet.datasets.inspection import Findings, inspect
from lmsc_unet.datasets.labels import LabelMap
from lmsc_unet.datasets.mask_summary import count_classes, lack_of_classes
from lmsc_unet.datasets.neighbours import groups_of, neighbours
from lmsc_unet.datasets.options import DataOptions
from lmsc_unet.datasets.published import with_class_table
from lmsc_unet.datasets.remarks import band_note
from lmsc_unet.datasets.sample import Dataset, Problem, Sample, Severity
from lmsc_unet.datasets.splits import given_split
from lmsc_unet.errors import DataError
from lmsc_unet.metrics.counts import IGNORE


def find_labels(
    dataset: Dataset, findings: Sequence[Findings], options: DataOptions
) -> tuple[LabelMap | None, list[Problem]]:
    """The meaning of the readable masks, and problems with it; None if no mask is readable."""
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
    """Classes that never occur: an error if only one class is left, otherwise a warning."""
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


Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class CheckReport:
    """The contents of a dataset and everything wrong with it."""

    dataset: Dataset
    """All samples, including those without a mask."""
    findings: tuple[Findings, ...]
    """The findings on each sample."""
    label_map: LabelMap | None
    """The meaning of mask values; None if it is ambiguous."""
    problems: tuple[Problem, ...]
    """All problems, errors first."""

    @property
    def has_errors(self) -> bool:
        """Whether training would reject the dataset."""
        return any(problem.severity == "error" for problem in self.problems)

    @property
    def num_pairs(self) -> int:
        """The number of images with a mask."""
        return sum(sample.mask is not None for sample in self.dataset.samples)

    @property
    def splits(self) -> Counter[str]:
        """The number of samples per split of the dataset itself."""
        return Counter(sample.split for sample in self.dataset.samples if sample.split)

    def counted(self, attribute: str) -> Counter[Any]:
        """The number of images per value of a field of `ImageInfo`."""
        return Counter(getattr(findings.image, attribute) for findings in self.findings if findings.image)

    @property
    def sizes_px(self) -> Counter[tuple[int, int]]:
        """The number of images per (height, width)."""
        return Counter((found.image.height_px, found.image.width_px) for found in self.findings if found.image)

    @property
    def class_pixels(self) -> Counter[int]:
        """Pixels per class id over all masks; `IGNORE` counts ignored pixels."""
        masks = [found.mask for found in self.findings if found.mask]
        return count_classes(self.label_map, masks) if self.label_map else Counter()


def check_dataset(
    root: Path,
    options: DataOptions = DataOptions(),  # noqa: B008 - frozen
    *,
    on_progress: Progress | None = None,
) -> CheckReport:
    """Reads every file of a dataset once and reports what it found.

    Raises:
        DataError: the folder cannot be read as a dataset: no folder, no known layout, no pair, a wrong split file.
        ConfigError: too few or too many classes are named.
    """
    dataset, problems = scan_dataset(root, options)
    findings = _inspect_all(dataset.samples, options, on_progress)
    label_map, label_problems = find_labels(dataset, findings, options.with_names(dataset.class_names))
    report = CheckReport(dataset=dataset, findings=findings, label_map=label_map, problems=())
    everything = [
        *problems,
        *(problem for found in findings for problem in found.problems),
        *label_problems,
        *_channel_problems(findings),
        *_band_problems(dataset.root, findings),
        *_twin_problems(findings),
        *_part_problems(report),
        *group_problems(dataset.samples),
        *_neighbour_problems(findings),
        *class_problems(root, findings, label_map),
    ]
    everything.sort(key=lambda problem: problem.severity)
    return CheckReport(dataset=dataset, findings=findings, label_map=label_map, problems=tuple(everything))


def _inspect_all(samples: Sequence[Sample], options: DataOptions, on_progress: Progress | None) -> tuple[Findings, ...]:
    findings = []
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for found in pool.map(lambda sample: inspect(sample, options), samples):
            findings.append(found)
            if on_progress:
                on_progress(len(findings), len(samples))
    return tuple(findings)


def _channel_problems(findings: Sequence[Findings]) -> Iterator[Problem]:
    """Grey images among colour images are repeated to three channels; other mixtures are problems."""
    kinds = Counter(found.image.channels for found in findings if found.image)
    if set(kinds) <= {1, 3} or len(kinds) == 1:
        return
    most = kinds.most_common(1)[0][0]
    for found in findings:
        if found.image and found.image.channels != most:
            reason = f"the image has {found.image.channels} channels, most images have {most}. Use images of one kind."
            yield Problem(file=found.sample.image, reason=reason)


def _band_problems(root: Path, findings: Sequence[Findings]) -> Iterator[Problem]:
    """GDAL calls the fourth band of an 8-bit GeoTIFF alpha, whatever its contents."""
    kept = [found.sample.image for found in findings if found.image and found.image.keeps_alpha]
    if kept:
        yield Problem(file=root, reason=band_note(kept), severity="warning")


def _twin_problems(findings: Sequence[Findings]) -> Iterator[Problem]:
    """Images with equal pixels, in any encoding."""
    by_path = {found.sample.image: found.sample for found in findings}
    groups: dict[str, list[Path]] = defaultdict(list)
    for found in findings:
        if found.digest:
            groups[found.digest].append(found.sample.image)
    for first, *others in groups.values():
        for other in others:
            parts = {by_path[first].split, by_path[other].split}
            if parts == {"train", "val"}:
                reason = f"the same image is, as {first}, in the other of train and val. Take one of the two out."
            else:
                reason = f"the same image is here as {first}. Take one out: a split that separates them is rejected."
            severity: Severity = "error" if parts in ({None}, {"train", "val"}) else "warning"
            yield Problem(file=other, reason=reason, severity=severity)


def _neighbour_problems(findings: Sequence[Findings]) -> Iterator[Problem]:
    """Neighbouring crops of one picture that a split separates or may separate; unless groups are named."""
    known = [found for found in findings if found.edges is not None]
    if any(found.sample.group is not None for found in known):
        return
    pairs = list(neighbours([found.edges for found in known if found.edges is not None]))
    is_split = any(found.sample.split for found in known)
    apart = [pair for pair in pairs if not is_split or known[pair[0]].sample.split != known[pair[1]].sample.split]
    if not apart:
        return
    first, second = (known[index].sample for index in apart[0])
    groups = groups_of(len(known), pairs)
    reason = (
        f"{sum(map(len, groups.values()))} images are neighbouring crops of {len(groups)} pictures: {second.name} "
        f"continues {first.name}, for instance. A split that separates them makes scores optimistic: --group crops "
        "keeps them together."
    )
    yield Problem(file=second.image, reason=reason, severity="warning")


def _part_problems(report: CheckReport) -> Iterator[Problem]:
    root = report.dataset.root
    if report.num_pairs < 2:
        reason = "there is one pair only; one more is needed at least, to train on one and validate on the other."
        yield Problem(file=root, reason=reason)
    try:
        given_split(report.dataset.samples)
    except DataError as error:
        yield Problem(file=root, reason=str(error))
