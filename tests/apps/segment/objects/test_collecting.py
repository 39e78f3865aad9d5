"""Objects from rows of labels and classes: those of scikit-image, however the rows arrive."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.apps.segment.objects.shapes import components_of, objects_of, painted

small = st.tuples(st.integers(1, 9), st.integers(1, 9))
cuts = st.lists(st.integers(1, 8), unique=True).map(sorted)


def same(one, other) -> None:
    assert [(shape.label, shape.class_id) for shape in one] == [(shape.label, shape.class_id) for shape in other]
    for first, second in zip(one, other, strict=True):
        for name in ("rows", "starts", "stops", "sums"):
            np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


@given(arrays(np.uint8, small, elements=st.integers(0, 2)), cuts, st.integers(0, 99))
def test_components_are_those_of_scikit_image_whatever_the_blocks(classes, cuts, seed):
    measure = pytest.importorskip("skimage.measure", reason="the oracle")
    image = np.random.default_rng(seed).random((*classes.shape, 2)).astype(np.float32)
    whole = components_of(classes, image)
    same(whole, components_of(classes, image, [cut for cut in cuts if cut < len(classes)]))
    assert len(whole) == measure.label(classes, connectivity=2).max()
    again = np.zeros(classes.shape, np.uint8)
    for shape in whole:
        mask = painted(shape, classes.shape)
        assert measure.label(mask, connectivity=2).max() == 1
        assert not again[mask].any()
        again[mask] = shape.class_id
        np.testing.assert_allclose(shape.sums, image[mask].sum(axis=0), rtol=1e-5)
    np.testing.assert_array_equal(again, classes)
    ends = [(shape.rows[-1], shape.rows[0], shape.starts[0]) for shape in whole]
    assert ends == sorted(ends)


@given(arrays(np.int32, small, elements=st.integers(0, 5)), cuts)
def test_labels_in_any_number_of_pieces_are_one_object_each_in_their_order(labels, cuts):
    _, dense = np.unique(np.append(labels.ravel(), 0), return_inverse=True)
    labels = dense[:-1].reshape(labels.shape).astype(np.int32)
    image = np.arange(labels.size, dtype=np.uint16).reshape(*labels.shape, 1)
    whole = objects_of(labels, image)
    same(whole, objects_of(labels, image, [cut for cut in cuts if cut < len(labels)]))
    assert [shape.label for shape in whole] == list(range(1, labels.max() + 1))
    for shape in whole:
        np.testing.assert_array_equal(painted(shape, labels.shape), labels == shape.label)
        assert shape.sums[0] == image[labels == shape.label].sum()


def test_an_image_without_objects_has_none():
    assert objects_of(np.zeros((5, 4), np.int32)) == []
    assert components_of(np.zeros((5, 4), np.uint8), cuts=[2]) == []


def test_an_arch_that_is_closed_at_its_foot_is_one_component():
    classes = np.array([[1, 0, 1], [1, 0, 1], [1, 1, 1], [0, 0, 0], [2, 0, 2]], np.uint8)
    found = components_of(classes, cuts=[1, 2, 3, 4])
    assert [(shape.class_id, shape.area_px) for shape in found] == [(1, 7), (2, 1), (2, 1)]
