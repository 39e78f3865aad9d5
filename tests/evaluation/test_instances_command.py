"""`lmsc evaluate --instances`: scores of objects beside those of pixels, whatever says which pixels are one object."""

import csv
import io
import json

import numpy as np
import pytest

from lmsc_unet import Predictor, read_image
from lmsc_unet.imageio import write_png
from lmsc_unet.metrics.instances import count_instances, instance_scores, stack_instances, total_instances
from tests.evaluation.test_evaluate_command import evaluated
from tests.inference.networks import load_by

SIDE_PX = 60


def squares(*places: tuple[int, int]) -> np.ndarray:
    """A label image of squares of 12 px, 36 px apart or side by side."""
    labels = np.zeros((SIDE_PX, SIDE_PX), np.uint16)
    for number, (top, left) in enumerate(places, start=1):
        labels[top : top + 12, left : left + 12] = number
    return labels


TRUTHS = {
    "good": squares((4, 4), (4, 40), (40, 4), (40, 40), (22, 22), (4, 22), (22, 40), (22, 4), (40, 22)),
    "touching": squares((4, 4), (4, 16), (40, 40)),
    "empty": squares(),
}
FOUND = {"good": TRUTHS["good"] > 0, "touching": TRUTHS["touching"] > 0, "empty": squares((30, 30)) > 0}


def shown(name: str) -> np.ndarray:
    """The picture "H W 3" whose bright pixels are the prediction."""
    return np.repeat(255 * FOUND[name][..., None], 3, axis=2).astype(np.uint8)


@pytest.fixture
def numbered(tmp_path):
    """Images whose bright pixels are the prediction, and masks that number objects."""
    for name, labels in TRUTHS.items():
        write_png(
            tmp_path / f"numbered/images/{name}.png", np.repeat(255 * FOUND[name][..., None], 3, 2).astype(np.uint8)
        )
        write_png(tmp_path / f"numbered/masks/{name}.png", labels)
    return tmp_path / "numbered"


def expected(model, data) -> dict:
    predictor, counts = Predictor.load(model), []
    for name in sorted(TRUTHS):
        prediction = predictor.predict(read_image(data / f"images/{name}.png"))
        counts.append(count_instances(prediction.instances(), TRUTHS[name]))
    return stack_instances(counts)


def test_scores_are_those_of_the_label_images_that_predict_writes(model, numbered, lmsc, capsys):
    report = evaluated(lmsc, capsys, model, numbered, "--instances")["instances"]
    counts = expected(model, numbered)
    assert (report["truth"], report["images"], report["true"], report["predicted"]) == ("numbered", 3, 12, 12)
    pooled = instance_scores(total_instances(counts))
    assert report["pooled"] == pytest.approx({name: float(share) for name, share in pooled.items()})
    each = instance_scores(counts)
    assert report["per_image"] == pytest.approx({name: np.nanmean(shares) for name, shares in each.items()})
    assert report["left_out"] == {name: int(name == "sq") for name in pooled}  # `empty` has nothing that matches
    for average in ("pooled", "per_image"):
        for name, share in report[average].items():
            low, high = report["intervals"][average][name]
            assert low - 1e-9 <= share <= high + 1e-9


def test_without_the_option_masks_are_scored_by_pixels_alone(model, numbered, lmsc, capsys):
    assert "instances" not in evaluated(lmsc, capsys, model, numbered)


def test_the_table_and_the_line_of_each_image_have_the_scores(model, numbered, tmp_path, lmsc, capsys):
    assert lmsc("evaluate", model, numbered, "--instances", "--out", tmp_path / "out") == 0
    printed = capsys.readouterr()
    assert "Instances: 12 true, 12 predicted" in printed.out
    assert all(word in printed.out for word in ("PQ = DQ x SQ", "AJI", "F1 at IoU 0.9", "95 % interval"))
    assert "note" not in printed.err
    rows = {row["name"]: row for row in csv.DictReader(io.StringIO((tmp_path / "out/per_image.csv").read_text()))}
    assert (rows["good"]["pq"], rows["good"]["f1_90"]) == ("1.000000", "1.000000")
    assert (rows["empty"]["pq"], rows["empty"]["sq"]) == ("0.000000", "")
    assert json.loads((tmp_path / "out/scores.json").read_text())["instances"]["true"] == 12


def test_components_of_masks_without_numbers_are_scored_with_a_note(model, numbered, lmsc, capsys):
    for name, labels in TRUTHS.items():
        write_png(numbered / f"masks/{name}.png", (255 * (labels > 0)).astype(np.uint8))
    assert lmsc("evaluate", model, numbered, "--instances", "--format", "json") == 0
    printed = capsys.readouterr()
    assert "no mask numbers its objects, so each connected component of the truth is scored as one" in printed.err
    report = json.loads(printed.out)["instances"]
    assert (report["truth"], report["true"]) == ("connected", 11)  # the two that touch are one


def test_a_folder_with_a_mask_for_each_object_numbers_them(model, tmp_path, lmsc, capsys):
    """The layout of the Data Science Bowl 2018."""
    for name, labels in TRUTHS.items():
        if labels.any():
            root = tmp_path / "bowl" / name
            write_png(root / f"images/{name}.png", shown(name))
            for number in range(1, labels.max() + 1):
                write_png(root / f"masks/{name}{number}.png", (255 * (labels == number)).astype(np.uint8))
    report = evaluated(lmsc, capsys, model, tmp_path / "bowl", "--instances")["instances"]
    assert (report["truth"], report["true"]) == ("numbered", 12)


def test_what_is_ignored_is_neither_right_nor_wrong(model, numbered, lmsc, capsys):
    labels = TRUTHS["empty"].copy()
    labels[28:44, 28:44] = 60_000
    write_png(numbered / "masks/empty.png", labels)
    report = evaluated(lmsc, capsys, model, numbered, "--instances", "--ignore-index", "60000")["instances"]
    assert (report["true"], report["predicted"]) == (12, 11)


def test_instances_at_the_networks_size(model, numbered, lmsc, capsys):
    model.write_text(json.dumps({"treatment": "resize", "size_px": 120, "score_at": "network"}))
    report = evaluated(lmsc, capsys, model, numbered, "--instances")["instances"]
    assert (report["true"], report["pooled"]["dq"] > 0.8) == (12, True)


def test_a_model_of_more_classes_is_refused(model, numbered, lmsc, capsys, monkeypatch):
    load_by(monkeypatch, "tests.inference.networks:load_three")
    assert lmsc("evaluate", model, numbered, "--instances") == 1
    assert "instances masks have 2 classes, but 3 are named" in capsys.readouterr().err
