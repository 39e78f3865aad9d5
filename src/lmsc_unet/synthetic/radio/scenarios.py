"""The eight scene templates of the RF signal dataset, measured on 109 of its files (100 M samples each), and ours.

A template draws the schedule of a whole file: time, frequency and bandwidth of each transmission. Frequencies are
shares of the sample rate. Transmissions never overlap in time and frequency.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from lmsc_unet.synthetic.radio.modulations import Random

FILE_SAMPLES = 100_000_000
COMMON = ("PSK2", "PSK4", "PSK8", "QAM16", "QAM64", "QAM256", "OFDM")
_NARROW = ("FSK2", "AM_DSB", "PSK2", "FM", "AM_SSB", "OOK", "GMSK")
_SMALL = ("KEYED", "KEYED", "KEYED", "FSK2_WIDE", "FSK2", "GMSK", "CHIRP", "OOK")
_CHANNELS = ("NFM", "NFM", "FM", "AM_DSB", "FSK4", "GMSK")
_KEYED = ("FSK4", "OOK", "FSK2", "GMSK", "PSK4", "PSK2", "FSK2")
_GUARD = 0.004
_TRIES = 400


@dataclass(frozen=True, kw_only=True)
class Transmission:
    """A scheduled signal with its time, frequency and bandwidth."""

    start: int
    """First sample, counted from the file's first."""
    stop: int
    """One past the last sample."""
    low: float
    """Lower edge as a share of the sample rate, -0.5 to 0.5."""
    high: float
    """Upper edge."""
    modulation: str
    """Its name in `MODULATIONS`."""

    @property
    def bandwidth(self) -> float:
        """Bandwidth as a share of the sample rate."""
        return self.high - self.low

    @property
    def area(self) -> float:
        """The share of a file's time-frequency plane that it fills."""
        return self.bandwidth * (self.stop - self.start) / FILE_SAMPLES


