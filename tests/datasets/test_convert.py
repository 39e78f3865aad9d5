"""`lmsc data convert`: outlines of other tools become images and masks that the other commands take as they are."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lmsc_unet.cli.main import main
from lmsc_unet.datasets.check import check_dataset
from lmsc_unet.datasets.convert.drawing import as_points, fill, from_run_lengths, unpacked
from lmsc_unet.datasets.folder import scan_dataset
from lmsc_unet.errors import DataError
from lmsc_unet.imageio import read_mask, write_png

HEIGHT, WIDTH = 40, 60
SQUARE = [[10, 10], [30, 10], [30, 30], [10, 30]]
HOLE = [[14, 14], [18, 14], [18, 18], [14, 18]]
SMALL = [[20, 20], [26, 20], [26, 26], [20, 26]]
"""Lies on the square."""


def flat(points) -> list[float]:
    return [value for point in points for value in point]


def coco(folder: Path, *names: str, **changes) -> Path:
    images = [{"id": n, "file_name": f"{name}.png", "width": WIDTH, "height": HEIGHT} for n, name in enumerate(names)]
    shapes = ((SMALL, 7), (SQUARE, 3))
    annotations = [
        {"id": n, "image_id": image["id"], "category_id": category, "segmentation": [flat(points)], "iscrowd": 0}
        for image in images
        for n, (points, category) in enumerate(shapes)
    ]
    content = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 7, "name": "nucleus"}, {"id": 3, "name": "cell"}],
    }
    path = folder / "annotations.json"
    path.write_text(json.dumps(content | changes))
    return path


def labelme(folder: Path, *names: str) -> None:
    for name in names:
        shapes = [
            {"label": "nucleus", "points": SMALL, "shape_type": "polygon"},
            {"label": "cell", "points": [SQUARE[0], SQUARE[2]], "shape_type": "rectangle"},
            {"label": "cell", "points": [[1, 1]], "shape_type": "point"},
        ]
        content = {"shapes": shapes, "imagePath": f"..\\{name}.png", "imageHeight": HEIGHT, "imageWidth": WIDTH}
        (folder / f"{name}.json").write_text(json.dumps(content))


def yolo(folder: Path, *names: str) -> None:
    (folder / "data.yaml").write_text("names: [cell, nucleus]\ntrain: images\n")
    for name in names:
        lines = [
            f"{number} " + " ".join(f"{x / WIDTH:.8g} {y / HEIGHT:.8g}" for x, y in points)
            for number, points in ((1, SMALL), (0, SQUARE))
        ]
        path = folder / f"labels/{name}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(lines) + "\n")


def cvat(folder: Path, *names: str) -> None:
    def pairs(points) -> str:
        return ";".join(f"{x},{y}" for x, y in points)

    images = "".join(
        f'<image id="0" name="{name}.png" width="{WIDTH}" height="{HEIGHT}">'
        f'<mask label="nucleus" rle="0, 36" left="20" top="20" width="6" height="6"/>'
        f'<polygon label="cell" points="{pairs(SQUARE)}"/></image>'
        for name in names
    )
    labels = "<labels><label><name>cell</name></label><label><name>nucleus</name></label></labels>"
    text = f"<annotations><version>1.1</version><meta><job>{labels}</job></meta>{images}</annotations>"
    (folder / "annotations.xml").write_text(text)


def qupath(folder: Path, *names: str) -> None:
    for name in names:
        features = [
            {
                "type": "Feature",
                "geometry": {"type": "Polygon", "coordinates": [[*points, points[0]]]},
                "properties": {"objectType": "annotation", "classification": {"name": label}},
            }
            for label, points in (("nucleus", SMALL), ("cell", SQUARE))
        ]
        (folder / f"{name}.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))


WRITERS = {"COCO": coco, "LabelMe": labelme, "YOLO": yolo, "CVAT": cvat, "QuPath": qupath}


def pictures(folder: Path, *names: str) -> None:
    for seed, name in enumerate(names):
        noise = np.random.default_rng(seed).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        write_png(folder / f"images/{name}.png", noise)


def convert(*words: object) -> int:
    return main(["data", "convert", *map(str, words)])


@pytest.mark.parametrize("kind", WRITERS)
def test_every_kind_gives_the_same_masks_that_the_check_takes_as_they_are(tmp_path, capsys, kind):
    source, out = tmp_path / "in", tmp_path / "out"
    pictures(source, "a", "b")
    WRITERS[kind](source, "a", "b")
    with pytest.raises(DataError, match=f"This looks like {kind}: run lmsc data convert"):
        scan_dataset(source)
    assert convert(source, "--out", out) == 0
    printed = capsys.readouterr()
    assert f"{kind}: 2 images with 4 objects of cell, nucleus are in {out}" in printed.out
    assert ("2 annotations of the kind point are no areas" in printed.err) == (kind == "LabelMe")
    mask = read_mask(out / "masks/a.png")
    expected = np.zeros((HEIGHT, WIDTH), np.uint8)
    expected[10:30, 10:30] = 1
    expected[20:26, 20:26] = 2  # the smaller one is on top, though it comes first
    np.testing.assert_array_equal(mask, expected)
    assert (out / "images/a.png").read_bytes() == (source / "images/a.png").read_bytes()
    report = check_dataset(out)
    assert not report.has_errors, report.problems
    assert report.label_map is not None
    assert report.label_map.class_names == ("background", "cell", "nucleus")


@pytest.mark.parametrize("kind", WRITERS)
def test_objects_are_numbered_if_asked_for(tmp_path, kind):
    pictures(tmp_path / "in", "a", "b")
    WRITERS[kind](tmp_path / "in", "a", "b")
    assert convert(tmp_path / "in", "--out", tmp_path / "out", "--instances") == 0
    mask = read_mask(tmp_path / "out/masks/a.png")
    assert (mask.dtype, mask[12, 12], mask[22, 22], mask.max()) == (np.uint16, 1, 2, 2)
    assert not (tmp_path / "out/masks/_classes.csv").exists()


def test_one_class_is_black_and_white_and_keeps_its_name(tmp_path):
    pictures(tmp_path / "in", "a", "b")
    path = coco(
        tmp_path / "in", "a", "b", categories=[{"id": 3, "name": "cell, large"}, {"id": 7, "name": "background"}]
    )
    assert convert(path, "--out", tmp_path / "out") == 0
    assert set(np.unique(read_mask(tmp_path / "out/masks/a.png"))) == {0, 255}
    report = check_dataset(tmp_path / "out")
    assert report.label_map is not None
    assert report.label_map.class_names == ("background", "cell, large")


def test_parts_of_a_dataset_stay_apart(tmp_path):
    for part in ("train", "valid"):
        for seed in (0, 1):
            noise = np.random.default_rng(seed + 7 * (part == "train")).integers(0, 255, (HEIGHT, WIDTH), np.uint8)
            write_png(tmp_path / f"in/{part}/{seed}.png", noise)
        coco(tmp_path / "in" / part, "0", "1")
    assert convert(tmp_path / "in", "--out", tmp_path / "out") == 0
    report = check_dataset(tmp_path / "out")
    assert (report.has_errors, dict(report.splits)) == (False, {"train": 2, "val": 2})


def test_holes_stay_empty(tmp_path):
    pictures(tmp_path / "in", "a")
    geometry = {"type": "MultiPolygon", "coordinates": [[SQUARE, HOLE], [[[40, 1], [42, 1], [42, 3], [40, 3]]]]}
    feature = {"type": "Feature", "geometry": geometry, "properties": {"classification": {"name": "cell"}}}
    (tmp_path / "in/a.geojson").write_text(json.dumps(feature))
    assert convert(tmp_path / "in", "--out", tmp_path / "out") == 0
    mask = read_mask(tmp_path / "out/masks/a.png")
    assert (mask > 0).sum() == 20 * 20 - 4 * 4 + 2 * 2
    assert not mask[14:18, 14:18].any()


@given(arrays(np.bool_, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_run_lengths_are_those_of_pycocotools(mask):
    oracle = pytest.importorskip("pycocotools.mask", reason="the oracle")
    packed = oracle.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"].decode()
    np.testing.assert_array_equal(from_run_lengths(unpacked(packed), mask.shape, by_columns=True), mask)


@given(st.lists(st.tuples(st.integers(-24, 120), st.integers(-24, 100)), min_size=3, max_size=8))
def test_filled_pixels_are_those_whose_centres_lie_inside(corners):
    shapely = pytest.importorskip("shapely", reason="the oracle")
    corners = [(x / 8, y / 8) for x, y in corners]
    polygon = shapely.Polygon(corners)
    if not polygon.is_valid:
        return
    filled = fill([as_points(corners)], (10, 12))
    rows, columns = np.indices((10, 12)) + 0.5
    is_clear = shapely.distance(polygon.exterior, shapely.points(columns, rows)) > 1e-6
    np.testing.assert_array_equal(filled[is_clear], shapely.contains_xy(polygon, columns, rows)[is_clear])


@pytest.mark.parametrize("kind", ["geojson", "coco", "yolo"])
def test_what_predict_writes_is_read_back_as_the_same_masks(tmp_path, monkeypatch, kind):
    from tests.apps.segment.objects.test_formats import difficult
    from tests.inference.networks import load_by

    load_by(monkeypatch, "tests.inference.networks:load_bright")
    (tmp_path / "model.fake").write_text("{}")
    for name in ("x/1", "y/1"):
        write_png(tmp_path / f"in/{name}.png", difficult())
    out = tmp_path / "out"
    command = ["predict", tmp_path / "model.fake", tmp_path / "in", "--out", out, "--format", kind, "--no-instances"]
    assert main([str(word) for word in command]) == 0
    source = {"geojson": out / "geojson", "coco": out / "coco.json", "yolo": out / "yolo"}[kind]
    if kind == "geojson":
        for name in ("x/1", "y/1"):  # files and images are paired by name
            (source / f"{name}.geojson").rename(source / f"{name[0]}.geojson")
            (tmp_path / f"in/{name}.png").rename(tmp_path / f"in/{name[0]}.png")
    assert convert(source, "--images", tmp_path / "in", "--out", tmp_path / "again") == 0
    for name in ("x/1", "y/1"):
        again = tmp_path / f"again/masks/{name[0] if kind == 'geojson' else name}.png"
        np.testing.assert_array_equal(read_mask(again), read_mask(out / f"masks/{name}.png"))


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("kind", "break_it", "message"),
    [
        (
            "COCO",
            lambda root: (root / "images/b.png").unlink(),
            "annotations.json: 1 images that it names are not below",
        ),
        (
            "COCO",
            lambda root: change(root / "annotations.json", '"category_id": 7', '"category_id": 8'),
            "an annotation is of the category 8, but the categories are 3 (cell), 7 (nucleus)",
        ),
        (
            "COCO",
            lambda root: change(root / "annotations.json", '"image_id": 1', '"image_id": 9'),
            "an annotation is of the image 9",
        ),
        (
            "COCO",
            lambda root: change(root / "annotations.json", "[[20, 20,", '[["x", 20,'),
            "this is not COCO as it should be",
        ),
        ("COCO", lambda root: change(root / "annotations.json", "[[20, 20, 26, 20, 26, 26, 20, 26]]", "[]"), None),
        (
            "COCO",
            lambda root: change(root / "annotations.json", "[[20, 20, 26, 20, 26, 26, 20, 26]]", '{"counts": [5]}'),
            "the run lengths are not those of 60 x 40 px",
        ),
        (
            "COCO",
            lambda root: change(root / "annotations.json", f'"width": {WIDTH}', '"width": 99'),
            "the image is 60 x 40 px, its annotations say 99 x 40 px",
        ),
        (
            "COCO",
            lambda root: change(root / "annotations.json", '"images": [', '"images": ['[:-1]),
            "no whole JSON file",
        ),
        (
            "COCO",
            lambda root: qupath(root, "a"),
            "it holds annotations of QuPath (a.geojson) and COCO (annotations.json)",
        ),
        ("LabelMe", lambda root: (root / "images/b.png").unlink(), "1 images that it names are not below"),
        (
            "LabelMe",
            lambda root: change(root / "a.json", '"label": "cell", ', ""),
            "a.json: this is not LabelMe's JSON as it should be: 'label' is missing",
        ),
        ("YOLO", lambda root: (root / "images/b.png").unlink(), "labels/b.txt: there is no image of this name"),
        ("YOLO", lambda root: (root / "data.yaml").unlink(), "there is no data.yaml that names the classes"),
        ("YOLO", lambda root: (root / "data.yaml").write_text("train: x\n"), "it holds no list `names` of classes"),
        (
            "YOLO",
            lambda root: (root / "labels/a.txt").write_text("5 0 0 1 0 1 1"),
            "labels/a.txt: the class 5 is not known: there are 2",
        ),
        (
            "YOLO",
            lambda root: [(root / f"labels/{name}.txt").write_text("1 .5 .5 .1 .1") for name in "ab"],
            "no area is annotated, but 2 of the kind box",
        ),
        ("CVAT", lambda root: (root / "images/b.png").unlink(), "1 images that it names are not below"),
        (
            "CVAT",
            lambda root: change(root / "annotations.xml", 'polygon label="cell"', 'polygon label="dog"'),
            "the class dog is annotated, but the file's labels are cell, nucleus",
        ),
        ("CVAT", lambda root: change(root / "annotations.xml", "</annotations>", ""), "no whole XML file"),
        (
            "CVAT",
            lambda root: change(root / "annotations.xml", 'left="20"', 'left="57"'),
            "a mask of 6 x 6 px at 57, 20 reaches beyond the image",
        ),
        ("QuPath", lambda root: (root / "images/b.png").unlink(), "1 images that it names are not below"),
        ("QuPath", lambda root: write_png(root / "c/b.png", np.zeros((4, 4), np.uint8)), "b may be"),
    ],
)
def test_broken_files_are_told(tmp_path, capsys, kind, break_it, message):
    pictures(tmp_path / "in", "a", "b")
    WRITERS[kind](tmp_path / "in", "a", "b")
    break_it(tmp_path / "in")
    assert convert(tmp_path / "in", "--out", tmp_path / "out") == (0 if message is None else 1)
    told = capsys.readouterr().err
    assert (message or "2 annotations of the kind box are no areas and left out") in told
    assert "Traceback" not in told


def test_classes_can_be_named_and_others_are_unknown(tmp_path, capsys):
    pictures(tmp_path / "in", "a", "b")
    labelme(tmp_path / "in", "a", "b")
    assert convert(tmp_path / "in", "--out", tmp_path / "out", "--classes", "nucleus") == 1
    assert "The class cell is annotated, but --classes names nucleus. Add it there." in capsys.readouterr().err
    assert convert(tmp_path / "in", "--out", tmp_path / "out", "--classes", "background,nucleus,cell") == 0
    assert read_mask(tmp_path / "out/masks/a.png")[22, 22] == 1
    assert convert(tmp_path / "in", "--out", tmp_path / "out") == 1
    assert "the folder holds images already" in capsys.readouterr().err


def test_images_outside_are_not_read(tmp_path, capsys):
    pictures(tmp_path, "secret")
    pictures(tmp_path / "in", "a")
    coco(tmp_path / "in", "../images/secret", str(tmp_path / "images/secret"))
    assert convert(tmp_path / "in", "--out", tmp_path / "out") == 1
    assert "2 images that it names are not below" in capsys.readouterr().err


def test_what_is_no_annotation_is_told(tmp_path, capsys):
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.json").write_text("{}")
    assert convert(tmp_path / "in", "--out", tmp_path / "out") == 1
    assert (
        "no annotations were found. Outlines of COCO, LabelMe, YOLO, CVAT or QuPath are read" in capsys.readouterr().err
    )
    assert convert(tmp_path / "nowhere", "--out", tmp_path / "out") == 1
    assert "there is no such file or folder" in capsys.readouterr().err


def filled(points, size_px):
    return fill([np.array(points, float)], size_px)


def test_a_polygon_holds_the_pixels_whose_centres_it_holds():
    square = filled([(1, 1), (4, 1), (4, 3), (1, 3)], (5, 6))
    assert square.sum() == 6
    assert square[1:3, 1:4].all()
    assert filled([(-9, -9), (99, -9), (99, 99), (-9, 99)], (5, 6)).all()
    assert not filled([(1, 1), (4, 1)], (5, 6)).any()
