"""Tiles of LMSC-UNet itself give what the whole image gives, to float32's last digits."""

import numpy as np
import pytest

from lmsc_unet.catalog import halo_px, model_config, side_multiple_px
from lmsc_unet.inference.predictor import Predictor
from lmsc_unet.inference.spec import ModelSpec

torch = pytest.importorskip("torch", reason="the networks need torch")

TOLERANCE = 1e-6


@pytest.fixture(scope="module")
def network():
    from lmsc_unet.models import build_model
    from lmsc_unet.training.load_model import as_network

    torch.manual_seed(0)
    module = build_model(model_config("lmsc-unet"))
    for part in module.modules():
        if isinstance(part, torch.nn.BatchNorm2d):  # as if trained: no statistic is 0 or 1
            part.running_mean.normal_(0, 0.1)
            part.running_var.uniform_(0.5, 1.5)
    return as_network(module)


@pytest.mark.parametrize(
    ("height", "width", "tile"),
    [
        (231, 130, 160),  # odd sides, tiles in both directions
        (90, 200, 160),  # lower than a tile, wider than one
        (37, 21, 128),  # smaller than a tile
    ],
)
def test_tiles_give_what_the_whole_image_gives(network, height, width, tile):
    config = model_config("lmsc-unet")
    spec = ModelSpec(name="lmsc-unet", side_multiple_px=side_multiple_px(config), margin_px=halo_px(config))
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    tiled = Predictor(network, spec, tile_px=tile).predict(image)
    whole = Predictor(network, spec, tile_px=640).predict(image)
    np.testing.assert_allclose(tiled.probability, whole.probability, atol=TOLERANCE)
    assert 0.01 < whole.mask.mean() < 0.99
