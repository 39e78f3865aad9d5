import resource
from pathlib import Path

import pytest
import torch

from lmsc_unet.errors import ModelError, OutputError
from lmsc_unet.training.checkpoint import FORMAT, read_checkpoint, write_checkpoint


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
        with pytest.raises(OutputError, match=r"cannot be written .* The one before it is kept\. Make room"):
            write_checkpoint(checkpoint(2.0), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert read_checkpoint(path)["state_dict"]["weight"][0] == 1.0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["last.ckpt", "last.ckpt.sha256"]


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
