"""Finds the pairs of a dataset folder in any known layout."""

from pathlib import Path

from lmsc_unet.config import from_mapping, read_yaml
from lmsc_unet.datasets.advice import no_pairs, unknown_layout
from lmsc_unet.datasets.convert.recognition import looks_annotated
from lmsc_unet.datasets.groups import with_groups, with_repeats
from lmsc_unet.datasets.layouts import recognise
from lmsc_unet.datasets.options import SIGNAL_NAMES, ChunkOptions, DataOptions
from lmsc_unet.datasets.published import is_nuinsseg
from lmsc_unet.datasets.sample import Dataset, DatasetLayout, Problem, Sample, refuse
from lmsc_unet.datasets.sigmf_folder import describe_raw, has_recordings, scan_recordings
from lmsc_unet.datasets.split_file import SPLIT_WORDS, apply_split_file, has_column
from lmsc_unet.errors import DataError
from lmsc_unet.signals.settings import SETTINGS_FILE, SpectrogramSettings


def find_dataset(
    root: Path,
    options: DataOptions = DataOptions(),  # noqa: B008 - frozen
    *,
    pieces: ChunkOptions = ChunkOptions(),  # noqa: B008 - frozen
) -> Dataset:
    """Finds images and masks; every image must have a mask and every mask an image.

    Known layouts are `images/` beside `masks/` (or as named by `options`), each possibly with subfolders
    `train/ val/ test/` or inside them, and all others of `layouts`. For SigMF recordings, `pieces` says how they become
    images.

    Raises:
        DataError: the folder is missing or has no known layout, or files have no partner or share a stem.
    """
    dataset, problems = scan_dataset(root, options, pieces=pieces)
    refuse(root, problems)
    return dataset


def scan_dataset(
    root: Path,
    options: DataOptions = DataOptions(),  # noqa: B008 - frozen
    *,
    pieces: ChunkOptions = ChunkOptions(),  # noqa: B008 - frozen
) -> tuple[Dataset, tuple[Problem, ...]]:
    """Like `find_dataset`, but reports files without a partner instead of rejecting them.

    Raises:
        DataError: the folder is missing, has no known layout, or contains no pair.
    """
    if not root.is_dir():
        raise DataError(f"{root}: {'a folder is needed, this is a file' if root.exists() else 'no such folder'}.")
    if layout_of(root, options.images) == "sigmf":
        return scan_recordings(root, pieces, options)
    recognised = recognise(root, options)
    if recognised is None:
        raise DataError(describe_raw(root) or unknown_layout(root, options) + looks_annotated(root))
    found = recognised.found
    if not any(sample.mask for sample in found.samples):
        raise DataError(no_pairs(root, options, found) + looks_annotated(root))
    samples = tuple(sorted(found.samples, key=lambda sample: sample.image.as_posix()))
    if options.split_file is not None and (not options.names_columns or has_column(options.split_file, "split")):
        samples = apply_split_file(_without_split(samples, root), root, options.split_file)
    samples = with_groups(samples, root, options.group, options.split_file)
    samples = with_repeats(samples, root, options.repeats, options.split_file)
    shown = read_settings(root)
    dataset = Dataset(
        root=root,
        layout=recognised.layout,
        samples=samples,
        class_names=SIGNAL_NAMES if shown else recognised.class_names,
        spectrogram=shown,
        about=recognised.about,
        spare=found.spare,
        others=found.others,
    )
    return dataset, found.problems + _left_over(samples)


def layout_of(root: Path, images: str = DataOptions.images) -> DatasetLayout:
    """The layout of the folder's files; recordings are considered if there are no image folders."""
    if (root / images).is_dir() or any((root / part / images).is_dir() for part in SPLIT_WORDS):
        return "folder"
    if is_nuinsseg(root):
        return "nuinsseg"
    return "sigmf" if has_recordings(root) else "folder"


def read_settings(root: Path) -> SpectrogramSettings | None:
    """How the images of a set were made from samples; None if they were not, or if unknown.

    Raises:
        ConfigError: the settings file has other contents.
    """
    path = root / SETTINGS_FILE
    return from_mapping(SpectrogramSettings, read_yaml(path), str(path)) if path.is_file() else None


def _without_split(samples: tuple[Sample, ...], root: Path) -> tuple[Sample, ...]:
    if any(sample.split for sample in samples):
        raise DataError(
            f"{root}: its folders say what trains and what validates, and so does the split file. Keep one."
        )
    return samples


def _left_over(samples: tuple[Sample, ...]) -> tuple[Problem, ...]:
    if not any(sample.split for sample in samples):
        return ()
    reason = "the image is in none of train, val and test, though others are. Put it into one, or take it out."
    return tuple(Problem(file=sample.image, reason=reason) for sample in samples if sample.split is None)
