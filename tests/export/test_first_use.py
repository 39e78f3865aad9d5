"""A run folder is exported at its first use, once for each checkpoint, and runs without PyTorch from then on."""

import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from functools import partial
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from lmsc_unet.errors import ConfigError, ModelError
from lmsc_unet.export import on_first_use as exporting
from lmsc_unet.imageio import read_mask, write_png
from lmsc_unet.inference import export_cache
from lmsc_unet.inference.loading import load
from lmsc_unet.inference.metadata import read_description
from lmsc_unet.inference.predictor import Predictor
from lmsc_unet.inference.runtime import Runtime
from lmsc_unet.training.checkpoint import read_checkpoint, write_checkpoint
from lmsc_unet.training.run_folder import clear_run
from tests.apps.segment.conftest import blobs
from tests.export.conftest import from_graph

ON_TORCH, ON_ONNX_RUNTIME = Runtime(backend="torch"), Runtime(backend="onnxruntime", threads=1)
NEEDED = export_cache.NEEDED


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """A copy of a finished run."""
    return Path(shutil.copytree(trained, tmp_path / "run"))


@pytest.fixture(autouse=True)
def can_export(graph: onnx.ModelProto, no_exports: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exports take the graph that is made already; the user's cache folder is the test's, and there is no GPU."""
    monkeypatch.setattr(export_cache, "NEEDED", NEEDED)
    monkeypatch.setattr(exporting, "to_graph", partial(from_graph, graph))
    monkeypatch.setattr(export_cache, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(export_cache.shutil, "which", lambda _: None)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if ".onnx" in path.name)


def test_the_first_use_exports_and_later_ones_run_the_file(
    run: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    image = blobs(61, 47)
    first = Predictor.load(run).predict(image)
    (name,) = files(run)
    assert read_description(run / name).checkpoint_sha256 == (run / "best.ckpt.sha256").read_text().split()[0]
    assert f"{run / 'best.ckpt'}: exported once to {run / name}" in caplog.text
    monkeypatch.setattr(export_cache, "EXPORTER", "nothing:that_is_there")
    caplog.clear()
    second = Predictor.load(str(run)).predict(image)
    assert not caplog.records
    theirs = Predictor.load(run, runtime=ON_TORCH).predict(image)
    np.testing.assert_array_equal(first.probability, second.probability)
    np.testing.assert_allclose(first.probability, theirs.probability, rtol=0, atol=1e-5)
    assert load(run).file == run / "best.ckpt"
    clear_run(run)
    assert not run.exists() or not files(run)


def test_what_was_exported_once_runs_where_there_is_no_torch(run: Path, tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", blobs(40, 40))
    expected = Predictor.load(run).predict(blobs(40, 40)).mask
    code = f"""
import sys
class NotInstalled:
    def find_spec(self, name, *_):
        if name in ("torch", "lightning", "onnx", "onnxscript"):
            raise ModuleNotFoundError(name=name)
sys.meta_path.insert(0, NotInstalled())
from lmsc_unet.cli.main import main
sys.exit(main(["predict", {str(run)!r}, {str(tmp_path / "a.png")!r}, "--out", {str(tmp_path / "out")!r}]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    np.testing.assert_array_equal(read_mask(tmp_path / "out/masks/a.png"), 255 * expected)


def test_another_checkpoint_is_exported_anew(run: Path) -> None:
    load(run)
    (run / "best-of-all.onnx").touch()
    before = files(run)
    checkpoint = read_checkpoint(run / "best.ckpt")
    write_checkpoint(checkpoint | {"changed": True}, run / "best.ckpt")
    load(run)
    after = files(run)
    assert len(after) == len(before) == 2
    assert set(after) & set(before) == {"best-of-all.onnx"}  # a user's own file stays


def with_a_flipped_bit(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 4]) + content[middle + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda _: b"half of a file",
        with_a_flipped_bit,  # R4
    ],
)
def test_a_damaged_file_is_made_again(damage: Callable[[bytes], bytes], run: Path) -> None:
    load(run)
    (name,) = files(run)
    whole = (run / name).read_bytes()
    (run / name).write_bytes(damage(whole))
    load(run)
    assert len((run / name).read_bytes()) == len(whole)
    read_description(run / name)


def protect(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes the right to write from a folder; root keeps it all the same, so root is answered as others are."""
    folder.chmod(0o555)
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: access(path, mode) and not (path == folder and mode & os.W_OK))


def test_a_run_that_may_not_be_written_is_exported_to_the_users_cache(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    protect(run, monkeypatch)
    load(run)
    assert not files(run)
    assert len(files(tmp_path / "cache")) == 1
    monkeypatch.setattr(export_cache, "EXPORTER", "nothing:that_is_there")
    load(run)


def wrong(graph: onnx.ModelProto) -> onnx.ModelProto:
    """The graph with a bias a little off."""
    changed = deepcopy(graph)
    bias = next(values for values in changed.graph.initializer if values.name == "head.bias")
    bias.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(bias) + 1e-3, bias.name))
    return changed


def nowhere(patch: pytest.MonkeyPatch, run: Path) -> None:
    """The run may not be written, and where the user's cache would be there is a file."""
    protect(run, patch)
    (run.parent / "file").touch()
    patch.setattr(export_cache, "cache_folder", lambda: run.parent / "file/cache")


FAILURES: dict[str, tuple[Callable[[pytest.MonkeyPatch, onnx.ModelProto, Path], None], str]] = {
    "not the network": (
        lambda patch, graph, _: patch.setattr(exporting, "to_graph", lambda *_: wrong(graph)),
        "its logits differ by 0.001",
    ),
    "nowhere to write": (lambda patch, _, run: nowhere(patch, run), "can be written"),
    "a full disk": (
        lambda patch, *_: patch.setattr(exporting.os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "full"))),
        "cannot be written",
    ),
}


