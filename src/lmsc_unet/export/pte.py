"""ExecuTorch files for phones and boards without ONNX Runtime: `.pte`, with XNNPACK's CPU kernels.

A method of the program returns the description as text. The program takes one image with sides up to `MOST_PX`; a
batch is processed image by image. ExecuTorch's Python runtime needs PyTorch, so this module may import it; prediction
finds it by name.
"""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from lmsc_unet.errors import ModelError, SizeError
from lmsc_unet.inference.metadata import Description, from_text, to_text
from lmsc_unet.inference.outputs import Network
from lmsc_unet.inference.runtime import Runtime

METHOD = "lmsc_unet_model"
"""The method that returns the description."""
MOST_PX = 512
"""The longest side; memory is planned for it."""


def write_pte(network: nn.Module, description: Description, path: Path) -> None:
    """Lowers a network with folded batch norms, and writes it with its description."""
    free, multiple_px = torch.export.Dim, description.spec.side_multiple_px
    most = MOST_PX // multiple_px
    sides = {2: multiple_px * free("h", max=most), 3: multiple_px * free("w", max=most)}
    example = torch.zeros(1, description.spec.input_channels, 4 * multiple_px, 5 * multiple_px)
    with _quiet():
        from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
        from executorch.exir import to_edge_transform_and_lower

        exported = torch.export.export(network, (example,), dynamic_shapes=(sides,))
        lowered = to_edge_transform_and_lower(
            exported, partitioner=[XnnpackPartitioner()], constant_methods={METHOD: to_text(description)}
        )
        content = lowered.to_executorch().buffer
    path.write_bytes(content)


def read_pte(path: Path) -> Description:
    """Reads the description of a program.

    Raises:
        ModelError: the file is damaged, or was not written by lmsc-unet or by a newer one.
    """
    program = _load(path)
    if METHOD not in program.method_names:
        raise ModelError(
            f"{path}: the program has no method {METHOD!r}, which says how images are prepared and what the logits "
            "mean. Use a file that `lmsc export --to executorch` wrote."
        )
    return from_text(program.load_method(METHOD).execute(())[0], path)


def open_session(path: Path, _description: Description, _device: str, _runtime: Runtime) -> Network:
    """Opens a program; ExecuTorch chooses the number of threads.

    Raises:
        ModelError: ExecuTorch rejects the file.
    """
    method = _load(path).load_method("forward")

    def run(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        if max(pixels.shape[2:]) > MOST_PX:
            raise SizeError(
                f"{path}: the program takes sides up to {MOST_PX} px; these pixels are {pixels.shape[2]} x "
                f"{pixels.shape[3]} px. Use --tile-px {MOST_PX}."
            )
        logits = [method.execute((torch.from_numpy(one[np.newaxis]),))[0].numpy().copy() for one in pixels]
        return np.concatenate(logits)

    return run


def _load(path: Path) -> Any:
    from executorch import runtime

    try:
        return runtime.Runtime.get().load_program(path, verification=runtime.Verification.InternalConsistency)
    except RuntimeError as error:
        reason = str(error).strip().partition("\n")[0]
        raise ModelError(f"{path}: ExecuTorch cannot load it ({reason}). Copy or export it again.") from error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Hides ExecuTorch's output."""
    level = logging.root.level
    logging.root.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.root.setLevel(level)
