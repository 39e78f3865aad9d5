"""A model file is changed by nobody unnoticed, and its graph asks for no more than our own networks do."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the tests write ONNX files by it")
import onnx
from onnx import TensorProto, helper, numpy_helper

from lmsc_unet.cli.main import main
from lmsc_unet.errors import ModelError
from lmsc_unet.imageio import write_png
from lmsc_unet.inference import bundled
from lmsc_unet.inference.bundled import bundled_files
from lmsc_unet.inference.metadata import DIGEST, INPUT, KEY, OUTPUT, read_description, with_digest
from tests.apps.segment.conftest import blobs
from tests.conftest import SHIPPED
from tests.inference.model_files import write_model

CHANGED = "its contents do not match the SHA-256 stored in it; the file was changed or damaged after it was written"


def sealed(path: Path, **options: Any) -> bytes:
    """A small model with its digest."""
    content = with_digest(write_model(path, **options).read_bytes())
    path.write_bytes(content)
    return content


def entry_of(content: bytes) -> bytes:
    """The metadata entry of the digest, which stands at the end."""
    return content[content.rindex(DIGEST.encode()) - 4 :]


def flipped(content: bytes, byte: int, bit: int) -> bytes:
    return content[:byte] + bytes([content[byte] ^ 1 << bit]) + content[byte + 1 :]


def test_every_flipped_bit_is_noticed_but_for_those_in_what_names_the_digest(tmp_path: Path) -> None:  # R4
    path = tmp_path / "model.onnx"
    whole = sealed(path)
    for byte in range(len(whole) - len(entry_of(whole))):
        path.write_bytes(flipped(whole, byte, byte % 8))
        with pytest.raises(ModelError, match=r"model\.onnx: "):
            read_description(path)


@pytest.mark.parametrize("name", ["nuclei-int8", "nuclei-fp32", "signals-int8", "signals-fp32"])
def test_what_is_shipped_tells_of_damage(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # R4
    monkeypatch.setattr(bundled, "FOLDER", SHIPPED)
    file = bundled_files()[name]
    assert DIGEST in {entry.key for entry in onnx.load(file).metadata_props}
    whole, path = file.read_bytes(), tmp_path / "copy.onnx"
    for byte in np.random.default_rng(0).integers(1000, len(whole) - 3000, 8):
        path.write_bytes(flipped(whole, int(byte), int(byte) % 8))
        with pytest.raises(ModelError, match=rf"copy\.onnx: .*({CHANGED}|no ONNX file|operator|step)"):
            read_description(path)


def test_damage_is_told_by_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = sealed(tmp_path / "model.onnx")
    weights = np.float32(20 / 3).tobytes()
    (tmp_path / "model.onnx").write_bytes(flipped(whole, whole.index(weights), 2))
    write_png(tmp_path / "a.png", blobs(20, 20))
    words = ["predict", tmp_path / "model.onnx", tmp_path / "a.png", "--out", tmp_path / "out"]
    assert main([str(word) for word in words]) == 1
    assert f"model.onnx: {CHANGED}. Copy or export it again." in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_notes_of_others_in_the_metadata_are_no_damage(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    sealed(path)
    model = onnx.load(path)
    model.metadata_props.add(key="reviewed", value="by us")
    onnx.save(model, path)
    assert read_description(path).spec.name == "small"


def test_a_file_that_was_written_before_there_were_digests_opens(tmp_path: Path) -> None:
    assert read_description(write_model(tmp_path / "model.onnx")).spec.name == "small"


Change = Callable[[onnx.GraphProto], None]


def then(*nodes: onnx.NodeProto, **held: np.ndarray) -> Change:
    """Puts nodes behind the graph, from `logits` to the last one's output, and tensors that they take."""

    def change(graph: onnx.GraphProto) -> None:
        graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in held.items())
        graph.node.extend(nodes)

    return change


def step(kind: str, *inputs: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, [OUTPUT, *inputs], ["after"], **attributes)


def doublings(number: int) -> Sequence[onnx.NodeProto]:
    names = [OUTPUT, *(f"twice_{index}" for index in range(number))]
    return [helper.make_node("Concat", [here, here], [there], axis=1) for here, there in pairwise(names)]


def conv(**attributes: Any) -> Change:
    return then(step("Conv", "k", **attributes), k=np.ones((1, 1, 1, 1), np.float32))


