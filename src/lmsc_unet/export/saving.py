"""A file that is there whole, or not at all: what is half done has another name, and goes when anything fails."""

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

import onnx

from lmsc_unet.core.stopping import postponed
from lmsc_unet.core.storage import cannot_write, is_locked_by_another, remove
from lmsc_unet.errors import OutputError
from lmsc_unet.inference.metadata import KEY, Description, to_text, with_digest

REPORT_SUFFIX = ".parity.json"


def report_path(out: Path) -> Path:
    """Where the comparison of an exported file is stored: `model.onnx` has a `model.parity.json` beside it."""
    return out.with_suffix(REPORT_SUFFIX)


def check_target(out: Path, suffix: str, *, overwrite: bool) -> None:
    """Refuses a name that is not of this kind of file, and a file that is there.

    Raises:
        OutputError: says what to do.
    """
    if out.suffix != suffix:
        raise OutputError(f"{out}: an exported model of this kind is a file that ends in {suffix}. Name one by --out.")
    if out.is_dir():
        raise OutputError(f"{out}: this is a folder. Name a file by --out.")
    if out.exists() and not overwrite:
        raise OutputError(f"{out}: the file is there. Replace it by --overwrite, or name another by --out.")


@contextlib.contextmanager
def replacing(path: Path, companions: Sequence[str] = ()) -> Iterator[Path]:
    """Gives a name beside the path to write to; puts the file in its place at the end, or removes it on any error.

    Args:
        path: The file.
        companions: Suffixes of further files that are written beside it, and put in their places before it.

    Raises:
        OutputError: the disk is full or the folder may not be written; what was there before still is.
    """
    partial = path.with_name(f".partial-{path.name}")
    suffixes = [*companions, path.suffix]
    with _alone(path, partial):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            yield partial
            for suffix in suffixes:
                with partial.with_suffix(suffix).open("rb") as stream:
                    os.fsync(stream.fileno())
            with postponed():
                for suffix in suffixes:
                    partial.with_suffix(suffix).replace(path.with_suffix(suffix))
        except OSError as error:
            raise cannot_write(path, error) from error
        finally:
            for suffix in suffixes:
                remove(partial.with_suffix(suffix))


@contextlib.contextmanager
def _alone(path: Path, partial: Path) -> Iterator[None]:
    """Refuses to write what another process is writing."""
    if sys.platform == "win32":  # where an open file could not be put in its place
        yield
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
    except OSError as error:
        raise cannot_write(path, error) from error
    try:
        if is_locked_by_another(descriptor):
            raise OutputError(
                f"{path}: another `lmsc export` is writing this file. Wait for its end, or name another by --out."
            )
        yield
    finally:
        os.close(descriptor)


def write_model(graph: onnx.ModelProto, description: Description, path: Path) -> None:
    """Writes a graph with its description and the SHA-256 of both; the weights are inside."""
    del graph.metadata_props[:]
    graph.metadata_props.add(key=KEY, value=to_text(description))
    graph.producer_name, graph.producer_version = "lmsc-unet", version("lmsc-unet")
    path.write_bytes(with_digest(graph.SerializeToString()))
