"""Everything needed to turn an image into a network's input and its logits into classes.

Stored in checkpoints and in the metadata of exported files. Training, evaluation and prediction all use it, so that
they preprocess images in the same way.
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
    """How a model's input is made and what its logits mean."""

    name: str
    """The model's name in the catalog, or the user's name for it."""
    input_channels: int = 3
    """Channels of the network's input; grey images are repeated to three."""
    class_names: tuple[str, ...] = ("background", "foreground")
    """Names of the class ids 0, 1, ...; one logit has two classes."""
    num_logits: int = 1
    """Logits per pixel: 1 means binary (sigmoid), otherwise one per class (softmax)."""
    contour: bool = False
    """Whether one more logit follows: of the objects' contours (sigmoid), by which touching objects are separated."""
    treatment: Treatment = "tiles"
    """`resize`: the whole image at `size_px` x `size_px`, as in the paper; `tiles`: a sliding window at one scale."""
    size_px: int = 256
    """Side of the network's input under `resize`, of a training crop under `tiles`."""
    scale: float = 1.0
    """Under `tiles`: the resize factor before the image is cut; probabilities are resized back."""
    scaling: Scaling = "percentile"
    """`range`: by the image's depth to 0..1; `percentile`: by the image's 1st and 99th percentile over all channels;
    `per-channel`: by each channel's own; `balanced`: like `percentile` after a white balance."""
    mean: tuple[float, ...] = (0.5,)
    """Subtracted from the scaled image; one value for all channels, or one per channel."""
    std: tuple[float, ...] = (0.25,)
    """Divisor after the mean; one value for all channels, or one per channel."""
    threshold: float = 0.5
    """With one logit: the least probability of class 1."""
    score_at: ScoreAt = "mask"
    """`mask`: scores are computed at the mask's size; `network`, as in the paper: at `size_px` x `size_px`."""
    side_multiple_px: int = 8
    """Both sides of the network's input must be multiples of this."""
    margin_px: int = 40
    """Distance from a tile's border within which logits depend on pixels outside the tile."""
    outputs: Outputs = "logits"
    """The output of an exported file: `logits`; `probabilities`, by sigmoid or softmax; or `classes`, ids."""
    spectrogram: SpectrogramSettings | None = None
    """For a model of recordings: how spectrograms are made from samples. None for a model of images."""

    @property
    def num_outputs(self) -> int:
        """Channels of the network's output: the logits, and the contour's if there is one."""
        return self.num_logits + self.contour

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
        if self.contour and (self.num_logits > 1 or self.outputs == "classes"):
            raise ConfigError(
                "contour goes with one logit, whose foreground it separates into objects, and with logits or "
                "probabilities. Leave it out with more classes, or where a file gives classes."
            )
        if self.score_at == "network" and self.treatment != "resize":
            raise ConfigError("score_at is network, but only the treatment resize has a fixed size. Use mask.")


def check_pixels(config: object, *, prefix: str = "") -> None:
    """Rejects unusable means and standard deviations.

    Raises:
        ConfigError: names the field, its value and its range.
    """
    check_range(config, -1e6, 1e6, "mean", prefix=prefix)
    check_range(config, 1e-6, 1e6, "std", prefix=prefix)
