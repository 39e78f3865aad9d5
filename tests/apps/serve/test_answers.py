"""What the server answers: the files of `lmsc predict` and `lmsc detect`, bit for bit."""

import csv
import json
import tarfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

pytest.importorskip("fastapi", reason="the server needs the extra `serve`")

from lmsc_unet.apps.serve.served import load_models
from lmsc_unet.cli.main import main
from lmsc_unet.imageio import read_mask, write_png
from lmsc_unet.inference.runtime import Runtime
from tests.apps.segment.conftest import blobs
from tests.apps.serve.clients import form
from tests.inference.networks import load_by

SIGMF, CSV = "application/sigmf-meta+json", "text/csv"


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A model file that both the command and the server load."""
    load_by(monkeypatch, "tests.inference.networks:load_bright")
    (tmp_path / "bright.fake").write_text("{}")
    return load_models([str(tmp_path / "bright.fake")], Runtime())


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    write_png(tmp_path / "image.png", blobs(70, 90))
    return tmp_path / "image.png"


def lmsc(*words: object) -> None:
    assert main([str(word) for word in words]) == 0


def test_a_mask_is_that_of_lmsc_predict(start, models, picture: Path, tmp_path: Path) -> None:
    client, out = start(models=models), tmp_path / "out"
    lmsc("predict", tmp_path / "bright.fake", picture, "--out", out, "--instances", "--no-overlays")
    mask = client.segment(picture.read_bytes(), Accept="image/png")
    assert mask.headers["content-type"] == "image/png"
    assert mask.body == (out / "masks/image.png").read_bytes()
    labels = client.segment(picture.read_bytes(), Accept="image/tiff")
    assert (tifffile.imread(BytesIO(labels.body)) == read_mask(out / "instances/image.png")).all()
    (line,) = map(json.loads, (out / "predictions.jsonl").read_text().splitlines())
    told = client.segment(picture.read_bytes(), "?instances=true").json
    assert told["class_shares"] == line["class_shares"]
    assert told["num_instances"] == line["num_instances"] == len(told["instances"])
    rows = list(csv.DictReader((out / "regions/image.csv").read_text().splitlines()))
    assert [str(one["area_px"]) for one in told["instances"]] == [f"{float(row['area_px'])}" for row in rows]


def test_outlines_are_those_of_lmsc_predict(start, models, picture: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    lmsc("predict", tmp_path / "bright.fake", picture, "--out", out, "--format", "geojson")
    reply = start(models=models).segment(picture.read_bytes(), Accept="application/geo+json")
    assert reply.headers["content-type"] == "application/geo+json"
    assert reply.body == (out / "geojson/image.geojson").read_bytes()
    assert reply.json["features"]


def test_a_georeferenced_tiff_keeps_its_place(start, models, tmp_path: Path) -> None:
    client, path, out = start(models=models), tmp_path / "image.tif", tmp_path / "out"
    place = [(33550, 12, 3, (0.5, 0.5, 0.0)), (33922, 12, 6, (0.0, 0.0, 0.0, 1e5, 2e5, 0.0))]
    tifffile.imwrite(path, blobs(40, 50), extratags=[(*tag, True) for tag in place], photometric="rgb")
    lmsc("predict", tmp_path / "bright.fake", path, "--out", out, "--instances", "--no-overlays")
    assert client.segment(path.read_bytes(), Accept="image/tiff").body == (out / "instances/image.tif").read_bytes()
    assert client.segment(path.read_bytes(), "?instances=0", Accept="image/tiff").body == (
        (out / "masks/image.tif").read_bytes()
    )
    mask = client.segment(path.read_bytes(), Accept="image/png").body
    assert (np.asarray(Image.open(BytesIO(mask))) == read_mask(out / "masks/image.tif")).all()


@pytest.mark.parametrize(
    ("query", "options"), [("?threshold=0.9", ("--threshold", "0.9")), ("?scale=0.5", ("--scale", "0.5"))]
)
def test_a_parameter_is_the_option(start, models, picture: Path, tmp_path: Path, query: str, options) -> None:
    client, out = start(models=models), tmp_path / "out"
    lmsc("predict", tmp_path / "bright.fake", picture, "--out", out, *options)
    assert (
        client.segment(picture.read_bytes(), query, Accept="image/png").body == (out / "masks/image.png").read_bytes()
    )


def test_a_form_is_as_good_as_a_body(start, picture: Path) -> None:
    client, content = start(), picture.read_bytes()
    body, header = form(content, name="../../etc/passwd")
    assert client("POST", "/v1/segment", body, header).json == client.segment(content).json


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("image/*", "image/png"),
        ("image/png;q=0.5, image/tiff", "image/tiff"),
        ("text/html, */*;q=0.1", "application/json"),
        ("application/json;q=0, image/png", "image/png"),
    ],
)
def test_the_answer_has_the_type_that_is_liked_best(start, picture: Path, accept: str | None, kind: str) -> None:
    headers = {} if accept is None else {"Accept": accept}
    assert start().segment(picture.read_bytes(), **headers).headers["content-type"].partition(";")[0] == kind


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A SigMF archive with two signals."""
    lmsc("scenes", tmp_path / "scene", "--count", 1, "--samples", 262144, "--sample-rate-hz", 1e6)
    (meta,) = (tmp_path / "scene").glob("*.sigmf-meta")
    with tarfile.open(tmp_path / "recording.sigmf", "w") as tar:
        for end in ("-meta", "-data"):
            tar.add(meta.with_name(meta.name.removesuffix("-meta") + end), arcname=f"a/a.sigmf{end}")
    return tmp_path / "recording.sigmf"


