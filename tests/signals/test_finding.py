import numpy as np
import pytest

from lmsc_unet.errors import ConfigError
from lmsc_unet.metrics.matching import DetectionCounts, Detections, count_matches
from lmsc_unet.signals.boxes import boxes_xyxy_px
from lmsc_unet.signals.detection import EnergyMask, find_boxes, find_in_recording
from lmsc_unet.signals.detection.halo import even_blocks
from lmsc_unet.signals.recording import RecordingWarning, open_recording
from lmsc_unet.signals.settings import Stft
from lmsc_unet.signals.stft import Grid
from lmsc_unet.synthetic.radio.baseband import baseband, mix
from tests.signals.sigmf_files import metadata, noise, write_pair

GRID = Grid(stft=Stft(), sample_rate_hz=1.0)


def send(samples, start, stop, low, high, snr_db, modulation="QAM16", seed=0):
    rng = np.random.default_rng(seed)
    sent = baseband(modulation, rng, num_samples=stop - start, bandwidth=high - low)
    amplitude = np.sqrt((high - low) * 10 ** (snr_db / 10)).astype(np.float32)
    samples[start:stop] += mix(sent, (low + high) / 2) * amplitude


def found(samples, **settings):
    boxes = list(find_boxes([samples], GRID, EnergyMask(), num_samples=len(samples), **settings))
    return sorted(boxes, key=lambda box: (box.start_sample, box.low_hz))


def test_noise_alone_gives_no_box():
    assert found(noise(1 << 19)) == []


@pytest.mark.parametrize("snr_db", [5, 15, 30])
def test_a_burst_is_found_with_its_edges_and_its_ratio(snr_db):
    samples = noise(1 << 17)
    send(samples, 30_000, 90_000, 0.1, 0.3, snr_db)
    box = found(samples)[0]
    assert (box.start_sample, box.stop_sample) == pytest.approx((30_000, 90_000), abs=300)
    assert (box.low_hz, box.high_hz) == pytest.approx((0.1, 0.3), abs=0.02)
    assert box.snr_db == pytest.approx(snr_db, abs=1.5)


@pytest.mark.parametrize("block_rows", [64, 100, 256, 4096])
def test_a_signal_through_the_whole_recording_is_one_box_however_it_is_cut(block_rows):
    samples = noise(1 << 18)
    send(samples, 0, 1 << 18, -0.2, -0.1, 15)
    boxes = found(samples, block_rows=block_rows)
    assert [(box.start_sample, box.stop_sample) for box in boxes] == [(0, 1 << 18)]


def test_a_gap_and_a_guard_band_part_signals():
    samples = noise(1 << 18)
    send(samples, 20_000, 80_000, 0.1, 0.2, 20, seed=1)
    send(samples, 90_000, 150_000, 0.1, 0.2, 20, seed=2)
    send(samples, 90_000, 150_000, 0.25, 0.35, 20, seed=3)
    assert len(found(samples)) == 3


@pytest.mark.parametrize("level_db", [0, 10, 30, 50])
def test_a_receivers_line_at_0_hz_is_no_signal_and_joins_none(level_db):
    samples = noise(1 << 18)
    samples += np.float32(10 ** (level_db / 20) / 16)
    for start in (20_000, 120_000):
        send(samples, start, start + 40_000, -0.1, 0.1, 20, seed=start)
    boxes = found(samples)
    assert [box.start_sample for box in boxes] == pytest.approx([20_000, 120_000], abs=300)
    assert [box.bandwidth_hz for box in boxes] == pytest.approx([0.2, 0.2], abs=0.03)


def test_narrow_signals_at_0_hz_that_come_and_go_or_are_modulated_are_kept():
    samples = noise(1 << 18)
    samples[60_000:80_000] += 2.0
    send(samples, 150_000, 1 << 18, -0.008, 0.008, 25, "PSK2")
    assert [box.start_sample for box in found(samples)] == pytest.approx([60_000, 150_000], abs=300)
    steady = noise(1 << 18)
    send(steady, 0, 1 << 18, -0.008, 0.008, 25, "PSK2")
    assert len(found(steady)) == 1


def test_boxes_come_as_soon_as_signals_end():
    taken = []

    def chunks():
        samples = noise(1 << 18)
        send(samples, 20_000, 60_000, 0.1, 0.2, 20)
        for start in range(0, len(samples), 1 << 14):
            taken.append(start)
            yield samples[start : start + (1 << 14)]

    next(iter(find_boxes(chunks(), GRID, EnergyMask(), block_rows=64)))
    assert taken[-1] < 120_000


def test_a_recording_shorter_than_one_picture_works(tmp_path):
    samples = noise(9_000)
    send(samples, 2_000, 7_000, 0.1, 0.3, 20)
    recording = open_recording(write_pair(tmp_path, metadata(rate_hz=1.0), samples))
    assert len(find_in_recording(recording, Stft(), EnergyMask())) == 1
    tiny = open_recording(write_pair(tmp_path, metadata(rate_hz=1.0), noise(3), name="tiny"))
    assert find_in_recording(tiny, Stft(), EnergyMask()) == []