@pytest.mark.parametrize(("fail", "message"), FAILURES.values(), ids=FAILURES)
def test_where_no_file_can_be_made_the_run_stays_in_pytorch_and_says_so(
    fail: Any, message: str, run: Path, graph: Any, monkeypatch: Any, caplog: Any
) -> None:
    fail(monkeypatch, graph, run)
    image = blobs(40, 40)
    found = Predictor.load(run).predict(image)
    assert message in caplog.text
    assert "runs in PyTorch, as it could not be exported" in caplog.text
    assert not files(run)
    expected = Predictor.load(run, runtime=ON_TORCH).predict(image)
    np.testing.assert_array_equal(found.probability, expected.probability)
    with pytest.raises(ConfigError, match="cannot be exported for onnxruntime"):
        load(run, ON_ONNX_RUNTIME)


def test_without_the_extra_the_run_stays_in_pytorch(
    run: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(export_cache, "find_spec", lambda name: None if name == "onnx" else name)
    load(run)
    assert not files(run)
    assert not caplog.records
    with pytest.raises(ConfigError, match=r'onnx to make one is not installed. Try: pip install "lmsc-unet\[export\]"'):
        load(run, ON_ONNX_RUNTIME)


def pretend_pytorch(folder: Path, monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    """A driver, and a PyTorch with one library."""
    (folder / "lib").mkdir(parents=True)
    (folder / "lib" / library).write_bytes(b"")
    found = ModuleSpec("torch", None, origin=str(folder / "__init__.py"))
    monkeypatch.setattr(export_cache, "find_spec", lambda name: found if name == "torch" else find_spec(name))
    monkeypatch.setattr(export_cache.shutil, "which", lambda name: f"/usr/bin/{name}")


@pytest.mark.parametrize(
    ("library", "visible", "num_exported"),
    [
        ("libtorch_cuda.so", None, 0),
        ("torch_cuda.dll", "0", 0),
        ("libtorch_cpu.so", None, 1),  # B14: a GPU that this PyTorch cannot use
        ("libtorch_cuda.so", "", 1),  # hidden on purpose
        ("libtorch_cuda.so", "-1", 1),
    ],
)
def test_a_gpu_keeps_the_run_in_pytorch_where_it_can_be_used(
    library: str, visible: str | None, num_exported: int, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    pretend_pytorch(tmp_path / "torch", monkeypatch, library)
    load(run)
    assert len(files(run)) == num_exported


def test_a_gpu_keeps_the_run_in_pytorch_unless_a_backend_is_named(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_pytorch(tmp_path / "torch", monkeypatch, "libtorch_cuda.so")
    load(run)
    assert not files(run)
    load(run, ON_ONNX_RUNTIME)
    assert len(files(run)) == 1


def test_the_backend_torch_exports_nothing_and_runs_no_exported_file(run: Path) -> None:
    load(run, ON_TORCH)
    assert not files(run)
    load(run, ON_ONNX_RUNTIME)
    with pytest.raises(ConfigError, match="PyTorch runs checkpoints; this file runs on ONNX Runtime"):
        load(run / files(run)[0], ON_TORCH)


def test_the_note_is_a_line_on_standard_error(run: Path) -> None:
    logger = logging.getLogger("lmsc_unet")
    assert not logger.handlers
    assert logger.isEnabledFor(logging.WARNING)


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {"XDG_CACHE_HOME": "/c"}, "/c/lmsc-unet"),
        ("linux", {"XDG_CACHE_HOME": "", "HOME": "/h"}, "/h/.cache/lmsc-unet"),
        ("darwin", {"HOME": "/h"}, "/h/Library/Caches/lmsc-unet"),
        ("win32", {"LOCALAPPDATA": "/l"}, "/l/lmsc-unet"),
    ],
)
def test_the_cache_folder_is_where_the_system_has_it(
    platform: str, variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(export_cache.sys, "platform", platform)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert export_cache.cache_folder() == Path(expected)


def test_a_checkpoint_that_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # R25
    def denied(_: Path) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(export_cache, "sha256", denied)
    with pytest.raises(ModelError, match=r"best.ckpt: cannot be read \(Permission denied\). See that it may be"):
        export_cache.exported(tmp_path / "best.ckpt", ON_ONNX_RUNTIME)
