"""A network comes with its weights: from an exported file, a folder, or the hub."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from lmsc_unet.catalog import LMSCUNetConfig, UNetConfig
from lmsc_unet.errors import ModelError, OutputError
from lmsc_unet.export.graph import to_graph
from lmsc_unet.export.saving import write_model
from lmsc_unet.inference import bundled
from lmsc_unet.inference.metadata import Description
from lmsc_unet.inference.predictor import Predictor
from lmsc_unet.inference.runtime import Runtime
from lmsc_unet.inference.spec import ModelSpec
from lmsc_unet.models import FastLMSCUNet, LMSCUNet, UNet, build_model, restore_norms
from lmsc_unet.models.onnx_weights import Layer, load_folded, read_layers
from lmsc_unet.quantization.fuse_upconv import fold_batch_norm
from tests.conftest import SHIPPED
from tests.export.test_export import SMALL, with_statistics

TINY = LMSCUNetConfig(widths=(4, 8, 8), input_channels=2, num_classes=3)


def layers_of(network: nn.Module) -> dict[str, Layer]:
    """What an exported file of the network holds."""
    convolutions = (nn.Conv2d, nn.ConvTranspose2d)
    return {
        name: Layer(
            weight=layer.weight.detach().numpy(), bias=None if layer.bias is None else layer.bias.detach().numpy()
        )
        for name, layer in fold_batch_norm(network).named_modules()
        if isinstance(layer, convolutions)
    }


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[nn.Module, Path]:
    """A network of the catalog with weights and batch norms of its own, and its float32 file."""
    torch.manual_seed(1)
    network = with_statistics(build_model(LMSCUNetConfig()))
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.weight.uniform_(-1, 2)
                layer.bias.normal_()
    path = tmp_path_factory.mktemp("weights") / "cells.onnx"
    spec = ModelSpec(name="lmsc-unet")
    write_model(to_graph(network, spec), Description(spec=spec), path)
    return network, path


def test_a_bundled_file_becomes_the_network_again(
    exported: tuple[nn.Module, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    network, path = exported
    monkeypatch.setattr(bundled, "FOLDER", path.parent)
    loaded = LMSCUNet.from_pretrained("cells")
    assert not loaded.training
    pixels = torch.randn(2, 3, 40, 48)
    on_file = Predictor.load("cells", runtime=Runtime(backend="onnxruntime", threads=1))._network(pixels.numpy())
    with torch.no_grad():
        for expected in (on_file, network(pixels).numpy()):
            np.testing.assert_allclose(loaded(pixels).numpy(), expected, rtol=0, atol=1e-4 * np.abs(expected).max())
    with pytest.raises(ModelError, match="cells is a network lmsc-unet, not a UNet"):
        UNet.from_pretrained("cells")


@pytest.mark.parametrize("config", SMALL.values(), ids=SMALL)
def test_folded_weights_give_the_same_logits_with_their_norms_restored_or_not(config: Any) -> None:
    network = with_statistics(build_model(config))
    twin = build_model(config)
    load_folded(twin, layers_of(network), "a.onnx")
    pixels = torch.randn(4, 3, 16, 24)
    with torch.no_grad():
        expected = network(pixels)
        torch.testing.assert_close(twin.eval()(pixels), expected, rtol=0, atol=1e-4)
        restore_norms(twin, [2 + 3 * torch.randn(2, 3, 16, 16) for _ in range(4)])
        torch.testing.assert_close(twin(pixels), expected, rtol=0, atol=1e-4)


def test_restored_norms_train_on_where_folded_ones_do_not() -> None:
    """In training a batch norm goes by its batch: only one that knows its channels leaves the network what it was."""
    config = SMALL["BRB at 2"]
    torch.manual_seed(0)
    network = with_statistics(build_model(config))
    pixels = 2 + 3 * torch.randn(8, 3, 32, 32)
    restore_norms(network, [pixels])  # so that its statistics are those of these pixels
    twin = build_model(config)
    load_folded(twin, layers_of(network), "a.onnx")
    with torch.no_grad():
        expected = network.train()(pixels)
        apart = (twin.train()(pixels) - expected).abs().mean()
        load_folded(twin, layers_of(network.eval()), "a.onnx")  # running statistics have moved by the training pass
        twin.train()
        restore_norms(twin, [pixels])
        assert twin.training
        restored = (twin(pixels) - network.train()(pixels)).abs().mean()
    assert apart > 0.1
    assert restored < 1e-2 * apart


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"widths": (4, 8, 16)}, r"is 16 x 8 x 1 x 1 there and 8 x|is .* there and .* here"),
        ({"num_classes": 2}, "head is 3 x 4 x 1 x 1 there and 2 x 4 x 1 x 1 here"),
        ({"brb_levels": frozenset({1})}, r"skips\.0\.filter\.conv is in only one of the two"),
    ],
)
def test_weights_of_another_network_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=f"a.onnx: its network differs: .*({message})"):
        load_folded(build_model(replace(TINY, **changes)), layers_of(build_model(TINY)), "a.onnx")


def test_weights_are_read_however_they_are_stored(tmp_path: Path) -> None:
    """Raw or as numbers; a bias has any name, or none where it is zero."""
    values = np.arange(6, dtype=np.float32).reshape(3, 2, 1, 1)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["image", "a.weight", "what/ever"], ["x"]),
            helper.make_node("Conv", ["x", "b.weight"], ["logits"]),
            helper.make_node("Add", ["logits", "c.weight"], ["y"]),
        ],
        "a",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, None)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [
            numpy_helper.from_array(values, "a.weight"),
            helper.make_tensor("what/ever", TensorProto.FLOAT, (3,), [1, 2, 3]),
            helper.make_tensor("b.weight", TensorProto.FLOAT, (1, 3, 1, 1), [4, 5, 6]),
            helper.make_tensor("c.weight", TensorProto.INT64, (2,), [4, 5]),
        ],
    )
    write_model(helper.make_model(graph), Description(spec=ModelSpec(name="lmsc-unet")), tmp_path / "a.onnx")
    layers, description = read_layers(tmp_path / "a.onnx")
    assert list(layers) == ["a", "b"]
    np.testing.assert_array_equal(layers["a"].weight, values)
    np.testing.assert_array_equal(layers["a"].bias, [1, 2, 3])
    np.testing.assert_array_equal(layers["b"].weight.ravel(), [4, 5, 6])
    assert layers["b"].bias is None
    assert description.spec.name == "lmsc-unet"


def test_int8_files_are_no_weights(tmp_path: Path) -> None:
    model = onnx.ModelProto()
    model.graph.name = "a"
    write_model(model, Description(spec=ModelSpec(name="lmsc-unet"), precision="int8"), tmp_path / "a-int8.onnx")
    with pytest.raises(ModelError, match="holds 8-bit integers; PyTorch takes the float32 file"):
        read_layers(tmp_path / "a-int8.onnx")


def test_a_bundled_model_of_int8_alone_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundled, "FOLDER", tmp_path)
    (tmp_path / "cells-int8.onnx").touch()
    with pytest.raises(ModelError, match="The bundled model cells has no float32 file"):
        LMSCUNet.from_pretrained("cells")


@pytest.mark.parametrize("name", ["cells", "./a/b", "/a/b", "a/b/c", Path("a/b")], ids=str)
def test_what_is_no_folder_and_no_repository_is_not_looked_for_elsewhere(name: Any) -> None:
    with pytest.raises(ModelError, match=f"There is no folder {name} and no bundled model of that name"):
        LMSCUNet.from_pretrained(name)


class TestFolders:
    """What huggingface_hub's mixin writes; there is no network in tests, so nothing is uploaded."""

    pytest.importorskip("huggingface_hub")

    @pytest.mark.parametrize("config", [TINY, UNetConfig(widths=(4, 8))], ids=["LMSC-UNet", "U-Net"])
    def test_a_folder_gives_the_network_back(self, config: Any, tmp_path: Path) -> None:
        network = with_statistics(build_model(replace(config, input_channels=3)))
        network.to(memory_format=torch.channels_last)
        network.save_pretrained(tmp_path / "saved")
        assert {path.name for path in (tmp_path / "saved").iterdir()} >= {
            "config.json",
            "model.safetensors",
            "README.md",
        }
        loaded = type(network).from_pretrained(tmp_path / "saved")
        assert type(loaded) is type(network)
        assert loaded.config == network.config
        assert not loaded.training
        for name, values in network.state_dict().items():
            assert torch.equal(loaded.state_dict()[name], values), name
        assert type(network).__name__ in (tmp_path / "saved/README.md").read_text()

    def test_a_push_uploads_what_a_folder_holds(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        import huggingface_hub

        uploaded: dict[str, Any] = {}

        class Api:
            def __init__(self, token: Any = None) -> None:
                uploaded["token"] = token

            def create_repo(self, repo_id: str, **_: Any) -> Any:
                return huggingface_hub.RepoUrl(f"https://huggingface.co/{repo_id}")

            def upload_folder(self, *, repo_id: str, folder_path: Path, **_: Any) -> str:
                uploaded[repo_id] = sorted(path.name for path in folder_path.iterdir())
                return f"https://huggingface.co/{repo_id}/commit/1"

        monkeypatch.setattr("huggingface_hub.hub_mixin.HfApi", Api)
        assert build_model(TINY).push_to_hub("me/cells", token="t") == "https://huggingface.co/me/cells/commit/1"
        assert uploaded == {"token": "t", "me/cells": ["README.md", "config.json", "model.safetensors"]}

    def test_a_repository_is_fetched_as_a_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        network = build_model(TINY)
        network.save_pretrained(tmp_path / "cache")
        asked = []
        monkeypatch.setattr(
            "huggingface_hub.snapshot_download",
            lambda *name, **options: asked.append((name, options)) or tmp_path / "cache",
        )
        loaded = LMSCUNet.from_pretrained("me/cells", revision="v1")
        assert torch.equal(loaded.head.weight, network.head.weight)
        assert asked == [
            (("me/cells",), {"revision": "v1", "allow_patterns": ["config.json", "model.safetensors"]}),
        ]

    @pytest.mark.parametrize(
        ("damage", "message"),
        [
            (lambda folder: (folder / "config.json").unlink(), "no LMSCUNet can be loaded from it"),
            (lambda folder: (folder / "model.safetensors").write_bytes(b"abc"), "no LMSCUNet can be loaded from it"),
            (lambda folder: (folder / "config.json").write_text('{"width": [1]}'), "there is no setting 'width'"),
            (lambda folder: (folder / "config.json").write_text('{"widths": [4, 8, 16]}'), "no LMSCUNet can be"),
        ],
        ids=["no config", "no weights", "another's config", "another network"],
    )
    def test_a_damaged_folder_is_told_with_its_name(self, damage: Any, message: str, tmp_path: Path) -> None:
        build_model(TINY).save_pretrained(tmp_path / "saved")
        damage(tmp_path / "saved")
        with pytest.raises(ModelError, match=message) as raised:
            LMSCUNet.from_pretrained(tmp_path / "saved")
        assert str(tmp_path / "saved") in str(raised.value)

    def test_a_folder_that_cannot_be_written_is_an_output_error(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(OutputError, match="cannot be written"):
            build_model(TINY).save_pretrained(tmp_path / "file")


def test_without_the_extra_networks_work_and_saving_names_it(tmp_path: Path) -> None:
    code = f"""
import sys
sys.modules["huggingface_hub"] = sys.modules["safetensors"] = None
from lmsc_unet.errors import ModelError
from lmsc_unet.models import LMSCUNet
from lmsc_unet.catalog import LMSCUNetConfig
network = LMSCUNet(LMSCUNetConfig(widths=(4, 8, 8)))
for call in (network.save_pretrained, network.push_to_hub, LMSCUNet.from_pretrained):
    try:
        call({str(tmp_path.name + "/saved")!r})
    except ModelError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.count('is not installed. Try: pip install "lmsc-unet[hub]"') == 3, done.stdout


def test_what_is_shipped_loads_into_pytorch_and_is_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundled, "FOLDER", SHIPPED)
    for name in bundled.bundled_models():
        loaded = FastLMSCUNet.from_pretrained(name)
        predictor = Predictor.load(f"{name}-fp32", runtime=Runtime(backend="onnxruntime", threads=1))
        pixels = np.random.default_rng(0).normal(size=(1, loaded.config.input_channels, 64, 64)).astype(np.float32)
        expected = predictor._network(pixels)
        with torch.no_grad():
            found = loaded(torch.from_numpy(pixels)).numpy()
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * np.abs(expected).max())
        assert json.dumps(loaded.config.input_channels) == str(predictor.spec.input_channels)
