"""What searches a recording: the energy detector, or a network with the spectrogram that it was trained on."""

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
from lmsc_unet.signals.detection import EnergyMask, Masker
from lmsc_unet.signals.noise import to_picture
from lmsc_unet.signals.settings import DbRange, SpectrogramSettings, Stft

_TILE_PX = 2048  # longer than a block with its halo


@dataclass(frozen=True, kw_only=True, eq=False)
class NetworkMask:
    """Draws the rows as the pictures that the network was trained on, and segments them at their native scale.

    The halo is the network's margin on its pooling grid, so that a mask does not show where the blocks were cut.
    """

    predictor: Predictor
    """The network with what it wants."""
    shown: DbRange
    """Which levels its pictures show."""
    halo_rows: int
    """Rows above and below that a row's mask depends on."""

    def __call__(self, rows_db: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Class ids "T F" of rows "T F" of dB above the noise floor, and the probability of each cell's class."""
        found = self.predictor.predict(to_picture(rows_db, self.shown))
        of_class = np.take_along_axis(found.probability, found.mask[np.newaxis].astype(np.intp), axis=0)
        return found.mask, of_class[0]


def make_masker(network: Network, spec: ModelSpec) -> NetworkMask:
    """A network that was trained on spectrograms, ready to search recordings.

    Raises:
        ModelError: it was trained on images.
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
    """How the model's pictures were made.

    Raises:
        ModelError: it was trained on images.
    """
    if spec.spectrogram is None:
        raise ModelError(
            f"{spec.name} was trained on images, not on recordings, so it does not say how samples become its "
            "pictures. Train one by `lmsc train` on a folder of SigMF recordings or of `lmsc scenes`."
        )
    return spec.spectrogram


_BLOCK_ROWS = 896  # the halo is a fourteenth of what a network does, of 256 rows a quarter; two blocks of 1024: 430 MB
_BLOCK_CELLS = _BLOCK_ROWS * 256
MIN_CONFIDENCE = 0.75
"""Of a network's boxes; chosen by F1 on generated scenes of cheap and of clean receivers (docs/log.md)."""
MIN_SNR_DB = -8.0
"""Of a network's boxes: scenes hold nothing under -5 dB, and a box's SNR is measured to 3 dB."""
NFFTS = range(256, 4097)
"""Samples of a frame that a model may be given in place of its own."""
ENERGY = "energy"
"""The name of the classical detector, which needs no model."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SignalDetector:
    """A masker with the spectrogram that it looks at."""

    masker: Masker
    """What makes masks of rows."""
    stft: Stft
    """How samples become rows."""
    class_names: tuple[str, ...] = ("noise", "signal")
    """The masker's classes."""
    block_rows: int = 256
    """Rows of a file that the masker sees at once, without its halo; of a pipe at most 256, so that signals are told
    soon."""
    at_once: int = 1
    """Blocks of a file that the masker sees at the same time, in as many threads."""
    min_confidence: float = 0.0
    """Boxes that are less sure are left out."""
    min_snr_db: float = -np.inf
    """Boxes that stand less out of the noise are left out."""
    origin: dict[str, Any] = field(default_factory=lambda: {"name": ENERGY})
    """The model's name, and its file with its SHA-256 if it has one."""
    warnings: tuple[str, ...] = ()
    """What the user should know of it."""

    def keeps(self, box: SignalBox) -> bool:
        """Whether a box that the masks gave is told of."""
        is_sure = box.confidence is None or box.confidence >= self.min_confidence
        return is_sure and (box.snr_db is None or box.snr_db >= self.min_snr_db)


def load_detector(
    model: str | None,
    *,
    frames_per_row: int | None = None,
    nfft: int | None = None,
    min_confidence: float | None = None,
    runtime: Runtime = Runtime(),  # noqa: B008 - frozen
) -> SignalDetector:
    """The energy detector by its name, or a bundled model, or that of a run folder or file.

    Args:
        model: `energy`, a bundled model's name, or where a model is; None is the bundled model of signals, or the
            energy detector where there is none.
        frames_per_row: frames averaged per row; None takes the model's, or 1.
        nfft: samples of a frame; None is 256 for the energy detector, and for a model what it was trained with.
        min_confidence: signals that are less sure are left out; None is 0 for the energy detector, 0.75 for a model.
        runtime: what runs an exported model, and on how many threads.

    Raises:
        ModelError: there is no such model, it is damaged, or it was trained on images.
        ConfigError: settings that cannot be.
    """
    model = model or default_model()
    if model == ENERGY:
        size = 256 if nfft is None else nfft
        stft = Stft(nfft=size, hop=size, frames_per_row=_given(frames_per_row, 1))
        return replace(energy_detector(stft), min_confidence=_share(min_confidence, 0.0))
    number = _at_once(model, runtime)
    loaded = load(model, replace(runtime, at_once=number))
    origin = {"name": loaded.spec.name, "file": str(loaded.file), "sha256": sha256(loaded.file)}
    found = network_detector(loaded.network, loaded.spec, frames_per_row=frames_per_row, nfft=nfft, origin=origin)
    return replace(found, at_once=number, min_confidence=_share(min_confidence, found.min_confidence))


def default_model() -> str:
    """The bundled model of signals; where there is none, the energy detector."""
    return SIGNALS if SIGNALS in bundled_models() else ENERGY


def energy_detector(stft: Stft) -> SignalDetector:
    """The energy detector over rows of any kind."""
    return SignalDetector(masker=EnergyMask(frames_per_row=stft.frames_per_row), stft=stft)


def network_detector(
    network: Network,
    spec: ModelSpec,
    *,
    frames_per_row: int | None = None,
    nfft: int | None = None,
    origin: dict[str, Any] | None = None,
) -> SignalDetector:
    """A network over the rows that it was trained on, or over others with a warning.

    How many frames a row averages makes little difference to it, as long as signals look alike.

    Raises:
        ModelError: it was trained on images.
        ConfigError: frames are too short or too long.
    """
    trained = settings_of(spec).stft
    stft = replace(_with_nfft(trained, nfft), frames_per_row=_given(frames_per_row, trained.frames_per_row))
    return SignalDetector(
        masker=make_masker(network, spec),
        stft=stft,
        class_names=spec.class_names,
        block_rows=min(_BLOCK_ROWS, max(256, _BLOCK_CELLS // stft.nfft)),
        min_confidence=MIN_CONFIDENCE,
        min_snr_db=MIN_SNR_DB,
        origin=origin or {"name": spec.name},
        warnings=_of_other_frames(spec, trained, stft),
    )


def _with_nfft(trained: Stft, nfft: int | None) -> Stft:
    """Longer or shorter frames, which overlap as those of the training did."""
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
        f"{spec.name} was trained on frames of {trained.nfft} samples, not of {stft.nfft}: it tells narrow channels "
        "apart then, but may find less, and more that is none. Compare with the results without --nfft.",
    )


def _at_once(model: str, runtime: Runtime) -> int:
    """Two where a processor has two threads: they wait for nothing of each other then."""
    is_wide = (runtime.threads or os.cpu_count() or 1) > 1
    backend = runtime.backend or usual_backend(find_file(model))
    return 2 if is_wide and backend in ("onnxruntime", "openvino") else 1


def _given(value: int | None, default: int) -> int:
    return default if value is None else value


def _share(value: float | None, default: float) -> float:
    if value is not None and not 0 <= value <= 1:
        raise ConfigError(f"min_confidence is {value}; it must lie between 0 and 1.")
    return default if value is None else value
