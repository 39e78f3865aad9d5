"""A folder of SigMF recordings as a dataset: chunks of their spectrograms, split by recording."""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from lmsc_unet.datasets.groups import CROPS, with_groups, with_repeats
from lmsc_unet.datasets.options import SIGNAL_NAMES, ChunkOptions, DataOptions, SpectrogramChunk
from lmsc_unet.datasets.sample import Dataset, Problem, Sample, Split
from lmsc_unet.datasets.split_file import SPLIT_WORDS, apply_split_file, has_column
from lmsc_unet.errors import DataError
from lmsc_unet.imageio.files import refuse_unreadable
from lmsc_unet.signals.annotations import read_boxes
from lmsc_unet.signals.recording import Recording, open_recording
from lmsc_unet.signals.recording.archive import ARCHIVE_SUFFIXES
from lmsc_unet.signals.recording.file_names import is_raw_name
from lmsc_unet.signals.settings import SpectrogramSettings

ENDINGS = (".sigmf-meta", *ARCHIVE_SUFFIXES)
LARGEST_SCALE = 64
"""Frames per row of the longest recording that fits one chunk: 4 M samples with 256 rows of 256."""
VAL_SHARE = TEST_SHARE = 0.15
"""The paper's split: 70/15/15."""


def has_recordings(root: Path) -> bool:
    """Whether a folder or a folder below it contains SigMF recordings."""
    return next(_files(root), None) is not None


def describe_raw(root: Path) -> str | None:
    """What to do with a folder of recordings without annotations; None if there are none."""
    files = (file for _, _, names in os.walk(root) for file in sorted(names))
    raw = next((file for file in files if is_raw_name(file) or file.lower().endswith(".wav")), None)
    if raw is None:
        return None
    return (
        f"{root}: it holds recordings such as {raw}, but no SigMF metadata, so nothing says where their signals are. "
        "Annotate them: `lmsc detect` writes metadata to begin with, which a SigMF viewer can correct."
    )


def scan_recordings(
    root: Path,
    pieces: ChunkOptions,
    options: DataOptions = DataOptions(),  # noqa: B008 - frozen
) -> tuple[Dataset, tuple[Problem, ...]]:
    """Opens every recording and cuts its spectrogram into chunks; reports unusable recordings.

    Raises:
        DataError: no recording is usable, none has an annotation, or there are too few to split.
    """
    outlines, problems = _read_all(root)
    if not outlines:
        raise DataError(
            f"{root}: no recording can be used. The first problem: {problems[0].file}: {problems[0].reason}"
        )
    labels = {label for one in outlines for label in one.labels}
    if not labels:
        raise DataError(
            f"{root}: none of the {len(outlines)} recordings has an annotation, so there is nothing to learn from. "
            "Annotate the signals (SigMF annotations with core:freq_lower_edge and core:freq_upper_edge)."
        )
    names = options.classes or (("noise", *sorted(labels)) if pieces.by_label else SIGNAL_NAMES)
    wholes = _split(root, [one.whole for one in outlines], pieces.split_seed, options)
    samples = [
        piece
        for whole, one in zip(wholes, outlines, strict=True)
        for piece in _pieces(whole, one.lengths, pieces, names)
    ]
    one_scale = pieces.scales[0] if len(pieces.scales) == 1 else 1
    dataset = Dataset(
        root=root,
        layout="sigmf",
        samples=tuple(samples),
        class_names=names,
        spectrogram=_scaled(pieces.spectrogram, one_scale),
    )
    return dataset, tuple(problems)


def first_pieces(root: Path, pieces: ChunkOptions, names: tuple[str, ...], *, number: int) -> list[Sample]:
    """The first chunk of each of the first readable recordings; opens no others."""
    found: list[Sample] = []
    for path in sorted(_files(root)):
        if len(found) == number:
            break
        with suppress(DataError):
            outline = _outline(root, path)
            found.append(next(_pieces(outline.whole, outline.lengths, pieces, names)))
    return found


@dataclass(frozen=True, kw_only=True)
class _Outline:
    """What is needed to cut a recording into chunks; archives are closed and their unpacked data deleted."""

    whole: Sample
    """The recording as one sample, to be assigned to a split."""
    lengths: tuple[int, ...]
    """Samples per capture."""
    labels: frozenset[str]
    """The labels of its annotations."""


