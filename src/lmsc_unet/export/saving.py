"""A file that is there whole, or not at all: what is half done has another name, and goes when anything fails."""

import contextlib
import os
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import onnx

from lmsc_unet.errors import OutputError
from lmsc_unet.prediction.files import cannot_write
from lmsc_unet.prediction.modelfile import KEY, Description, to_text

REPORT_SUFFIX = ".parity.json"


def report_path(out: Path) -> Path:
    """Where the comparison of an exported file is stored: `model.onnx` has a `model.parity.json` beside it."""
    return out.with_suffix(REPORT_SUFFIX)


def check_target(out: Path, *, overwrite: bool) -> None:
    """Refuses a name that is no ONNX file's, and a file that is there.

    Raises:
        OutputError: says what to do.
    """
    if out.suffix != ".onnx":
        raise OutputError(f"{out}: an exported model is one file that ends in .onnx. Name such a file by --out.")
    if out.is_dir():
        raise OutputError(f"{out}: this is a folder. Name a file by --out.")
    if out.exists() and not overwrite:
        raise OutputError(f"{out}: the file is there. Replace it by --overwrite, or name another by --out.")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Gives a name beside the path to write to; puts the file in its place at the end, or removes it on any error.

    Raises:
        OutputError: the disk is full or the folder may not be written; what was there before still is.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        with partial.open("rb") as stream:
            os.fsync(stream.fileno())
        partial.replace(path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def write_model(graph: onnx.ModelProto, description: Description, path: Path) -> None:
    """Writes a graph with its description; the weights are inside."""
    del graph.metadata_props[:]
    graph.metadata_props.add(key=KEY, value=to_text(description))
    graph.producer_name, graph.producer_version = "lmsc-unet", version("lmsc-unet")
    path.write_bytes(graph.SerializeToString())
