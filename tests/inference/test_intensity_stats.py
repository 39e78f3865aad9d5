"""Percentiles of an image in blocks are those of the whole: exact for counted values, of the same grid for floats."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from lmsc_unet.inference.intensity_stats import gather_intensity

SHARES = (0.0, 1.0, 37.5, 99.0, 100.0)


@given(
    array=st.sampled_from([np.uint8, np.uint16]).flatmap(
        lambda dtype: arrays(dtype, array_shapes(min_dims=3, max_dims=3, max_side=9))
    ),
    cut=st.integers(1, 8),
)
def test_counted_percentiles_are_exact_however_the_image_is_cut(array, cut):
    blocks = [array[start : start + cut] for start in range(0, len(array), cut)]
    levels = gather_intensity(blocks, *array.shape[:2])
    assert levels.percentiles(SHARES) == pytest.approx(np.percentile(array, SHARES), abs=1e-9)
    assert levels.extremes() == (array.min(), array.max())
    gains = tuple(1.0 + channel / 4 for channel in range(array.shape[2]))
    assert levels.percentiles(SHARES, gains) == pytest.approx(np.percentile(array * gains, SHARES), abs=1e-6)
    without_first = (0.0, *gains[1:])
    if array.shape[2] > 1:
        expected = np.percentile((array * gains)[..., 1:], SHARES)
        assert levels.percentiles(SHARES, without_first) == pytest.approx(expected, abs=1e-6)
    assert levels.by_channel(99) == pytest.approx(np.percentile(array, 99, axis=(0, 1)), abs=1e-9)


@pytest.mark.parametrize("shape", [(40, 30, 3), (1100, 1300, 1)])  # the second is sampled: about every second pixel
def test_floats_give_the_same_whether_cut_or_whole(shape):
    array = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    whole = gather_intensity([array], *shape[:2])
    cut = gather_intensity(np.split(array, [3, 4, 21]), *shape[:2])
    assert cut.percentiles(SHARES) == whole.percentiles(SHARES)
    assert whole.percentiles((1.0, 99.0)) == pytest.approx(np.percentile(array, (1, 99)), abs=0.02)
    assert cut.by_channel(99) == whole.by_channel(99)
    gains = (1.0, 1.5, 2.0)[: shape[2]]
    expected = np.percentile(array * np.array(gains), (1, 99))
    assert cut.percentiles((1.0, 99.0), gains) == pytest.approx(expected, abs=0.05)
    assert cut.extremes() == (array.min(), array.max())
