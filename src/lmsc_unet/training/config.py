"""All settings of a training in one list, read by the command line, YAML files and run folders."""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from cyclopts import Group, Parameter

from lmsc_unet.core.ranges import MOST_CHANNELS, MOST_SCALE, MOST_SEED, MOST_SIDE_PX, check_range, check_share
from lmsc_unet.datasets.options import ChunkOptions, DataOptions, split_at_commas
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
    """Weights and shapes of the two terms; the paper names the terms but none of these values."""

    dice_weight: float = 1.0
    """Weight of the Dice term."""
    focal_weight: float = 1.0
    """Weight of the Focal term."""
    gamma: float = 2.0
    """Focal: how strongly well-classified pixels are down-weighted; 0 is cross entropy."""
    alpha: float | None = None
    """Focal: weight of the foreground, with 1 - alpha for the background; without it both weigh the same."""
    smooth: float = 1e-5
    """Dice: added to numerator and denominator against 0/0 on empty masks."""
    class_balance: float = 0.0
    """Focal: the power of 1 / a class's share of all pixels by which its pixels weigh; 0 weighs all alike, 0.5 suits
    many classes of which some are rare."""
    teacher_weight: float = 1.0
    """With --teacher: weight of the cross entropy to the teachers' predictions."""
    contour_weight: float = 0.5
    """With --instances: weight of the contours' cross entropy."""
    contour_positive: float = 5.0
    """With --instances: weight of a contour's pixels in it, with 1 for all others."""
    dice_per_image: bool = False
    """Average the Dice loss over crops, so that small objects count as much as large ones; otherwise over the pooled
    batch."""

    def __post_init__(self) -> None:
        check_range(self, 0, 1000, "dice_weight", "focal_weight", "contour_weight", "contour_positive", prefix="loss.")
        check_range(self, 0, 1000, "teacher_weight", prefix="loss.")
        check_range(self, 0, 100, "gamma", prefix="loss.")
        check_range(self, 0, 1e6, "smooth", prefix="loss.")
        if self.dice_weight == self.focal_weight == 0:
            raise ConfigError("loss.dice_weight and loss.focal_weight are both 0; at least one must be above 0.")
        check_share(self, "alpha", "class_balance", prefix="loss.")


Recipe = Literal["strong", "tissue", "street", "paper"]
Precision = Literal["auto", "32", "bf16"]
ScalingChoice = Literal["auto", "range", "percentile", "per-channel", "balanced"]


@dataclass(frozen=True, kw_only=True)
class DataConfig(DataOptions):
    """Where the data is, and the share for validation."""

    val_share: float = 0.2
    """Share of the images held out for validation if the data has no split."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_share(self, "val_share", with_ends=False)


@dataclass(frozen=True, kw_only=True)
class InputConfig:
    """Preprocessing of an image to the network's input; the same in training, evaluation and prediction."""

    treatment: Treatment = "tiles"
    """tiles: crops in training, a sliding window in prediction; resize: the whole image at size_px, as in the paper."""
    scale: float = 0.0
    """Under tiles, the resize factor of images; 0 chooses 0.5 if the masks' typical object is wide for the
    network's receptive field (30 px with lmsc-unet, 145 px with lmsc-unet-m)."""
    scaling: ScalingChoice = "auto"
    """percentile: 1st and 99th percentile of the image become 0 and 1; per-channel: each channel's own percentiles;
    balanced: percentile after a white balance, for stained tissue; range: by bit depth; auto: percentile for grey and
    colour images, per-channel for other channel counts."""
    channels: int = 0
    """Channels of the network's input; 0 takes the data's number."""
    mean: tuple[float, ...] = (0.5,)
    """Subtracted after scaling; one value, or one per channel."""
    std: tuple[float, ...] = (0.25,)
    """Divisor after the mean; one value, or one per channel."""

    def __post_init__(self) -> None:
        check_range(self, 0, MOST_SCALE, "scale", prefix="input.")
        check_range(self, 0, MOST_CHANNELS, "channels", prefix="input.")
        check_pixels(self, prefix="input.")


@dataclass(frozen=True, kw_only=True)
class OptimizerConfig:
    """Adam or AdamW and the learning-rate schedule."""

    name: Literal["adamw", "adam"] = "adamw"
    """The optimizer."""
    learning_rate: float = 3e-3
    """The highest learning rate."""
    weight_decay: float = 1e-2
    """Weight decay: decoupled with adamw, an L2 penalty with adam."""
    schedule: Literal["cosine", "step", "constant"] = "cosine"
    """cosine: down to zero at the end; step: multiplied by decay after each third of the epochs; constant."""
    decay: float = 0.1
    """Factor of the schedule step."""
    warmup_share: float = 0.05
    """Share of all steps during which the rate rises from zero."""
    clip_norm: float = 1.0
    """Gradients are clipped to this norm; 0 disables clipping."""

    def __post_init__(self) -> None:
        check_range(self, 0, 1e30, "learning_rate", prefix="optimizer.", above=True)
        check_range(self, 0, 10, "weight_decay", prefix="optimizer.")
        check_range(self, 0, 1e6, "clip_norm", prefix="optimizer.")
        check_share(self, "decay", "warmup_share", prefix="optimizer.")


