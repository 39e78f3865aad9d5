"""How a training's images are scaled where its settings leave it open."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from lmsc_unet.training.prepare import prepare_data
from lmsc_unet.training.run_folder import read_config

from .small import lmsc_train, small_config, write_discs


def write_tiffs(folder: Path, channels: int, **options: object) -> Path:
    """Discs in TIFFs of so many channels, "C H W" where options name axes."""
    write_discs(folder, side_px=40)
    for path in (folder / "images").glob("*.png"):
        pixels = np.random.default_rng(int(path.stem)).integers(0, 255, (40, 40, channels)).astype(np.uint16)
        array = np.moveaxis(pixels, 2, 0) if "metadata" in options else pixels
        tifffile.imwrite(path.with_suffix(".tif"), array, **options)
        path.unlink()
    return folder


CYX = {"imagej": True, "metadata": {"axes": "CYX"}}
GREY = {"photometric": "minisblack", "planarconfig": "contig"}


@pytest.mark.parametrize(
    ("channels", "options", "scaling"),
    [
        (1, {"photometric": "minisblack"}, "percentile"),
        (3, {"photometric": "rgb"}, "percentile"),  # colours keep their balance
        (3, CYX, "per-channel"),  # I18: three stains
        (3, GREY, "per-channel"),
        (2, CYX, "per-channel"),
        (4, CYX, "per-channel"),
        (5, GREY, "per-channel"),
    ],
)
def test_channels_that_are_no_colours_are_scaled_each_by_itself(tmp_path, channels, options, scaling):
    data = write_tiffs(tmp_path, channels, **options)
    assert prepare_data(data, small_config()).spec.scaling == scaling
    for named in ("range", "percentile", "per-channel", "balanced"):
        assert prepare_data(data, small_config(input={"scaling": named})).spec.scaling == named


def test_a_run_that_was_begun_otherwise_goes_on_as_it_was_begun(tmp_path):
    """A run of four channels from before channels were scaled by themselves."""
    data, run = write_tiffs(tmp_path / "data", 4, **CYX), tmp_path / "run"
    assert lmsc_train(data, run, "--epochs=1", "--input.scaling=percentile") == 0
    (run / "summary.json").unlink()
    assert lmsc_train(data, run, "--epochs=1", "--resume") == 0
    assert read_config(run).input.scaling == "percentile"
