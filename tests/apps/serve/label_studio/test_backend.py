"""The protocol of Label Studio's ML backends, with a Label Studio of a few lines."""

import http.server
import json
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="the server needs the extra `serve`")

from lmsc_unet.apps.serve.label_studio import fitting
from lmsc_unet.apps.serve.label_studio.brush import decode_brush
from lmsc_unet.apps.serve.label_studio.label_config import read_label_config
from lmsc_unet.apps.serve.label_studio.regions import mask_of_regions, simplified
from lmsc_unet.apps.serve.label_studio.task_images import LabelStudio
from lmsc_unet.errors import ConfigError, DataError
from lmsc_unet.imageio import read_mask, write_png
from lmsc_unet.inference.predictor import Predictor
from tests.apps.segment.conftest import blobs
from tests.apps.serve.clients import until
from tests.inference.networks import brightness, spec

JSON = {"Content-Type": "application/json"}
BRUSH = """<View><Image name="img" value="$image"/>
<BrushLabels name="tag" toName="img"><Label value="Cell"/></BrushLabels></View>"""
POLYGON = BRUSH.replace("BrushLabels", "PolygonLabels")
SIZE_PX = (40, 50)


class Studio(http.server.BaseHTTPRequestHandler):
    files: ClassVar[dict[str, bytes]] = {}
    asked: ClassVar[list[tuple[str, str | None]]] = []

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("Authorization")))
        content = self.files.get(urlsplit(self.path).path)
        self.send_response(302 if self.path.endswith("elsewhere.png") else 200 if content else 404)
        self.send_header("Location", "http://127.0.0.1:1/")
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def studio(tmp_path: Path):
    """A Label Studio with one upload, and a folder of local files with the same image."""
    write_png(tmp_path / "root/deep/a.png", blobs(*SIZE_PX))
    (tmp_path / "secret.png").write_bytes((tmp_path / "root/deep/a.png").read_bytes())
    (tmp_path / "root/link.png").symlink_to(tmp_path / "secret.png")
    Studio.files, Studio.asked = {"/data/upload/1/a.png": (tmp_path / "root/deep/a.png").read_bytes()}, []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Studio)
    threading.Thread(target=server.serve_forever, args=(0.02,)).start()
    yield LabelStudio(host=f"http://127.0.0.1:{server.server_port}", key="a-key", root=tmp_path / "root")
    server.shutdown()
    server.server_close()


def predicted(client, place: str, interface: str = BRUSH):
    body = {"tasks": [{"id": 7, "data": {"image": place}}], "label_config": interface, "project": "1.2"}
    return client("POST", "/predict", json.dumps(body).encode(), JSON)


def expected() -> np.ndarray:
    return Predictor(brightness, spec(mean=(0.5,))).predict(blobs(*SIZE_PX)).mask == 1


@pytest.mark.parametrize("place", ["/data/upload/1/a.png", "/data/local-files/?d=deep/a.png"])
def test_a_task_is_predicted_by_brush(start, studio, place: str) -> None:
    reply = predicted(start(label_studio=studio), place)
    (found,) = reply.json["results"]
    (region,) = found["result"]
    assert region["value"]["brushlabels"] == ["Cell"]
    assert (region["from_name"], region["to_name"], region["type"]) == ("tag", "img", "brushlabels")
    assert (region["original_height"], region["original_width"]) == SIZE_PX
    assert (decode_brush(bytes(region["value"]["rle"]), *SIZE_PX) == expected()).all()
    assert 0.5 < found["score"] <= 1
    assert found["model_version"].startswith("bright-")
    assert Studio.asked == ([("/data/upload/1/a.png", "Token a-key")] if "upload" in place else [])


def test_a_task_is_predicted_by_polygons(start, studio) -> None:
    (found,) = predicted(start(label_studio=studio), f"{studio.host}/data/upload/1/a.png", POLYGON).json["results"]
    labelling = read_label_config(POLYGON)
    assert len(found["result"]) > 1
    painted = mask_of_regions(found["result"], labelling, ("background", "cell"), SIZE_PX) == 1
    assert (painted == expected()).mean() > 0.98


