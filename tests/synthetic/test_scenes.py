import csv
import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmsc_unet.errors import ConfigError, OutputError
from lmsc_unet.imageio import read_mask
from lmsc_unet.signals.annotations import read_boxes
from lmsc_unet.signals.recording import open_recording
from lmsc_unet.signals.settings import Stft
from lmsc_unet.signals.stft import power_rows
from lmsc_unet.synthetic.radio import SceneOptions, draw_scene, render, write_pictures, write_scenes
from lmsc_unet.synthetic.radio.impairments import CHEAP_RADIO, Impairments, filtered
from lmsc_unet.synthetic.radio.modulations import MODULATIONS
from lmsc_unet.synthetic.radio.scenarios import MEASURED_TEMPLATES, TEMPLATES, Plan
from lmsc_unet.synthetic.radio.statistics import MEASURED, TemplateStatistics, expected_share, foreground_share
from lmsc_unet.synthetic.radio.writer import picture_and_mask, scene_name

ALL_BUT_NEAR = Impairments(skirts=0.06, spurs=0.04, multipath=0.3)
SMALL = SceneOptions(seed=1, samples=65_536)


def drawn_statistics(template: int, *, num_files: int) -> TemplateStatistics:
    """The same statistics of schedules drawn from a template."""
    plans = [TEMPLATES[template].draw(np.random.default_rng([0, index])) for index in range(num_files)]
    emissions = [one for plan in plans for one in plan]
    widths = [one.bandwidth for one in emissions]
    lengths = [one.stop - one.start for one in emissions]
    return TemplateStatistics(
        signals=(min(map(len, plans)), max(map(len, plans))),
        bandwidth=(min(widths), max(widths)),
        length=(min(lengths), max(lengths)),
        at_once=max(map(_at_once, plans)),
        occupied=float(np.mean([sum(one.area for one in plan) for plan in plans])),
    )


def _at_once(plan: Plan) -> int:
    return max((sum(one.start <= other.start < one.stop for one in plan) for other in plan), default=0)


@pytest.mark.parametrize("template", MEASURED_TEMPLATES)
def test_templates_are_as_measured(template):
    measured, drawn = MEASURED[template], drawn_statistics(template, num_files=120)
    assert drawn.occupied == pytest.approx(measured.occupied, rel=0.12)
    for ours, theirs, slack in (
        (drawn.signals, measured.signals, 8),  # bursts are counted: 164 to 191 in a few dozen files
        (drawn.bandwidth, measured.bandwidth, 0.02),
        (drawn.length, measured.length, 0.1 * measured.length[1]),
    ):
        assert ours == pytest.approx(theirs, abs=slack)
    assert drawn.at_once in (measured.at_once, measured.at_once - 1)


@pytest.mark.parametrize("template", TEMPLATES)
def test_no_two_signals_overlap_and_all_lie_in_the_band(template):
    for seed in range(20):
        plan = TEMPLATES[template].draw(np.random.default_rng(seed))
        assert all(-0.5 <= one.low < one.high <= 0.5 for one in plan)
        start, stop, low, high = np.array([(one.start, one.stop, one.low, one.high) for one in plan]).reshape(-1, 4).T
        overlap = (start[:, None] < stop) & (start < stop[:, None]) & (low[:, None] < high) & (low < high[:, None])
        assert overlap.sum() == np.trace(overlap)


def test_4000_scenes_are_the_papers_set():
    scenes = [draw_scene(index, SceneOptions()) for index in range(4000)]
    assert {number: sum(one.template == number for one in scenes) for number in MEASURED_TEMPLATES} == dict.fromkeys(
        MEASURED_TEMPLATES, 500
    )
    assert foreground_share(scenes) == pytest.approx(0.20, abs=0.02)
    assert {one.modulation for scene in scenes for one in scene.emissions} == set(MODULATIONS)
    assert {scene.num_samples // 65_536 for scene in scenes} == {1, 2, 4, 8, 16, 32, 64}
    assert any(len(scene.emissions) >= 4 and scene.template in (15, 16) for scene in scenes)


def test_mixed_as_measured_the_foreground_is_what_the_dataset_has():
    options = SceneOptions(mixture="measured")
    share = foreground_share([draw_scene(index, options) for index in range(1500)])
    assert share == pytest.approx(expected_share(options), abs=0.02)
    assert expected_share(options) == pytest.approx(0.12, abs=0.01)


def test_a_scene_follows_from_its_seed_and_number_alone():
    first, again = render(draw_scene(5, SMALL)), render(draw_scene(5, SMALL))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, render(draw_scene(13, SMALL)))
    assert not np.array_equal(first, render(draw_scene(5, SceneOptions(seed=2, samples=65_536))))


