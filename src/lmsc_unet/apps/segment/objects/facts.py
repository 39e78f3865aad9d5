"""What a file of objects says about their image."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lmsc_unet.apps.segment.objects.image_object import ImageObject
from lmsc_unet.apps.segment.objects.measuring import Measurements
from lmsc_unet.imageio import PixelSize

AddObject = Callable[[ImageObject, Measurements], None]
"""Writes one object."""


@dataclass(frozen=True, kw_only=True)
class ImageFacts:
    """The image that objects lie in."""

    name: str
    """Its name in the results."""
    size_px: tuple[int, int]
    """Height and width."""
    num_channels: int
    """Its channels."""
    class_names: Sequence[str]
    """The names of the class ids 0, 1, ..."""
    pixel: PixelSize | None = None
    """The size of its pixels, if known."""
