"""OpenVINO's own kind of file, its IR: `model.xml` with the graph and our description, `model.bin` with the weights."""

from pathlib import Path
from typing import Any

from lmsc_unet.errors import ModelError
from lmsc_unet.images import sha256
from lmsc_unet.prediction.modelfile import KEY, Description, from_text

DESCRIPTION = KEY.split(".")
"""Where the description stands in the file's rt_info."""
WEIGHTS_SHA256 = [DESCRIPTION[0], "weights_sha256"]
"""Where the SHA-256 of the weights' file stands."""


def weights_of(path: Path) -> Path:
    """The file of the weights: the one beside the graph, whatever the graph says."""
    return path.with_suffix(".bin")


def size_mib(path: Path) -> float:
    """The size of a model file of any kind, with its weights where these lie beside it."""
    weights = weights_of(path)
    files = [path, weights] if path.suffix == ".xml" and weights.is_file() else [path]
    return sum(file.stat().st_size for file in files) / 2**20


def read_description(path: Path) -> Description:
    """Reads the description of an IR, and checks that the weights beside it are its own.

    Raises:
        ModelError: a file is damaged or missing, or was not written by lmsc-unet or by a newer one.
    """
    model, weights = read_graph(path), weights_of(path)
    if not model.has_rt_info(DESCRIPTION):
        raise ModelError(
            f"{path}: the file has no rt_info {KEY!r}, which says how images are prepared and what the logits mean. "
            "Use a file that `lmsc export --to openvino` wrote."
        )
    description = from_text(_text(model, DESCRIPTION), path)
    if not model.has_rt_info(WEIGHTS_SHA256) or _text(model, WEIGHTS_SHA256) != sha256(weights):
        raise ModelError(
            f"{path}: {weights.name} beside it holds other weights than were exported with it. "
            "Copy both files together, or export the model again."
        )
    return description


def read_graph(path: Path) -> Any:
    """An `openvino.Model`.

    Raises:
        ModelError: OpenVINO cannot read it, or its weights are not there.
    """
    import openvino as ov

    weights = weights_of(path)
    if not weights.is_file():
        raise ModelError(f"{path}: {weights.name} with its weights is not beside it. Copy both files together.")
    try:
        return ov.Core().read_model(path, weights)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        raise ModelError(f"{path}: OpenVINO {ov.__version__} cannot read it ({reason}).") from error


def _text(model: Any, place: list[str]) -> str:
    return str(model.get_rt_info(place).astype(str))
