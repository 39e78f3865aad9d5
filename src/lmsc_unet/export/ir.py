"""OpenVINO's IR from an ONNX graph: `model.xml` with our description in its rt_info, `model.bin` with the weights."""

import tempfile
from pathlib import Path

import onnx

from lmsc_unet.core.storage import sha256
from lmsc_unet.inference.backends.open_vino import DESCRIPTION, WEIGHTS_SHA256, weights_of, with_digest
from lmsc_unet.inference.metadata import Description, to_text


def write_ir(graph: onnx.ModelProto, description: Description, path: Path) -> None:
    """Writes both files; 8-bit weights stay 8-bit.

    The sums of both are noted in the graph's file, so that damage and one of them without the other are noticed.
    """
    import openvino as ov

    with tempfile.TemporaryDirectory(prefix="lmsc-ir-") as name:
        source = Path(name) / "model.onnx"
        source.write_bytes(graph.SerializeToString())
        model = ov.convert_model(source)
    weights = weights_of(path)
    ov.serialize(model, path, weights)
    model.set_rt_info(to_text(description), DESCRIPTION)
    model.set_rt_info(sha256(weights), WEIGHTS_SHA256)
    ov.serialize(model, path, weights)
    path.write_bytes(with_digest(path.read_bytes()))
