"""What to say of a fourth band that a file calls alpha: GDAL does so for every GeoTIFF of four bands of 8 bits."""

from collections.abc import Sequence
from pathlib import Path


def band_note(kept: Sequence[Path]) -> str:
    """What to say of images that keep a channel which their files call alpha (`ImageInfo.keeps_alpha`)."""
    whose = f"{kept[0]} has" if len(kept) == 1 else f"{len(kept)} images, such as {kept[0]}, have"
    return (
        f"{whose} a channel that is called alpha but is more than transparency. It counts as a channel, as infrared "
        "does. If it is none, save the images without it."
    )
