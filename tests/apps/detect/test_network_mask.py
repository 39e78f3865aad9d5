"""A network as a masker: blocks do not show, and what a model does not say is refused."""

from pathlib import Path

import numpy as np
import pytest

from lmsc_unet.config import from_mapping, to_mapping
from lmsc_unet.errors import ConfigError, ModelError
from lmsc_unet.inference import detector
from lmsc_unet.inference.detector import energy_detector, load_detector, make_masker, network_detector
from lmsc_unet.inference.loading import LoadedModel
from lmsc_unet.inference.runtime import Runtime
from lmsc_unet.inference.spec import ModelSpec
from lmsc_unet.signals.boxes import SignalBox
from lmsc_unet.signals.detection import find_boxes
from lmsc_unet.signals.detection.halo import Searched, even_blocks, with_halo
from lmsc_unet.signals.settings import Stft
from lmsc_unet.signals.stft import Grid
from tests.apps.detect.bursts import BURSTS, bursts, recordings_spec
from tests.inference.networks import POOL_PX, REACH_PX, brightness, load_by, small_unet, spec


def as_searched(rows_db, masker):
    mask, confidence = masker(rows_db)
    return Searched(rows_db=rows_db, mask=mask, confidence=confidence, is_seed=mask > 0)


@pytest.mark.parametrize("block_rows", [64, 256, 512])
@pytest.mark.parametrize("treatment", ["tiles", "resize"])  # a model of the paper's recipe sees native scale, too
def test_the_mask_does_not_show_where_blocks_were_cut(block_rows, treatment):
    rows_db = np.random.default_rng(0).uniform(-5, 45, (600, 64)).astype(np.float32)
    masker = make_masker(small_unet(), recordings_spec(mean=(0.0,), treatment=treatment))
    assert masker.halo_rows % POOL_PX == 0
    assert masker.halo_rows >= REACH_PX
    searched = with_halo(even_blocks([rows_db], block_rows), masker.halo_rows, lambda rows: as_searched(rows, masker))
    cut = np.concatenate([block.mask for block in searched])
    whole, _ = masker(rows_db)
    assert 0.1 < whole.mean() < 0.9
    np.testing.assert_array_equal(cut, whole)


def test_a_network_finds_the_bursts_with_its_own_labels_and_probabilities():
    finder = network_detector(brightness, recordings_spec(mean=(0.4,), std=(1.0,)), frames_per_row=8)
    grid = Grid(stft=finder.stft, sample_rate_hz=1.0)
    found = list(find_boxes([bursts()], grid, finder.masker, class_names=finder.class_names))
    assert [box.label for box in found] == ["burst", "burst"]
    assert all(0.5 < box.confidence <= 1 for box in found)
    for box, (start, stop, low, high) in zip(found, BURSTS, strict=True):
        assert (box.start_sample, box.stop_sample) == pytest.approx((start, stop), abs=2100)
        assert (box.low_hz, box.high_hz) == pytest.approx((low, high), abs=0.02)


@pytest.mark.parametrize(
    ("confidence", "is_kept"),
    [
        (0.9, True),
        (0.6, False),  # not sure
        (None, True),
    ],
)
def test_boxes_of_a_network_are_told_where_it_is_sure(confidence, is_kept):
    box = SignalBox(start_sample=0, stop_sample=9, low_hz=0, high_hz=1, label="signal", confidence=confidence)
    assert network_detector(brightness, recordings_spec()).keeps(box) is is_kept
    assert energy_detector(Stft()).keeps(box)


def test_how_sure_a_signal_must_be_can_be_said():
    assert load_detector("energy", min_confidence=0.4).min_confidence == 0.4
    with pytest.raises(ConfigError, match="min_confidence is 2; it must lie between 0 and 1"):
        load_detector("energy", min_confidence=2)


