import re
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from lmsc_unet.config import to_mapping
from lmsc_unet.errors import ModelError, OutputError
from lmsc_unet.inference.spec import ModelSpec
from lmsc_unet.models import build_model
from lmsc_unet.training.checkpoint import FORMAT, read_checkpoint, write_checkpoint
from lmsc_unet.training.load_model import load_module, network_config

from .small import small_config


def checkpoint(value: float = 1.0) -> dict[str, object]:
    return {"lmsc": {"format": FORMAT}, "state_dict": {"weight": torch.full((4096,), value)}}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    write_checkpoint(checkpoint(3.0), path)
    assert (read_checkpoint(path)["state_dict"]["weight"] == 3).all()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["last.ckpt", "last.ckpt.sha256"]


def test_a_flipped_byte_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    write_checkpoint(checkpoint(), path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"SHA-256 is not the one in last\.ckpt\.sha256"):
        read_checkpoint(path)


@pytest.mark.parametrize("kept", ["old", "new"])
def test_a_kill_between_sum_and_checkpoint_leaves_a_pair_that_fits(tmp_path: Path, kept: str) -> None:
    path, twin = tmp_path / "last.ckpt", tmp_path / "twin.ckpt"
    write_checkpoint(checkpoint(1.0), path)
    write_checkpoint(checkpoint(2.0), twin)
    old, new = (sums.read_text().split()[0] for sums in (tmp_path / "last.ckpt.sha256", tmp_path / "twin.ckpt.sha256"))
    (tmp_path / "last.ckpt.sha256").write_text(f"{new}  last.ckpt\n{old}  last.ckpt\n")
    if kept == "new":
        twin.replace(path)
    assert read_checkpoint(path)["state_dict"]["weight"][0] == {"old": 1.0, "new": 2.0}[kept]


def test_a_full_disk_keeps_the_checkpoint_before(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    write_checkpoint(checkpoint(1.0), path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))  # no file may grow over 4 KiB: as on a full disk
    try:
        with pytest.raises(OutputError, match=r"cannot be written .* The one before it is kept\. Free disk space"):
            write_checkpoint(checkpoint(2.0), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert read_checkpoint(path)["state_dict"]["weight"][0] == 1.0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["last.ckpt", "last.ckpt.sha256"]


def whole() -> dict[str, Any]:
    """A checkpoint of a small network that was never trained."""
    config = small_config()
    network = build_model(network_config(config, 3, 1))
    state = {f"network.{name}": value for name, value in network.state_dict().items()}
    spec = ModelSpec(name=config.model)
    return {"lmsc": {"format": FORMAT, "config": to_mapping(config), "spec": to_mapping(spec)}, "state_dict": state}


def ours(**changes: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda good: good | {"lmsc": good["lmsc"] | changes}


def of_spec(**changes: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda good: ours(spec=good["lmsc"]["spec"] | changes)(good)


def of_config(**changes: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda good: ours(config=good["lmsc"]["config"] | changes)(good)


def weights(change: Callable[[torch.Tensor], Any]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda good: good | {"state_dict": {name: change(value) for name, value in good["state_dict"].items()}}


NO_VERSION, NO_WEIGHTS = "does not say which version of lmsc-unet wrote it", "this checkpoint holds no weights"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda good: good | {"lmsc": None}, NO_VERSION),  # R17
        (lambda good: good | {"lmsc": {}}, NO_VERSION),
        (ours(format="1"), NO_VERSION),
        (ours(format=0), NO_VERSION),
        (ours(format=FORMAT + 1), "written by a newer lmsc-unet"),
        (ours(spec=-1), "config cannot be used: spec is -1; it must be a mapping"),
        (ours(spec=None), "spec is None; it must be a mapping"),
        (ours(config="x"), "config is 'x'; it must be a mapping"),
        (ours(config=[1]), "config is [1]; it must be a mapping"),
        (of_spec(side_multiple_px=0), "side_multiple_px is 0; it must be at least 1"),
        (of_spec(scale=float("nan")), "scale is nan; it must be above 0"),
        (of_spec(input_channels=10**9), "input_channels is 1000000000; it must be at least 1 and at most"),
        (of_config(network={"widths": [10**5] * 4}), "widths is 100000; it must be at least 1 and at most 4096"),
        (of_config(network={"widths": [4096] * 11}), "its weights do not fit the model 'lmsc-unet' that it names"),
        (of_config(network={"widths": [4, 8, 8]}), "its weights do not fit the model 'lmsc-unet'"),
        (lambda good: {"lmsc": good["lmsc"]}, NO_WEIGHTS),
        (lambda good: good | {"state_dict": None}, NO_WEIGHTS),
        (lambda good: good | {"state_dict": [1]}, NO_WEIGHTS),
        (lambda good: good | {"state_dict": {}}, "its weights do not fit"),
        (weights(lambda _: 1.0), NO_WEIGHTS),
        (weights(lambda value: value.to_sparse()), NO_WEIGHTS),
        (weights(lambda value: value[:1] if value.ndim else value), "its weights do not fit"),
        (lambda good: good | {"state_dict": {5: torch.zeros(9)}}, "its weights do not fit"),
        (lambda _: [1, 2], "is not one of lmsc-unet's"),
    ],
)
def test_a_checkpoint_of_odd_content_is_told(
    change: Callable[[dict[str, Any]], Any], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "best.ckpt"
    torch.save(change(whole()), path)
    with pytest.raises(ModelError, match=re.escape(message)) as raised:
        load_module(path)
    assert str(path) in str(raised.value)


def test_a_sound_one_of_the_same_making_loads(tmp_path: Path) -> None:
    torch.save(whole(), tmp_path / "best.ckpt")
    assert load_module(tmp_path / "best.ckpt")[1].name == "lmsc-unet"


@pytest.mark.parametrize("sums", [b"\xff\xfe\x80", b"", b"\0" * 100, b"0" * 64 + b"  best.ckpt"])
def test_a_sum_that_is_none_is_no_sum_of_the_checkpoint(sums: bytes, tmp_path: Path) -> None:  # R17
    torch.save(whole(), tmp_path / "best.ckpt")
    (tmp_path / "best.ckpt.sha256").write_bytes(sums)
    with pytest.raises(ModelError, match=r"SHA-256 is not the one in best\.ckpt\.sha256"):
        read_checkpoint(tmp_path / "best.ckpt")


class Malicious:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return eval, ("1/0",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a checkpoint that can be read safely"),
        (b"PK\x03\x04 truncated", "not a checkpoint that can be read safely"),
        ({"state_dict": {}}, "is not one of lmsc-unet's"),
        ({"lmsc": {"format": FORMAT + 1}}, "written by a newer lmsc-unet"),
        ({"lmsc": Malicious()}, "not a checkpoint that can be read safely"),
    ],
    ids=["empty", "truncated", "another program's", "a newer version's", "code inside"],
)
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path, content: object, message: str) -> None:
    path = tmp_path / "best.ckpt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(ModelError, match=message):
        read_checkpoint(path)


def test_a_missing_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"best\.ckpt: there is no such checkpoint"):
        read_checkpoint(tmp_path / "best.ckpt")
