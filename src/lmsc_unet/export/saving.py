"""Atomic writes of exported files: a half-written file has a temporary name, which is removed if anything fails."""

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
    """The path of an exported file's comparison: `model.onnx` has a `model.parity.json` beside it."""
    return out.with_suffix(REPORT_SUFFIX)


def check_target(out: Path, suffix: str, *, overwrite: bool) -> None:
    """Rejects a name with another suffix, and an existing file.

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
    """Yields a temporary path beside `path`; moves the file into place at the end, or removes it on any error.

    Args:
        path: The file.
        companions: Suffixes of further files, which are written beside it and moved into place first.

    Raises:
        OutputError: the disk is full or the folder is not writable; the earlier file is kept.
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
    """Rejects a file that another process is writing."""
    if sys.platform == "win32":  # an open file cannot be moved there
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
    """Writes a graph with its description, the SHA-256 of both, and the weights inside."""
    del graph.metadata_props[:]
    graph.metadata_props.add(key=KEY, value=to_text(description))
    graph.producer_name, graph.producer_version = "lmsc-unet", version("lmsc-unet")
    path.write_bytes(with_digest(graph.SerializeToString()))
