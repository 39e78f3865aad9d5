"""Nothing is written outside of what a command was told to write, and no library tells its maker who ran it."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from lmsc_unet.imageio import write_png

REPOSITORY = Path(__file__).parents[1]
FOLDERS = ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "TMPDIR")
SET_BY_US = ("ORT_DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY", "MPLCONFIGDIR")


def run(code: str, folder: Path) -> list[str]:
    """What a fresh process with empty folders of its own leaves in them."""
    environment = {name: value for name, value in os.environ.items() if name not in SET_BY_US}
    for name in FOLDERS:
        (folder / name).mkdir(parents=True)
        environment[name] = str(folder / name)
    environment["PYTHONPATH"] = os.pathsep.join([str(REPOSITORY), *sys.path])
    subprocess.run([sys.executable, "-c", code], env=environment, cwd=folder, check=True, capture_output=True)
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]


def test_a_prediction_leaves_nothing_outside_of_its_results(tmp_path: Path) -> None:  # R21
    pytest.importorskip("onnx", reason="the test writes an ONNX file by it")
    from .inference.model_files import write_model

    write_png(tmp_path / "a.png", np.zeros((8, 8, 3), np.uint8))
    model = write_model(tmp_path / "model.onnx")
    words = ["predict", model, tmp_path / "a.png", "--out", tmp_path / "out", "--backend", "onnxruntime"]
    code = f"from lmsc_unet.cli.main import main; assert main({[str(word) for word in words]}) == 0"
    assert run(code, tmp_path / "alone") == []
    assert (tmp_path / "out/masks/a.png").is_file()


@pytest.mark.skipif(find_spec("matplotlib") is None, reason="draws curves by it")
def test_the_curves_of_a_training_leave_nothing_outside_of_the_run(tmp_path: Path) -> None:  # R21: ~/.cache/matplotlib
    code = "from pathlib import Path; from lmsc_unet.training.pictures import draw_curves\n"
    code += f"draw_curves([], Path({str(tmp_path / 'curves.png')!r}))"
    assert run(code, tmp_path / "alone") == []
    assert (tmp_path / "curves.png").is_file()


def test_what_runs_models_is_told_before_it_is_imported_and_so_are_the_processes_that_we_start(tmp_path: Path) -> None:
    code = "import subprocess, sys, lmsc_unet\n"
    code += 'inner = \'import os; assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"\'\n'
    code += "assert 'onnxruntime' not in sys.modules\nsubprocess.run([sys.executable, '-c', inner], check=True)\n"
    code += (
        "try:\n    import openvino_telemetry\nexcept ModuleNotFoundError:\n    pass\nelse:\n    raise AssertionError"
    )
    assert run(code, tmp_path / "alone") == []


def test_a_users_own_word_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lmsc_unet.core.startup import keep_caches_temporary, keep_quiet

    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "0")
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path))
    keep_quiet()
    keep_caches_temporary()
    assert (os.environ["ORT_DISABLE_TELEMETRY"], os.environ["MPLCONFIGDIR"]) == ("0", str(tmp_path))
