"""What half precision keeps of float32's classes, on drawn tissue; of trained models, as others have no classes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lmsc_unet.benchmark.plan import Case, Variant
from lmsc_unet.benchmark.running import open_variant
from lmsc_unet.catalog import CATALOG
from lmsc_unet.evaluation.parity import TOLERANCES, Difference, compare_logits
from lmsc_unet.inference.backends import KINDS, read_description
from lmsc_unet.inference.preprocess import find_limits, normalize
from lmsc_unet.inference.spec import ModelSpec
from lmsc_unet.quantization.calibration import Pixels
from lmsc_unet.synthetic.tissue.writer import draw_tissue
from lmsc_unet.training.load_model import load_module

HALVES = ("bf16", "fp16")
NUM_IMAGES = 4


@dataclass(frozen=True, kw_only=True)
class HalfPrecision:
    """One model on one backend in half precision, beside itself in float32."""

    model: str
    """As it was named."""
    backend: str
    """Where both ran."""
    precision: str
    """bf16 or fp16."""
    same_class_share: float
    """The share of pixels that keep their class."""
    is_within: bool
    """Whether that is within the tolerance."""


def compare_halves(files: Mapping[Variant, Path], size_px: int) -> Iterator[HalfPrecision]:
    """Compares each half-precision variant of a trained model with float32 on the same backend."""
    for variant, file in files.items():
        if variant.precision not in HALVES or variant.model in CATALOG:
            continue
        difference = _difference(variant, file, _spec(file), size_px)
        least = TOLERANCES["bfloat16"].same_class_share
        share = 1 - difference.flipped_share
        yield HalfPrecision(
            model=variant.model,
            backend=variant.backend,
            precision=variant.precision,
            same_class_share=share,
            is_within=share >= least,
        )


def warnings(halves: tuple[HalfPrecision, ...]) -> list[str]:
    """What the user should know of rows that change too many classes."""
    allowed = 100 * (1 - TOLERANCES["bfloat16"].same_class_share)
    return [
        f"{half.model} in {half.precision} on {half.backend} changes the class of "
        f"{100 * (1 - half.same_class_share):.2f} % of the pixels (allowed: {allowed:.2g} %); take float32 or int8."
        for half in halves
        if not half.is_within
    ]


def _difference(variant: Variant, file: Path, spec: ModelSpec, size_px: int) -> Difference:
    half, _ = open_variant(Case(variant=variant, batch=1, threads=1), file)
    full, _ = open_variant(Case(variant=replace(variant, precision="fp32"), batch=1, threads=1), file)
    return sum((compare_logits(full(one), half(one), spec) for one in _images(spec, size_px)), Difference())


def _spec(file: Path) -> ModelSpec:
    return read_description(file).spec if file.suffix in KINDS else load_module(file)[1]


def _images(spec: ModelSpec, size_px: int) -> Iterator[Pixels]:
    rng = np.random.default_rng(0)
    for _ in range(NUM_IMAGES):
        image = draw_tissue(rng, size_px).image
        pixels = np.resize(np.moveaxis(image, -1, 0), (spec.input_channels, size_px, size_px)).transpose(1, 2, 0)
        yield normalize(pixels, find_limits(pixels, spec), spec)[np.newaxis]
