"""The pictures of a run show classes as masks and overlays do."""

import numpy as np
from PIL import Image

from lmsc_unet.apps.segment.writers import MaskFormat
from lmsc_unet.datasets.folder import find_dataset
from lmsc_unet.datasets.labels import LabelMap
from lmsc_unet.imageio import read_mask, write_png
from lmsc_unet.inference.predictor import Predictor
from lmsc_unet.training.pictures import class_colours, draw_predictions
from tests.inference.networks import load_three

from .small import write_discs


def test_several_classes_have_the_colours_of_the_masks_palette_and_one_is_white():
    several = class_colours(9)
    np.testing.assert_array_equal(several[:9], MaskFormat(num_classes=9).palette)
    assert (class_colours(2)[:2] == [[0] * 3, [255] * 3]).all()
    assert (several[255] == 128).all()  # what is left out


def test_a_legend_names_the_colours_of_several_classes(tmp_path):
    (tmp_path / "model").write_text("{}")
    samples = find_dataset(write_discs(tmp_path / "data", count=1)).samples
    write_png(samples[0].mask, read_mask(samples[0].mask) // 255)
    network, spec = load_three(tmp_path / "model", None)
    are_named = []
    for names in (("a", "b"), ("ground", "bright", "nowhere")):
        label_map = LabelMap(kind="classes", class_names=names)
        draw_predictions(Predictor(network, spec), samples, label_map, tmp_path / "a.png")
        picture = np.asarray(Image.open(tmp_path / "a.png").convert("RGB"))
        colours = np.unique(picture[-20:].reshape(-1, 3), axis=0).tolist()
        are_named.append([86, 180, 233] in colours)
    assert are_named == [False, True]
