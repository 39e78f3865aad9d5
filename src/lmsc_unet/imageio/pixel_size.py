"""The size of pixels in micrometres, where a microscope or scanner wrote it: not the dots per inch of a print."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_UNITS_UM = {
    **dict.fromkeys(("µm", "μm", "um", "\\u00b5m", "micron", "microns", "micrometer", "micrometre"), 1.0),
    **dict.fromkeys(("nm", "nanometer"), 1e-3),
    **dict.fromkeys(("mm", "millimeter"), 1e3),
    **dict.fromkeys(("cm", "centimeter"), 1e4),
    **dict.fromkeys(("m", "meter"), 1e6),
}
_RESOLUTION_UNITS_UM = {2: 25_400.0, 3: 10_000.0}  # inch and centimetre
_MOST_BELIEVABLE_UM = 5.0
"""Resolution tags alone count from 5080 dpi on: no screen, camera or printer says that by itself."""
_PIXELS = re.compile(r"<(?:\w+:)?Pixels\b[^>]*>")
_ATTRIBUTE = re.compile(r"\b(PhysicalSize[XY](?:Unit)?)\s*=\s*[\"']([^\"']*)[\"']")
_APERIO = re.compile(r"\bMPP\s*=\s*([0-9.]+)")


@dataclass(frozen=True, kw_only=True)
class PixelSize:
    """The sides of a pixel."""

    x_um: float
    """Width in micrometres."""
    y_um: float
    """Height in micrometres."""

    @property
    def area_um2(self) -> float:
        """Square micrometres."""
        return self.x_um * self.y_um


def read_pixel_size(path: Path) -> PixelSize | None:
    """The size of an image's pixels, from OME-XML, ImageJ's or Aperio's description, or the resolution of a TIFF.

    Resolution tags alone count only where they say at most 5 um: 72 or 300 dpi is about prints.

    Raises:
        DataError: the file is missing or damaged; names it.
    """
    from lmsc_unet.imageio.read import is_tiff, named

    with named(path):
        if not is_tiff(path):
            return None
        from lmsc_unet.imageio.tiff import reader as tiff  # imported here: other formats do not need tifffile

        with tiff.opened(path) as file:
            return file.pixel_size()


def page_pixel_size(page: Any) -> PixelSize | None:
    """The size of the pixels of one page of tifffile, as stored."""
    description = str(page.description or "")
    if "<OME" in description or _PIXELS.search(description):
        return _ome(description)
    if aperio := _APERIO.search(description):
        return _size(float(aperio[1]), float(aperio[1])) if aperio[1].count(".") <= 1 else None
    units = [page.tags[code].value for code in (282, 283) if code in page.tags]
    if len(units) < 2 or not all(isinstance(one, tuple) and len(one) == 2 and all(one) for one in units):
        return None
    x, y = (denominator / numerator for numerator, denominator in units)  # units per pixel
    if description.startswith("ImageJ="):
        unit = re.search(r"^unit=(.*)$", description, re.M)
        step = _UNITS_UM.get(unit[1].strip()) if unit else None
        return _size(x * step, y * step) if step else None
    step = _RESOLUTION_UNITS_UM.get(int(page.tags[296].value) if 296 in page.tags else 2)
    found = _size(x * step, y * step) if step else None
    return found if found and max(found.x_um, found.y_um) <= _MOST_BELIEVABLE_UM else None


def _ome(description: str) -> PixelSize | None:
    pixels = _PIXELS.search(description)
    said = dict(_ATTRIBUTE.findall(pixels[0])) if pixels else {}
    sides = []
    for axis in "XY":
        step = _UNITS_UM.get(said.get(f"PhysicalSize{axis}Unit", "µm"))
        try:
            sides.append(float(said[f"PhysicalSize{axis}"]) * (step or 0.0))
        except (KeyError, ValueError):
            return None
    return _size(*sides)


def _size(x_um: float, y_um: float) -> PixelSize | None:
    """A size that pixels can have."""
    return PixelSize(x_um=x_um, y_um=y_um) if all(1e-6 < side < 1e6 for side in (x_um, y_um)) else None
