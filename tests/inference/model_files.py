"""Small ONNX files, whole and broken."""

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper

from lmsc_unet.inference.metadata import INPUT, KEY, OUTPUT, Description, to_text
from tests.inference.networks import spec


def write_model(
    path: Path, *, channels: int = 3, text: str | None = None, key: str = KEY, location: str = "", **of_spec: object
) -> Path:
    """A file whose network calls bright pixels foreground.

    Args:
        path: The file.
        channels: Of the graph's input, whatever the description says.
        text: The description, in place of one that fits.
        key: What the description stands under.
        location: A file that the weights are said to lie in.
        of_spec: Fields of the spec.
    """
    weights = helper.make_tensor("w", TensorProto.FLOAT, (1, channels, 1, 1), np.full(channels, 20 / channels))
    if location:
        weights.ClearField("float_data")
        weights.data_location = TensorProto.EXTERNAL
        weights.external_data.add(key="location", value=location)
    graph = helper.make_graph(
        [helper.make_node("Conv", [INPUT, "w"], [OUTPUT])],
        "bright",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["batch", channels, "h", "w"])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["batch", 1, "h", "w"])],
        [weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    description = Description(spec=spec(mean=(0.5,), **of_spec))
    model.metadata_props.add(key=key, value=to_text(description) if text is None else text)
    path.write_bytes(model.SerializeToString())
    return path
