"""How samples become rows and rows become pictures: settings only, so that a model's spec can carry them."""

from dataclasses import dataclass, field
from typing import Literal, get_args

from lmsc_unet.core.ranges import check_range
from lmsc_unet.errors import ConfigError

SETTINGS_FILE = "spectrogram.yaml"
"""The file in a folder of spectrograms that says how they were made."""
MOST_NFFT, MOST_FRAMES_PER_ROW = 2**16, 2**20
Window = Literal["hann", "blackman", "rectangular"]


@dataclass(frozen=True, kw_only=True)
class Stft:
    """How samples become rows: frames of `nfft` samples, windowed, transformed, their powers averaged."""

    nfft: int = 256
    """Samples of a frame; complex samples give as many columns, real ones half as many."""
    hop: int = 256
    """Samples from one frame to the next; under `nfft` the frames overlap."""
    window: Window = "hann"
    """The weights of a frame's samples (periodic form)."""
    frames_per_row: int = 1
    """Frames whose powers are averaged into one row: 1 spans 65,536 samples with 256 rows, 64 spans 4 M."""

    def __post_init__(self) -> None:
        if not 8 <= self.nfft <= MOST_NFFT or self.nfft % 2:
            raise ConfigError(f"nfft is {self.nfft}; it must be even and at least 8 and at most {MOST_NFFT}.")
        if not 1 <= self.hop <= self.nfft:
            raise ConfigError(
                f"hop is {self.hop}; it must be from 1 to nfft ({self.nfft}), or samples are passed over."
            )
        if self.window not in get_args(Window):
            raise ConfigError(f"window is {self.window!r}; it must be one of {', '.join(get_args(Window))}.")
        check_range(self, 1, MOST_FRAMES_PER_ROW, "frames_per_row")

    @property
    def row_samples(self) -> int:
        """Samples from one row to the next."""
        return self.hop * self.frames_per_row

    def num_rows(self, num_samples: int) -> int:
        """Rows that so many samples give: the last one averages the frames it has, and there is always one."""
        num_frames = max(1, (num_samples - self.nfft) // self.hop + 1)
        return -(-num_frames // self.frames_per_row)


@dataclass(frozen=True, kw_only=True)
class DbRange:
    """The levels that a picture shows, in dB above the noise floor; what lies outside is clipped."""

    low_db: float = -10.0
    """Shown as 0."""
    high_db: float = 40.0
    """Shown as 255."""

    def __post_init__(self) -> None:
        check_range(self, -1000, 1000, "low_db", "high_db")
        if not self.low_db < self.high_db:
            raise ConfigError(
                f"The range is {self.low_db} to {self.high_db} dB; its low end must lie under its high end."
            )


@dataclass(frozen=True, kw_only=True)
class SpectrogramSettings:
    """How samples become the grey pictures that a network sees."""

    stft: Stft = field(default_factory=Stft)
    """How samples become rows."""
    shown: DbRange = field(default_factory=DbRange)
    """Which levels are black and white."""
