"""Files that are one and the same under two names."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from pathlib import Path

from lmsc_unet.images import sha256


def same_files(paths: Iterable[Path]) -> list[list[Path]]:
    """Groups of two or more files of equal bytes, each sorted; only files of equal size are read."""
    groups = _grouped(sorted(paths), lambda path: path.stat().st_size)
    return [twins for group in groups for twins in _grouped(group, sha256)]


def _grouped(paths: Iterable[Path], key: Callable[[Path], Hashable]) -> list[list[Path]]:
    groups: dict[Hashable, list[Path]] = defaultdict(list)
    for path in paths:
        groups[key(path)].append(path)
    return [group for group in groups.values() if len(group) > 1]