def test_signals_are_those_of_lmsc_detect(start, archive: Path, tmp_path: Path) -> None:
    client, out = start(), tmp_path / "out"
    lmsc("detect", archive, "--model", "energy", "--out", out)
    for kind, name in ((SIGMF, "recording.sigmf-meta"), (CSV, "signals.csv"), ("image/png", "spectrogram.png")):
        reply = client.detect(archive.read_bytes(), Accept=kind)
        assert reply.headers["content-type"].startswith(kind)
        assert reply.body == (out / "recording" / name).read_bytes()
    (told,) = client.detect(archive.read_bytes()).json["recordings"]
    rows = (out / "recording/signals.csv").read_text().splitlines()
    assert [",".join("" if v is None else str(v) for v in row.values()) for row in told["signals"]] == rows[1:]


def test_raw_samples_are_told_by_parameters(start, tmp_path: Path) -> None:
    client, out, path = start(), tmp_path / "out", tmp_path / "recording.raw"
    rng = np.random.default_rng(0)
    samples = rng.normal(size=2 * 200_000) * 500
    samples[100_000:200_000] += 8000 * np.cos(np.arange(100_000) / 3)
    path.write_bytes(samples.astype("<i2").tobytes())
    lmsc(
        "detect",
        path,
        "--datatype",
        "ci16_le",
        "--sample-rate-hz",
        "2e5",
        "--center-hz",
        "1e8",
        "--model",
        "energy",
        "--out",
        out,
    )
    query = "?datatype=ci16_le&sample_rate_hz=200000&center_hz=100000000"
    reply = client.detect(path.read_bytes(), query, Accept=SIGMF)
    (meta,) = out.glob("*/*.sigmf-meta")
    assert reply.body == meta.read_bytes()
    assert reply.json["annotations"]


def test_what_is_served_is_told(start) -> None:
    client = start()
    assert [model["name"] for model in client("GET", "/v1/models").json] == ["bright", "energy"]
    assert client("GET", "/healthz").json == client("GET", "/readyz").json == {"status": "ok"}
    client.segment(b"no image")
    metrics = client("GET", "/metrics")
    assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'lmsc_requests_total{endpoint="/v1/segment",status="422"} 1.0' in metrics.body.decode()
    paths = client("GET", "/openapi.json").json["paths"]
    assert set(paths) == {"/v1/models", "/v1/segment", "/v1/detect", "/healthz", "/readyz", "/metrics"}
    assert client("GET", "/docs").status == 404  # it would load scripts of others
