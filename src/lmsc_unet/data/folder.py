"""Finds the pairs of a dataset in a folder, whatever of the known layouts it has."""

from dataclasses import replace
from pathlib import Path

from lmsc_unet.config import from_mapping, read_yaml
from lmsc_unet.data.groups import with_groups
from lmsc_unet.data.labels import listed
from lmsc_unet.data.nuinsseg import MASKS, is_nuinsseg, scan_nuinsseg
from lmsc_unet.data.options import DataOptions
from lmsc_unet.data.pairing import Found, pair_folders, picture_files
from lmsc_unet.data.piece import SIGNAL_NAMES, PieceOptions
from lmsc_unet.data.problems import Problem, refuse
from lmsc_unet.data.recordings import has_recordings, scan_recordings
from lmsc_unet.data.sample import Dataset, DatasetLayout, Sample
from lmsc_unet.data.split_file import SPLIT_WORDS, apply_split_file, has_column
from lmsc_unet.errors import DataError
from lmsc_unet.images import IMAGE_KINDS
from lmsc_unet.signal.settings import SETTINGS_FILE, SpectrogramSettings


def find_dataset(
    root: Path,
    options: DataOptions = DataOptions(),  # noqa: B008 - frozen
    *,
    pieces: PieceOptions = PieceOptions(),  # noqa: B008 - frozen
) -> Dataset:
    """Finds images and their masks; every image has one, and every mask its image.

    Known are `images/` beside `masks/` (or as `options` names them), both perhaps with subfolders `train/ val/ test/`,
    or inside such folders, and NuInsSeg's published layout, where `options.masks` may name another of its folders.
    Where there are SigMF recordings instead, `pieces` says how they become pictures.

    Raises:
        DataError: the folder is missing or of no known layout, or files have no partner or share a stem.
    """
    dataset, problems = scan_dataset(root, options, pieces=pieces)
    refuse(root, problems)
    return dataset


def scan_dataset(
    root: Path,
    options: DataOptions = DataOptions(),  # noqa: B008 - frozen
    *,
    pieces: PieceOptions = PieceOptions(),  # noqa: B008 - frozen
) -> tuple[Dataset, tuple[Problem, ...]]:
    """As `find_dataset`, but files without partner are told and not refused.

    Raises:
        DataError: the folder is missing, of no known layout, or holds no pair at all.
    """
    if not root.is_dir():
        raise DataError(f"{root}: {'a folder is needed, this is a file' if root.exists() else 'no such folder'}.")
    images, masks = options.images, options.masks
    is_published = not (root / images).is_dir() and is_nuinsseg(root)
    if layout_of(root, images) == "sigmf":
        return scan_recordings(root, pieces, options)
    if is_published:
        found = scan_nuinsseg(root, MASKS if masks == DataOptions.masks else masks)
    else:
        found = _scan_folders(root, images, masks)
    if not any(sample.mask for sample in found.samples):
        raise DataError(_no_pairs(root, images, masks, found))
    samples = tuple(sorted(found.samples, key=lambda sample: sample.image.as_posix()))
    if options.split_file is not None and (not options.group or has_column(options.split_file, "split")):
        samples = apply_split_file(_without_split(samples, root), root, options.split_file)
    samples = with_groups(samples, root, options.group, options.split_file)
    shown = read_settings(root)
    dataset = Dataset(
        root=root,
        layout="nuinsseg" if is_published else "folder",
        samples=samples,
        class_names=SIGNAL_NAMES if shown else (),
        spectrogram=shown,
    )
    return dataset, found.problems + _left_over(samples)


def layout_of(root: Path, images: str = DataOptions.images) -> DatasetLayout:
    """What the folder's files look like; recordings are looked for where there are no folders of images."""
    if (root / images).is_dir() or any((root / part / images).is_dir() for part in SPLIT_WORDS):
        return "folder"
    if is_nuinsseg(root):
        return "nuinsseg"
    return "sigmf" if has_recordings(root) else "folder"


def read_settings(root: Path) -> SpectrogramSettings | None:
    """How the pictures of a set were made from samples; None where they were not, or the set does not say.

    Raises:
        ConfigError: the file that says it holds something else.
    """
    path = root / SETTINGS_FILE
    return from_mapping(SpectrogramSettings, read_yaml(path), str(path)) if path.is_file() else None


def _scan_folders(root: Path, images: str, masks: str) -> Found:
    parts = [path for path in sorted(root.iterdir()) if path.name.lower() in SPLIT_WORDS and (path / images).is_dir()]
    has_top = (root / images).is_dir()
    if has_top and parts:
        raise DataError(
            f"{root}: images are in {images}/ and in {parts[0].name}/{images}/. Keep one of the two layouts."
        )
    if not has_top and not parts:
        raise DataError(_no_images_folder(root, images))
    found = Found()
    for folder in [root] if has_top else parts:
        if not (folder / masks).is_dir():
            raise DataError(f"{folder}: there is no folder {masks}/ beside {images}/. Name it with --masks.")
        prefix = "" if has_top else f"{folder.name}/"
        found += pair_folders(folder / images, folder / masks, prefix=prefix)
    return replace(found, samples=tuple(_with_split(sample) for sample in found.samples))


def _with_split(sample: Sample) -> Sample:
    """Reads the split off the first folder of the name."""
    first, slash, _ = sample.name.partition("/")
    return replace(sample, split=SPLIT_WORDS.get(first.lower()) if slash else None)


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


def _no_images_folder(root: Path, images: str) -> str:
    folders = sorted(path.name + "/" for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    return (
        f"{root}: there is no folder {images}/. It holds {listed(folders) if folders else 'no folders'}. "
        "Name the two folders with --images and --masks."
    )


def _no_pairs(root: Path, images: str, masks: str, found: Found) -> str:
    if not found.samples:
        return f"{root}: {images}/ holds no {IMAGE_KINDS}. Name the two folders with --images and --masks."
    names = [sample.image.name for sample in found.samples]
    others = [path.name for path in picture_files(root / masks)]
    return (
        f"{root}: no image has a mask. Pairs have one stem, but the images are {listed(names, 3)} "
        f"and the masks {listed(others, 3) if others else 'none'}. Rename one side."
    )