@dataclass(frozen=True, kw_only=True)
class AugmentConfig:
    """Random changes of each training crop; a probability of 0 disables a change."""

    crops_per_image: int = 1
    """Crops per image and epoch."""
    flip_probability: float = 0.5
    """Probability of a flip along each axis."""
    vertical_flip: bool = True
    """Whether images may stand on their heads; streets and other scenes seen from the side may not."""
    affine_probability: float = 0.8
    """Probability of a rotation with zoom."""
    rotate_deg: float = 180.0
    """Largest rotation in either direction, in degrees."""
    zoom: float = 0.25
    """Largest relative change of scale in either direction, of each axis by itself."""
    scale_jitter: float = 1.0
    """Largest factor by which a crop is enlarged or reduced, both axes alike; 1 disables it."""
    stain_probability: float = 0.5
    """Probability of a random change of haematoxylin and eosin in colour images (HED jitter)."""
    stain_strength: float = 0.15
    """Standard deviation of the change of each stain's strength."""
    stain_direction: float = 0.0
    """Standard deviation of the change of each stain's colour, in optical density."""
    grey_probability: float = 0.0
    """Probability of turning a colour image grey, for models that must not depend on one laboratory's colours."""
    channel_shift: float = 0.0
    """Largest number added to each channel by itself; white is 1."""
    invert_probability: float = 0.0
    """Probability of exchanging dark and bright."""
    intensity_probability: float = 0.3
    """Probability of each: gamma, shift and scale of intensities, noise, blur."""

    def __post_init__(self) -> None:
        check_range(self, 1, 10_000, "crops_per_image", prefix="augment.")
        check_range(self, 0, 360, "rotate_deg", prefix="augment.")
        check_range(self, 0, 0.9, "zoom", prefix="augment.")
        check_range(self, 0, 10, "stain_strength", prefix="augment.")
        check_range(self, 1, 16, "scale_jitter", prefix="augment.")
        check_range(self, 0, 1, "stain_direction", "channel_shift", prefix="augment.")
        changes = ("flip", "affine", "stain", "grey", "invert", "intensity")
        check_share(self, *(f"{change}_probability" for change in changes), prefix="augment.")


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """All settings of a training."""

    model: str = "lmsc-unet"
    """Network, a name in `lmsc models`."""
    recipe: Recipe = "strong"
    """Defaults of all other settings: strong; tissue, for stained tissue of any laboratory; street, for scenes seen
    from the side; or those of the paper."""
    initial_weights: Annotated[str, Parameter(alias="--from")] = ""
    """Initial weights: a bundled model's name, a run folder, a checkpoint or an exported float32 file."""
    teacher: Annotated[tuple[str, ...], Parameter(converter=split_at_commas, negative="")] = ()
    """Trained models, comma-separated, whose predictions are learnt besides the masks (distillation)."""
    epochs: int = 100
    """Passes over the training images."""
    batch: int = 4
    """Images or crops per step, divided among the devices."""
    size_px: int = 256
    """Side of a training crop (tiles) or of the resized image (resize)."""
    folds: int = 0
    """Number of cross-validation folds (NuInsSeg's official split has 5); 0 trains once."""
    fold: int = 0
    """Train only this fold, counted from 1; 0 trains all."""
    seed: int = 19
    """Seed of the initial weights, the order and the augmentation."""
    devices: Annotated[int, Parameter(group=HARDWARE)] = 1
    """GPUs, or CPU processes if there is no GPU."""
    precision: Annotated[Precision, Parameter(group=HARDWARE)] = "auto"
    """bf16 computes in bfloat16 where that is safe; auto uses it if the hardware supports it."""
    workers: Annotated[int, Parameter(group=HARDWARE)] = 0
    """Loader processes; 0 loads in the training process."""
    patience: Annotated[int, Parameter(group=OPTIMIZER)] = 0
    """Stop after this many epochs without a better validation score; 0 never stops early."""
    validate_every: Annotated[int, Parameter(group=OPTIMIZER)] = 1
    """Validate after every so many epochs."""
    ema_decay: Annotated[float, Parameter(group=OPTIMIZER)] = 0.99
    """Decay per step of the weight average that is scored (less in the first steps); 0 disables averaging."""
    tensorboard: Annotated[bool, Parameter(group=HARDWARE)] = False
    """Also write TensorBoard logs to the run folder."""
    data: Annotated[DataConfig, Parameter(name="*", group=DATA)] = field(default_factory=DataConfig)
    """Where the data is."""
    network: dict[str, Any] = field(default_factory=dict)
    """Override a field of the model's config, such as --network.expansion 4."""
    input: Annotated[InputConfig, Parameter(group=INPUT)] = field(default_factory=InputConfig)
    """Preprocessing."""
    loss: Annotated[LossConfig, Parameter(group=LOSS)] = field(default_factory=LossConfig)
    """The loss."""
    optimizer: Annotated[OptimizerConfig, Parameter(group=OPTIMIZER)] = field(default_factory=OptimizerConfig)
    """The optimizer."""
    augment: Annotated[AugmentConfig, Parameter(group=AUGMENTATION)] = field(default_factory=AugmentConfig)
    """The augmentation."""
    recordings: Annotated[ChunkOptions, Parameter(group=RECORDINGS)] = field(default_factory=ChunkOptions)
    """How SigMF recordings become spectrograms."""

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
                f"validate_every is {self.validate_every} with {self.epochs} epochs; no epoch would be validated. "
                "Validate more often."
            )
        if self.batch % self.devices:
            raise ConfigError(
                f"batch is {self.batch} with {self.devices} devices, which divide the images of a step. "
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