def test_captures_have_boxes_at_their_own_frequency(tmp_path):
    samples = noise(1 << 17)
    for start in (10_000, 80_000):
        send(samples, start, start + 30_000, 0.1, 0.2, 20)
    captures = [{"core:sample_start": 0, "core:frequency": 1e6}, {"core:sample_start": 65_536, "core:frequency": 2e6}]
    recording = open_recording(write_pair(tmp_path, metadata(rate_hz=1e4, captures=captures), samples))
    boxes = find_in_recording(recording, Stft(), EnergyMask())
    assert [box.low_hz for box in boxes] == pytest.approx([1_001_000, 2_001_000], abs=100)
    assert [box.start_sample for box in boxes] == pytest.approx([10_000, 80_000], abs=300)


def test_a_real_valued_recording_has_boxes_above_0_hz(tmp_path):
    samples = noise(1 << 17)
    send(samples, 30_000, 90_000, 0.1, 0.2, 20)
    real = np.ascontiguousarray(samples.real)
    recording = open_recording(write_pair(tmp_path, metadata("rf32_le", rate_hz=1.0), real))
    boxes = find_in_recording(recording, Stft(nfft=512, hop=512), EnergyMask())
    assert len(boxes) == 1
    assert (boxes[0].low_hz, boxes[0].high_hz) == pytest.approx((0.1, 0.2), abs=0.02)


def test_most_signals_of_5_db_and_more_are_found_in_generated_scenes():
    from lmsc_unet.synthetic.radio import SceneOptions, draw_scene, render
    from lmsc_unet.synthetic.radio.writer import picture_grid

    counts = DetectionCounts()
    for index in (6, 7, 14, 15, 22, 23):  # templates 15 and 16: bursts
        scene = draw_scene(index, SceneOptions(seed=5, samples=1 << 20, snr_low_db=5))
        grid = picture_grid(scene)
        boxes = list(find_boxes([render(scene)], grid, EnergyMask(frames_per_row=grid.stft.frames_per_row)))
        picture = Detections(
            true_xyxy=boxes_xyxy_px(scene.boxes, grid),
            found_xyxy=boxes_xyxy_px(boxes, grid),
            confidences=np.array([box.confidence for box in boxes]),
        )
        counts += count_matches([picture])
    assert counts.recall > 0.7
    assert counts.precision > 0.7


def test_a_recording_that_begins_in_a_wide_signal_is_judged_by_all_of_it(tmp_path):
    samples = noise(1 << 19)
    send(samples, 0, 100_000, -0.45, 0.45, 12)
    recording = open_recording(write_pair(tmp_path, metadata(rate_hz=1.0), samples))
    boxes = find_in_recording(recording, Stft(), EnergyMask())
    assert [box.start_sample for box in boxes] == [0]
    assert boxes[0].stop_sample == pytest.approx(100_000, abs=300)


def test_blocks_are_made_even():
    blocks = [np.full((size, 2), size, np.float32) for size in (1, 5, 2, 9, 1)]
    assert [len(block) for block in even_blocks(blocks, 4)] == [4, 4, 4, 4, 2]
    np.testing.assert_array_equal(np.concatenate(list(even_blocks(blocks, 4))), np.concatenate(blocks))


def test_thresholds_out_of_order_are_refused():
    with pytest.raises(ConfigError, match=r"low_deviates is 9\.0"):
        EnergyMask(low_deviates=9.0)


@pytest.mark.parametrize("block_rows", [16, 100, 256])
def test_blocks_that_are_seen_at_once_give_the_same_boxes(block_rows):
    samples = noise(1 << 18)
    for start in range(10_000, 250_000, 40_000):
        send(samples, start, start + 25_000, -0.2, -0.1, 20)
    one_by_one = found(samples, block_rows=block_rows)
    assert len(one_by_one) == 6
    assert found(samples, block_rows=block_rows, at_once=3, in_advance=True) == one_by_one


@pytest.mark.parametrize("num_frames", [1, 5, 40])
def test_noise_at_the_end_of_a_recording_is_no_signal(num_frames):  # B16
    stft = Stft(frames_per_row=64)
    samples = noise(40 * stft.row_samples + num_frames * stft.nfft)
    grid = Grid(stft=stft, sample_rate_hz=1.0)
    assert not list(find_boxes([samples], grid, EnergyMask(frames_per_row=64)))


def test_a_line_at_0_hz_is_told_once_for_the_whole_recording(tmp_path):  # D13
    samples = noise(1 << 18) + np.float32(3)
    recording = open_recording(write_pair(tmp_path, metadata(rate_hz=1.0), samples))
    with pytest.warns(RecordingWarning, match="a steady line at 0 Hz of its samples was left out") as told:
        assert find_in_recording(recording, Stft(), EnergyMask()) == []
    assert len(told) == 1
