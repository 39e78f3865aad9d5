"""A training on SigMF recordings, and what its model does with recordings."""

import pytest

from lmsc_unet.cli.main import main
from lmsc_unet.inference.loading import load
from lmsc_unet.signals.settings import SpectrogramSettings
from lmsc_unet.synthetic.radio.scene import SceneOptions
from lmsc_unet.synthetic.radio.writer import write_pictures, write_scenes
from lmsc_unet.training.run_folder import read_config
from tests.datasets.test_sigmf_folder import write_labelled

TINY = ("--epochs", "1", "--batch", "4", "--precision", "32", "--size-px", "64", "--network.widths", "[4,8,8,8]")
OPTIONS = SceneOptions(seed=1, samples=65_536)


def test_a_folder_of_recordings_trains_evaluates_and_detects(tmp_path, capsys):
    list(write_scenes(tmp_path / "set", OPTIONS, count=8))
    run = str(tmp_path / "run")
    assert main(["train", str(tmp_path / "set"), "--out", run, *TINY]) == 0
    config = read_config(tmp_path / "run")
    assert (config.input.scaling, config.input.channels) == ("range", 1)
    assert (config.augment.flip_probability, config.augment.affine_probability) == (0.5, 0.0)
    spec = load(run).spec
    assert spec.spectrogram == SpectrogramSettings()
    assert spec.class_names == ("noise", "signal")
    assert "scene-1-00000-tmpl02," in (tmp_path / "run/split.csv").read_text()
    recording = str(next((tmp_path / "set").glob("*.sigmf-meta")))
    assert main(["detect", recording, "--model", run, "--out", str(tmp_path / "found")]) == 0


def test_a_set_of_pictures_trains_a_model_of_recordings(tmp_path):
    list(write_pictures(tmp_path / "set", OPTIONS, count=4))
    run = str(tmp_path / "run")
    assert main(["train", str(tmp_path / "set"), "--out", run, *TINY]) == 0
    assert load(run).spec.spectrogram == SpectrogramSettings()
    assert read_config(tmp_path / "run").augment.stain_probability == 0


@pytest.mark.parametrize("flags", [("--recordings.by-label",), ("--classes", "noise,A,B")])
def test_labels_are_classes_on_request(flags, tmp_path):
    write_labelled(tmp_path / "set")
    run = str(tmp_path / "run")
    assert main(["train", str(tmp_path / "set"), "--out", run, *TINY, "--recordings.scales", "2", *flags]) == 0
    spec = load(run).spec
    assert spec.class_names == ("noise", "A", "B")
    assert spec.num_logits == 3
    assert spec.spectrogram.stft.frames_per_row == 2


def test_flags_and_the_paper_recipe_win_over_what_follows_from_the_data(tmp_path):
    write_labelled(tmp_path / "set")
    run = str(tmp_path / "run")
    flags = ("--recipe", "paper", "--augment.intensity-probability", "0.1", "--input.mean", "0.2")
    assert main(["train", str(tmp_path / "set"), "--out", run, *TINY, *flags]) == 0
    config = read_config(tmp_path / "run")
    assert (config.input.treatment, config.input.scaling, config.input.channels) == ("resize", "range", 1)
    assert (config.augment.intensity_probability, config.input.mean) == (0.1, (0.2,))
