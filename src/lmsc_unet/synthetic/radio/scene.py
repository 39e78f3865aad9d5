"""A scene: a piece cut from the plan of a file, with its noise and exact boxes. Everything follows from the seed."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.core.ranges import MOST_SEED, check_range
from lmsc_unet.errors import ConfigError
from lmsc_unet.signals.boxes import SignalBox
from lmsc_unet.synthetic.radio.impairments import NONE, Impairments, add_echoes, add_skirts, add_spurs, receive
from lmsc_unet.synthetic.radio.modulations import Random, baseband, mix, ramp_ends
from lmsc_unet.synthetic.radio.scenarios import FILE_SAMPLES, MEASURED_TEMPLATES, TEMPLATES, Transmission

PICTURE_SAMPLES = 256 * 256
_SCALES = (1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True, kw_only=True)
class SceneOptions:
    """What scenes are drawn from."""

    seed: int = 0
    """Where all randomness comes from; scene `k` of a seed is the same in any run and on any number of processes."""
    mixture: Literal["even", "measured", "broad"] = "even"
    """`even`: as many scenes of each of the dataset's templates; `measured`: as often as it has them; `broad`: as many
    of each template, ours of short telegrams included, to train what is used on other radios."""
    samples: int | None = None
    """Samples of a scene; None draws 65,536 times 1, 2, 4, ... or 64."""
    sample_rate_hz: float = 1.0
    """Samples a second; the dataset's is normalised to 1."""
    snr_low_db: float = -5.0
    """The lowest signal-to-noise ratio, in the signal's own band."""
    snr_high_db: float = 30.0
    """The highest, but for transmitters that are near (`Impairments.near_db`)."""
    impairments: Impairments = field(default=NONE)
    """What transmitters, the air and the receiver do to the signals."""

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
    """What is sent in a piece, before any sample is made."""

    index: int
    """Its number in the set."""
    template: int
    """The template that its plan is of."""
    num_samples: int
    """Samples of the piece."""
    first_sample: int
    """Where the piece begins in the plan's file."""
    emissions: tuple[Transmission, ...]
    """The signals that the piece touches, as planned."""
    snrs_db: tuple[float, ...]
    """Each signal's power over the noise's in its own band."""
    options: SceneOptions
    """What it was drawn from."""

    @property
    def boxes(self) -> list[SignalBox]:
        """The signals' exact boxes, in samples of the piece."""
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
        """The share of the piece's plane that its boxes fill."""
        rate_hz = self.options.sample_rate_hz
        return sum(box.num_samples * box.bandwidth_hz for box in self.boxes) / (self.num_samples * rate_hz)


def draw_scene(index: int, options: SceneOptions) -> Scene:
    """Draws scene `index` of a set; costs next to nothing."""
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
    """The scene's samples; the noise has power 1 before the receiver."""
    rng = _random(scene.options, scene.index, "samples")
    samples = rng.standard_normal(2 * scene.num_samples, dtype=np.float32).view(np.complex64)
    samples *= np.float32(np.sqrt(0.5))
    for one, snr_db in zip(scene.emissions, scene.snrs_db, strict=True):
        _send(samples, one, snr_db, scene, rng)
    sent = [(one.start - scene.first_sample, one.stop - scene.first_sample) for one in scene.emissions]
    return receive(samples, rng, scene.options.impairments, sent)


def _send(samples: NDArray[np.complex64], one: Transmission, snr_db: float, scene: Scene, rng: Random) -> None:
    """Adds the part of an emission that falls into the piece."""
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
    """Randomness of its own for each scene and purpose."""
    return np.random.default_rng([options.seed, index, int.from_bytes(purpose.encode(), "little")])