Plan = tuple[Transmission, ...]


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A kind of scene, with its frequency in the dataset."""

    share: float
    """Its share of the measured files; 0 if it is not in the dataset."""
    draw: Callable[[Random], Plan]
    """Draws the schedule of a file."""


def _whole_file(counts: int, widths: tuple[float, ...], odds: tuple[float, ...]) -> Callable[[Random], Plan]:
    """Signals through the whole file, side by side in frequency."""

    def draw(rng: Random) -> Plan:
        while True:
            chosen = [float(width) for width in rng.choice(widths, size=counts, p=odds)]
            free = 1 - sum(chosen) - (counts + 1) * _GUARD
            if free > 0:
                return _side_by_side(rng, chosen, free)

    return draw


def _side_by_side(rng: Random, widths: list[float], free: float) -> Plan:
    gaps = rng.dirichlet([1.0] * (len(widths) + 1)) * free
    low, plan = -0.5, []
    for width, gap in zip(widths, gaps[:-1], strict=True):
        low += _GUARD + gap
        modulation = _one_of(rng, COMMON)
        plan.append(Transmission(start=0, stop=FILE_SAMPLES, low=low, high=low + width, modulation=modulation))
        low += width
    return tuple(plan)


def _bursts(
    *, width: tuple[float, float], edge: float, length: tuple[int, int], gap: tuple[int, int], gap_power: float
) -> Callable[[Random], Plan]:
    """Short signals in sequence, each within +-`edge`."""

    def draw_one(rng: Random, start: int) -> Transmission:
        stop = start + int(rng.integers(*length))
        bandwidth = rng.uniform(*width)
        low = rng.uniform(-edge, edge - bandwidth)
        return Transmission(start=start, stop=stop, low=low, high=low + bandwidth, modulation=_one_of(rng, COMMON))

    return _one_after_another(draw_one, _between(*gap, gap_power))


def _telegrams(
    *,
    width: Callable[[Random], float],
    length: Callable[[Random], float],
    gap: Callable[[Random], float],
    modulations: tuple[str, ...],
) -> Callable[[Random], Plan]:
    """Telegrams of sensors and remote controls: short, narrow, keyed, in series of one kind."""

    def draw_one(rng: Random, start: int) -> Transmission:
        return _anywhere(rng, width(rng), int(length(rng)), _one_of(rng, modulations), start)

    def draw(rng: Random) -> Plan:
        kinds = [draw_one(rng, 0) for _ in range(3)]

        def again(rng: Random, start: int) -> Transmission:
            kind = kinds[int(rng.integers(len(kinds)))]
            return replace(kind, start=start, stop=start + kind.stop) if rng.random() < 0.7 else draw_one(rng, start)

        return _one_after_another(again, gap)(rng)

    return draw


def _hops(rng: Random) -> Plan:
    """Short bursts of one transmitter that changes its channel after each."""
    width, length = _log_between(0.004, 0.08)(rng), int(_log_between(4_000, 200_000)(rng))
    spacing = max(width * rng.uniform(1, 2), 2 / 256)
    channels = np.arange(-0.49, 0.49 - width, spacing)
    modulation, gap = _one_of(rng, ("GMSK", "FSK2", "PSK4", "OFDM")), _between(0.02 * length, 3 * length)

    def draw_one(rng: Random, start: int) -> Transmission:
        low = float(channels[int(rng.integers(len(channels)))])
        return Transmission(start=start, stop=start + length, low=low, high=low + width, modulation=modulation)

    return _one_after_another(draw_one, gap)(rng)


def _one_after_another(
    draw_one: Callable[[Random, int], Transmission], gap: Callable[[Random], float]
) -> Callable[[Random], Plan]:
    """Signals in sequence from a given start, with gaps between."""

    def draw(rng: Random) -> Plan:
        plan: list[Transmission] = []
        start = int(gap(rng))
        while True:
            one = draw_one(rng, start)
            if one.stop > FILE_SAMPLES:
                return tuple(plan)
            plan.append(one)
            start = one.stop + int(gap(rng))

    return draw


def _scattered(
    *,
    count: tuple[int, int],
    width: Callable[[Random], float],
    length: Callable[[Random], float],
    at_once: int,
    modulations: tuple[str, ...],
) -> Callable[[Random], Plan]:
    """Signals at random places without overlap; those without room are drawn again."""

    def draw(rng: Random) -> Plan:
        plan: list[Transmission] = []
        wanted = int(rng.integers(count[0], count[1] + 1))
        for _ in range(_TRIES):
            if len(plan) == wanted:
                break
            one = _anywhere(rng, width(rng), int(length(rng)), _one_of(rng, modulations))
            if _has_room(one, plan, at_once):
                plan.append(one)
        return tuple(sorted(plan, key=lambda emission: emission.start))

    return draw


def _one_of(rng: Random, names: tuple[str, ...]) -> str:
    return names[int(rng.integers(len(names)))]


def _anywhere(rng: Random, bandwidth: float, length: int, modulation: str, start: int | None = None) -> Transmission:
    start = int(rng.integers(FILE_SAMPLES - length)) if start is None else start
    low = rng.uniform(-0.5, 0.5 - bandwidth)
    return Transmission(start=start, stop=start + length, low=low, high=low + bandwidth, modulation=modulation)


def _has_room(one: Transmission, plan: list[Transmission], at_once: int) -> bool:
    meanwhile = [other for other in plan if one.start < other.stop and other.start < one.stop]
    guard = min(_GUARD, one.bandwidth)
    is_free = all(one.low > other.high + guard or other.low > one.high + guard for other in meanwhile)
    return is_free and len(meanwhile) < at_once


def _between(low: float, high: float, power: float = 1.0) -> Callable[[Random], float]:
    """Draws between two numbers: uniformly, or nearer the low one with a power above 1."""
    return lambda rng: float(low + (high - low) * rng.random() ** power)


def _log_between(low: float, high: float) -> Callable[[Random], float]:
    return lambda rng: float(low * (high / low) ** rng.random())


def _log_normal(middle: float, spread: float, low: float, high: float) -> Callable[[Random], float]:
    return lambda rng: float(min(high, max(low, rng.lognormal(0, spread) * middle)))


TEMPLATES: Mapping[int, Scenario] = MappingProxyType(
    {
        2: Scenario(share=0.06, draw=_whole_file(4, (0.048, 0.096, 0.192), (0.37, 0.36, 0.27))),
        3: Scenario(share=0.06, draw=_whole_file(2, (0.048, 0.096, 0.192, 0.384), (0.22, 0.24, 0.27, 0.27))),
        8: Scenario(share=0.07, draw=_whole_file(1, (0.048, 0.096, 0.192), (0.34, 0.33, 0.33))),
        10: Scenario(
            share=0.07,
            draw=_scattered(
                count=(3, 8), width=_log_normal(0.008, 1.0, 0.0005, 0.121), length=_log_between(3e6, 87e6), at_once=7,
                modulations=_NARROW,
            ),
        ),
        12: Scenario(
            share=0.06,
            draw=_scattered(
                count=(1, 1), width=_between(0.20, 0.99, 1.4), length=_between(21e6, 65e6), at_once=1,
                modulations=COMMON,
            ),
        ),
        13: Scenario(
            share=0.07,
            draw=_scattered(
                count=(4, 8), width=_between(0.016, 0.998, 0.8), length=_between(3e6, 29e6), at_once=2,
                modulations=_KEYED,
            ),
        ),
        15: Scenario(
            share=0.25,
            draw=_bursts(
                width=(0.05, 0.5), edge=0.25, length=(4_000, 100_000),
                gap=(12_000, 1_080_000), gap_power=1.12,
            ),
        ),
        16: Scenario(
            share=0.34,
            draw=_bursts(
                width=(0.05, 0.75), edge=0.375, length=(30_000, 100_000),
                gap=(11_000, 1_090_000), gap_power=1.15,
            ),
        ),
        20: Scenario(
            share=0.0,
            draw=_telegrams(
                width=_log_between(0.01, 0.2), length=_log_between(2_000, 100_000), gap=_log_between(2_000, 1_000_000),
                modulations=_KEYED,
            ),
        ),
        21: Scenario(
            share=0.0,
            draw=_telegrams(
                width=_log_between(0.01, 0.35), length=_log_between(4_000, 400_000),
                gap=_log_between(2_000, 1_000_000), modulations=_SMALL,
            ),
        ),
        22: Scenario(share=0.0, draw=_hops),
        23: Scenario(
            share=0.0,
            draw=_scattered(
                count=(2, 9), width=_log_between(0.006, 0.06), length=_log_between(1e6, 90e6), at_once=9,
                modulations=_CHANNELS,
            ),
        ),
        24: Scenario(share=0.0, draw=lambda _: ()),
    }
)  # fmt: skip
"""Every template by its number in the dataset's file names. Ours are 20 and 21 (telegrams), 22 (frequency hopping), 23
(narrow channels) and 24 (noise alone)."""
MEASURED_TEMPLATES = tuple(number for number, template in TEMPLATES.items() if template.share)
"""The dataset's eight templates."""