HOSTILE: dict[str, tuple[Change, str]] = {  # R7
    "a pad": (then(step("Pad", "pads"), pads=np.array([0] * 6 + [60_000] * 2)), "has the operator Pad, which"),
    "a constant": (
        then(helper.make_node("ConstantOfShape", ["size"], ["after"]), size=np.array([2**15, 2**14])),
        "has the operator ConstantOfShape",
    ),
    "another maker's": (then(step("Relu", domain="com.example")), r"operator com\.example\.Relu"),
    "a loop": (then(helper.make_node("Relu", ["after"], ["after"])), "takes what no step before it gives"),
    "nothing of the image": (
        then(helper.make_node("Relu", ["w"], ["after"])),
        "a step Relu of its graph does not depend on the image",
    ),
    "doublings": (then(*doublings(30)), "gives 4096 values for each pixel of the image; at most 2048"),
    "many channels": (
        then(step("Conv", "k"), k=np.ones((5000, 1, 1, 1), np.float32)),
        "gives 5000 values for each pixel",
    ),
    "a wide border": (conv(pads=[0, 0, 60_000, 60_000]), "pads by 60000 px, more than its window of 1 px"),
    "a border before": (conv(pads=[-5, 0, 0, 0]), "pads by 18446744073709551611 px"),
    "large steps back": (
        then(step("ConvTranspose", "k", strides=[60_000, 60_000]), k=np.ones((1, 1, 1, 1), np.float32)),
        "gives 3.6e\\+09 values",
    ),
    "a size by name": (
        then(step("ConvTranspose", "k", output_shape=[60_000, 60_000]), k=np.ones((1, 1, 1, 1), np.float32)),
        "names the size of what it gives",
    ),
    "stretched": (then(step("Add", "k"), k=np.ones((5000, 1, 1), np.float32)), "a step Add .* gives 5000 values"),
    "no weights": (then(step("Conv", INPUT)), "has no weights of four sides"),
    "large scales": (
        then(step("Resize", "", "s"), s=np.array([1, 1, 3000, 3000], np.float32)),
        r"a step Resize .* gives 9e\+06 values",
    ),
    "more channels by scale": (
        then(step("Resize", "", "s"), s=np.array([1, 3000, 1, 1], np.float32)),
        "a step Resize of its graph does not name",
    ),
    "a size of its own": (
        then(step("Resize", "", "", "z"), z=np.array([1, 1, 60_000, 60_000])),
        "a step Resize of its graph does not name",
    ),
    "scales of other axes": (
        then(step("Resize", "", "s", axes=[2, 3, 0, 1]), s=np.array([1, 1, 2, 2], np.float32)),
        "a step Resize of its graph does not name",
    ),
    "gathered often": (
        then(step("Gather", "i", axis=1), i=np.zeros(5000, np.int64)),
        "a step Gather .* gives 5000 values",
    ),
    "a pool that pads": (
        then(step("MaxPool", kernel_shape=[1, 1], pads=[9, 9, 9, 9])),
        "a step MaxPool of its graph pads by 18 px",
    ),
}


@pytest.mark.parametrize(("change", "message"), HOSTILE.values(), ids=HOSTILE)
def test_a_graph_that_asks_for_more_is_refused_before_it_runs(change: Change, message: str, tmp_path: Path) -> None:
    path = write_model(tmp_path / "model.onnx")
    model = onnx.load(path)
    change(model.graph)
    path.write_bytes(with_digest(model.SerializeToString()))
    with pytest.raises(ModelError, match=rf"model\.onnx: .*{message}"):
        read_description(path)


def test_a_file_with_functions_is_refused(tmp_path: Path) -> None:
    path = write_model(tmp_path / "model.onnx")
    model = onnx.load(path)
    node = helper.make_node("Relu", ["x"], ["y"])
    model.functions.append(helper.make_function("", "Conv", ["x"], ["y"], [node], [helper.make_opsetid("", 18)]))
    onnx.save(model, path)
    with pytest.raises(ModelError, match="holds functions or steps of training"):
        read_description(path)


def test_the_description_keeps_its_place_before_the_digest(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    sealed(path)
    assert [entry.key for entry in onnx.load(path).metadata_props] == [KEY, DIGEST]
    assert onnx.load(path).graph.initializer[0].data_type == TensorProto.FLOAT
