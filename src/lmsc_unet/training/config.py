"""Every setting of a training, in one list: the command line, the YAML file and the run folder read it."""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from cyclopts import Group, Parameter

from lmsc_unet.core.ranges import MOST_CHANNELS, MOST_SCALE, MOST_SEED, MOST_SIDE_PX, check_range, check_share
from lmsc_unet.datasets.options import ChunkOptions, DataOptions
from lmsc_unet.errors import ConfigError
from lmsc_unet.inference.spec import Treatment, check_pixels

DATA = Group("Data and masks", "folder names, --split-file, --group, --classes, the meaning of mask values", sort_key=1)
INPUT = Group(
    "Input and preprocessing", "--input.*: sliding window or resize, scale, intensities, channels", sort_key=2
)
LOSS = Group("Loss", "--loss.*: weights and shapes of Dice and Focal loss", sort_key=3)
OPTIMIZER = Group("Optimizer", "--optimizer.*, early stopping, validation interval, weight averaging", sort_key=4)
AUGMENTATION = Group("Augmentation", "--augment.*: flips, rotation, zoom, stain, intensity", sort_key=5)
RECORDINGS = Group("Recordings", "--recordings.*: spectrograms, chunks and classes of SigMF recordings", sort_key=6)
HARDWARE = Group("Hardware and logging", "--devices, --precision, --workers, --tensorboard", sort_key=7)
GROUPS = (DATA, INPUT, LOSS, OPTIMIZER, AUGMENTATION, RECORDINGS, HARDWARE)
"""Options that `lmsc train --help` prints as one line per group."""


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


Recipe = Literal["strong", "paper"]
Precision = Literal["auto", "32", "bf16"]
ScalingChoice = Literal["auto", "range", "percentile", "per-channel", "balanced"]


@dataclass(frozen=True, kw_only=True)
class DataConfig(DataOptions):
    """Where the data lies, and how much of it validates."""

    val_share: float = 0.2
    """Share of the images held out for validation where the data names no split."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_share(self, "val_share", with_ends=False)


@dataclass(frozen=True, kw_only=True)
class InputConfig:
    """How an image becomes the network's input; evaluation and prediction do the same."""

    treatment: Treatment = "tiles"
    """tiles: crops in training, tiles in prediction; resize: the whole image at size_px, as the paper does."""
    scale: float = 0.0
    """Under tiles, images are resized by it; 0 halves them where the masks' typical object is 30 px wide or wider."""
    scaling: ScalingChoice = "auto"
    """percentile: the image's own 1st and 99th percentile go to 0 and 1; per-channel: each channel's own; balanced: as
    percentile after a white balance, for stained tissue; range: its depth does; auto: percentile for grey and colours,
    per-channel for other channels."""
    channels: int = 0
    """Channels of the network's input; 0 takes the data's."""
    mean: tuple[float, ...] = (0.5,)
    """Subtracted after scaling; one value, or one for each channel."""
    std: tuple[float, ...] = (0.25,)
    """Divides after the mean; one value, or one for each channel."""

    def __post_init__(self) -> None:
        check_range(self, 0, MOST_SCALE, "scale", prefix="input.")
        check_range(self, 0, MOST_CHANNELS, "channels", prefix="input.")
        check_pixels(self, prefix="input.")


@dataclass(frozen=True, kw_only=True)
class OptimizerConfig:
    """Adam or AdamW, and how its learning rate runs."""

    name: Literal["adamw", "adam"] = "adamw"
    """The optimizer."""
    learning_rate: float = 3e-3
    """The highest learning rate."""
    weight_decay: float = 1e-2
    """Weight decay of AdamW's kind; 0 with adam."""
    schedule: Literal["cosine", "step", "constant"] = "cosine"
    """cosine: down to zero at the end; step: times decay at each third of the epochs; constant."""
    decay: float = 0.1
    """Factor of each step of the schedule step."""
    warmup_share: float = 0.05
    """Share of all steps in which the rate rises from zero."""
    clip_norm: float = 1.0
    """Gradients are clipped to this norm; 0 leaves them."""

    def __post_init__(self) -> None:
        check_range(self, 0, 1e30, "learning_rate", prefix="optimizer.", above=True)
        check_range(self, 0, 10, "weight_decay", prefix="optimizer.")
        check_range(self, 0, 1e6, "clip_norm", prefix="optimizer.")
        check_share(self, "decay", "warmup_share", prefix="optimizer.")