def test_snr_is_what_the_label_says():
    """In the signal's own band the power is the noise's times 1 + SNR; beside it, it is the noise's."""
    scene = next(one for one in (draw_scene(index, SMALL) for index in range(0, 800, 8)) if one.snrs_db[0] > 10)
    power = np.concatenate(list(power_rows([render(scene)], Stft()))).mean(axis=0)
    for box in scene.boxes:
        low, high = (round((edge + 0.5) * 256) for edge in (box.low_hz, box.high_hz))
        level_db = 10 * np.log10(max(1e-3, power[low:high].mean() - 1))
        if box.snr_db > 5:
            assert level_db == pytest.approx(box.snr_db, abs=1)


def test_99_percent_of_the_power_above_the_noise_lies_in_the_boxes():
    options = SceneOptions(seed=3, samples=1 << 20, snr_low_db=25)
    for index in range(16):
        scene = draw_scene(index, options)
        if not scene.emissions:
            continue
        stft = Stft(frames_per_row=16)
        excess = np.concatenate(list(power_rows([render(scene)], stft))) - 1
        inside = np.zeros(excess.shape, bool)
        for box in scene.boxes:
            rows = slice(max(0, box.start_sample // 4096), -(-box.stop_sample // 4096))
            columns = slice(max(0, int((box.low_hz + 0.5) * 256) - 1), int(np.ceil((box.high_hz + 0.5) * 256)) + 2)
            inside[rows, columns] = True
        assert excess[inside].sum() >= 0.99 * excess[excess > 2].sum()


@pytest.mark.parametrize("datatype", ["cf32_le", "ci16_le", "ci8", "cu8", "ci16_be"])
def test_a_set_reads_back_with_its_boxes(datatype, tmp_path):
    scenes = list(write_scenes(tmp_path / "set", SMALL, count=4, datatype=datatype))
    for scene in scenes:
        recording = open_recording(tmp_path / "set" / f"{scene_name(scene)}.sigmf-meta")
        assert recording.num_samples == 65_536
        read = [(box.start_sample, box.stop_sample, box.label) for box in read_boxes(recording)]
        assert sorted(read) == sorted((box.start_sample, box.stop_sample, box.label) for box in scene.boxes)
        samples, original = next(recording.chunks()), render(scene)
        likeness = abs(np.vdot(samples, original)) / np.linalg.norm(samples) / np.linalg.norm(original)
        assert likeness > 0.999


def test_any_number_of_processes_writes_the_same_set(tmp_path):
    for processes in (1, 2):
        list(write_scenes(tmp_path / str(processes), SMALL, count=9, processes=processes))
    digests = [
        {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (tmp_path / name).iterdir()}
        for name in ("1", "2")
    ]
    assert digests[0] == digests[1]
    assert len(digests[0]) == 18


def test_metadata_names_template_and_ratio(tmp_path):
    scene = next(iter(write_scenes(tmp_path / "set", SMALL, count=1)))
    whole = json.loads(next((tmp_path / "set").glob("*.sigmf-meta")).read_text())
    assert whole["global"]["lmsc:template"] == scene.template == 2
    assert all("lmsc:snr_db" in entry for entry in whole["annotations"])


def test_pictures_are_spectrograms_with_masks_and_boxes(tmp_path):
    scenes = list(write_pictures(tmp_path / "set", SceneOptions(seed=1, samples=131_072), count=8))
    names = sorted(path.name for path in (tmp_path / "set" / "images").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "set" / "masks").iterdir())
    picture, mask = (read_mask(tmp_path / "set" / kind / names[0]) for kind in ("images", "masks"))
    assert picture.shape == mask.shape == (256, 256)
    assert set(np.unique(mask)) == {0, 255}
    np.testing.assert_array_equal(picture, picture_and_mask(scenes[0])[0])
    with (tmp_path / "set" / "boxes.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == sum(len(scene.emissions) for scene in scenes)
    assert rows[0]["frames_per_row"] == "2"


def test_a_mask_is_where_the_signal_is():
    for index in range(3):
        picture, mask = picture_and_mask(draw_scene(index, SceneOptions(seed=4, samples=1 << 20, snr_low_db=15)))
        assert picture[mask == 1].mean() > picture[mask == 0].mean() + 25


@pytest.mark.parametrize(
    ("impairments", "is_seen"),
    [
        (Impairments(dc_spike_db=60), lambda power: power[:, 128].mean() > 3 * np.median(power)),
        (Impairments(rolloff_db=60), lambda power: power[:, 1].mean() < 0.7 * np.median(power)),
    ],
)
def test_impairments_show(impairments, is_seen):
    options = SceneOptions(seed=2, samples=1 << 18, impairments=impairments)
    empty = [one for one in (draw_scene(index, options) for index in range(60)) if not one.emissions][:6]
    powers = [np.concatenate(list(power_rows([render(one)], Stft(frames_per_row=4)))) for one in empty]
    assert any(is_seen(power) for power in powers)  # a scene draws from none to the most


def test_what_a_transmitter_sends_beside_its_band_is_weak():
    options = SceneOptions(seed=2, samples=1 << 18, snr_low_db=60, snr_high_db=60, impairments=ALL_BUT_NEAR)
    drawn = (draw_scene(index, options) for index in range(2, 160, 8))  # template 8: one signal
    shares = []
    for scene in drawn:
        power = np.concatenate(list(power_rows([render(scene)], Stft()))).mean(axis=0)
        low, high = (round((edge + 0.5) * 256) for edge in (scene.emissions[0].low, scene.emissions[0].high))
        shares.append(power[low : high + 1].sum() / power.sum())
    assert min(shares) > 0.98
    assert min(shares) < 0.9995


def test_near_transmitters_raise_every_second_scene():
    scenes = [draw_scene(index, SceneOptions(impairments=Impairments(near_db=30))) for index in range(400)]
    plain = [draw_scene(index, SceneOptions()) for index in range(400)]
    raised = [one.snrs_db[0] - other.snrs_db[0] for one, other in zip(scenes, plain, strict=True) if one.snrs_db]
    assert 0 <= min(raised) < 0.01
    assert 25 < max(raised) <= 30
    assert 0.4 < np.mean(np.array(raised) > 0) < 0.6


@given(num_samples=st.integers(1, 20_000), num_taps=st.integers(2, 600), seed=st.integers(0, 9))
@settings(max_examples=20)
def test_filtering_in_blocks_is_a_convolution(num_samples, num_taps, seed):
    rng = np.random.default_rng(seed)
    samples, taps = (
        (rng.standard_normal(2 * n)).astype(np.float32).view(np.complex64) for n in (num_samples, num_taps)
    )
    whole = np.convolve(samples, taps)[num_taps // 2 :][:num_samples]
    np.testing.assert_allclose(filtered(samples, taps), whole, atol=1e-3)


def test_a_squelched_receiver_is_mute_but_for_its_signals():
    options = SceneOptions(seed=3, samples=1 << 20, impairments=Impairments(squelch=1))
    scene = next(one for one in (draw_scene(index, options) for index in range(6, 400, 8)) if one.emissions)
    samples = render(scene)
    assert 0.02 < np.mean(samples == 0) < 0.99
    for box in scene.boxes:
        assert (samples[box.start_sample : box.stop_sample] != 0).all()


def test_a_broad_mixture_has_short_narrow_signals_too():
    scenes = [draw_scene(index, SceneOptions(mixture="broad")) for index in range(180)]
    telegrams = [box for scene in scenes if scene.template == 20 for box in scene.boxes]
    assert {scene.template for scene in scenes} == set(TEMPLATES)
    assert len(telegrams) > 20
    assert max(box.bandwidth_hz for box in telegrams) <= 0.2
    assert max(box.num_samples for box in telegrams) <= 100_000


def test_an_imbalance_mirrors_a_signal_about_0_hz():
    options = SceneOptions(seed=2, samples=1 << 18, snr_low_db=30, impairments=Impairments(iq_imbalance=0.9))
    drawn = (draw_scene(index, options) for index in range(2, 400, 8))  # template 8: one signal
    scene = next(one for one in drawn if one.emissions[0].low > 0.1)
    power = np.concatenate(list(power_rows([render(scene)], Stft(frames_per_row=4)))).mean(axis=0)
    middle = (scene.emissions[0].low + scene.emissions[0].high) / 2
    assert power[round((0.5 - middle) * 256)] > 5 * np.median(power)


def test_a_receiver_turns_its_gain_down_while_a_signal_is_strong():
    wrong = Impairments(gain_step_db=20)
    options = SceneOptions(seed=4, samples=1 << 18, snr_low_db=30, impairments=wrong)
    scenes = [draw_scene(index, options) for index in range(6, 800, 8)]  # template 15: bursts
    falls = []
    for scene in (one for one in scenes if one.emissions and one.foreground_share < 0.2):
        clean = render(replace(scene, options=replace(options, impairments=Impairments())))
        gain = np.abs(render(scene)) / np.abs(clean)
        assert gain.max() == pytest.approx(1, abs=1e-4)
        box = scene.boxes[0]
        middle = (box.start_sample + box.stop_sample) // 2
        falls.append(-20 * np.log10(gain[middle - 32 : middle + 32].mean()))
    assert 0.2 < np.mean(np.array(falls) > 0.1) < 0.8, "every second scene"
    assert 10 < max(falls) <= 20.01


def test_an_8_bit_receiver_has_at_most_256_levels_and_none_at_0():
    for seed in range(4):
        scene = draw_scene(3, SceneOptions(seed=seed, samples=65_536, impairments=Impairments(rounding=2)))
        parts = np.unique(render(scene).view(np.float32))
        steps = np.diff(parts)
        assert len(parts) <= 256
        assert 0 not in parts
        np.testing.assert_allclose(steps / steps.min(), np.rint(steps / steps.min()), atol=1e-3)


def test_a_hopping_transmitter_keeps_its_width_and_its_raster():
    plan = TEMPLATES[22].draw(np.random.default_rng(1))
    assert len(plan) > 20
    assert len({round(one.bandwidth, 9) for one in plan}) == 1
    lows = sorted({round(one.low, 9) for one in plan})
    steps = np.diff(lows) / min(np.diff(lows))
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-4)


def test_a_cheap_receiver_still_gives_finite_samples():
    assert np.isfinite(render(draw_scene(1, SceneOptions(samples=65_536, impairments=CHEAP_RADIO)))).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SceneOptions(seed=-1), "seed is -1"),
        (lambda: SceneOptions(samples=10), "samples is 10; it must be 256 to"),
        (lambda: SceneOptions(mixture="odd"), "mixture is 'odd'; it must be even, measured or broad"),
        (lambda: SceneOptions(snr_low_db=5, snr_high_db=1), "the lower comes first"),
        (lambda: SceneOptions(sample_rate_hz=0), "sample_rate_hz is 0"),
        (lambda: Impairments(multipath=1), "multipath is 1; it must be at least 0 and under 1"),
        (lambda: Impairments(dc_spike_db=-3), "dc_spike_db is -3"),
        (lambda: Impairments(rounding=11), "rounding is 11"),
        (lambda: Impairments(squelch=2), "squelch is 2; a probability is 0 to 1"),
    ],
)
def test_options_out_of_range_are_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


@pytest.mark.parametrize(
    ("options", "count", "datatype", "message"),
    [
        (SMALL, 0, "ci16_le", "count is 0; it must be at least 1"),
        (SMALL, 1, "ri16_le", "datatype is ri16_le.*must be complex"),
    ],
)
def test_a_set_that_cannot_be_is_refused(options, count, datatype, message, tmp_path):
    with pytest.raises(ConfigError, match=message):
        list(write_scenes(tmp_path / "set", options, count=count, datatype=datatype))


def test_nothing_is_written_over_and_pictures_take_whole_rows(tmp_path):
    (tmp_path / "mine.txt").touch()
    with pytest.raises(OutputError, match="the folder is not empty"):
        list(write_scenes(tmp_path, SMALL, count=1))
    with pytest.raises(ConfigError, match="must be a multiple of 65536"):
        list(write_pictures(tmp_path / "new", SceneOptions(samples=65_537), count=1))
