"""A scene: a section of a file's schedule, with noise and exact boxes. Everything follows from the seed."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.core.ranges import MOST_SEED, check_range
from lmsc_unet.errors import ConfigError
from lmsc_unet.signals.boxes import SignalBox
from lmsc_unet.synthetic.radio.baseband import baseband, mix, ramp_ends
from lmsc_unet.synthetic.radio.impairments import NONE, Impairments, add_echoes, add_skirts, add_spurs, receive
from lmsc_unet.synthetic.radio.modulations import Random
from lmsc_unet.synthetic.radio.scenarios import FILE_SAMPLES, MEASURED_TEMPLATES, TEMPLATES, Transmission

PICTURE_SAMPLES = 256 * 256
_SCALES = (1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True, kw_only=True)
class SceneOptions:
    """Settings of the scenes."""

    seed: int = 0
    """Source of all randomness; scene `k` of a seed is always the same, on any number of processes."""
    mixture: Literal["even", "measured", "broad"] = "even"
    """`even`: equal numbers of the dataset's templates; `measured`: its frequencies; `broad`: equal numbers of all
    templates, including ours, to train models for other radios."""
    samples: int | None = None
    """Samples per scene; None draws 65,536 times 1, 2, 4, ... or 64."""
    sample_rate_hz: float = 1.0
    """Samples per second; the dataset's rate is normalised to 1."""
    snr_low_db: float = -5.0
    """The lowest signal-to-noise ratio, in the signal's own band."""
    snr_high_db: float = 30.0
    """The highest, except for near transmitters (`Impairments.near_db`)."""
    impairments: Impairments = field(default=NONE)
    """Impairments of transmitters, channel and receiver."""

    def __post_init__(self) -> None:
        check_range(self, 0, MOST_SEED, "seed")
        if self.samples is not None and not 256 <= self.samples <= FILE_SAMPLES:
            raise ConfigError(f"samples is {self.samples}; it must be 256 to {FILE_SAMPLES}.")
        check_range(self, -100, 200, "snr_low_db", "snr_high_db")
        check_range(self, 0, 1e12, "sample_rate_hz", above=True)
        if self.mixture not in ("even", "measured", "broad"):
            raise ConfigError(f"mixture is {self.mixture!r}; it must be even, measured or broad.")
        if not self.snr_low_db <= self.snr_high_db:
            raise ConfigError(f"The SNR goes from {self.snr_low_db} to {self.snr_high_db} dB; the lower comes first.")


@dataclass(frozen=True, kw_only=True)
class Scene:
    """The transmissions of a section, before any sample is computed."""

    index: int
    """Its number in the set."""
    template: int
    """The template of its schedule."""
    num_samples: int
    """Samples of the section."""
    first_sample: int
    """Start of the section in the schedule's file."""
    emissions: tuple[Transmission, ...]
    """The transmissions in the section, as scheduled."""
    snrs_db: tuple[float, ...]
    """Each signal's SNR in its own band."""
    options: SceneOptions
    """The settings that it was drawn from."""

    @property
    def boxes(self) -> list[SignalBox]:
        """The signals' exact boxes, in samples of the section."""
        rate_hz = self.options.sample_rate_hz
        return [
            SignalBox(
                start_sample=max(0, one.start - self.first_sample),
                stop_sample=min(self.num_samples, one.stop - self.first_sample),
                low_hz=one.low * rate_hz,
                high_hz=one.high * rate_hz,
                label=one.modulation,
                snr_db=snr_db,
            )
            for one, snr_db in zip(self.emissions, self.snrs_db, strict=True)
        ]

    @property
    def foreground_share(self) -> float:
        """The share of the section's plane that its boxes fill."""
        rate_hz = self.options.sample_rate_hz
        return sum(box.num_samples * box.bandwidth_hz for box in self.boxes) / (self.num_samples * rate_hz)


def draw_scene(index: int, options: SceneOptions) -> Scene:
    """Draws scene `index` of a set, at almost no cost."""
    rng = _random(options, index, "plan")
    template = _template(index, options, rng)
    num_samples = options.samples or PICTURE_SAMPLES * int(rng.choice(_SCALES))
    first = int(rng.integers(FILE_SAMPLES - num_samples + 1))
    plan = TEMPLATES[template].draw(rng)
    touched = tuple(one for one in plan if one.start < first + num_samples and one.stop > first)
    snrs_db = rng.uniform(options.snr_low_db, options.snr_high_db, size=len(touched))
    nearer_db = max(0.0, rng.uniform(-1, 1)) * options.impairments.near_db
    return Scene(
        index=index,
        template=template,
        num_samples=num_samples,
        first_sample=first,
        emissions=touched,
        snrs_db=tuple(float(snr + nearer_db) for snr in snrs_db),
        options=options,
    )


def render(scene: Scene) -> NDArray[np.complex64]:
    """Computes the scene's samples; the noise has power 1 before the receiver."""
    rng = _random(scene.options, scene.index, "samples")
    samples = rng.standard_normal(2 * scene.num_samples, dtype=np.float32).view(np.complex64)
    samples *= np.float32(np.sqrt(0.5))
    for one, snr_db in zip(scene.emissions, scene.snrs_db, strict=True):
        _send(samples, one, snr_db, scene, rng)
    sent = [(one.start - scene.first_sample, one.stop - scene.first_sample) for one in scene.emissions]
    return receive(samples, rng, scene.options.impairments, sent)


def _send(samples: NDArray[np.complex64], one: Transmission, snr_db: float, scene: Scene, rng: Random) -> None:
    """Adds the part of a transmission inside the section."""
    start, stop = one.start - scene.first_sample, one.stop - scene.first_sample
    inside = slice(max(0, start), min(scene.num_samples, stop))
    sent = baseband(one.modulation, rng, num_samples=inside.stop - inside.start, bandwidth=one.bandwidth)
    wrong = scene.options.impairments
    sent = add_skirts(sent, rng, wrong.skirts, one.bandwidth)
    sent = add_spurs(sent, rng, wrong.spurs)
    sent = add_echoes(sent, rng, wrong.multipath, one.bandwidth)
    ramp_ends(sent, int(2 / one.bandwidth), at_start=start >= 0, at_end=stop <= scene.num_samples)
    amplitude = np.float32(np.sqrt(one.bandwidth * 10 ** (snr_db / 10)))
    samples[inside] += mix(sent, (one.low + one.high) / 2) * amplitude


def _template(index: int, options: SceneOptions, rng: Random) -> int:
    if options.mixture != "measured":
        numbers = MEASURED_TEMPLATES if options.mixture == "even" else tuple(TEMPLATES)
        return numbers[index % len(numbers)]
    shares = np.array([TEMPLATES[number].share for number in MEASURED_TEMPLATES])
    return int(rng.choice(MEASURED_TEMPLATES, p=shares / shares.sum()))


def _random(options: SceneOptions, index: int, purpose: str) -> Random:
    """An independent random generator for each scene and purpose."""
    return np.random.default_rng([options.seed, index, int.from_bytes(purpose.encode(), "little")])
