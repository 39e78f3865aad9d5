"""What must be known to turn an image into a network's input and its logits into classes.

A run's checkpoint carries it now, an exported file as metadata. Training, evaluation and prediction
all read the same one, so that they treat an image in the same way.
"""

from dataclasses import dataclass
from typing import Literal

from lmsc_unet.core.ranges import MOST_CHANNELS, MOST_CLASSES, MOST_SCALE, MOST_SIDE_PX, check_range, check_share
from lmsc_unet.errors import ConfigError
from lmsc_unet.signals.settings import SpectrogramSettings

Treatment = Literal["resize", "tiles"]
Scaling = Literal["range", "percentile", "per-channel", "balanced"]
ScoreAt = Literal["mask", "network"]
Outputs = Literal["logits", "probabilities", "classes"]


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """How a model wants its images, and what its logits mean."""

    name: str
    """The catalog's or the user's name of the model."""
    input_channels: int = 3
    """Channels of the network's input; grey images are repeated to three."""
    class_names: tuple[str, ...] = ("background", "foreground")
    """Names of the class ids 0, 1, ...; with one logit there are two."""
    num_logits: int = 1
    """Logits a pixel: 1 is binary (sigmoid), otherwise one for each class (softmax)."""
    treatment: Treatment = "tiles"
    """`resize`: the whole image at `size_px` x `size_px`, as the paper does; `tiles`: by tiles at one scale."""
    size_px: int = 256
    """Side of the network's input under `resize`, of a training crop under `tiles`."""
    scale: float = 1.0
    """Under `tiles`: the image is resized by it before it is cut, and its probabilities back to the image's size."""
    scaling: Scaling = "percentile"
    """`range`: by the image's depth to 0..1; `percentile`: by the image's own 1st and 99th percentile, of all channels
    together; `per-channel`: by those of each channel by itself; `balanced`: by the former after a white balance."""
    mean: tuple[float, ...] = (0.5,)
    """Subtracted from the scaled image; one value for all channels, or one for each."""
    std: tuple[float, ...] = (0.25,)
    """Divides the scaled image after the mean; one value for all channels, or one for each."""
    threshold: float = 0.5
    """With one logit: the probability from which a pixel is of class 1."""
    score_at: ScoreAt = "mask"
    """`mask`: scores are taken at the mask's own size; `network`, for the paper's recipe: at `size_px` x `size_px`."""
    side_multiple_px: int = 8
    """Both sides of the network's input must be multiples of it."""
    margin_px: int = 40
    """How far from a tile's border a logit may still depend on what lies outside the tile."""
    outputs: Outputs = "logits"
    """What an exported file gives: `logits`; `probabilities`, by sigmoid or softmax; or `classes`, ids."""
    spectrogram: SpectrogramSettings | None = None
    """For a model of recordings: how its pictures were made from samples. None is a model of images."""

    def __post_init__(self) -> None:
        check_range(self, 1, MOST_CHANNELS, "input_channels")
        check_range(self, 1, MOST_CLASSES, "num_logits")
        check_range(self, 1, MOST_SIDE_PX, "size_px")
        check_range(self, 0, MOST_SCALE, "scale", above=True)
        check_range(self, 1, 1024, "side_multiple_px")
        check_range(self, 0, 4096, "margin_px")
        check_share(self, "threshold", with_ends=False)
        check_pixels(self)
        expected = 2 if self.num_logits == 1 else self.num_logits
        if len(self.class_names) != expected:
            raise ConfigError(
                f"{self.num_logits} logits go with {expected} classes, but {len(self.class_names)} are named: "
                f"{', '.join(self.class_names)}. Name each class id once."
            )
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) not in (1, self.input_channels):
                raise ConfigError(
                    f"{name} has {len(values)} values for {self.input_channels} input channels; "
                    "give one or one for each."
                )
        if self.score_at == "network" and self.treatment != "resize":
            raise ConfigError("score_at is network, but only the treatment resize has a fixed size. Use mask.")


def check_pixels(config: object, *, prefix: str = "") -> None:
    """Refuses means and deviations that leave nothing of a pixel.

    Raises:
        ConfigError: names the field, its value and its range.
    """
    check_range(config, -1e6, 1e6, "mean", prefix=prefix)
    check_range(config, 1e-6, 1e6, "std", prefix=prefix)