def _read_all(root: Path) -> tuple[list[_Outline], list[Problem]]:
    outlines: dict[str, _Outline] = {}
    problems: list[Problem] = []
    for path in sorted(_files(root)):
        try:
            outline = _outline(root, path)
        except DataError as error:
            problems.append(Problem(file=path, reason=str(error).removeprefix(f"{path}: ")))
            continue
        other = outlines.setdefault(outline.whole.name, outline)
        if other is not outline:
            reason = f"{other.whole.mask} has the same name, and may be the same recording. Keep one, or rename it."
            problems.append(Problem(file=path, reason=reason))
    return list(outlines.values()), problems


def _outline(root: Path, path: Path) -> _Outline:
    recording = open_recording(path, is_checked=False)
    return _Outline(
        whole=_whole(root, recording),
        lengths=tuple(capture.num_samples for capture in recording.captures),
        labels=frozenset(box.label for box in read_boxes(recording)),
    )


def _files(root: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(root, onerror=refuse_unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(parent, name) for name in files if name.endswith(ENDINGS) and not name.startswith("."))


def _whole(root: Path, recording: Recording) -> Sample:
    """A recording as one sample; its image is the user's file with the samples, possibly an archive."""
    place = recording.path.relative_to(root)
    name = place.with_name(place.name.partition(".sigmf")[0]).as_posix()
    first, slash, _ = name.partition("/")
    split = SPLIT_WORDS.get(first.lower()) if slash else None
    data = recording.path if recording.keep_alive is not None else recording.data
    return Sample(name=name, image=data, mask=recording.path, split=split)


def _split(root: Path, wholes: Sequence[Sample], seed: int, options: DataOptions) -> Sequence[Sample]:
    """Assigns splits by a split file, by folders, or at random; groups of recordings stay together."""
    if options.split_file is not None and (not options.names_columns or has_column(options.split_file, "split")):
        wholes = apply_split_file([replace(whole, split=None) for whole in wholes], root, options.split_file)
    if options.group == CROPS:
        raise DataError("--group crops looks at the edges of images. Group recordings by a column of the split file.")
    wholes = with_groups(wholes, root, options.group, options.split_file)
    wholes = with_repeats(wholes, root, options.repeats, options.split_file)
    if any(whole.split for whole in wholes):
        return wholes
    units = list(dict.fromkeys(whole.unit for whole in wholes))
    if options.group and len(units) < 2:
        raise DataError(f"{root}: all recordings are of the group {units[0]}; two groups are needed at least.")
    parts = dict(zip(units, random_parts(len(units), seed), strict=True))
    return [replace(whole, split=parts[whole.unit]) for whole in wholes]


def random_parts(number: int, seed: int) -> list[Split]:
    """A random split of recordings: 15 % test, 15 % val, the rest train; with few recordings val precedes test.

    Raises:
        DataError: there is only one.
    """
    if number < 2:
        raise DataError(
            "There is one recording only, and recordings are split whole: chunks of one are too similar. Add another."
        )
    num_val = max(1, round(VAL_SHARE * number))
    num_test = min(max(round(TEST_SHARE * number), int(number > 2)), number - num_val - 1)
    order = np.random.default_rng(seed).permutation(number).tolist()
    place = {index: rank for rank, index in enumerate(order)}
    return [
        "val" if place[i] < num_val else "test" if place[i] < num_val + num_test else "train" for i in range(number)
    ]


def _pieces(whole: Sample, lengths: Sequence[int], options: ChunkOptions, names: tuple[str, ...]) -> Iterator[Sample]:
    """The captures in rows of each scale, in chunks of about equal length."""
    assert whole.mask is not None
    for number, num_samples in enumerate(lengths):
        for scale in options.scales or (_fitting_scale(num_samples, options),):
            settings = _scaled(options.spectrogram, scale)
            num_rows = settings.stft.num_rows(num_samples)
            num_pieces = -(-num_rows // options.rows)
            edges = [index * num_rows // num_pieces for index in range(num_pieces + 1)]
            for first, stop in pairwise(edges):
                piece = SpectrogramChunk(
                    recording=whole.mask,
                    capture=number,
                    first_row=first,
                    num_rows=stop - first,
                    spectrogram=settings,
                    class_names=names,
                )
                yield replace(whole, name=f"{whole.name}/{number}-x{scale}-{first}", piece=piece)


def _fitting_scale(num_samples: int, options: ChunkOptions) -> int:
    """Frames per row with which a capture fits one chunk, up to the largest."""
    num_frames = options.spectrogram.stft.num_rows(num_samples)
    return min(LARGEST_SCALE, max(1, -(-num_frames // options.rows)))


def _scaled(settings: SpectrogramSettings, frames_per_row: int) -> SpectrogramSettings:
    return replace(settings, stft=replace(settings.stft, frames_per_row=frames_per_row))
