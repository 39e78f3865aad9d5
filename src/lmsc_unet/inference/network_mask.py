"""A network as what finds signals in rows of a spectrogram."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.errors import ModelError
from lmsc_unet.inference.network import Network
from lmsc_unet.inference.predictor import Predictor
from lmsc_unet.inference.spec import ModelSpec
from lmsc_unet.inference.tiling import round_up
from lmsc_unet.signals.noise import to_picture
from lmsc_unet.signals.settings import DbRange, SpectrogramSettings

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
