"""Draws the pictures of docs/how-to/signals.md; matplotlib comes with the extra `train`."""

from pathlib import Path

import cv2
import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

from lmsc_unet.signals.boxes import boxes_xyxy_px
from lmsc_unet.synthetic.radio.baseband import baseband
from lmsc_unet.synthetic.radio.impairments import CHEAP_RADIO
from lmsc_unet.synthetic.radio.modulations import MODULATIONS, fast_length, root_raised_cosine
from lmsc_unet.synthetic.radio.scenarios import MEASURED_TEMPLATES
from lmsc_unet.synthetic.radio.scene import Scene, SceneOptions, draw_scene
from lmsc_unet.synthetic.radio.writer import picture_and_mask, picture_grid

FOLDER = Path(__file__).parent
NUM_SAMPLES, BANDWIDTH, SEED = 1 << 16, 0.2, 5
ANGLE = ("FSK2", "FSK4", "GMSK", "FM")
LINEAR = ("PSK2", "PSK4", "PSK8", "QAM16", "QAM64", "QAM256", "OOK")


def main() -> None:
    """Draws the three pictures beside this file."""
    draw_modulations(FOLDER / "modulations.png")
    draw_scenes(FOLDER / "scenes.jpg", SceneOptions(seed=7))
    draw_scenes(FOLDER / "scenes-cheap-receiver.jpg", SceneOptions(seed=7, impairments=CHEAP_RADIO))


def draw_modulations(path: Path) -> None:
    """For each modulation its spectrum with the box's edges, and what makes it out."""
    figure, axes = plt.subplots(7, 4, figsize=(11, 14), layout="constrained")
    for (left, right), name in zip(axes.reshape(-1, 2), MODULATIONS, strict=True):
        rng = np.random.default_rng(SEED)
        samples = baseband(name, rng, num_samples=NUM_SAMPLES, bandwidth=BANDWIDTH)
        draw_spectrum(left, samples, name)
        draw_character(right, samples, name)
    figure.savefig(path, dpi=65)


def draw_spectrum(axis: plt.Axes, samples: NDArray[np.complex64], name: str) -> None:
    """The mean power of the frequencies, with the edges of the box that was asked for."""
    frames = samples.reshape(-1, 1024) * np.hanning(1024)
    power = np.mean(np.abs(np.fft.fftshift(np.fft.fft(frames), axes=1)) ** 2, axis=0)
    axis.plot(np.linspace(-0.5, 0.5, 1024, endpoint=False), 10 * np.log10(power / power.max()), linewidth=0.8)
    for edge in (-BANDWIDTH / 2, BANDWIDTH / 2):
        axis.axvline(edge, color="red", linewidth=0.8)
    axis.set(title=f"{name}: spectrum (dB) and box", ylim=(-60, 3), xlim=(-0.25, 0.25))


def draw_character(axis: plt.Axes, samples: NDArray[np.complex64], name: str) -> None:
    """Symbols behind a matched filter, the frequency in time, or the envelope in time."""
    if name in LINEAR:
        points = symbols(samples)
        axis.plot(points.real, points.imag, ".", markersize=1.5)
        axis.set(title="symbols, matched filter", aspect="equal", xlim=(-1.8, 1.8), ylim=(-1.8, 1.8))
    elif name in ANGLE:
        turned = np.angle(samples[1:] * np.conj(samples[:-1])) / (2 * np.pi)
        axis.plot(turned[2000:2400], linewidth=0.8)
        axis.set(title="frequency in time", ylim=(-0.1, 0.1))
    else:
        axis.plot(samples.real[2000:2400], linewidth=0.8, label="I")
        axis.plot(samples.imag[2000:2400], linewidth=0.8, label="Q")
        axis.set(title="I and Q in time")


def symbols(samples: NDArray[np.complex64]) -> NDArray[np.complex128]:
    """What a receiver that knows the roll-off and the symbol rate gets; both follow from the seed."""
    rolloff = np.random.default_rng(SEED).uniform(0.15, 0.5)
    count = fast_length(int((int(1.02 * NUM_SAMPLES * BANDWIDTH) + 1) / (1 + rolloff)) + 1)
    period = fast_length(max(NUM_SAMPLES, round((2 * int((1 + rolloff) / 2 * count) + 1) / BANDWIDTH)))
    response = root_raised_cosine(np.fft.fftfreq(len(samples)) * period / count, rolloff)
    received = np.fft.ifft(np.fft.fft(samples) * response)
    at = np.arange(200, 2700) * period / count
    taken = np.interp(at, np.arange(len(samples)), received.real) + 1j * np.interp(
        at, np.arange(len(samples)), received.imag
    )
    return np.asarray(taken / np.sqrt(np.mean(np.abs(taken) ** 2)))


def draw_scenes(path: Path, options: SceneOptions) -> None:
    """A scene of each of the dataset's templates with its boxes, and its mask below."""
    tiles = [np.vstack(tile(first_with_signals(position, options))) for position in range(len(MEASURED_TEMPLATES))]
    cv2.imwrite(str(path), np.vstack([np.hstack(tiles[:4]), np.hstack(tiles[4:])]), [cv2.IMWRITE_JPEG_QUALITY, 70])


def first_with_signals(position: int, options: SceneOptions) -> Scene:
    """The first scene of a template that is not empty."""
    drawn = (draw_scene(index, options) for index in range(position, 8000, len(MEASURED_TEMPLATES)))
    return next(scene for scene in drawn if scene.emissions)


def tile(scene: Scene) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A scene with its boxes, and its mask."""
    picture, mask = picture_and_mask(scene)
    shown = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    for left, top, right, bottom in boxes_xyxy_px(scene.boxes, picture_grid(scene)):
        cv2.rectangle(shown, (int(left), int(top)), (int(right), int(bottom)), (0, 0, 255), 1)
    cv2.putText(shown, f"template {scene.template}", (4, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (0, 255, 255), 1)
    return shown, cv2.cvtColor(mask * np.uint8(255), cv2.COLOR_GRAY2BGR)


if __name__ == "__main__":
    main()
