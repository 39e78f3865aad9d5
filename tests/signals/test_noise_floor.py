import numpy as np
import pytest

from lmsc_unet.errors import ConfigError, DataError
from lmsc_unet.signals.noise import NoiseFloor, above_floor_db, db_rows, to_picture
from lmsc_unet.signals.settings import DbRange, Stft
from lmsc_unet.signals.stft import power_rows
from tests.signals.sigmf_files import noise


def plane(num_rows=256, *, frames=1, seed=0):
    """Rows of noise of power 1."""
    stft = Stft(frames_per_row=frames)
    return np.concatenate(list(power_rows([noise(num_rows * stft.row_samples, seed=seed)], stft)))


@pytest.mark.parametrize("frames", [1, 8])
@pytest.mark.parametrize("level", [1e-12, 1.0, 1e9])
@pytest.mark.parametrize(
    "filled",
    [
        slice(0, 0),  # noise alone
        slice(60, 90),  # one signal
        slice(0, 180),  # signals over 70 % of the band
    ],
)
def test_the_floor_is_the_noise_whatever_stands_in_it(frames, level, filled):
    power = plane(frames=frames)
    power[:, filled] *= 100
    found = NoiseFloor().update(power * np.float32(level))
    assert 10 * np.log10(found / level) == pytest.approx(0, abs=0.5)


def test_the_roll_off_at_the_edges_is_not_the_floor():
    power = plane()
    power *= np.float32(10) ** (-np.clip(np.abs(np.linspace(-1.2, 1.2, 256)) - 1, 0, 1) * 10).astype(np.float32)
    assert 10 * np.log10(NoiseFloor().update(power)) == pytest.approx(0, abs=0.5)


def test_a_drifting_floor_is_followed():
    floor = NoiseFloor(memory_rows=1024)
    for level_db in np.linspace(0, 10, 40):
        found = floor.update(plane() * np.float32(10 ** (level_db / 10)))
    assert 10 * np.log10(found) == pytest.approx(10, abs=2)


def test_silence_has_no_floor_and_no_division_by_it():
    silence = np.zeros((16, 64), np.float32)
    rows = next(db_rows([silence]))
    assert np.isfinite(rows).all()
    assert rows.max() < -100


def test_noise_is_0_db_on_average():
    power = plane(frames=8)
    assert 10 * np.log10(np.mean(10 ** (above_floor_db(power, 1.0) / 10))) == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_power_that_is_no_number_is_told(bad):
    power = plane(16)
    power[3, 4] = bad
    with pytest.raises(DataError, match=r"radio\.cf32: the power of its samples is NaN or infinite"):
        list(db_rows([power], name="radio.cf32"))


def test_the_picture_shows_the_stated_range():
    levels = np.array([[-100, -10, 15, 40, 100]], np.float32)
    assert to_picture(levels).tolist() == [[0, 0, 128, 255, 255]]
    assert to_picture(levels, DbRange(low_db=-10, high_db=100))[0, -1] == 255
    with pytest.raises(ConfigError, match="its low end must be below"):
        DbRange(low_db=3, high_db=3)
