"""The commands where there is no PyTorch: what runs models works, what makes them says what to install.

`make test-device` runs this, in an environment of the bare package.
"""

from importlib.util import find_spec
from pathlib import Path

import pytest

from lmsc_unet.cli.main import main
from lmsc_unet.imageio import read_image, read_mask
from lmsc_unet.synthetic.tissue.writer import write_nuclei

pytestmark = pytest.mark.skipif(find_spec("torch") is not None, reason="PyTorch is here; see `make test-device`")


def run(*words: object) -> int:
    return main([str(word) for word in words])


@pytest.fixture(scope="module")
def nuclei(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nuclei")
    write_nuclei(folder, count=2, size_px=64)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("onnx", reason="the tests write ONNX files by it")
    from tests.inference.model_files import write_model

    return write_model(tmp_path_factory.mktemp("model") / "bright.onnx")


def test_there_is_neither_torch_nor_opencv() -> None:
    assert [name for name in ("torch", "lightning", "cv2", "sklearn", "scipy", "matplotlib") if find_spec(name)] == []


def test_doctor_finds_nothing_broken(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("doctor") == 0
    printed = capsys.readouterr().out
    assert "makes models: torch -" in printed
    assert "nothing broken was found" in printed


@pytest.mark.parametrize("words", [("--help",), ("models",), ("data", "--help"), ("train", "--help")])
def test_what_only_tells_works(words: tuple[str, ...]) -> None:
    assert run(*words) == 0


def test_an_exported_file_predicts_and_is_scored(
    model: Path, nuclei: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("predict", model, nuclei / "images", "--out", tmp_path / "out") == 0
    assert read_mask(tmp_path / "out/masks/tissue_001.png").shape == (64, 64)
    assert read_image(tmp_path / "out/overlays/tissue_001.png").shape == (64, 64, 3)
    assert run("evaluate", model, nuclei, "--split", "all", "--out", tmp_path / "scores", "--format", "json") == 0
    assert '"images": 2' in capsys.readouterr().out


def test_signals_are_made_and_found(tmp_path: Path) -> None:
    assert run("scenes", tmp_path / "radio", "--count", 1, "--samples", 262144, "--sample-rate-hz", 1e6) == 0
    assert run("detect", tmp_path / "radio", "--model", "energy", "--out", tmp_path / "found") == 0
    (picture,) = (tmp_path / "found").glob("*/spectrogram.png")
    assert read_image(picture).shape[2] == 3


@pytest.mark.parametrize(
    "words",
    [
        ("train", "{data}", "--out", "{out}/run"),
        ("complexity",),
        ("benchmark", "--out", "{out}/speed"),
        ("reproduce", "table1", "--out", "{out}/report"),
        ("serve",),
    ],
    ids=lambda words: words[0],
)
def test_what_makes_models_names_the_pip_command(
    words: tuple[str, ...], nuclei: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*(word.format(data=nuclei, out=tmp_path) for word in words)) == 1
    printed = capsys.readouterr()
    assert 'pip install "lmsc-unet[' in printed.err + printed.out
    assert not list(tmp_path.iterdir())


def test_a_run_folder_names_the_pip_command(nuclei: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run/config.yaml").write_text("{}")
    (tmp_path / "run/best.ckpt").write_bytes(b"x")
    for words in (
        ("predict", tmp_path / "run", nuclei / "images", "--out", tmp_path / "out"),
        ("evaluate", tmp_path / "run", nuclei),
        ("export", tmp_path / "run", "--out", tmp_path / "x.onnx"),
    ):
        assert run(*words) == 1
        printed = capsys.readouterr()
        assert 'pip install "lmsc-unet[' in printed.err + printed.out
