"""An image read and written by rows gives what it gives whole, in memory that its height does not change."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from lmsc_unet.imageio import read_image
from tests.apps.segment.conftest import blobs
from tests.inference.networks import load_by

REPOSITORY = Path(__file__).parents[3]


def tiff(path: Path, height: int = 300, width: int = 170, **options) -> Path:
    tifffile.imwrite(path, blobs(height, width), photometric="rgb", tile=(64, 64), **options)
    return path


def decoded(out: Path) -> dict[str, np.ndarray]:
    return {path.relative_to(out).as_posix(): read_image(path) for path in out.rglob("*.png")}


@pytest.mark.parametrize(
    ("loader", "of_spec"),
    [
        ("load_bright", {"scaling": "percentile"}),
        ("load_bright", {"scale": 0.5}),
        ("load_bright", {"treatment": "resize", "size_px": 64}),
        ("load_three", {}),
    ],
)
def test_files_are_those_of_the_whole_image(model, tmp_path, lmsc, monkeypatch, by_rows, loader, of_spec):
    load_by(monkeypatch, f"tests.inference.networks:{loader}")
    model.write_text(json.dumps(of_spec))
    image = tiff(tmp_path / "large.tif", compression="zlib")
    command = ["predict", model, image, "--probabilities", "--tile-px", 64, "--out"]
    assert lmsc(*command, tmp_path / "whole") == 0
    by_rows()
    assert lmsc(*command, tmp_path / "rows") == 0
    whole, rows = decoded(tmp_path / "whole"), decoded(tmp_path / "rows")
    assert set(whole) == set(rows)
    for name, values in whole.items():
        np.testing.assert_array_equal(rows[name], values, err_msg=name)
    lines = [json.loads((tmp_path / out / "predictions.jsonl").read_text()) for out in ("whole", "rows")]
    assert lines[0] | {"ms": 0} == lines[1] | {"ms": 0}


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("nodata", ["0", "255", "nan", None])
def test_nodata_is_left_out_by_rows_as_in_the_whole_image(model, tmp_path, lmsc, by_rows, dtype, nodata):  # I8, I34
    model.write_text(json.dumps({"scaling": "percentile", "scale": 0.5}))
    image = (blobs(300, 170) // 2 + 100).astype(dtype)
    image[200:260] = 0 if nodata is None or (nodata == "nan" and dtype != "float32") else float(nodata)
    image[:30] = 0
    tags = [] if nodata is None else [(42113, 2, 0, nodata, True)]
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, image, photometric="rgb", tile=(64, 64), extratags=tags, metadata=None)
    command = ["predict", model, path, "--probabilities", "--tile-px", 64, "--out"]
    assert lmsc(*command, tmp_path / "whole") == 0
    by_rows()
    assert lmsc(*command, tmp_path / "rows") == 0
    whole, rows = decoded(tmp_path / "whole"), decoded(tmp_path / "rows")
    for name, values in whole.items():
        np.testing.assert_array_equal(rows[name], values, err_msg=name)
        assert (values[:30] == 0).all()
        assert (values[200:260] == 0).all()
        assert 0 < (values[40:190, ..., 0] > 0).mean() < 1 or "overlays" in name


def test_a_tile_that_is_damaged_fails_its_image_leaves_no_file_and_the_others_go_on(
    model, tmp_path, lmsc, capsys, by_rows
):
    paths = [tiff(tmp_path / f"{name}.tif", compression="zlib") for name in "abc"]
    with tifffile.TiffFile(paths[1]) as file:
        offset = file.pages[0].dataoffsets[10]
    data = bytearray(paths[1].read_bytes())
    data[offset : offset + 8] = b"no zlib!"
    paths[1].write_bytes(data)
    by_rows()
    assert lmsc("predict", model, *paths, "--out", tmp_path / "out", "--tile-px", 64) == 2
    assert "b.tif: truncated or damaged" in capsys.readouterr().err
    pictures = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.png")}
    assert pictures == {f"{kind}/{name}.png" for kind in ("masks", "overlays") for name in "ac"}
    assert not list((tmp_path / "out").rglob("*.tmp"))


def test_a_disk_that_is_full_stops_the_job_and_leaves_no_half_picture(
    model, tmp_path, lmsc, capsys, by_rows, monkeypatch
):
    image = tiff(tmp_path / "large.tif")
    by_rows()
    command = ["predict", model, image, "--out", tmp_path / "out", "--tile-px", 64]
    with monkeypatch.context() as patched:
        patched.setattr("lmsc_unet.imageio.write.png_parts", _full)
        assert lmsc(*command) == 1
    assert "cannot be written (No space left on device)" in capsys.readouterr().err
    assert not [path for path in (tmp_path / "out").rglob("*") if path.suffix in (".png", ".tmp")]
    assert lmsc(*command, "--resume") == 0


def _full(*_arguments, **_settings):
    raise OSError(28, "No space left on device")


MEASURE = """
import resource, sys
from lmsc_unet.cli.main import main
from lmsc_unet.inference import loading
loading.LOADERS = {".fake": "tests.inference.networks:load_bright"}
code = main(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3)
sys.exit(code)
"""


def peak_mb(*arguments: object) -> float:
    command = [sys.executable, "-c", MEASURE, "predict", *map(str, arguments)]
    found = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return float(found.stdout.split()[-1])


def test_memory_does_not_grow_with_the_height(model, tmp_path):
    """27 million pixels take 81 MB to decode, and 216 MB as probabilities."""
    model.write_text('{"scaling": "percentile"}')
    shape, tile = (9_000, 3_000, 3), np.full((512, 512, 3), 200, np.uint8)
    num_tiles = -(-shape[0] // 512) * -(-shape[1] // 512)
    tiles = (tile if index % 7 == 0 else None for index in range(num_tiles))
    large, small = tmp_path / "large.tif", tmp_path / "small.tif"
    tifffile.imwrite(large, tiles, shape=shape, dtype=np.uint8, tile=(512, 512), photometric="rgb", bigtiff=True)
    tifffile.imwrite(small, tile, photometric="rgb")
    options = ("--tile-px", 256, "--probabilities", "--out")
    needed_mb = peak_mb(model, large, *options, tmp_path / "out") - peak_mb(model, small, *options, tmp_path / "s")
    assert needed_mb < 90
    assert read_image(tmp_path / "out/masks/large.png").mean() == pytest.approx(255 / 7, abs=7)
