import numpy as np
import pytest

from lmsc_unet.synthetic.tissue.nucleus import blur, distances_px, enlarge, sample

ORACLE = "OpenCV is the oracle; it comes with lmsc-unet[train]"


def noise(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


@pytest.mark.parametrize(
    ("shape", "across_px", "down_px"), [((60, 70, 3), 0.6, 0.6), ((60, 70, 3), 1.1, 1.1), ((130, 140, 1), 14, 1.3)]
)
def test_blur_is_opencvs(shape, across_px, down_px):
    cv2 = pytest.importorskip("cv2", reason=ORACLE)
    expected = cv2.GaussianBlur(noise(*shape), (0, 0), across_px, None, down_px)
    np.testing.assert_allclose(blur(noise(*shape), across_px, down_px).reshape(expected.shape), expected, atol=1e-5)


@pytest.mark.parametrize(("cells", "factor"), [(12, 8.0), (12, 2.5), (30, 3.7)])
def test_enlarging_is_opencvs_cubic(cells, factor):
    cv2 = pytest.importorskip("cv2", reason=ORACLE)
    whole = cv2.resize(noise(cells, cells), None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    np.testing.assert_allclose(enlarge(noise(cells, cells), factor, 3, 20), whole[3:23, 3:23], atol=1e-5)


def test_sampling_is_linear_and_mirrors_what_lies_outside():
    cv2 = pytest.importorskip("cv2", reason=ORACLE)
    values, rows, columns = noise(20, 30), noise(40, 40, seed=1) * 15 + 10, noise(40, 40, seed=2) * 20 + 15
    expected = cv2.remap(values, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    np.testing.assert_allclose(sample(values, rows, columns), expected, atol=0.1)  # OpenCV takes 32nds of a pixel
    np.testing.assert_array_equal(sample(values, *np.mgrid[:20, :30].astype(np.float32)), values)


def test_distances_are_to_the_nearest_as_far_as_they_reach():
    is_there = np.zeros((40, 60), np.bool_)
    is_there[[5, 30], [7, 50]] = True
    y, x = np.mgrid[:40, :60]
    expected = np.minimum(np.hypot(y - 5, x - 7), np.hypot(y - 30, x - 50)).clip(max=12)
    np.testing.assert_allclose(distances_px(is_there, 12), expected, rtol=1e-6)
    assert (distances_px(np.zeros((5, 6), np.bool_), 9) == 9).all()
