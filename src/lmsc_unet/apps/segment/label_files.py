"""Label images: PNG of 16 bits, TIFF where the image has a place, and TIFF of 32 bits where there are more objects."""

import tempfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.apps.segment.objects.collecting import LastBlocks
from lmsc_unet.core.storage import cannot_write, make_folder, resolve_inside
from lmsc_unet.imageio import NODATA_TAG, GeoTag, write_png_rows, write_tiff_rows
from lmsc_unet.inference.watershed import Labels

MOST_16_BIT = 65535
"""The most objects in a label image of 16 bits."""


@dataclass(frozen=True, kw_only=True)
class LabelFile:
    """A label image that was written."""

    path: str
    """Its path in the results folder."""
    num_instances: int
    """Its objects; its values are 0 for background, and 1 to their number."""


def label_files(name: str) -> list[str]:
    """The paths that the label image of an item can have in the results folder."""
    return [f"instances/{name}{suffix}" for suffix in (".png", ".tif")]


def write_labels(
    out: Path,
    name: str,
    blocks: Iterable[Labels],
    num_instances: int,
    size_px: tuple[int, int],
    tags: Sequence[GeoTag] = (),
) -> LabelFile:
    """Writes a label image "H W" that arrives in blocks of rows, with the image's GeoTIFF tags.

    Raises:
        OutputError: the disk is full, or the file would lie outside the results folder.
    """
    dtype = np.dtype(np.uint16 if num_instances <= MOST_16_BIT else np.uint32)
    png, tiff = label_files(name)
    file = tiff if is_placed(tags) or dtype.itemsize > 2 else png
    path, rows = resolve_inside(out, file), (block.astype(dtype) for block in blocks)
    if file == tiff:
        kept = [tag for tag in tags if tag[0] != NODATA_TAG or _is_free(tag[3], num_instances, dtype)]
        write_tiff_rows(path, rows, *size_px, tags=kept, dtype=dtype)
    else:
        write_png_rows(path, rows, *size_px)
    return LabelFile(path=file, num_instances=num_instances)


def is_placed(tags: Sequence[GeoTag]) -> bool:
    """Whether the tags say where an image lies."""
    return any(code != NODATA_TAG for code, *_ in tags)


def _is_free(nodata: Any, num_instances: int, dtype: np.dtype[Any]) -> bool:
    """Whether a nodata value can be stored and is no label."""
    try:
        return num_instances < int(nodata) <= np.iinfo(dtype).max
    except ValueError:
        return False


class LabelSpool:
    """Labels of a large image on disk, until all objects are counted and so the kind of the file is known.

    The file has no name, so that nothing remains after a kill.
    """

    def __init__(self, folder: Path) -> None:
        """Opens the file.

        Raises:
            OutputError: the folder cannot be written.
        """
        make_folder(folder)
        self.num_instances = 0
        """Objects so far."""
        self.last_blocks = LastBlocks()
        """Where objects end."""
        self._folder = folder
        self._parts: list[tuple[int, tuple[int, ...]]] = []  # compressed bytes and shape of each block
        try:
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by `close`
        except OSError as error:
            raise cannot_write(folder, error) from error

    def add(self, labels: Labels) -> None:
        """Appends a block of rows "h W".

        Raises:
            OutputError: the disk is full.
        """
        data = zlib.compress(labels.tobytes(), 1)
        try:
            self._file.write(data)
        except OSError as error:
            raise cannot_write(self._folder, error) from error
        self._parts.append((len(data), labels.shape))
        self.last_blocks.add(labels)
        self.num_instances = max(self.num_instances, int(labels.max(initial=0)))

    def blocks(self) -> Iterator[Labels]:
        """The blocks, in order."""
        self._file.seek(0)
        for num_bytes, shape in self._parts:
            data: NDArray[np.int32] = np.frombuffer(zlib.decompress(self._file.read(num_bytes)), np.int32)
            yield data.reshape(shape)

    def close(self) -> None:
        """Removes the file."""
        self._file.close()
