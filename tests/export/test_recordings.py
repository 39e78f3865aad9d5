"""Runs on recordings, by label, in archives, with another transform: exported, quantised and searched with."""

import csv
import json
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest

from lmsc_unet.cli.main import main
from lmsc_unet.datasets.folder import find_dataset
from lmsc_unet.evaluation.parity import Difference
from lmsc_unet.export import formats, on_first_use
from lmsc_unet.export.graph import to_graph
from lmsc_unet.export.int8 import calibration_crops
from lmsc_unet.export.on_first_use import export_checkpoint
from lmsc_unet.export.options import ExportOptions
from lmsc_unet.quantization.calibration import draw_crops, find_parts
from lmsc_unet.training.load_model import open_trained_run
from tests.export.conftest import from_graph
from tests.signals.archives import SUFFIXES, pack
from tests.signals.sigmf_files import metadata, noise, write_pair

TINY = ("--epochs=2", "--batch=4", "--precision=32", "--size-px=64", "--model=unet", "--network.widths=[4, 8]")
FLAGS = (
    *TINY,
    "--recordings.by-label",
    "--recordings.spectrogram.stft.nfft",
    "64",
    "--recordings.spectrogram.stft.hop",
    "64",
)
NUM_SAMPLES = 8_000


def lmsc(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def box(label: str, start: int, low_hz: float) -> dict[str, object]:
    edges = {"core:freq_lower_edge": low_hz, "core:freq_upper_edge": low_hz + 200}
    return {"core:sample_start": start, "core:sample_count": 2_000, **edges, "core:label": label}


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two labels in eight recordings: archives of each kind, and pairs."""
    folder = tmp_path_factory.mktemp("archives")
    boxes = [box("A", 1_000, -300.0), box("B", 4_000, 100.0)]
    for number, suffix in enumerate((*SUFFIXES, "", *SUFFIXES[:3])):
        samples = noise(NUM_SAMPLES, seed=number)
        samples[1_000:3_000] += 10 * np.exp(-2j * np.pi * 0.2 * np.arange(2_000))
        samples[4_000:6_000] += 10 * np.exp(2j * np.pi * 0.2 * np.arange(2_000))
        meta = metadata(annotations=boxes)
        if not suffix:
            write_pair(folder, meta, samples.astype(np.complex64), name=f"r{number}")
        else:
            pack(
                write_pair(folder.parent / f"pairs{number}", meta, samples.astype(np.complex64), name=f"r{number}"),
                folder / f"r{number}{suffix}",
            )
    return folder


@pytest.fixture(scope="module")
def trained(archives: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on them, checked, stopped and resumed as a user would."""
    run = tmp_path_factory.mktemp("runs") / "by-label"
    assert lmsc("data", "check", archives) == 0
    assert lmsc("train", archives, "--out", run, *FLAGS) == 0
    (run / "summary.json").unlink()
    assert lmsc("train", archives, "--out", run, *FLAGS, "--resume") == 0
    return run


@pytest.fixture(scope="module")
def graph(trained: Path) -> onnx.ModelProto:
    """The run's graph, which takes seconds to make."""
    source = open_trained_run(trained)
    return to_graph(source.network, source.spec)


@pytest.fixture
def graph_at_hand(graph: onnx.ModelProto, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exports take the graph that is made already."""
    for module in (formats, on_first_use):
        monkeypatch.setattr(module, "to_graph", partial(from_graph, graph))


def test_archives_train_and_evaluate(archives, trained, tmp_path, capsys):  # B1
    assert lmsc("evaluate", trained, archives, "--draws", 10, "--out", tmp_path / "scores") == 0
    assert "B" in capsys.readouterr().out


def test_what_a_set_of_archives_unpacks_is_gone_again(archives, tmp_path, monkeypatch):  # B1
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    samples = find_dataset(archives).samples
    assert not list(tmp_path.iterdir())
    assert {sample.image.parent for sample in samples} == {archives}
    assert all(sample.image.is_file() for sample in samples)


@pytest.mark.usefixtures("graph_at_hand")
def test_a_run_on_recordings_is_exported_and_searched_with(archives, trained, tmp_path, capsys):  # B2
    out = tmp_path / "model.onnx"
    assert lmsc("export", trained, "--out", out, "--outputs", "classes") == 0
    assert f"Try: lmsc detect RECORDING --model {out}" in capsys.readouterr().out
    report = json.loads(out.with_suffix(".parity.json").read_text())
    assert (report["task"], report["held_out"]) == ("recording", True)
    assert lmsc("detect", archives / "r1.sigmf.gz", "--model", out, "--out", tmp_path / "found") == 0
    assert lmsc("evaluate", out, archives, "--draws", 10, "--out", tmp_path / "scores") == 0


def test_int8_is_calibrated_on_the_runs_recordings_or_on_others(archives, trained, tmp_path):  # B2
    source = open_trained_run(trained)
    crops, _ = calibration_crops(source, archives, ExportOptions(int8=True, crops=3))
    assert [crop.shape for crop in crops] == [(1, 1, 64, 64)] * 3
    meta = metadata(annotations=[box("A", 10, 0.0)])
    for name in ("x", "y"):
        write_pair(tmp_path, meta, noise(NUM_SAMPLES), name=name)
    crops, warnings = calibration_crops(source, None, ExportOptions(int8=True, crops=3, calibrate=tmp_path))
    assert (len(crops), "images only; 8 and more are better" in warnings[0]) == (3, True)


def test_an_export_is_compared_on_pictures_as_the_run_made_them(archives, trained):  # B2
    source = open_trained_run(trained)
    parts = find_parts(archives, source)
    assert parts.label_map.class_names == ("noise", "A", "B")
    assert all(sample.piece.spectrogram.stft.nfft == 64 for sample in parts.held_out)
    with (trained / "split.csv").open() as file:
        held = {row["name"] for row in csv.DictReader(file) if row["split"] == "val"}
    assert {sample.file_name for sample in parts.held_out} == held
    assert draw_crops(parts.held_out, source.spec, 2)[0].shape == (1, 1, 64, 64)


@pytest.mark.usefixtures("graph_at_hand")
def test_a_run_on_recordings_is_exported_at_its_first_use(trained, tmp_path, monkeypatch):  # B2
    seen = []
    monkeypatch.setattr(on_first_use, "compare_logits", lambda one, *_: seen.append(one.shape) or Difference())
    export_checkpoint(trained / "best.ckpt", tmp_path / "best.onnx")
    assert seen == [(1, 3, 32, 16), *[(1, 3, 64, 64)] * 3]
