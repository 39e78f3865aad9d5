"""Exports a run at its first use: float32, verified against PyTorch on a few images, written atomically."""

import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np

from lmsc_unet.core.storage import cannot_write, remove
from lmsc_unet.datasets.layouts import recognise
from lmsc_unet.datasets.sample import Sample
from lmsc_unet.datasets.sigmf_folder import first_pieces
from lmsc_unet.errors import DataError, ModelError
from lmsc_unet.evaluation.parity import Difference, compare_logits, rounding
from lmsc_unet.export.graph import to_graph
from lmsc_unet.export.saving import write_model
from lmsc_unet.inference.backends import open_network
from lmsc_unet.inference.metadata import Description
from lmsc_unet.inference.runtime import Runtime
from lmsc_unet.quantization.calibration import Pixels, draw_crops
from lmsc_unet.training.load_model import TrainedRun, as_network, open_trained_run

NUM_PICTURES = 3


def export_checkpoint(checkpoint: Path, out: Path) -> None:
    """Writes a checkpoint as a float32 file; removes files of other checkpoints beside it.

    Raises:
        ModelError: the checkpoint cannot be loaded or exported, or the file's logits differ.
        OutputError: the disk is full or the folder is not writable.
    """
    source = open_trained_run(checkpoint)
    spec = source.spec
    description = Description(
        spec=spec,
        task="image" if spec.spectrogram is None else "recording",
        data=source.data.name if source.data is not None else "",
        commit=source.commit,
        checkpoint_sha256=source.checkpoint_sha256,
        made_by=f"lmsc-unet {version('lmsc-unet')}",
        made=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    with tempfile.TemporaryDirectory(prefix="lmsc-export-") as folder:
        made = Path(folder) / "model.onnx"
        write_model(to_graph(source.network, spec), description, made)
        _compare(source, made, description)
        _put(made.read_bytes(), out)
    for older in out.parent.glob(f"{checkpoint.stem}-{16 * '[0-9a-f]'}.onnx"):
        if older != out and out.parent == checkpoint.parent:
            remove(older)


def _compare(source: TrainedRun, made: Path, description: Description) -> None:
    original = as_network(source.network)
    exported = open_network(made, description, Runtime(backend="onnxruntime"))
    difference = Difference()
    for pixels in _pixels(source):
        difference += compare_logits(original(pixels), exported(pixels), source.spec)
    allowed = rounding(difference.largest_logit)
    if not difference.largest <= allowed:
        raise ModelError(f"its logits differ by {difference.largest:.2g} (allowed: {allowed:.2g})")


def _pixels(source: TrainedRun) -> Iterator[Pixels]:
    """Noise, and crops of the run's own images if they still exist."""
    spec = source.spec
    shape = (1, spec.input_channels, 16 * spec.side_multiple_px, 8 * spec.side_multiple_px)
    yield np.random.default_rng(0).normal(size=shape).astype(np.float32)
    try:
        yield from draw_crops(_pictures(source), spec, NUM_PICTURES)
    except (DataError, IndexError):  # other images than the run's; prediction will report it
        return


def _pictures(source: TrainedRun) -> list[Sample]:
    """A few of the run's own images, if they still exist."""
    root = source.data
    if root is None:
        return []
    recognised = recognise(root, source.data_options)
    if recognised is not None:
        return list(recognised.found.samples[:NUM_PICTURES])
    if source.spec.spectrogram is None:
        return []
    return first_pieces(root, source.pieces, source.spec.class_names, number=NUM_PICTURES)


def _put(content: bytes, out: Path) -> None:
    """Writes a file through a name unique to this process, as several may export at once."""
    partial = out.with_name(f".{out.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(out)
    except OSError as error:
        raise cannot_write(out, error) from error
    finally:
        remove(partial)