@pytest.mark.parametrize(
    "place",
    [
        "http://evil.example/a.png",
        "https://169.254.169.254/latest/meta-data",
        "s3://bucket/a.png",
        "file:///etc/passwd",
        "/etc/passwd",
        "data:image/png;base64,AAAA",
        "/data/upload/../../etc/passwd",
        "/data/upload/%2e%2e/%2e%2e/api/token",
        "/data/upload/1/missing.png",
        "/data/upload/1/elsewhere.png",
        "/data/local-files/?d=../secret.png",
        "/data/local-files/?d=link.png",
        "/data/local-files/?d=/etc/passwd",
        "/data/local-files/?d=deep",
        "/data/local-files/?d=%00",
        "/data/local-files/",
        None,
        {"a": 1},
    ],
)
def test_an_image_of_elsewhere_is_not_fetched(start, studio, place) -> None:
    reply = predicted(start(label_studio=studio), place)
    assert reply.status == 422
    assert "image" in reply.detail or "Label Studio answers" in reply.detail


@pytest.mark.parametrize(("key", "status"), [("a.b.c", 422), ("plain", 200)])
def test_a_key_of_three_parts_is_exchanged_first(start, studio, key: str, status: int) -> None:
    """The Label Studio of this test exchanges none, so the image is not asked for."""
    reply = predicted(start(label_studio=replace(studio, key=key)), "/data/upload/1/a.png")
    assert reply.status == status
    assert len(Studio.asked) == (status == 200)


def test_a_label_studio_that_is_away_is_told(start, tmp_path: Path) -> None:
    reply = predicted(start(label_studio=LabelStudio(host="http://127.0.0.1:9")), "/data/upload/1/a.png")
    assert "See that --label-studio names it" in reply.detail


def test_the_other_paths_answer_as_label_studio_expects(start, studio) -> None:
    client = start(label_studio=studio)
    assert client("GET", "/health").json["status"] == "UP"
    (version,) = client("GET", "/versions").json["versions"]
    setup = {"project": "1.2", "schema": BRUSH, "hostname": "http://x", "access_token": "y"}
    assert client("POST", "/setup", json.dumps(setup).encode(), JSON).json == {"model_version": version}
    assert start()("GET", "/versions").status == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b"[" * 100_000, 400),
        (b"{}", 422),
        (b'{"tasks": [1]}', 422),
        (b'{"tasks": [{"data": {}}], "label_config": "<View/>"}', 422),
        (b'{"tasks": [], "label_config": "<View"}', 422),
        (b'{"tasks": [], "label_config": "<!DOCTYPE x [<!ENTITY a \\"b\\">]><View/>"}', 422),
    ],
)
def test_what_label_studio_never_sends_is_refused(start, studio, body: bytes, status: int) -> None:
    assert start(label_studio=studio)("POST", "/predict", body, JSON).status == status


FAKE = """
import shutil, sys
from pathlib import Path
word, source, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[sys.argv.index("--out") + 1])
if word == "train":
    assert sys.argv[sys.argv.index("--from") + 1] == "bright" and "--instances" in sys.argv
    assert len(list((source / "images").glob("*.png"))) == len(list((source / "masks").glob("*.png"))) == 3
    out.mkdir()
else:
    assert source.is_dir()
    out.write_text("{}")
"""


