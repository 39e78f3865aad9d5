import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmsc_unet.errors import ConfigError
from lmsc_unet.signals.settings import Stft
from lmsc_unet.signals.stft import Grid, power_rows, window_weights
from tests.signals.sigmf_files import noise


def rows_of(chunks, stft):
    return np.concatenate(list(power_rows(chunks, stft)))


def tone(frequency, num_samples):
    return np.exp(2j * np.pi * frequency * np.arange(num_samples)).astype(np.complex64)


STFTS = st.builds(
    Stft,
    nfft=st.sampled_from([8, 64, 256, 1000]),
    hop=st.integers(1, 8),
    window=st.sampled_from(["hann", "blackman", "rectangular"]),
    frames_per_row=st.sampled_from([1, 2, 7, 64]),
)
# sample rates with centre frequencies that go with them: at 868 MHz a double does not tell thousandths of 1 Hz apart
BANDS = st.sampled_from([(1.0, 0.0), (44_100.0, -1.5), (1e6, 868e6), (56e6, 5.8e9)])
GRIDS = st.builds(
    lambda stft, band, is_complex: Grid(stft=stft, sample_rate_hz=band[0], center_hz=band[1], is_complex=is_complex),
    STFTS,
    BANDS,
    st.booleans(),
)


@pytest.mark.parametrize(
    ("frequency", "column"),
    [
        (0.25, 192),  # +fs/4 is at three quarters: a flipped axis would show it at 64
        (-0.25, 64),
        (0.0, 128),
        (-0.5, 0),
        (127 / 256, 255),
        (1 / 256, 129),
    ],
)
def test_a_tone_lands_in_its_column(frequency, column):
    grid = Grid(stft=Stft(), sample_rate_hz=1.0)
    rows = rows_of([tone(frequency, 2048)], grid.stft)
    assert set(rows.argmax(axis=1).tolist()) == {column}
    assert int(grid.column_px(frequency)) == column


def test_a_real_tone_lands_once_in_a_one_sided_spectrum():
    grid = Grid(stft=Stft(), sample_rate_hz=1000.0, is_complex=False)
    rows = rows_of([np.ascontiguousarray(tone(0.125, 2048).real)], grid.stft)
    assert rows.shape == (8, 128)
    assert set(rows.argmax(axis=1).tolist()) == {int(grid.column_px(125.0))} == {32}


@pytest.mark.parametrize("stft", [Stft(), Stft(hop=64, frames_per_row=3), Stft(nfft=512, hop=512, window="blackman")])
def test_rows_are_the_mean_powers_of_a_plain_transform(stft):
    samples = noise(1 << 14)
    starts = range(0, len(samples) - stft.nfft + 1, stft.hop)
    frames = np.stack([samples[start : start + stft.nfft] for start in starts]) * window_weights(stft)
    power = np.abs(np.fft.fftshift(np.fft.fft(frames), axes=1)) ** 2
    whole = len(power) // stft.frames_per_row
    expected = power[: whole * stft.frames_per_row].reshape(whole, stft.frames_per_row, -1).mean(axis=1)
    rows = rows_of([samples], stft)
    np.testing.assert_allclose(rows[:whole], expected, rtol=1e-3, atol=1e-4)
    assert rows.mean() == pytest.approx(1, rel=0.05)  # noise of power 1 is 1, whatever the window


@given(
    cuts=st.lists(st.integers(0, 5000), max_size=6),
    hop=st.sampled_from([64, 100, 256]),
    frames=st.sampled_from([1, 3, 8]),
)
def test_where_chunks_are_cut_does_not_show(cuts, hop, frames):
    samples, stft = noise(5000), Stft(hop=hop, frames_per_row=frames)
    chunks = np.split(samples, sorted(cuts))
    np.testing.assert_array_equal(rows_of(chunks, stft), rows_of([samples], stft))
    assert len(rows_of([samples], stft)) == stft.num_rows(5000)


@pytest.mark.parametrize("num_frames", [1, 2, 63])
def test_the_noise_of_a_last_row_that_is_not_full_varies_as_that_of_the_others(num_frames):  # B16
    stft = Stft(frames_per_row=64)
    rows = rows_of([noise(10 * stft.row_samples + num_frames * stft.nfft)], stft)
    assert rows.shape == (11, 256)
    assert rows[-1].std() == pytest.approx(rows[:-1].std(), rel=0.25)


@pytest.mark.parametrize("num_samples", [1, 2, 100, 255, 256, 257])
def test_a_recording_of_less_than_a_row_is_one_row_of_the_right_level(num_samples):
    rows = np.stack([rows_of([noise(num_samples, seed=seed)], Stft(frames_per_row=8)) for seed in range(200)])
    assert rows.shape == (200, 1, 256)
    assert rows.mean() == pytest.approx(1, rel=0.35)


def test_averaging_makes_noise_steadier_and_leaves_its_level():
    samples = noise(1 << 18)
    single, averaged = rows_of([samples], Stft()), rows_of([samples], Stft(frames_per_row=16))
    assert averaged.shape == (64, 256)
    assert averaged.mean() == pytest.approx(single.mean(), rel=1e-3)
    assert averaged.std() == pytest.approx(single.std() / 4, rel=0.1)


@given(grid=GRIDS, edge=st.integers(0, 10_000_000))
def test_pixel_edges_go_to_seconds_and_back_exactly(grid, edge):
    assert grid.row_px_of_seconds(grid.seconds(edge)) == pytest.approx(edge, abs=1e-6)
    assert grid.row_px(grid.sample(edge)) == edge


@given(grid=GRIDS, share=st.floats(0, 1))
def test_pixel_edges_go_to_hertz_and_back(grid, share):
    edge = round(share * grid.num_columns)
    assert round(grid.column_px(grid.hz(edge)), 4) == edge
    assert grid.column_px(grid.hz(edge + 0.5)) == pytest.approx(edge + 0.5, abs=1e-3)


@given(grid=GRIDS)
def test_the_grid_spans_the_band_and_rows_follow_one_another(grid):
    band_hz = grid.hz(grid.num_columns) - grid.hz(0)
    assert band_hz == pytest.approx(grid.sample_rate_hz * (1 if grid.is_complex else 0.5), rel=1e-6)
    assert grid.seconds(5) - grid.seconds(4) == pytest.approx(grid.stft.row_samples / grid.sample_rate_hz)


def test_a_click_lies_in_the_row_that_the_grid_says():
    stft = Stft(hop=64, frames_per_row=2)
    samples = noise(8192, power=1e-6)
    samples[5000] += 1
    row = int(rows_of([samples], stft).sum(axis=1).argmax())
    assert abs(Grid(stft=stft, sample_rate_hz=1.0).row_px(5000.5) - (row + 0.5)) <= 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"nfft": 7}, "nfft is 7; it must be even and at least 8"),
        ({"nfft": 4}, "nfft is 4"),
        ({"hop": 0}, "hop is 0; it must be from 1 to nfft"),
        ({"hop": 257}, "or samples are skipped"),
        ({"window": "kaiser"}, "window is 'kaiser'; it must be one of hann"),
        ({"frames_per_row": 0}, "frames_per_row is 0; it must be at least 1"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        Stft(**settings)
