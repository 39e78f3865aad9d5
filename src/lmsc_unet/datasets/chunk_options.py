"""A piece of a recording as a sample: which rows of its spectrogram, and what its labels become. Settings only."""

from dataclasses import dataclass, field
from pathlib import Path

from lmsc_unet.core.ranges import MOST_SEED, check_range
from lmsc_unet.signals.settings import MOST_FRAMES_PER_ROW, SpectrogramSettings

SIGNAL_NAMES = ("noise", "signal")
"""The classes where labels are not told apart."""


@dataclass(frozen=True, kw_only=True)
class PieceOptions:
    """How recordings become the pictures that a network is trained on."""

    spectrogram: SpectrogramSettings = field(default_factory=SpectrogramSettings)
    """The transform, and the levels that are black and white."""
    scales: tuple[int, ...] = ()
    """Frames averaged per row, each for all recordings; none shows a recording in one picture, up to 64 frames."""
    rows: int = 256
    """The most rows of a piece."""
    by_label: bool = False
    """A class for each label of the annotations; otherwise noise and signal."""
    split_seed: int = 19
    """Of the split 70/15/15 by recording, where neither folders nor a split file say the parts."""

    def __post_init__(self) -> None:
        check_range(self, 8, 65_536, "rows", prefix="recordings.")
        check_range(self, 1, MOST_FRAMES_PER_ROW, "scales", prefix="recordings.")
        check_range(self, 0, MOST_SEED, "split_seed", prefix="recordings.")


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Rows of the spectrogram of one capture of a recording."""

    recording: Path
    """The file that opens it."""
    capture: int
    """Which of its captures, from 0."""
    first_row: int
    """Counted from the capture's first."""
    num_rows: int
    """How many there are."""
    spectrogram: SpectrogramSettings
    """How they are made, and drawn."""
    class_names: tuple[str, ...] = SIGNAL_NAMES
    """With two classes every annotation is of the second; with more, of the one that its label names."""