@pytest.fixture
def fitter(studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A training of a fake `lmsc` on three annotated tasks."""
    (tmp_path / "fake.py").write_text(FAKE)
    monkeypatch.setattr(fitting, "COMMAND", (sys.executable, str(tmp_path / "fake.py")))
    monkeypatch.setattr(fitting, "NEEDED", ())
    square = {"points": [[20, 20], [60, 20], [60, 60], [20, 60]], "polygonlabels": ["Cell"]}
    regions = [{"type": "polygonlabels", "from_name": "tag", "value": square}]
    annotations = [{"was_cancelled": True, "result": []}, {"result": regions}]
    tasks = [{"id": n, "data": {"image": "/data/upload/1/a.png"}, "annotations": annotations} for n in range(3)]
    Studio.files["/api/projects/5/export"] = json.dumps([*tasks, {"id": 9, "annotations": []}]).encode()
    used: list[Path] = []
    plan = fitting.FitPlan(folder=tmp_path / "fits", model="bright")
    return fitting.Fitter(studio, plan, spec(), used.append), used


def asked_to_train(client, **changes):
    body = {"action": "START_TRAINING", "project": {"id": 5, "label_config": POLYGON}} | changes
    return client("POST", "/webhook", json.dumps(body).encode(), JSON)


def test_a_training_makes_the_next_model(start, studio, fitter, tmp_path: Path) -> None:
    one, used = fitter
    client = start(label_studio=studio, fitter=one)
    assert asked_to_train(client, action="ANNOTATION_CREATED").json == {"status": "ignored"}
    assert asked_to_train(client).status == 201
    until(lambda: client("GET", "/job_status").json["state"] != "training")
    assert client("GET", "/job_status").json["state"] == "done"
    place = tmp_path / "fits/project-5/001"
    assert used == [place / "model.onnx"]
    assert np.unique(read_mask(place / "data/masks/task-000000.png")).tolist() == [0, 1]
    older = json.dumps({"project": "5.123", "label_config": POLYGON, "annotations": []}).encode()
    assert client("POST", "/train", older, JSON).status == 201
    until(lambda: len(used) == 2)


@pytest.mark.parametrize(
    ("missing", "changes", "status", "told"),
    [
        (("torch-that-is-not-here",), {}, 501, "lmsc-unet[export]"),
        ((), {"project": {"id": "../x"}}, 422, "a number is needed"),
        ((), {"project": {"id": 5, "label_config": "<View/>"}}, 422, "BrushLabels"),
    ],
)
def test_a_training_that_cannot_start_is_told(
    start, studio, fitter, monkeypatch: pytest.MonkeyPatch, missing, changes, status: int, told: str
) -> None:
    monkeypatch.setattr(fitting, "NEEDED", missing)
    reply = asked_to_train(start(label_studio=studio, fitter=fitter[0]), **changes)
    assert reply.status == status
    assert told in reply.detail


def test_a_training_that_fails_keeps_the_model(start, studio, fitter, tmp_path: Path, capsys) -> None:
    one, used = fitter
    client = start(label_studio=studio, fitter=one)
    (tmp_path / "fake.py").write_text("print('too few'); raise SystemExit(1)")
    asked_to_train(client)
    until(lambda: client("GET", "/job_status").json["state"] == "failed")
    assert "exit code 1: too few" in client("GET", "/job_status").json["error"]
    Studio.files["/api/projects/5/export"] = b"[]"
    asked_to_train(client)
    until(lambda: "0 annotated images" in client("GET", "/job_status").json.get("error", ""))
    assert used == []
    assert "training failed" in capsys.readouterr().err


def test_without_a_folder_nothing_is_trained(start, studio) -> None:
    client = start(label_studio=studio)
    assert "--fit-into" in asked_to_train(client).detail
    assert client("GET", "/job_status").json == {"state": "off"}


def test_a_label_is_a_class_by_its_name() -> None:
    two = read_label_config(BRUSH.replace("</BrushLabels>", '<Label value="Debris"/></BrushLabels>'))
    names = ("background", "debris", "cell")
    assert [two.label_of(number, names) for number in (1, 2)] == ["Debris", "Cell"]
    assert [two.class_of(label, names) for label in ("Cell", "Debris", "Other")] == [2, 1, None]
    assert read_label_config(BRUSH).label_of(1, ("background", "nucleus")) == "Cell"
    assert read_label_config(BRUSH).label_of(1, names) is None


def test_a_simplified_ring_stays_near() -> None:
    stairs = [(x + y, y) for y in range(20) for x in (0, 1)] + [(0, 19)]
    assert len(simplified(stairs)) <= 8
    assert simplified([(0, 0), (5, 0), (5, 5), (0, 5)]) == [(0, 0), (5, 0), (5, 5), (0, 5)]


@pytest.mark.parametrize("region", [{"rle": "x"}, {"rle": [300]}, {"rle": [0, 0, 0, 4]}, {}])
def test_a_damaged_region_is_told(region) -> None:
    whole = {"type": "brushlabels", "from_name": "tag", "value": region | {"brushlabels": ["Cell"]}}
    with pytest.raises(DataError, match="Draw it again"):
        mask_of_regions([whole], read_label_config(BRUSH), ("background", "cell"), (4, 4))


@pytest.mark.parametrize("points", [[[0, float("nan")]], [[1]], [1], "ab", None, [["x", 1]]])
def test_a_damaged_polygon_is_told(points) -> None:
    value = {"points": points, "polygonlabels": ["Cell"]}
    whole = {"type": "polygonlabels", "from_name": "tag", "value": value}
    with pytest.raises(DataError, match="Draw it again"):
        mask_of_regions([whole], read_label_config(POLYGON), ("background", "cell"), (4, 4))


@pytest.mark.parametrize("host", ["localhost:8080", "ftp://localhost", "http://", "http://user@host"])
def test_a_wrong_address_is_refused(host: str) -> None:
    with pytest.raises(ConfigError, match="label_studio"):
        LabelStudio(host=host)
