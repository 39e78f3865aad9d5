"""Statistics of generated schedules beside those of the dataset."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from lmsc_unet.synthetic.radio.scenarios import TEMPLATES
from lmsc_unet.synthetic.radio.scene import Scene, SceneOptions


@dataclass(frozen=True, kw_only=True)
class TemplateStatistics:
    """Statistics of a template's files."""

    signals: tuple[int, int]
    """Least and most signals per file."""
    bandwidth: tuple[float, float]
    """Narrowest and widest signal, as shares of the sample rate."""
    length: tuple[int, int]
    """Shortest and longest signal in samples, in a file of 100 M."""
    at_once: int
    """Most simultaneous signals."""
    occupied: float
    """The mean share of the plane that signals fill."""


MEASURED: Mapping[int, TemplateStatistics] = MappingProxyType(
    {
        number: TemplateStatistics(
            signals=signals, bandwidth=bandwidth, length=length, at_once=at_once, occupied=occupied
        )
        for number, signals, bandwidth, length, at_once, occupied in (
            (2, (4, 4), (0.048, 0.192), (100_000_000, 100_000_000), 4, 0.41),
            (3, (2, 2), (0.048, 0.384), (100_000_000, 100_000_000), 2, 0.38),
            (8, (1, 1), (0.048, 0.192), (100_000_000, 100_000_000), 1, 0.11),
            (10, (3, 8), (0.0005, 0.121), (3_000_000, 87_000_000), 7, 0.017),
            (12, (1, 1), (0.20, 0.99), (21_000_000, 65_000_000), 1, 0.23),
            (13, (4, 8), (0.016, 0.998), (3_000_000, 29_000_000), 2, 0.39),
            (15, (164, 191), (0.05, 0.50), (4_000, 100_000), 1, 0.025),
            (16, (160, 189), (0.05, 0.75), (30_000, 100_000), 1, 0.045),
        )
    }
)
"""The dataset's templates, measured on 109 of its training files."""


def foreground_share(scenes: Sequence[Scene]) -> float:
    """The share of the plane that signals fill, averaged over pictures."""
    return float(np.mean([scene.foreground_share for scene in scenes])) if scenes else 0.0


def expected_share(options: SceneOptions) -> float:
    """The expected share of a mixture's templates; for `broad`, of the eight measured ones."""
    weights = [TEMPLATES[number].share if options.mixture == "measured" else 1.0 for number in MEASURED]
    return float(np.average([one.occupied for one in MEASURED.values()], weights=weights))