def test_a_model_keeps_its_spectrogram_but_for_the_frames_of_a_row(tmp_path, monkeypatch):

    load_by(monkeypatch, "tests.apps.detect.bursts:load_bright_cells")
    path = tmp_path / "model.fake"
    path.touch()
    assert load_detector(str(path)).stft == Stft(frames_per_row=8)
    assert load_detector(str(path)).chooses_rows
    assert not load_detector(str(path), frames_per_row=1).chooses_rows
    assert load_detector(str(path), frames_per_row=4).stft == Stft(frames_per_row=4)
    assert load_detector(str(path)).origin["file"] == str(path)
    assert not load_detector(str(path)).warnings


@pytest.mark.parametrize("nfft", [256, 512, 1024, 4096])
def test_a_model_may_be_given_longer_frames_with_a_warning(nfft):  # D5
    found = network_detector(brightness, recordings_spec(mean=(0.4,), std=(1.0,)), nfft=nfft, frames_per_row=1)
    assert found.stft == Stft(nfft=nfft, hop=nfft)
    assert len(found.warnings) == (nfft != 256)
    grid = Grid(stft=found.stft, sample_rate_hz=1.0)
    boxes = list(find_boxes([bursts()], grid, found.masker))
    centers = [(box.low_hz + box.high_hz) / 2 for box in boxes if box.num_samples > 20_000]
    assert centers == pytest.approx([0.15, -0.25], abs=0.02)


@pytest.mark.parametrize("nfft", [0, 128, 255, 5000])
def test_frames_beyond_reason_are_refused(nfft):  # D5
    with pytest.raises(ConfigError, match=f"nfft is {nfft}; for a model it must be from 256 to 4096"):
        network_detector(brightness, recordings_spec(), nfft=nfft)


@pytest.mark.parametrize(
    ("rate_hz", "resolution_hz", "nfft"),
    [(1e6, 1000, 1024), (2.4e6, 2000, 1024), (2.4e6, 9375, 256), (250e3, 61.1, 4096), (1e6, None, 256)],
)
def test_a_resolution_in_hertz_gives_frames_at_every_rate(rate_hz, resolution_hz, nfft):
    found = load_detector("energy", resolution_hz=resolution_hz).for_rate(rate_hz)
    assert (found.stft.nfft, found.stft.hop) == (nfft, nfft)


def test_a_resolution_out_of_reach_is_refused():
    with pytest.raises(ConfigError, match=r"asks for frames of 65536 samples at .* Hz; it must be from"):
        load_detector("energy", resolution_hz=15).for_rate(1e6)
    with pytest.raises(ConfigError, match="give one of the two"):
        load_detector("energy", resolution_hz=15, nfft=512)
    with pytest.raises(ConfigError, match="it must be above 0"):
        load_detector("energy", resolution_hz=-1)


def test_a_model_of_images_is_refused():
    with pytest.raises(ModelError, match="small was trained on images, not on recordings"):
        network_detector(brightness, spec())


def test_the_spectrogram_survives_the_way_through_a_checkpoint():
    whole = recordings_spec()
    assert from_mapping(ModelSpec, to_mapping(whole), "test") == whole
    assert from_mapping(ModelSpec, to_mapping(spec()), "test").spectrogram is None


def test_the_energy_detector_knows_how_many_frames_a_row_averages():
    assert energy_detector(Stft(frames_per_row=8)).masker.frames_per_row == 8
    assert load_detector("energy", frames_per_row=4, nfft=512).stft == Stft(nfft=512, hop=512, frames_per_row=4)


@pytest.mark.parametrize(
    ("runtime", "blocks"),
    [
        (Runtime(backend="openvino", threads=2), 2),
        (Runtime(backend="openvino", threads=1), 1),  # a second one would wait
        (Runtime(backend="onnxruntime", threads=2), 2),
        (Runtime(backend="executorch", threads=2), 1),  # not made to be called by two
    ],
)
def test_two_blocks_are_seen_at_once_where_that_is_faster(runtime, blocks, monkeypatch):
    asked = []

    def load(_model, runtime):
        asked.append(runtime.at_once)
        return LoadedModel(network=brightness, spec=recordings_spec(), file=Path(__file__))

    monkeypatch.setattr(detector, "load", load)
    assert load_detector("any", runtime=runtime).at_once == blocks
    assert asked == [blocks]
