"""The size of pixels is what a microscope or scanner wrote, and not what is meant for printers."""

import numpy as np
import pytest
import tifffile

from lmsc_unet.imageio import PixelSize, read_pixel_size, write_png

IMAGE = np.zeros((8, 9), np.uint8)
OME = {"axes": "YX", "PhysicalSizeX": 0.5, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 250, "PhysicalSizeYUnit": "nm"}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"ome": True, "metadata": OME}, (0.5, 0.25)),
        ({"ome": True, "metadata": {"axes": "YX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5}}, (0.5, 0.5)),  # um
        ({"ome": True, "metadata": {"axes": "YX"}}, None),
        ({"ome": True, "metadata": OME | {"PhysicalSizeXUnit": "pixel"}}, None),
        ({"imagej": True, "resolution": (4, 4), "metadata": {"unit": "um"}}, (0.25, 0.25)),
        ({"imagej": True, "resolution": (4, 4), "metadata": {"unit": "micron"}}, (0.25, 0.25)),
        ({"imagej": True, "resolution": (4, 4)}, None),  # no unit
        ({"imagej": True, "resolution": (72, 72), "metadata": {"unit": "inch"}}, None),
        ({"description": "Aperio Image Library v1|AppMag = 20|MPP = 0.4990"}, (0.499, 0.499)),
        ({"resolution": (72, 72), "resolutionunit": "INCH"}, None),
        ({"resolution": (96, 96), "resolutionunit": "INCH"}, None),
        ({"resolution": (300, 300), "resolutionunit": "INCH"}, None),
        ({"resolution": (20000, 40000), "resolutionunit": "CENTIMETER"}, (0.5, 0.25)),
        ({"resolution": (20000, 20000), "resolutionunit": "NONE"}, None),
        (
            {"resolution": (20000, 40000), "resolutionunit": "CENTIMETER", "extratags": [(274, 3, 1, 6, True)]},
            (0.25, 0.5),
        ),
        ({}, None),
    ],
)
def test_the_size_is_found_where_it_is_believable(tmp_path, options, expected):
    tifffile.imwrite(tmp_path / "a.tif", IMAGE, **({"metadata": None} | options))
    size = None if expected is None else PixelSize(x_um=expected[0], y_um=expected[1])
    found = read_pixel_size(tmp_path / "a.tif")
    assert (found is None) == (size is None)
    if found and size:
        assert (found.x_um, found.y_um) == pytest.approx((size.x_um, size.y_um))


def test_other_formats_say_none(tmp_path):
    write_png(tmp_path / "a.png", IMAGE)
    assert read_pixel_size(tmp_path / "a.png") is None
