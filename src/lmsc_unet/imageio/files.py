"""Lists the images and other files of a folder; follows links and skips hidden files."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from lmsc_unet.errors import DataError
from lmsc_unet.imageio.info import IMAGE_SUFFIXES
from lmsc_unet.imageio.npy import holds_objects

_OF_SYSTEMS = ("thumbs.db", "ehthumbs.db", "desktop.ini")


@dataclass(frozen=True, kw_only=True)
class FolderContents:
    """The files in a folder, recursively."""

    pictures: tuple[Path, ...] = ()
    """Sorted; broken links are included, so that reading them reports the error."""
    others: Counter[str] = field(default_factory=Counter)
    """Number of files of other types, by suffix."""


def folder_contents(folder: Path) -> FolderContents:
    """Lists a folder recursively, including linked folders.

    Raises:
        DataError: a folder may not be read.
    """
    pictures, others = [], Counter[str]()
    for path in _files(folder):
        if is_picture(path):
            pictures.append(path)
        elif path.name.lower() not in _OF_SYSTEMS:
            others[_ending(path)] += 1
    return FolderContents(pictures=tuple(sorted(pictures, key=Path.as_posix)), others=others)


def picture_files(folder: Path) -> list[Path]:
    """The images in a folder, recursively, sorted.

    Raises:
        DataError: a folder may not be read.
    """
    return list(folder_contents(folder).pictures)


def is_picture(path: Path) -> bool:
    """Whether a file counts as an image: not hidden, with an image suffix in any case, not a NumPy pickle."""
    if path.suffix.lower() not in IMAGE_SUFFIXES or path.name.startswith("."):
        return False
    return path.suffix.lower() != ".npy" or not _is_pickle(path)


def counted_endings(others: Counter[str]) -> str:
    """How many files of other types were skipped, in words; empty if none were."""
    number = others.total()
    kinds = ", ".join(
        f"{ending} {count}" for ending, count in sorted(others.items(), key=lambda row: (-row[1], row[0]))
    )
    were = "1 file of another type was" if number == 1 else f"{number} files of other types were"
    return f"{were} skipped: {kinds}" if others else ""


def refuse_unreadable(error: OSError) -> NoReturn:
    """Reports a folder that cannot be listed, which must not be taken for an empty one.

    Raises:
        DataError: always.
    """
    raise DataError(
        f"{error.filename}: this folder cannot be read ({error.strerror}). Check its permissions."
    ) from error


def subfolders(folder: Path) -> list[Path]:
    """The subfolders, including linked and without hidden ones, sorted."""
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _files(folder: Path) -> Iterator[Path]:
    """All files that are not hidden; does not follow a link to one of its parent folders."""
    waiting: list[tuple[Path, frozenset[str]]] = [(folder, frozenset())]
    while waiting:
        here, above = waiting.pop()
        real = os.path.realpath(here)
        if any(f"{one}{os.sep}".startswith(f"{real}{os.sep}") for one in above):
            continue
        for name in _names(here):
            path = here / name
            if path.is_dir():
                waiting.append((path, above | {real}))
            elif path.is_file() or not path.exists():  # opening a pipe or a device would block forever
                yield path


def _names(folder: Path) -> list[str]:
    try:
        return [name for name in os.listdir(folder) if not name.startswith(".")]  # noqa: PTH208 - names are enough
    except FileNotFoundError:
        return []
    except OSError as error:
        refuse_unreadable(error)


def _is_pickle(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return holds_objects(stream)
    except OSError:  # the read will report it
        return False


def _ending(path: Path) -> str:
    endings = path.suffixes[-2:] if path.suffix.lower() in (".gz", ".bz2", ".xz") else path.suffixes[-1:]
    return "".join(endings).lower() or "without ending"
