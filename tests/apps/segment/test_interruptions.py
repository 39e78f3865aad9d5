"""Killed, interrupted or out of disk: what was done is kept, and resuming ends where an unbroken run ends."""

import json
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from lmsc_unet.apps.segment.job import close_job, run_job
from lmsc_unet.apps.segment.opening import SegmentOptions, open_job
from lmsc_unet.errors import OutputError
from lmsc_unet.imageio import write_png
from tests.apps.segment.conftest import blobs

REPOSITORY = Path(__file__).parents[3]
COMMAND = """
import sys
from lmsc_unet.cli.main import main
from lmsc_unet.inference import loading
loading.LOADERS = {".fake": "tests.inference.networks:load_bright"}
sys.exit(main(sys.argv[1:]))
"""
NUM_IMAGES = 30


@pytest.fixture
def many(tmp_path: Path) -> Path:
    for index in range(NUM_IMAGES):
        write_png(tmp_path / f"images/{index:02}.png", blobs(200, 200, seed=index))
    (tmp_path / "images/07.png").write_bytes(b"no picture")
    return tmp_path / "images"


def start(*arguments, preexec_fn=None, **options) -> subprocess.Popen:
    command = [sys.executable, "-c", COMMAND, "predict", *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=REPOSITORY, preexec_fn=preexec_fn or heed_ctrl_c, **pipes, **options)


def heed_ctrl_c() -> None:
    """As a shell starts a process, whatever started the tests: one in the background is born deaf to Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def results(out: Path) -> dict[str, object]:
    """All that a run leaves, but for times."""
    found: dict[str, object] = {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in out.rglob("*")
        if path.suffix != ".json" and path.is_file()
    }
    found["predictions.jsonl"] = [
        json.loads(line) | {"ms": 0} for line in (out / "predictions.jsonl").read_text().splitlines()
    ]
    run = json.loads((out / "run.json").read_text())
    found["run.json"] = run | {"written": "", "arguments": run["arguments"] | {"out": ""}}
    return found


def wait_for_lines(out: Path, number: int) -> None:
    end = time.monotonic() + 30
    while not (out / "predictions.jsonl").exists() or (out / "predictions.jsonl").read_bytes().count(b"\n") < number:
        assert time.monotonic() < end, "the command does not get on"
        time.sleep(0.001)


def test_resuming_after_kills_equals_an_unbroken_run(model, many, tmp_path, lmsc):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert lmsc("predict", model, many, "--out", whole) == 2
    for number in (1, 6, 13):
        process = start(model, many, "--out", broken, *(("--resume",) if number > 1 else ()))
        wait_for_lines(broken, number)
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    assert lmsc("predict", model, many, "--out", broken, "--resume") == 2
    assert results(broken) == results(whole)


def test_a_half_line_and_half_a_picture_are_dropped(model, many, tmp_path, lmsc):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    lmsc("predict", model, many, "--out", whole)
    lmsc("predict", model, many, "--out", broken)
    data = (broken / "predictions.jsonl").read_bytes()
    (broken / "predictions.jsonl").write_bytes(data[: data.find(b"\n") + 40])
    (broken / "masks/.abc.tmp").write_bytes(b"half a picture")
    (broken / "masks/20.png").unlink()
    assert lmsc("predict", model, many, "--out", broken, "--resume") == 2
    assert results(broken) == results(whole)


def test_what_is_done_is_not_done_again(model, many, tmp_path, lmsc):
    out = tmp_path / "out"
    lmsc("predict", model, many, "--out", out)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.png")}
    (out / "overlays/03.png").unlink()
    lmsc("predict", model, many, "--out", out, "--resume")
    again = {path.stem for path in out.rglob("*.png") if path.stat().st_mtime_ns != before[path]}
    assert again == {"03"}


def test_ctrl_c_stops_cleanly_and_says_how_to_go_on(model, many, tmp_path, lmsc):
    process = start(model, many, "--out", tmp_path / "out")
    wait_for_lines(tmp_path / "out", 3)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 130
    assert told.splitlines()[-1].endswith(f"of {NUM_IMAGES} images; go on by --resume.")
    assert "Traceback" not in told
    assert not list(tmp_path.rglob("*.tmp"))
    assert lmsc("predict", model, many, "--out", tmp_path / "out", "--resume") == 2


def test_a_results_folder_that_is_removed_meanwhile_is_told(model, images, tmp_path):  # R22
    out = tmp_path / "out"
    job = open_job(model, [images], out, SegmentOptions())
    entries = run_job(job)
    next(entries)
    shutil.rmtree(out)
    with pytest.raises(OutputError, match="out: the results folder was removed"):
        list(entries)
    assert not out.exists()


def test_a_mask_that_is_removed_meanwhile_is_told(model, images, tmp_path):  # R22
    out = tmp_path / "out"
    job = open_job(model, [images], out, SegmentOptions())
    entries = list(run_job(job))
    (out / entries[1].mask).unlink()
    with pytest.raises(OutputError, match=f"1 files are not there any more, {entries[1].mask} among them"):
        close_job(job, entries)


def test_a_full_disk_is_told_and_what_was_written_is_kept(model, tmp_path, lmsc):
    """A limit on the size of files fails a write as a full disk does."""
    for index, height in enumerate((30, 40, 600)):
        noise = np.random.default_rng(index).integers(0, 256, (height, 40, 3), dtype=np.uint8)
        write_png(tmp_path / f"images/{index}.png", noise)
    limit = 20_000
    process = start(
        *(model, tmp_path / "images", "--out", tmp_path / "out"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    _, told = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "overlays/2.png: cannot be written" in told
    assert told.endswith("What was done before is kept: go on by --resume.\n")
    assert "Traceback" not in told
    assert {path.name for path in (tmp_path / "out/masks").iterdir()} == {"0.png", "1.png"}
    assert not list(tmp_path.rglob("*.tmp"))
    assert lmsc("predict", model, tmp_path / "images", "--out", tmp_path / "out", "--resume") == 0
    assert len((tmp_path / "out/predictions.jsonl").read_text().splitlines()) == 3
