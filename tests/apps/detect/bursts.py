"""Recordings with bursts in known places, and networks that find them."""

from pathlib import Path

from lmsc_unet.inference.spec import ModelSpec
from lmsc_unet.signals.settings import DbRange, SpectrogramSettings, Stft
from tests.inference.networks import brightness, spec
from tests.signals.sigmf_files import metadata, noise, write_pair
from tests.signals.test_finding import send

RATE_HZ = 1e6
BURSTS = [(20_000, 60_000, 0.1, 0.2), (80_000, 130_000, -0.3, -0.2)]
"""First sample, the sample behind the last, and edges as shares of the sample rate."""


def bursts(num_samples=1 << 17, *, snr_db=30):
    """Noise with two bursts."""
    samples = noise(num_samples)
    for start, stop, low, high in BURSTS:
        send(samples, start, stop, low, high, snr_db)
    return samples


def write_bursts(folder: Path, name="one", **fields) -> Path:
    """The bursts as a SigMF recording at 868 MHz."""
    captures = [{"core:sample_start": 0, "core:frequency": 868e6}]
    return write_pair(folder, metadata(rate_hz=RATE_HZ, captures=captures, **fields), bursts(), name=name)


def recordings_spec(**changes) -> ModelSpec:
    """A model of recordings that shows 0 to 40 dB."""
    shown = SpectrogramSettings(stft=Stft(), shown=DbRange(low_db=0.0, high_db=40.0))
    return spec(**({"spectrogram": shown, "input_channels": 1, "class_names": ("noise", "burst")} | changes))


def load_bright_cells(_path, _runtime):
    """Calls cells above 20 dB bursts."""
    return brightness, recordings_spec(mean=(0.5,), std=(1.0,))


def load_of_images(_path, _runtime):
    """A model of images."""
    return brightness, spec()
