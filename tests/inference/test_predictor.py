"""A tiled result equals the whole image's, whatever the sizes; both treatments give classes that add up."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmsc_unet.errors import ConfigError, DataError, ModelError
from lmsc_unet.imageio import as_source
from lmsc_unet.inference.predictor import Predictor, with_scale, with_threshold
from lmsc_unet.inference.preprocess import find_limits
from lmsc_unet.signals.settings import SpectrogramSettings
from tests.inference.networks import brightness, small_unet, spec

TOLERANCE = 1e-5
"""Of probabilities: what float32 loses where tiles are blended."""


def picture(height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


@settings(max_examples=40)
@given(
    height=st.integers(1, 180),
    width=st.integers(1, 180),
    tile=st.sampled_from([44, 48, 64, 100]),
    batch=st.integers(1, 5),
    num_logits=st.sampled_from([1, 3]),
)
def test_tiles_give_what_the_whole_image_gives(height, width, tile, batch, num_logits):
    names = ("a", "b", "c") if num_logits == 3 else ("a", "b")
    model = {"network": small_unet(num_logits), "spec": spec(num_logits=num_logits, class_names=names)}
    image = picture(height, width)
    tiled = Predictor(**model, tile_px=tile, batch=batch).predict(image)
    whole = Predictor(**model, tile_px=256).predict(image)
    assert tiled.probability.shape == (len(names), height, width)
    assert tiled.mask.shape == (height, width)
    np.testing.assert_allclose(tiled.probability, whole.probability, atol=TOLERANCE)
    np.testing.assert_allclose(tiled.probability.sum(axis=0), 1, atol=TOLERANCE)


def test_without_the_margin_the_same_tiles_would_differ():
    """So the test above can fail."""
    image = picture(180, 180)
    bare = Predictor(small_unet(), spec(margin_px=0), tile_px=44).predict(image)
    whole = Predictor(small_unet(), spec(), tile_px=256).predict(image)
    assert np.abs(bare.probability - whole.probability).max() > 100 * TOLERANCE


@pytest.mark.parametrize("treatment", [{}, {"scale": 0.5}, {"scale": 1.5}, {"treatment": "resize", "size_px": 64}])
@pytest.mark.parametrize("scaling", ["range", "percentile"])
def test_an_image_in_blocks_gives_the_masks_and_probabilities_of_the_whole(monkeypatch, treatment, scaling):
    monkeypatch.setattr("lmsc_unet.inference.sliding_window.BAND_PIXELS", 130 * 7)
    monkeypatch.setattr("lmsc_unet.imageio.rows.BLOCK_BYTES", 130 * 3 * 9)
    image = picture(300, 130)
    blocks = [image[start : start + 11] for start in range(0, 300, 11)]
    source = replace(as_source(image), blocks=lambda: iter(blocks))
    predictor = Predictor(small_unet(), spec(scaling=scaling, **treatment), tile_px=64)
    bands, whole = list(predictor.bands(source)), predictor.predict(image)
    assert max(len(band.mask) for band in bands) <= 64
    np.testing.assert_array_equal(np.concatenate([band.mask for band in bands]), whole.mask)
    np.testing.assert_array_equal(np.concatenate([band.probability for band in bands], axis=1), whole.probability)


def test_no_more_than_a_row_of_tiles_is_read_ahead():
    image, num_read = picture(300, 130), [0]

    def blocks():
        for start in range(0, 300, 10):
            num_read[0] = start + 10
            yield image[start : start + 10]

    predictor = Predictor(small_unet(), spec(), tile_px=64)
    num_rows = 0
    for band in predictor.bands(replace(as_source(image), blocks=blocks)):
        assert num_read[0] <= num_rows + 64 + 10
        num_rows += len(band.mask)
    assert num_rows == 300


def test_the_whole_images_statistics_scale_each_tile():
    image = np.zeros((200, 200, 3), dtype=np.uint8)
    image[:100] = 100
    image[90:, 90:] = 200
    model = {"network": brightness, "spec": spec(scaling="percentile", mean=(0.75,))}
    mask = Predictor(**model, tile_px=44).predict(image).mask
    np.testing.assert_array_equal(mask, (image[..., 0] == 200).astype(np.uint8))


@pytest.mark.parametrize("size", [(64, 64), (37, 120), (200, 81)])
def test_resize_sees_the_network_size_and_answers_in_the_images(size):
    seen = []

    def network(pixels):
        seen.append(pixels.shape)
        return brightness(pixels)

    image = np.zeros((*size, 3), dtype=np.uint8)
    image[:, size[1] // 2 :] = 255
    predictor = Predictor(network, spec(treatment="resize", size_px=64))
    prediction = predictor.predict(image)
    assert seen == [(1, 3, 64, 64)]
    assert prediction.mask.shape == size
    assert np.mean(prediction.mask != image[..., 0] / 255) < 0.02
    assert predictor.predict_at_network_size(image).mask.shape == (64, 64)


@pytest.mark.parametrize("size", [(64, 64), (37, 121), (200, 81)])
@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_a_scale_changes_what_the_network_sees_and_not_the_size_of_the_answer(size, scale):
    seen = []

    def network(pixels):
        seen.append(pixels.shape[2:])
        return brightness(pixels)

    image = np.zeros((*size, 3), dtype=np.uint8)
    image[:, size[1] // 2 :] = 255
    prediction = Predictor(network, spec(scale=scale)).predict(image)
    multiple_px = spec().side_multiple_px
    assert seen == [tuple(-(-round(side * scale) // multiple_px) * multiple_px for side in size)]
    assert prediction.mask.shape == size
    assert np.mean(prediction.mask != image[..., 0] / 255) < 0.02


def test_binary_and_multi_class_masks_follow_their_probabilities():
    image = picture(50, 40)
    binary = Predictor(small_unet(), spec(threshold=0.6)).predict(image)
    np.testing.assert_array_equal(binary.mask, binary.probability[1] >= 0.6)
    names = ("a", "b", "c")
    several = Predictor(small_unet(3), spec(num_logits=3, class_names=names)).predict(image)
    np.testing.assert_array_equal(several.mask, several.probability.argmax(axis=0))
    assert several.shares == pytest.approx({n: np.mean(several.mask == k) for k, n in enumerate(names)})
    assert several.mask.dtype == np.uint8


def test_a_scale_is_only_for_images_by_tiles():
    assert with_scale(spec(), 0.5).scale == 0.5
    for wrong in (0, -1):
        with pytest.raises(ConfigError, match="must be above 0"):
            with_scale(spec(), wrong)
    with pytest.raises(ConfigError, match="takes images at 256 px a side, so a scale does not apply"):
        with_scale(spec(treatment="resize"), 0.5)
    with pytest.raises(ConfigError, match="takes spectrograms as they are"):
        with_scale(spec(spectrogram=SpectrogramSettings()), 0.5)


def test_a_threshold_is_only_for_one_logit():
    assert with_threshold(spec(), 0.3).threshold == 0.3
    with pytest.raises(ConfigError, match="between 0 and 1"):
        with_threshold(spec(), 1.5)
    with pytest.raises(ConfigError, match="a threshold does not apply"):
        with_threshold(spec(num_logits=2), 0.3)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((0, 4, 3), dtype=np.uint8), "has the shape"),
        (np.zeros(5, dtype=np.uint8), "has the shape"),
        (np.zeros((8, 8, 5), dtype=np.uint8), "has 5 channels"),
        (np.full((8, 8, 3), np.inf, dtype=np.float32), "are infinite"),
        (np.zeros((8, 8, 3), dtype=complex), "integers or floats are needed"),
        (np.full((8, 8, 3), "a"), "integers or floats are needed"),
    ],
)
def test_what_is_no_image_is_refused(array, message):
    with pytest.raises(DataError, match=message):
        Predictor(small_unet(), spec()).predict(array)


@settings(max_examples=60)
@given(
    dtype=st.sampled_from(["bool", "uint8", "int8", "uint16", ">u2", "int32", "uint64", "float16", "float32", "f8"]),
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    channels=st.sampled_from([1, 2, 3, 5]),
    options=st.sampled_from([{}, {"scale": 0.5}, {"treatment": "resize", "size_px": 8}]),
    scaling=st.sampled_from(["range", "percentile", "per-channel", "balanced"]),
    missing=st.integers(0, 9),
    seed=st.integers(0, 3),
)
def test_any_type_and_size_is_segmented(dtype, size, channels, options, scaling, missing, seed):  # B7
    image = np.random.default_rng(seed).integers(0, 2 + 40 * seed, (*size, channels)).astype(dtype)
    if image.dtype.kind == "f":
        image[:missing] = np.nan
    predictor = Predictor(brightness, spec(input_channels=channels, scaling=scaling, **options))
    found = predictor.predict(image)
    assert found.mask.shape == size
    assert np.isfinite(found.probability).all()
    if image.dtype.kind == "f":
        assert (found.mask[:missing] == 0).all()
        assert (found.probability[:, :missing] == 0).all()


@pytest.mark.parametrize("shape", [(1, 3_000_000), (3_000_000, 1), (2, 900_000), (1, 1)])
def test_an_image_thinner_than_its_samples_are_apart_has_limits(shape):  # B7
    pixels = np.zeros((*shape, 1), np.float32)
    pixels.reshape(-1)[::2] = 5
    limits = find_limits(pixels, spec(scaling="percentile", input_channels=1))
    assert limits.high == (5.0,)


@pytest.mark.parametrize("scaling", ["range", "percentile", "per-channel", "balanced"])
def test_bits_are_as_0_and_255(scaling):  # B7
    bits = picture(20, 30) > 100
    predictor = Predictor(brightness, spec(scaling=scaling, mean=(0.5,)))
    np.testing.assert_array_equal(predictor.predict(bits).mask, predictor.predict(bits * np.uint8(255)).mask)


@pytest.mark.parametrize("missing", ["nan", "zeros"])
@pytest.mark.parametrize("scaling", ["range", "percentile", "per-channel", "balanced"])
@pytest.mark.parametrize("options", [{}, {"scale": 0.5}, {"treatment": "resize", "size_px": 64}])
def test_what_is_not_known_leaves_the_rest_as_it_is(monkeypatch, missing, scaling, options):  # I8, I34
    monkeypatch.setattr("lmsc_unet.inference.sliding_window.BAND_PIXELS", 130 * 7)
    known = 8000 + 20 * picture(128, 128).astype(np.float32)
    known[0, 0], known[0, 1] = 8000, 65535 / 4  # the same extremes with and without
    holed = known.copy()
    holed[96:] = np.nan if missing == "nan" else 0
    predictor = Predictor(brightness, spec(scaling=scaling, mean=(0.5,), **options), tile_px=64)
    whole, found = predictor.predict(known[:96]), predictor.predict(holed)
    assert (found.mask[96:] == 0).all()
    assert (found.probability[:, 96:] == 0).all()
    rows = slice(0, 90) if options else slice(0, 96)  # resized, an edge mixes with what lies beyond
    if options.get("treatment") != "resize":  # there, the piece has another scale
        assert (found.mask[rows] == whole.mask[rows]).mean() > 0.995
    assert 0.01 < found.mask[rows].mean() < 0.9
    source = replace(as_source(holed), blocks=lambda: iter(np.split(holed, [40, 97, 98])))
    in_bands = list(predictor.bands(source))
    np.testing.assert_array_equal(np.concatenate([band.mask for band in in_bands]), found.mask)
    joined = np.concatenate([band.probability for band in in_bands], axis=1)
    np.testing.assert_array_equal(joined, found.probability)


def test_nothing_is_missing_to_a_model_of_recordings():
    """Their pictures are 0 at the noise floor."""
    picture = np.full((64, 64, 1), 120, np.uint8)
    picture[::2, ::2], picture[:10] = 130, 0
    model = {"scaling": "range", "input_channels": 1, "spectrogram": SpectrogramSettings()}
    assert (Predictor(brightness, spec(**model)).predict(picture).probability[:, :10] > 0).any()


def test_grey_arrays_need_no_channel_axis():
    grey = picture(33, 21, channels=1)
    predictor = Predictor(small_unet(), spec())
    np.testing.assert_array_equal(predictor.predict(grey[..., 0]).mask, predictor.predict(grey).mask)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (small_unet(2), r"gives logits of shape \(1, 2, 8, 8\) where its spec says \(1, 1, 8, 8\)"),
        (lambda _: np.full((1, 1, 8, 8), np.nan, dtype=np.float32), "not finite"),
    ],
)
def test_a_network_that_does_not_fit_its_spec_is_refused(network, message):
    with pytest.raises(ModelError, match=message):
        Predictor(network, spec()).predict(picture(8, 8))


def test_settings_that_cannot_work_are_refused_at_once():
    with pytest.raises(ConfigError, match="batch is 0"):
        Predictor(small_unet(), spec(), batch=0)
    with pytest.raises(ConfigError, match="tile_px is 28"):
        Predictor(small_unet(), spec(), tile_px=28)
