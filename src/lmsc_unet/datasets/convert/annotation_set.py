"""What the readers of annotations have in common: the set that they give, and where images are."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from lmsc_unet.datasets.convert.drawing import AnnotatedObject
from lmsc_unet.datasets.labels import listed
from lmsc_unet.errors import DataError
from lmsc_unet.imageio import picture_files


@dataclass(frozen=True, kw_only=True)
class AnnotatedImage:
    """An image and its objects."""

    path: Path
    """The image."""
    name: str
    """Its path in the new folder, without suffix."""
    objects: tuple[AnnotatedObject, ...]
    """Its objects."""
    size_px: tuple[int, int] | None = None
    """Height and width, if the annotations say them."""


@dataclass(frozen=True, kw_only=True)
class AnnotationSet:
    """The annotations of a dataset."""

    images: tuple[AnnotatedImage, ...]
    """The images."""
    class_names: tuple[str, ...]
    """The classes in order, without the background."""
    skipped: Counter[str] = field(default_factory=Counter)
    """Numbers of annotations that are no areas, by kind."""


class ImageFinder:
    """Finds the images that annotations name, below the folder of the annotations or one that the user names."""

    def __init__(self, root: Path, images: Path | None) -> None:
        """Lists the images.

        Raises:
            DataError: the folder of images is missing.
        """
        if images is not None and not images.is_dir():
            raise DataError(f"{images}: there is no such folder. Name the folder of the images by --images.")
        self.root = images or root
        """The folder that is searched."""
        self._paths = {path.relative_to(self.root).as_posix(): path for path in picture_files(self.root)}
        self._by_name: dict[str, list[Path]] = {}
        self._by_stem: dict[str, list[Path]] = {}
        for path in self._paths.values():
            self._by_name.setdefault(path.name, []).append(path)
            self._by_stem.setdefault(path.stem, []).append(path)
        self._missing: list[str] = []

    @property
    def paths(self) -> Sequence[Path]:
        """All images."""
        return list(self._paths.values())

    def find(self, named: str, beside: Path) -> Path | None:
        """The image that a file in the folder `beside` names; None if it is missing, which is told by `check`.

        Images outside the folder are never read: of an absolute path, or one that leads out, only the name counts.
        """
        place = PurePosixPath(named.replace("\\", "/"))
        folder = beside.relative_to(self.root).as_posix() if beside.is_relative_to(self.root) else "."
        for start in (PurePosixPath(folder), PurePosixPath(folder, "images"), PurePosixPath(), PurePosixPath("images")):
            if found := self._paths.get((start / place).as_posix()):
                return found
        return self._only(self._by_name.get(place.name, []), named)

    def find_named(self, name: str) -> Path | None:
        """The image of a name, with or without its suffix; None as `find`."""
        return self._only(self._by_name.get(name) or self._by_stem.get(name, []), name)

    def check(self, file: Path) -> None:
        """Raises DataError if images were missing that a file, or the files of a folder, name."""
        if self._missing:
            raise DataError(
                f"{file}: {len(self._missing)} images that it names are not below {self.root}, such as "
                f"{listed(self._missing, 3)}. Copy them there, or name their folder by --images."
            )

    def name_of(self, path: Path) -> str:
        """The name of an image in the new folder: its path without the folders `images` and without suffix."""
        place = PurePosixPath(path.relative_to(self.root).as_posix()).with_suffix("")
        return PurePosixPath(*(part for part in place.parts if part != "images")).as_posix()

    def _only(self, found: list[Path], named: str) -> Path | None:
        if len(found) > 1:
            raise DataError(
                f"{self.root}: {named} may be {found[0]} or {found[1]}. Keep one of them, or name the folder of the "
                "images by --images."
            )
        if not found:
            self._missing.append(named)
        return found[0] if found else None


@contextmanager
def well_formed(path: Path, kind: str) -> Iterator[None]:
    """Turns what a reader stumbles over into an error that names the file.

    Raises:
        DataError: the file is not of this kind.
    """
    try:
        yield
    except KeyError as error:
        raise DataError(f"{path}: this is not {kind} as it should be: {error} is missing. Export it again.") from error
    except (ValueError, TypeError, AttributeError, IndexError, OverflowError) as error:
        raise DataError(f"{path}: this is not {kind} as it should be ({error}). Export it again.") from error


def read_json(path: Path) -> Any:
    """The contents of a JSON file, also one that is compressed by gzip.

    Raises:
        DataError: it cannot be read, or is cut off.
    """
    import gzip
    import zlib

    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        return json.loads(data)
    except (OSError, ValueError, RecursionError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: this is no whole JSON file ({error}). Export it again.") from error


def class_names_of(found: Sequence[str], wanted: Sequence[str]) -> tuple[str, ...]:
    """The classes in order: those that the user names, or else those found; `background` is none of them.

    Raises:
        DataError: a class was found that the user does not name.
    """
    foreground = [name for name in dict.fromkeys(found) if name.casefold().strip("_") not in _BACKGROUND]
    if not wanted:
        return tuple(foreground)
    names = tuple(name for name in wanted if name.casefold().strip("_") not in _BACKGROUND)
    unknown = [name for name in foreground if name not in names]
    if unknown:
        raise DataError(f"The class {unknown[0]} is annotated, but --classes names {listed(names)}. Add it there.")
    return names


_BACKGROUND = ("background",)
