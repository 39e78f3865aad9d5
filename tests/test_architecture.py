"""Rules that are kept by tests: what loads PyTorch, who calls whom, the commands, and how fast `lmsc` answers."""

import re
import subprocess
import sys
from collections import Counter
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from lmsc_unet.cli.main import COMMANDS, main
from lmsc_unet.imageio import write_png

REPOSITORY = Path(__file__).parents[1]
HEAVY = ("torch", "lightning", "monai", "torchmetrics", "sklearn", "matplotlib", "cv2", "onnx")


def modules_after(statement: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after a statement."""
    code = f"import sys\n{statement}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, capture_output=True, text=True)
    return {name.split(".")[0] for name in done.stdout.splitlines()}


@pytest.mark.parametrize(
    "statement",
    [
        "import lmsc_unet.inference.predictor, lmsc_unet.evaluation, lmsc_unet.datasets.check, lmsc_unet.signals",
        "from lmsc_unet.cli.main import main; main(['--help'])",
        "from lmsc_unet.cli.main import main; main(['models'])",
        "from lmsc_unet.cli.main import main; main(['predict', '--help'])",
        "from lmsc_unet.cli.main import main; main(['export', '--help'])",
        "import lmsc_unet.inference.backends.onnx_runtime, lmsc_unet.inference.backends.open_vino, onnxruntime",
        "import lmsc_unet.apps.detect.opening",
        "import lmsc_unet.apps.serve.application, lmsc_unet.apps.serve.running, lmsc_unet.apps.serve.served",
        "from lmsc_unet.cli.main import main; main(['detect', '--help'])",
    ],
)
def test_the_runtime_loads_nothing_heavy(statement: str) -> None:
    assert modules_after(statement).isdisjoint(HEAVY)


def test_what_runs_or_exports_a_trained_network_loads_nothing_that_only_trains() -> None:
    loaded = modules_after(
        "import lmsc_unet.training.load_model, lmsc_unet.export.export, lmsc_unet.benchmark.benchmark"
    )
    assert loaded.isdisjoint({"lightning", "monai", "torchmetrics", "sklearn", "matplotlib", "scipy"})


def test_help_does_not_even_load_numpy() -> None:
    loaded = modules_after("from lmsc_unet.cli.main import main; main(['--help'])")
    assert loaded.isdisjoint({"numpy", "yaml", "cyclopts", "rich", "markdown_it", "pygments"})


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    for argv in ([], ["-h"], ["--help"]):
        assert main(argv) == 0
        printed = capsys.readouterr().out
        assert [line for _, line in COMMANDS.values() if line not in printed] == []
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.count(".") == 2


def test_a_prediction_loads_nothing_that_it_does_not_need(tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="the test writes an ONNX file by it")
    from .inference.model_files import write_model

    write_png(tmp_path / "a.png", np.zeros((8, 8, 3), np.uint8))
    model = write_model(tmp_path / "model.onnx")
    words = ["predict", model, tmp_path / "a.png", "--out", tmp_path / "out", "--backend", "onnxruntime"]
    statement = f"from lmsc_unet.cli.main import main; assert main({[str(word) for word in words]}) == 0"
    unneeded = {"tifffile", "sigmf", "jsonschema", "yaml", "rich", "onnx", "cv2", "scipy", "openvino"}
    assert modules_after(statement).isdisjoint({*HEAVY, *unneeded})


@pytest.mark.parametrize("word", COMMANDS)
def test_every_command_has_help(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    module, name = COMMANDS[word][0].split(":")
    assert hasattr(import_module(module), name)
    assert main([word, "--help"]) == 0
    assert f"lmsc {word}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["trian"], "trian"),
        (["train"], "requires an argument"),
        (["complexity", "unett"], "Did you mean 'unet'"),
        (["train", "/nowhere", "--out", "/nowhere/run", "--epohcs", "3"], "--epohcs"),
    ],
)
def test_a_wrong_use_is_told_without_traceback(
    argv: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == 1
    printed = capsys.readouterr()
    assert message in printed.out + printed.err
    assert "Traceback" not in printed.out + printed.err


PLUG_INS = {
    "lmsc_unet.export.on_first_use:export_checkpoint",  # a run is exported when it is first used
    "lmsc_unet.export.pte:open_session",
    "lmsc_unet.export.pte:read_pte",
    "lmsc_unet.inference.backends.onnx_runtime:open_session",
    "lmsc_unet.inference.backends.open_vino:open_session",
    "lmsc_unet.inference.backends.open_vino:read_description",
    "lmsc_unet.inference.backends:load_model_file",
    "lmsc_unet.inference.metadata:read_description",
    "lmsc_unet.training.load_model:load_model",
}
"""What is called by a string, so that the runtime runs without the toolkit."""


def test_what_is_called_by_a_string_is_on_the_list_and_is_there() -> None:
    package = REPOSITORY / "src" / "lmsc_unet"
    tables = {package / "__init__.py", package / "cli" / "main.py"}  # public names and commands, which others test
    texts = (path.read_text() for path in package.rglob("*.py") if path not in tables)
    assert {name for text in texts for name in re.findall(r'"(lmsc_unet[.\w]*:\w+)"', text)} == PLUG_INS
    for name in PLUG_INS:
        module, attribute = name.split(":")
        if module != "lmsc_unet.export.pte":
            assert hasattr(import_module(module), attribute)


def test_no_two_classes_and_no_three_files_share_a_name() -> None:
    files = list((REPOSITORY / "src").rglob("*.py"))
    classes = Counter(name for file in files for name in re.findall(r"^class (\w+)", file.read_text(), re.M))
    assert [name for name, number in classes.items() if number > 1] == []
    names = Counter(file.name for file in files)
    assert [name for name, number in names.items() if number > 2 and name != "__init__.py"] == []


def test_no_source_file_outgrows_its_page() -> None:
    long = {
        path.name: n for path in (REPOSITORY / "src").rglob("*.py") if (n := len(path.read_text().splitlines())) > 300
    }
    assert not long
