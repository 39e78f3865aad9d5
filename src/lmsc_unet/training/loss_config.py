"""Settings of the loss; no torch here, so that the command line reads them at once."""

from dataclasses import dataclass

from lmsc_unet.core.ranges import check_range, check_share
from lmsc_unet.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class LossConfig:
    """Weights and shapes of the two terms; the paper names the terms and gives none of these."""

    dice_weight: float = 1.0
    """Weight of the Dice term."""
    focal_weight: float = 1.0
    """Weight of the Focal term."""
    gamma: float = 2.0
    """Focal: how strongly pixels that are already right are discounted; 0 is cross entropy."""
    alpha: float | None = None
    """Focal: weight of the foreground against the background's 1 - alpha; none weighs both alike."""
    smooth: float = 1e-5
    """Dice: added to numerator and denominator, so that an empty truth gives no 0/0."""
    dice_per_image: bool = False
    """Dice of each crop by itself, their mean then, so that a small object weighs as much as a large one elsewhere;
    otherwise of the whole batch at once."""

    def __post_init__(self) -> None:
        check_range(self, 0, 1000, "dice_weight", "focal_weight", prefix="loss.")
        check_range(self, 0, 100, "gamma", prefix="loss.")
        check_range(self, 0, 1e6, "smooth", prefix="loss.")
        if self.dice_weight == self.focal_weight == 0:
            raise ConfigError("loss.dice_weight and loss.focal_weight are both 0; one of them must be above.")
        check_share(self, "alpha", prefix="loss.")
