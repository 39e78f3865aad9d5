"""Outlines hold the pixels of their object and no others."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lmsc_unet.apps.segment.objects.outline import one_path, polygons_of
from tests.apps.segment.objects.shapes import components_of, objects_of

shapely = pytest.importorskip("shapely", reason="the oracle")
masks = arrays(np.bool_, st.tuples(st.integers(1, 10), st.integers(1, 10)))


def inside(geometry, size_px) -> np.ndarray:
    """The pixels whose centres lie in a geometry."""
    rows, columns = np.indices(size_px)
    return shapely.contains_xy(geometry, columns.ravel() + 0.5, rows.ravel() + 0.5).reshape(size_px)


def geometry_of(shape):
    return shapely.MultiPolygon([(one.exterior, one.holes) for one in polygons_of(shape)])


@given(masks)
def test_polygons_are_valid_and_hold_exactly_the_pixels(mask):
    for shape in [*components_of(mask.astype(np.uint8)), *objects_of(mask.astype(np.int32))]:
        geometry = geometry_of(shape)
        assert shapely.is_valid(geometry), shapely.is_valid_reason(geometry)
        assert geometry.area == shape.area_px
        np.testing.assert_array_equal(
            inside(geometry, mask.shape), shape.paint(slice(0, mask.shape[0]), slice(0, mask.shape[1]))
        )
        for one in polygons_of(shape):
            assert shapely.LinearRing(one.exterior).is_ccw  # with y upwards: clockwise as displayed
            assert not any(shapely.LinearRing(hole).is_ccw for hole in one.holes)


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7, 0.9])
def test_large_objects_full_of_holes_and_corners_are_valid_too(share):
    mask = (np.random.default_rng(3).random((70, 60)) < share).astype(np.int32)
    (shape,) = objects_of(mask)
    geometry = geometry_of(shape)
    assert shapely.is_valid(geometry), shapely.is_valid_reason(geometry)
    np.testing.assert_array_equal(inside(geometry, mask.shape), mask == 1)


@given(masks)
def test_one_path_holds_the_same_pixels(mask):
    for shape in objects_of(mask.astype(np.int32)):
        path = one_path(polygons_of(shape))
        crossings = np.zeros((mask.shape[0], mask.shape[1] + 1), int)
        for (x, y), (other_x, below) in zip(path, [*path[1:], path[0]], strict=True):
            rows = np.arange(mask.shape[0]) + 0.5
            is_crossed = (rows > min(y, below)) & (rows < max(y, below))
            for row in np.flatnonzero(is_crossed):
                column = x + (rows[row] - y) / (below - y) * (other_x - x)
                crossings[row, int(np.ceil(column - 0.5)) :] += 1
        np.testing.assert_array_equal(crossings[:, :-1] % 2 == 1, mask)


def test_corners_are_kept_and_nothing_else():
    mask = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], np.int32)
    (shape,) = objects_of(mask)
    (polygon,) = polygons_of(shape)
    assert polygon.exterior == [(0, 0), (3, 0), (3, 3), (0, 3)]
    assert set(polygon.holes[0]) == {(1, 1), (2, 1), (2, 2), (1, 2)}
