"""`lmsc predict --format`: what is written is read back by the formats' own libraries, as the same pixels."""

import csv
import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from lmsc_unet.apps.segment.job import close_job, run_job
from lmsc_unet.apps.segment.objects import imagej, object_files, run_files
from lmsc_unet.apps.segment.opening import SegmentOptions, open_job
from lmsc_unet.errors import OutputError
from lmsc_unet.imageio import read_mask, write_png
from tests.apps.segment.test_label_images import dots
from tests.apps.segment.test_masks import PLACE
from tests.inference.networks import load_by

FORMATS = "geojson,coco,yolo"


def difficult() -> np.ndarray:
    """A picture "H W 3": a ring, pixels that touch at a corner, a single pixel, and objects at all borders."""
    picture = np.zeros((40, 50, 3), np.uint8)
    picture[5:20, 5:20] = 200
    picture[9:16, 9:16] = 0
    picture[11:13, 11:13] = 220
    picture[25, 25] = picture[26, 26] = picture[30, 5] = 210
    for rows, columns in ((np.s_[:3], np.s_[30:40]), (np.s_[37:], np.s_[:9]), (np.s_[30:], np.s_[46:])):
        picture[rows, columns] = 230
    return picture


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures of one name in two folders, and one without objects."""
    write_png(tmp_path / "in/a/1.png", difficult())
    write_png(tmp_path / "in/b/1.png", dots(60, 45, 6))
    write_png(tmp_path / "in/empty.png", np.full((12, 10, 3), 9, np.uint8))
    return tmp_path / "in"


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def classes_of(out: Path, name: str) -> np.ndarray:
    mask = read_mask(next((out / "masks").glob(f"{name}.*")))
    return (mask == 255).astype(np.uint8) if mask.max() > 2 else mask


def from_coco(out: Path, name: str) -> list[np.ndarray]:
    coco = pytest.importorskip("pycocotools.coco", reason="reads the annotations").COCO(out / "coco.json")
    (image,) = (one for one in coco.dataset["images"] if Path(one["file_name"]).with_suffix("").as_posix() == name)
    found = coco.loadAnns(coco.getAnnIds(imgIds=image["id"]))
    for one in found:
        rle = coco.annToRLE(one)
        mask = pytest.importorskip("pycocotools.mask")
        assert mask.area(rle) == one["area"]
        assert mask.toBbox(rle).tolist() == one["bbox"]
    return [coco.annToMask(one).astype(bool) for one in found]


def painted(geometry, size_px) -> np.ndarray:
    shapely = pytest.importorskip("shapely", reason="reads the outlines")
    assert shapely.is_valid(geometry)
    rows, columns = np.indices(size_px)
    return shapely.contains_xy(geometry, columns + 0.5, rows + 0.5)


def features_of(out: Path, name: str) -> list[dict]:
    path = out / f"geojson/{name}.geojson"
    text = path.read_text() if path.exists() else gzip.decompress(Path(f"{path}.gz").read_bytes()).decode()
    collection = json.loads(text)
    assert collection["type"] == "FeatureCollection"
    return collection["features"]


def from_geojson(out: Path, name: str) -> list[np.ndarray]:
    shapely = pytest.importorskip("shapely", reason="reads the outlines")
    size_px, features = classes_of(out, name).shape, features_of(out, name)
    return [painted(shapely.from_geojson(json.dumps(one["geometry"])), size_px) for one in features]


def even_odd(path: np.ndarray, size_px: tuple[int, int]) -> np.ndarray:
    """The pixels whose centres a path "N 2" encloses an odd number of times."""
    inside = np.zeros(size_px, bool)
    columns = np.arange(size_px[1]) + 0.5
    for (x, y), (other_x, below) in zip(path, np.roll(path, -1, axis=0), strict=True):
        for row in range(size_px[0]):
            if (y > row + 0.5) != (below > row + 0.5):
                inside[row] ^= columns > x + (row + 0.5 - y) / (below - y) * (other_x - x)
    return inside


def from_yolo(out: Path, name: str) -> list[np.ndarray]:
    size_px = classes_of(out, name).shape
    lines = [line.split() for line in (out / f"yolo/labels/{name}.txt").read_text().splitlines()]
    paths = [np.array(line[1:], float).reshape(-1, 2) * size_px[::-1] for line in lines]
    return [even_odd(path, size_px) for path in paths]


def from_imagej(out: Path, name: str) -> list[np.ndarray]:
    roifile = pytest.importorskip("roifile", reason="writes and reads the regions")
    rois = roifile.roiread(out / f"imagej/{name}.zip")
    return [even_odd(roi.coordinates(), classes_of(out, name).shape) for roi in rois]


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools
@pytest.mark.parametrize("instances", [True, False])
@pytest.mark.parametrize("read", [from_geojson, from_coco, from_yolo, from_imagej])
def test_every_format_gives_back_the_pixels_of_each_object(model, folder, tmp_path, lmsc, read, instances):
    kind, out = read.__name__.removeprefix("from_"), tmp_path / "out"
    if kind == "imagej":
        pytest.importorskip("roifile", reason="writes the regions")
    labels = "--instances" if instances else "--no-instances"
    assert lmsc("predict", model, folder, "--out", out, labels, "--format", kind) == 0
    for name in ("a/1", "b/1"):
        masks, rows = read(out, name), [row for row in table(out / "regions.csv") if row["image"] == name]
        assert [int(row["area_px"]) for row in rows] == [mask.sum() for mask in masks]
        if instances:
            numbers = read_mask(out / f"instances/{name}.png")
            for label, mask in enumerate(masks, start=1):
                np.testing.assert_array_equal(mask, numbers == label)
        else:
            assert len(masks) == (7 if name == "a/1" else len(rows))
            np.testing.assert_array_equal(np.sum(masks, axis=0), classes_of(out, name))
    if kind != "imagej":  # roifile does not open an empty zip
        assert read(out, "empty") == []


def test_geojson_is_that_of_qupath(model, folder, tmp_path, lmsc):
    command = ["predict", model, folder, "--format", "geojson", "--no-instances", "--pixel-size-um", "0.5", "--out"]
    assert lmsc(*command, tmp_path / "out") == 0
    features = features_of(tmp_path / "out", "a/1")
    single = next(one for one in features if one["properties"]["measurements"]["area_px"] == 1)
    assert single["geometry"] == {"type": "Polygon", "coordinates": [[[5, 30], [6, 30], [6, 31], [5, 31], [5, 30]]]}
    properties = single["properties"]
    assert properties["objectType"] == "detection"
    assert properties["classification"] == {"name": "foreground", "color": [240, 228, 66]}
    assert properties["measurements"]["area_um2"] == 0.25
    assert properties["measurements"]["mean_channel_3"] == 210
    assert "circularity" not in properties["measurements"]  # not defined for a pixel
    assert sorted(one["geometry"]["type"] for one in features).count("MultiPolygon") == 1
    assert len({one["id"] for one in features}) == len(features)
    assert lmsc(*command, tmp_path / "again") == 0
    assert (tmp_path / "again/geojson/a/1.geojson").read_bytes() == (tmp_path / "out/geojson/a/1.geojson").read_bytes()


@pytest.mark.parametrize(
    ("loader", "instances"), [("load_bright", True), ("load_bright", False), ("load_three", False)]
)
def test_rows_give_the_files_of_the_whole_image(model, tmp_path, lmsc, monkeypatch, by_rows, loader, instances):
    load_by(monkeypatch, f"tests.inference.networks:{loader}")
    monkeypatch.setattr("lmsc_unet.inference.label_rows.TILE_SIDE_PX", 90)
    monkeypatch.setattr("lmsc_unet.inference.label_rows.HALO_PX", 40)
    monkeypatch.setattr(object_files, "SLIDE_PIXELS", 1)
    tifffile.imwrite(tmp_path / "large.tif", dots(300, 170, 60), photometric="rgb", tile=(64, 64), extratags=PLACE)
    labels = "--instances" if instances else "--no-instances"
    command = ["predict", model, tmp_path / "large.tif", labels, "--format", FORMATS, "--tile-px", 64, "--out"]
    assert lmsc(*command, tmp_path / "whole") == 0
    by_rows()
    assert lmsc(*command, tmp_path / "rows") == 0
    assert len(table(tmp_path / "rows/regions.csv")) > 30
    for name in ("regions.csv", "summary.csv", "coco.json", "geojson/large.geojson.gz", "yolo/labels/large.txt"):
        whole, rows = ((tmp_path / out / name).read_bytes() for out in ("whole", "rows"))
        assert whole == rows, name
    masks = from_geojson(tmp_path / "rows", "large")
    np.testing.assert_array_equal(np.sum(masks, axis=0) <= classes_of(tmp_path / "rows", "large"), True)


def test_a_summary_and_micrometres(model, folder, tmp_path, lmsc):
    out = tmp_path / "out"
    assert lmsc("predict", model, folder, "--out", out, "--no-instances", "--format", "yolo") == 0
    assert all(row["area_um2"] == row["perimeter_um"] == "" for row in table(out / "regions.csv"))
    first, _, last = table(out / "summary.csv")
    assert (first["image"], first["objects"], first["area_um2"], first["objects_per_mm2"]) == ("a/1", "7", "", "")
    assert (last["image"], last["objects"], last["area_px"], last["mean_area_px"]) == ("empty", "0", "0", "")
    arguments = ["--overwrite", "--pixel-size-um", 2]
    assert lmsc("predict", model, folder, "--out", out, "--no-instances", "--format", "yolo", *arguments) == 0
    row = table(out / "summary.csv")[0]
    areas = [int(one["area_px"]) for one in table(out / "regions.csv") if one["image"] == "a/1"]
    assert float(row["area_um2"]) == 4 * sum(areas)
    assert float(row["median_area_um2"]) == 4 * np.median(areas)
    assert float(row["objects_per_mm2"]) == pytest.approx(7 / (40 * 50 * 4e-6))


def test_images_of_other_channels_share_a_table(model, tmp_path, lmsc):
    write_png(tmp_path / "in/grey.png", difficult()[:, :, 0])
    write_png(tmp_path / "in/rgb.png", difficult())
    assert lmsc("predict", model, tmp_path / "in", "--out", tmp_path / "out", "--format", "coco") == 0
    rows = table(tmp_path / "out/regions.csv")
    assert {(row["image"], row["mean_channel_2"] == "") for row in rows} == {("grey", True), ("rgb", False)}


def test_a_lost_file_is_made_again_and_no_row_is_there_twice(model, folder, tmp_path, lmsc, capsys):
    out = tmp_path / "out"
    command = ["predict", model, folder, "--out", out, "--instances", "--format", FORMATS]
    assert lmsc(*command) == 0
    files = sorted(path for path in out.rglob("*") if path.is_file() and path.name != "run.json")
    before = {path: path.read_bytes() for path in files if path.name != "predictions.jsonl"}
    for name in ("regions/a/1.csv", "geojson/b/1.geojson", "coco.json"):
        (out / name).unlink()
    journal = (out / "predictions.jsonl").read_text().splitlines()
    (out / "predictions.jsonl").write_text(f"{journal[0]}\n{journal[1][:30]}")  # as a kill leaves it
    assert lmsc(*command, "--resume") == 0
    assert {path: path.read_bytes() for path in before} == before
    assert lmsc(*command[:-2], "--resume") == 1
    assert "formats: ['geojson', 'coco', 'yolo'] -> []" in capsys.readouterr().err
    assert lmsc(*command[:-3], "--no-instances", "--overwrite") == 0
    assert sorted(path.name for path in out.iterdir()) == ["masks", "overlays", "predictions.jsonl", "run.json"]


@pytest.mark.parametrize("file", ["regions/a/1.csv", "coco/a/1.jsonl"])
def test_files_that_are_removed_meanwhile_are_told(model, folder, tmp_path, file):
    out = tmp_path / "out"
    job = open_job(model, [folder], out, SegmentOptions(instances=True, formats=("coco",)))
    entries = list(run_job(job))
    (out / file).unlink()
    with pytest.raises(OutputError, match=f"1 files are not there any more, {file} among them"):
        close_job(job, entries)
    assert not (out / "coco.json").exists()


def test_parquet_holds_the_table(model, folder, tmp_path, lmsc):
    parquet = pytest.importorskip("pyarrow.parquet", reason="reads the table")
    assert lmsc("predict", model, folder, "--out", tmp_path / "out", "--format", "parquet", "--no-instances") == 0
    found = parquet.read_table(tmp_path / "out/regions.parquet").to_pylist()
    rows = table(tmp_path / "out/regions.csv")
    assert [(one["image"], one["label"], one["area_px"]) for one in found] == [
        (row["image"], int(row["label"]), int(row["area_px"])) for row in rows
    ]
    assert found[0]["area_um2"] is None
    assert found[0]["solidity"] == float(rows[0]["solidity"])


def test_parquet_of_images_without_objects_is_empty(model, folder, tmp_path, lmsc):
    parquet = pytest.importorskip("pyarrow.parquet", reason="reads the table")
    assert lmsc("predict", model, folder / "empty.png", "--out", tmp_path / "out", "--format", "parquet") == 0
    assert parquet.read_table(tmp_path / "out/regions.parquet").num_rows == 0


@pytest.mark.parametrize(
    ("argument", "missing", "message"),
    [
        ("svg", None, "svg is no format. Choose of labels, geojson, coco, imagej, yolo, parquet."),
        ("imagej", imagej, '--format imagej needs roifile. Run: pip install "lmsc-unet[imagej]"'),
        ("parquet", run_files, '--format parquet needs pyarrow. Run: pip install "lmsc-unet[parquet]"'),
    ],
)
def test_what_cannot_be_written_is_told_first(
    model, folder, tmp_path, lmsc, capsys, monkeypatch, argument, missing, message
):
    if missing is not None:
        monkeypatch.setattr(missing, "find_spec", lambda _name: None)
    assert lmsc("predict", model, folder, "--out", tmp_path / "out", "--format", argument) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_labels_are_the_label_images(model, folder, tmp_path, lmsc):
    assert lmsc("predict", model, folder, "--out", tmp_path / "out", "--format", "labels") == 0
    assert (tmp_path / "out/instances/a/1.png").exists()
