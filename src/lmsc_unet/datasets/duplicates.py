"""Images that are one and the same under two names, by their files' bytes or by their pixels."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.core.storage import sha256
from lmsc_unet.errors import DataError
from lmsc_unet.imageio import read_image, read_info


def same_files(paths: Iterable[Path]) -> list[list[Path]]:
    """Groups of two or more files of equal bytes, each sorted; only files of equal size are read."""
    groups = _grouped(sorted(paths), lambda path: path.stat().st_size)
    return [twins for group in groups for twins in _grouped(group, sha256)]


def same_pixels(train: Collection[Path], val: Collection[Path]) -> list[list[Path]]:
    """Groups of images of equal pixels in files of several kinds; only images of one size, in both parts, are read."""
    kinds = {path.suffix.lower() for path in (*train, *val)}
    if len(kinds) < 2:
        return []
    groups = _grouped(sorted({*train, *val}), _size)
    mixed = [group for group in groups if len({path.suffix.lower() for path in group}) > 1]
    crossing = [group for group in mixed if any(path in train for path in group) and any(path in val for path in group)]
    return [twins for group in crossing for twins in _grouped(group, lambda path: pixel_digest(read_image(path)))]


def _size(path: Path) -> tuple[int, int]:
    info = read_info(path)
    return info.height_px, info.width_px


def pixel_digest(image: NDArray[Any]) -> str:
    """Names the pixels of an image "H W C", whatever file they come from; grey saved as colours is grey."""
    if image.shape[2] == 3 and (image == image[..., :1]).all():
        image = image[..., :1]
    digest = hashlib.sha256(f"{image.shape} {image.dtype}".encode())
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()


def _grouped(paths: Iterable[Path], key: Callable[[Path], Hashable]) -> list[list[Path]]:
    groups: dict[Hashable, list[Path]] = defaultdict(list)
    for path in paths:
        with suppress(OSError, DataError):  # a file that cannot be read is told where it is read
            groups[key(path)].append(path)
    return [group for group in groups.values() if len(group) > 1]
