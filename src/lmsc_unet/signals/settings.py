"""How samples become spectrograms and images: settings only, stored in a model's spec."""

from dataclasses import dataclass, field
from typing import Literal, get_args

from lmsc_unet.core.ranges import check_range
from lmsc_unet.errors import ConfigError

SETTINGS_FILE = "spectrogram.yaml"
"""The file in a folder of spectrograms that records these settings."""
MOST_NFFT, MOST_FRAMES_PER_ROW = 2**16, 2**20
Window = Literal["hann", "blackman", "rectangular"]


@dataclass(frozen=True, kw_only=True)
class Stft:
    """The transform of samples to rows: windowed frames of `nfft` samples, whose powers are averaged."""

    nfft: int = 256
    """Samples per frame; complex samples give as many columns, real ones half as many."""
    hop: int = 256
    """Samples between frame starts; frames overlap if it is less than `nfft`."""
    window: Window = "hann"
    """Window function of a frame (periodic form)."""
    frames_per_row: int = 1
    """Frames averaged per row: with 256 rows, 1 spans 65,536 samples and 64 spans 4 M."""

    def __post_init__(self) -> None:
        if not 8 <= self.nfft <= MOST_NFFT or self.nfft % 2:
            raise ConfigError(f"nfft is {self.nfft}; it must be even and at least 8 and at most {MOST_NFFT}.")
        if not 1 <= self.hop <= self.nfft:
            raise ConfigError(f"hop is {self.hop}; it must be from 1 to nfft ({self.nfft}), or samples are skipped.")
        if self.window not in get_args(Window):
            raise ConfigError(f"window is {self.window!r}; it must be one of {', '.join(get_args(Window))}.")
        check_range(self, 1, MOST_FRAMES_PER_ROW, "frames_per_row")

    @property
    def row_samples(self) -> int:
        """Samples between row starts."""
        return self.hop * self.frames_per_row

    def num_rows(self, num_samples: int) -> int:
        """The number of rows for so many samples, at least one; the last one may average fewer frames."""
        num_frames = max(1, (num_samples - self.nfft) // self.hop + 1)
        return -(-num_frames // self.frames_per_row)


@dataclass(frozen=True, kw_only=True)
class DbRange:
    """The displayed levels, in dB above the noise floor; others are clipped."""

    low_db: float = -10.0
    """Level displayed as 0."""
    high_db: float = 40.0
    """Level displayed as 255."""

    def __post_init__(self) -> None:
        check_range(self, -1000, 1000, "low_db", "high_db")
        if not self.low_db < self.high_db:
            raise ConfigError(
                f"The range is {self.low_db} to {self.high_db} dB; its low end must be below its high end."
            )


@dataclass(frozen=True, kw_only=True)
class SpectrogramSettings:
    """How samples become the grey images that a network takes."""

    stft: Stft = field(default_factory=Stft)
    """The transform of samples to rows."""
    shown: DbRange = field(default_factory=DbRange)
    """The levels displayed as black and white."""