@dataclass(frozen=True, kw_only=True)
class AugmentConfig:
    """Random changes of each training crop; a probability of 0 leaves a change out."""

    crops_per_image: int = 1
    """Crops drawn from each image in an epoch."""
    flip_probability: float = 0.5
    """Of a flip along each axis."""
    affine_probability: float = 0.8
    """Of a rotation and zoom."""
    rotate_deg: float = 180.0
    """Largest rotation to either side, in degrees."""
    zoom: float = 0.25
    """Largest change of scale to either side, as a share."""
    stain_probability: float = 0.5
    """Of a random change of haematoxylin and eosin in colour images (HED jitter)."""
    stain_strength: float = 0.15
    """Standard deviation of the change of each stain's strength."""
    grey_probability: float = 0.0
    """Of a colour image turned grey: for models that must not go by one laboratory's colours."""
    intensity_probability: float = 0.3
    """Of each: gamma, shift and scale of intensities, noise, blur."""

    def __post_init__(self) -> None:
        check_range(self, 1, 10_000, "crops_per_image", prefix="augment.")
        check_range(self, 0, 360, "rotate_deg", prefix="augment.")
        check_range(self, 0, 0.9, "zoom", prefix="augment.")
        check_range(self, 0, 10, "stain_strength", prefix="augment.")
        changes = ("flip", "affine", "stain", "grey", "intensity")
        check_share(self, *(f"{change}_probability" for change in changes), prefix="augment.")


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """A training from its data to its last epoch."""

    model: str = "lmsc-unet"
    """A name of `lmsc models`."""
    recipe: Recipe = "strong"
    """The defaults of all other settings: strong, or what the paper states."""
    initial_weights: Annotated[str, Parameter(alias="--from")] = ""
    """Weights to begin with: a bundled model's name, a run folder, a checkpoint or an exported float32 file."""
    epochs: int = 100
    """Passes over the training images."""
    batch: int = 4
    """Images or crops a step, shared out among the devices."""
    size_px: int = 256
    """Side of a training crop (tiles) or of the resized image (resize)."""
    folds: int = 0
    """Cross-validation in so many folds (NuInsSeg's official split has 5); 0 trains once."""
    fold: int = 0
    """Only this fold, counted from 1; 0 runs all."""
    seed: int = 19
    """Of the initial weights, the order and the augmentation."""
    devices: Annotated[int, Parameter(group=HARDWARE)] = 1
    """GPUs, or CPU processes where there is no GPU."""
    precision: Annotated[Precision, Parameter(group=HARDWARE)] = "auto"
    """bf16 computes in bfloat16 where it is safe; auto takes it where the hardware has it."""
    workers: Annotated[int, Parameter(group=HARDWARE)] = 0
    """Loader processes; 0 loads in the training process."""
    patience: Annotated[int, Parameter(group=OPTIMIZER)] = 0
    """Epochs without a better validation score after which training stops; 0 never stops early."""
    validate_every: Annotated[int, Parameter(group=OPTIMIZER)] = 1
    """Epochs from one validation to the next."""
    ema_decay: Annotated[float, Parameter(group=OPTIMIZER)] = 0.99
    """The scored weights are the training's averaged with this decay a step (less in the first); 0 averages nothing."""
    tensorboard: Annotated[bool, Parameter(group=HARDWARE)] = False
    """Also write TensorBoard logs to the run folder."""
    data: Annotated[DataConfig, Parameter(name="*", group=DATA)] = field(default_factory=DataConfig)
    """Where the data lies."""
    network: dict[str, Any] = field(default_factory=dict)
    """Fields of the model's config that differ from the catalog's, as widths or expansion."""
    input: Annotated[InputConfig, Parameter(group=INPUT)] = field(default_factory=InputConfig)
    """How an image becomes the network's input."""
    loss: Annotated[LossConfig, Parameter(group=LOSS)] = field(default_factory=LossConfig)
    """The loss."""
    optimizer: Annotated[OptimizerConfig, Parameter(group=OPTIMIZER)] = field(default_factory=OptimizerConfig)
    """The optimizer."""
    augment: Annotated[AugmentConfig, Parameter(group=AUGMENTATION)] = field(default_factory=AugmentConfig)
    """The augmentation."""
    recordings: Annotated[ChunkOptions, Parameter(group=RECORDINGS)] = field(default_factory=ChunkOptions)
    """Of SigMF recordings: how they become pictures."""

    def __post_init__(self) -> None:
        check_range(self, 1, 1_000_000, "epochs", "validate_every")
        check_range(self, 0, 1_000_000, "patience")
        check_range(self, 1, MOST_SIDE_PX, "size_px")
        check_range(self, 1, 4096, "batch")
        check_range(self, 1, 64, "devices")
        check_range(self, 0, 256, "workers")
        check_range(self, 0, MOST_SEED, "seed")
        if self.validate_every > self.epochs:
            raise ConfigError(
                f"validate_every is {self.validate_every} with {self.epochs} epochs; no epoch would be validated, and "
                "so none be the best. Validate more often."
            )
        if self.batch % self.devices:
            raise ConfigError(
                f"batch is {self.batch} with {self.devices} devices, which share out the images of a step. "
                f"Take a multiple of {self.devices}."
            )
        check_range(self, 0, 1000, "folds")
        if self.folds == 1:
            raise ConfigError("folds is 1; it must be 0 (no cross-validation) or at least 2.")
        if not 0 <= self.fold <= self.folds:
            raise ConfigError(
                f"fold is {self.fold}; with folds {self.folds} it must lie between 0 (all) and {self.folds}."
            )
        if not 0 <= self.ema_decay < 1:
            raise ConfigError(f"ema_decay is {self.ema_decay}; it must be at least 0 and below 1.")
