"""Measurements of objects, beside those of scikit-image."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lmsc_unet.apps.segment.objects import image_object
from lmsc_unet.apps.segment.objects.measuring import measure, perimeter
from lmsc_unet.imageio import PixelSize
from tests.apps.segment.objects.shapes import components_of

skimage = pytest.importorskip("skimage.measure", reason="the oracle")


def check(mask: np.ndarray) -> None:
    labels = skimage.label(mask, connectivity=2)
    image = np.random.default_rng(1).integers(0, 255, (*mask.shape, 3), dtype=np.uint8)
    expected = {tuple(region.coords[0]): region for region in skimage.regionprops(labels, intensity_image=image)}
    for shape in components_of(mask.astype(np.uint8), image):
        region, found = expected[(shape.rows[0], shape.starts[0])], measure(shape)
        assert found.area_px == region.area
        np.testing.assert_allclose((found.centroid_y_px, found.centroid_x_px), region.centroid)
        top, left, bottom, right = region.bbox
        assert (found.left_px, found.top_px, found.width_px, found.height_px) == (left, top, right - left, bottom - top)
        assert found.perimeter_px == pytest.approx(region.perimeter)
        assert found.eccentricity == pytest.approx(region.eccentricity, abs=1e-6)
        assert found.solidity == pytest.approx(region.solidity)
        np.testing.assert_allclose(found.means, region.intensity_mean)
        if region.perimeter:
            assert found.circularity == pytest.approx(4 * math.pi * region.area / region.perimeter**2)
        else:
            assert found.circularity is None


@given(arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 12))))
def test_small_objects_measure_as_in_scikit_image(mask):
    check(mask)


@pytest.mark.parametrize("radius", [3, 8, 17.3])
@pytest.mark.parametrize("squeeze", [1, 0.3])
def test_discs_with_holes_measure_as_in_scikit_image(radius, squeeze):
    rows, columns = np.indices((60, 60))
    distance = np.hypot(rows - 29.7, (columns - 30.2) / squeeze)
    check(distance < radius)
    check((distance < radius) & (distance > radius / 3))


def test_objects_too_large_to_be_painted_at_once_measure_the_same(monkeypatch):
    rows, columns = np.indices((60, 60))
    (shape,) = components_of((np.hypot(rows - 30, columns - 25) < 20).astype(np.uint8))
    whole = perimeter(shape)
    monkeypatch.setattr(image_object, "_MOST_PAINTED_PX", 100)
    assert perimeter(shape) == whole


def test_micrometres_are_there_where_pixels_have_a_size():
    (shape,) = components_of(np.ones((4, 5), np.uint8))
    found = measure(shape, PixelSize(x_um=0.5, y_um=0.5))
    assert (found.area_um2, found.perimeter_um) == (5.0, found.perimeter_px / 2)
    found = measure(shape, PixelSize(x_um=0.5, y_um=1.0))
    assert (found.area_um2, found.perimeter_um) == (10.0, None)
    assert measure(shape).area_um2 is None
