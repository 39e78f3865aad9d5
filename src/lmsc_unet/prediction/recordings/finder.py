"""What searches a recording: the energy detector, or a network with the spectrogram that it was trained on."""

from dataclasses import dataclass, field, replace
from typing import Any

from lmsc_unet.errors import ConfigError
from lmsc_unet.images import sha256
from lmsc_unet.prediction.bundled import SIGNALS, bundled_models
from lmsc_unet.prediction.loading import load
from lmsc_unet.prediction.network import Network
from lmsc_unet.prediction.recordings.masker import make_masker, settings_of
from lmsc_unet.prediction.runtime import Runtime
from lmsc_unet.prediction.spec import ModelSpec
from lmsc_unet.signal.detection import EnergyMask, Masker
from lmsc_unet.signal.settings import Stft

_BLOCK_CELLS = 1 << 18  # 1024 rows of 256: the halo is a sixteenth of what a network does; of 256 rows it is a quarter
ENERGY = "energy"
"""The name of the classical detector, which needs no model."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Finder:
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
    origin: dict[str, Any] = field(default_factory=lambda: {"name": ENERGY})
    """The model's name, and its file with its SHA-256 if it has one."""


def load_finder(
    model: str,
    *,
    frames_per_row: int | None = None,
    nfft: int | None = None,
    runtime: Runtime = Runtime(),  # noqa: B008 - frozen
) -> Finder:
    """The energy detector by its name, or a bundled model, or that of a run folder or file.

    Args:
        model: `energy`, a bundled model's name, or where a model is.
        frames_per_row: frames averaged per row; None takes the model's, or 1.
        nfft: samples of a frame, for the energy detector; a model keeps what it was trained with.
        runtime: what runs an exported model, and on how many threads.

    Raises:
        ModelError: there is no such model, it is damaged, or it was trained on images.
        ConfigError: settings that cannot be.
    """
    if model == ENERGY:
        size = 256 if nfft is None else nfft
        return energy_finder(Stft(nfft=size, hop=size, frames_per_row=_given(frames_per_row, 1)))
    if nfft is not None:
        raise ConfigError(f"nfft is part of what a model was trained with. Leave it out, or use --model {ENERGY}.")
    loaded = load(model, runtime)
    origin = {"name": loaded.spec.name, "file": str(loaded.file), "sha256": sha256(loaded.file)}
    return network_finder(loaded.network, loaded.spec, frames_per_row=frames_per_row, origin=origin)


def default_model() -> str:
    """The bundled model of signals; where there is none, the energy detector."""
    return SIGNALS if SIGNALS in bundled_models() else ENERGY


def energy_finder(stft: Stft) -> Finder:
    """The energy detector over rows of any kind."""
    return Finder(masker=EnergyMask(frames_per_row=stft.frames_per_row), stft=stft)


def network_finder(
    network: Network, spec: ModelSpec, *, frames_per_row: int | None = None, origin: dict[str, Any] | None = None
) -> Finder:
    """A network over the rows that it was trained on; only how many frames a row averages may be another.

    Raises:
        ModelError: it was trained on images.
    """
    stft = settings_of(spec).stft
    return Finder(
        masker=make_masker(network, spec),
        stft=replace(stft, frames_per_row=_given(frames_per_row, stft.frames_per_row)),
        class_names=spec.class_names,
        block_rows=min(1024, max(256, _BLOCK_CELLS // stft.nfft)),
        origin=origin or {"name": spec.name},
    )


def _given(value: int | None, default: int) -> int:
    return default if value is None else value
