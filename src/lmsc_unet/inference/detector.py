"""Detectors for recordings: the energy detector, or a network with the spectrogram of its training."""

import os
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.core.storage import sha256
from lmsc_unet.errors import ConfigError, ModelError
from lmsc_unet.inference.backends import usual_backend
from lmsc_unet.inference.bundled import SIGNALS, bundled_models
from lmsc_unet.inference.loading import find_file, load
from lmsc_unet.inference.outputs import Network
from lmsc_unet.inference.predictor import Predictor
from lmsc_unet.inference.runtime import Runtime
from lmsc_unet.inference.sliding_window import round_up
from lmsc_unet.inference.spec import ModelSpec
from lmsc_unet.signals.boxes import SignalBox
from lmsc_unet.signals.detection import EnergyMask, Grouping, Masker
from lmsc_unet.signals.detection.survey import BASE_FRAMES, frames_by_rate, frames_of
from lmsc_unet.signals.noise import to_picture
from lmsc_unet.signals.recording import Recording
from lmsc_unet.signals.settings import DbRange, SpectrogramSettings, Stft

_TILE_PX = 2048  # more than a block with its halo


@dataclass(frozen=True, kw_only=True, eq=False)
class NetworkMask:
    """Draws rows as the images of the network's training and segments them at native scale.

    The halo is the network's margin on its pooling grid, so that masks do not depend on where blocks are cut.
    """

    predictor: Predictor
    """The network and its spec."""
    shown: DbRange
    """The levels shown as black and white."""
    halo_rows: int
    """Rows above and below that affect a row's mask."""
    sure: float = 0.9
    """The least probability of a cell from which a region may start."""

    def __call__(self, rows_db: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Class ids "T F" of rows "T F" in dB above the noise floor, and the probability of each cell's class."""
        found = self.predictor.predict(to_picture(rows_db, self.shown))
        of_class = np.take_along_axis(found.probability, found.mask[np.newaxis].astype(np.intp), axis=0)
        return found.mask, of_class[0]


def make_masker(network: Network, spec: ModelSpec) -> NetworkMask:
    """Prepares a network that was trained on spectrograms.

    Raises:
        ModelError: the network was trained on images.
    """
    settings = settings_of(spec)
    native = replace(spec, treatment="tiles", score_at="mask")
    tile_px = max(_TILE_PX, round_up(4 * spec.margin_px, spec.side_multiple_px))
    return NetworkMask(
        predictor=Predictor(network, native, tile_px=tile_px, batch=1),
        shown=settings.shown,
        halo_rows=round_up(spec.margin_px, spec.side_multiple_px),
    )


def settings_of(spec: ModelSpec) -> SpectrogramSettings:
    """The spectrogram settings of the model's training.

    Raises:
        ModelError: the model was trained on images.
    """
    if spec.spectrogram is None:
        raise ModelError(
            f"{spec.name} was trained on images, not on recordings, so it does not say how samples become its "
            "pictures. Train one by `lmsc train` on a folder of SigMF recordings or of `lmsc scenes`."
        )
    return spec.spectrogram


_BLOCK_ROWS = 896  # the halo costs 1/14 of the computation, 1/4 with 256 rows; two blocks of 1024 rows take 430 MB
_BLOCK_CELLS = _BLOCK_ROWS * 256
MIN_CONFIDENCE = 0.75
"""For a network's boxes; chosen by F1 on generated scenes of cheap and of clean receivers (docs/log.md)."""
NFFTS = range(256, 4097)
"""Samples per frame that a model accepts instead of its own."""
ENERGY = "energy"
"""The name of the classical detector, which needs no model."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SignalDetector:
    """A detector of signals and its spectrogram."""

    masker: Masker
    """Makes masks from rows."""
    stft: Stft
    """Makes rows from samples."""
    chooses_rows: bool = False
    """Whether the frames averaged per row are chosen for each recording."""
    resolution_hz: float | None = None
    """The width of a column, from which samples per frame follow at each sample rate; None keeps those of `stft`."""
    class_names: tuple[str, ...] = ("noise", "signal")
    """The masker's classes."""
    grouping: Grouping = field(default_factory=Grouping)
    """How regions become transmissions."""
    block_rows: int = 256
    """Rows per block of a file, without the halo; at most 256 for a pipe, so that signals are reported soon."""
    at_once: int = 1
    """Blocks of a file that are processed concurrently, in as many threads."""
    min_confidence: float = 0.0
    """Boxes with less confidence are dropped."""
    origin: dict[str, Any] = field(default_factory=lambda: {"name": ENERGY})
    """The model's name, and its file and SHA-256 if it has one."""
    warnings: tuple[str, ...] = ()
    """Warnings for the user."""

    def for_recording(self, recording: Recording, channel: int = 0) -> "SignalDetector":
        """This detector with rows of the length that a recording asks for, unless the user has said one."""
        found = self._with_resolution(recording.sample_rate_hz)
        return found._with_frames(frames_of(recording, found.stft, channel=channel)) if self.chooses_rows else found

    def for_rate(self, sample_rate_hz: float) -> "SignalDetector":
        """The same for a pipe, of which nothing but the sample rate is known."""
        found = self._with_resolution(sample_rate_hz)
        return found._with_frames(frames_by_rate(sample_rate_hz, found.stft)) if self.chooses_rows else found

    def _with_resolution(self, sample_rate_hz: float) -> "SignalDetector":
        if self.resolution_hz is None:
            return self
        ratio = sample_rate_hz / self.resolution_hz
        nfft = 2 ** round(np.log2(ratio)) if ratio >= 1 else 1
        if nfft not in NFFTS:
            raise ConfigError(
                f"--resolution-hz {self.resolution_hz:g} asks for frames of {nfft} samples at {sample_rate_hz:g} Hz; "
                f"it must be from {sample_rate_hz / NFFTS[-1]:g} to {sample_rate_hz / NFFTS[0]:g} here."
            )
        hop = max(1, nfft * self.stft.hop // self.stft.nfft)
        block_rows = min(self.block_rows, max(256, _BLOCK_CELLS // nfft))
        return replace(self, stft=replace(self.stft, nfft=nfft, hop=hop), block_rows=block_rows)

    def _with_frames(self, frames_per_row: int) -> "SignalDetector":
        masker = self.masker
        if isinstance(masker, EnergyMask):
            masker = replace(masker, frames_per_row=frames_per_row)
        return replace(self, masker=masker, stft=replace(self.stft, frames_per_row=frames_per_row), chooses_rows=False)

    def keeps(self, box: SignalBox) -> bool:
        """Whether a box from the masks is reported."""
        return box.confidence is None or box.confidence >= self.min_confidence


def load_detector(
    model: str | None,
    *,
    frames_per_row: int | None = None,
    nfft: int | None = None,
    resolution_hz: float | None = None,
    grouping: Grouping = Grouping(),  # noqa: B008 - frozen
    min_confidence: float | None = None,
    runtime: Runtime = Runtime(),  # noqa: B008 - frozen
) -> SignalDetector:
    """Loads the energy detector by its name, a bundled model, a run folder or a model file.

    Args:
        model: `energy`, a bundled model's name, or a path; None selects the bundled model of signals, or the energy
            detector if there is none.
        frames_per_row: frames averaged per row; None chooses 1 to 8 for each recording, unless the model was trained
            with more than 1.
        nfft: samples per frame; None uses the model's value, or 256 for the energy detector.
        resolution_hz: width of a column in hertz, instead of `nfft`.
        grouping: how regions become transmissions.
        min_confidence: signals with less are dropped; None means 0 for the energy detector, 0.75 for a model.
        runtime: the runtime of an exported model, and its threads.

    Raises:
        ModelError: the model does not exist, is damaged, or was trained on images.
        ConfigError: invalid settings.
    """
    model = model or default_model()
    if resolution_hz is not None and (nfft is not None or not resolution_hz > 0):
        raise ConfigError(
            f"resolution_hz is {resolution_hz}"
            + (f" and nfft {nfft}; give one of the two." if nfft else "; it must be above 0.")
        )
    if model == ENERGY:
        size = 256 if nfft is None else nfft
        stft = Stft(nfft=size, hop=size, frames_per_row=_given(frames_per_row, BASE_FRAMES))
        found = replace(energy_detector(stft), chooses_rows=frames_per_row is None)
        found = replace(found, resolution_hz=resolution_hz, grouping=grouping)
        return replace(found, min_confidence=_share(min_confidence, 0.0))
    number = _at_once(model, runtime)
    loaded = load(model, replace(runtime, at_once=number))
    origin = {"name": loaded.spec.name, "file": str(loaded.file), "sha256": sha256(loaded.file)}
    found = network_detector(loaded.network, loaded.spec, frames_per_row=frames_per_row, nfft=nfft, origin=origin)
    found = replace(found, resolution_hz=resolution_hz, grouping=grouping)
    return replace(found, at_once=number, min_confidence=_share(min_confidence, found.min_confidence))


def default_model() -> str:
    """The bundled model of signals; the energy detector if there is none."""
    return SIGNALS if SIGNALS in bundled_models() else ENERGY


def energy_detector(stft: Stft) -> SignalDetector:
    """The energy detector on any spectrogram."""
    return SignalDetector(masker=EnergyMask(frames_per_row=stft.frames_per_row), stft=stft)


def network_detector(
    network: Network,
    spec: ModelSpec,
    *,
    frames_per_row: int | None = None,
    nfft: int | None = None,
    origin: dict[str, Any] | None = None,
) -> SignalDetector:
    """A network on the rows of its training, or on others with a warning.

    The number of frames averaged per row matters little to it as long as signals look alike.

    Raises:
        ModelError: the model was trained on images.
        ConfigError: frames are too short or too long.
    """
    trained = settings_of(spec).stft
    chooses_rows = frames_per_row is None and trained.frames_per_row == 1
    frames = BASE_FRAMES if chooses_rows else _given(frames_per_row, trained.frames_per_row)
    stft = replace(_with_nfft(trained, nfft), frames_per_row=frames)
    return SignalDetector(
        masker=make_masker(network, spec),
        stft=stft,
        chooses_rows=chooses_rows,
        class_names=spec.class_names,
        block_rows=min(_BLOCK_ROWS, max(256, _BLOCK_CELLS // stft.nfft)),
        min_confidence=MIN_CONFIDENCE,
        origin=origin or {"name": spec.name},
        warnings=_of_other_frames(spec, trained, stft),
    )


def _with_nfft(trained: Stft, nfft: int | None) -> Stft:
    """Longer or shorter frames with the overlap of the training."""
    if nfft is None or nfft == trained.nfft:
        return trained
    if nfft not in NFFTS:
        raise ConfigError(
            f"nfft is {nfft}; for a model it must be from {NFFTS.start} to {NFFTS.stop - 1}, or {trained.nfft} as in "
            "its training."
        )
    return replace(trained, nfft=nfft, hop=max(1, nfft * trained.hop // trained.nfft))


def _of_other_frames(spec: ModelSpec, trained: Stft, stft: Stft) -> tuple[str, ...]:
    if stft.nfft == trained.nfft:
        return ()
    return (
        f"{spec.name} was trained on frames of {trained.nfft} samples, not of {stft.nfft}: it may miss signals and "
        "report false ones. Compare with the results without --nfft.",
    )


def _at_once(model: str, runtime: Runtime) -> int:
    """Runs two blocks concurrently when two or more threads are available."""
    is_wide = (runtime.threads or os.cpu_count() or 1) > 1
    backend = runtime.backend or usual_backend(find_file(model))
    return 2 if is_wide and backend in ("onnxruntime", "openvino") else 1


def _given(value: int | None, default: int) -> int:
    return default if value is None else value


def _share(value: float | None, default: float) -> float:
    if value is not None and not 0 <= value <= 1:
        raise ConfigError(f"min_confidence is {value}; it must lie between 0 and 1.")
    return default if value is None else value
