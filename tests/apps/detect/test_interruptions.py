"""`lmsc detect` killed, stopped or out of disk: what was found is kept, and the next run works."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from lmsc_unet.apps.detect.searching import SignalSearch, search_stream
from lmsc_unet.apps.detect.writers import write_signals
from lmsc_unet.cli.main import main
from lmsc_unet.inference.detector import load_detector
from lmsc_unet.signals.recording import open_stream
from tests.apps.detect.bursts import bursts, write_bursts
from tests.apps.segment.test_interruptions import heed_ctrl_c

REPOSITORY = Path(__file__).parents[3]
NAMES = ("a", "b")


def lmsc(*arguments: object) -> int:
    return main(["detect", *map(str, arguments), "--model", "energy"])


def start(*arguments: object, **options: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "lmsc_unet.cli", "detect", *map(str, arguments), "--model", "energy"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=REPOSITORY, preexec_fn=heed_ctrl_c, **(pipes | options))  # type: ignore[call-overload,no-any-return]


def wait_for(path: Path, number: int = 1) -> None:
    end = time.monotonic() + 60
    while not path.exists() or path.read_bytes().count(b"\n") < number:
        assert time.monotonic() < end, "the command does not get on"
        time.sleep(0.001)


def results(out: Path) -> dict[str, object]:
    """All that a run leaves, but for times."""
    found: dict[str, object] = {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in out.rglob("*")
        if path.is_file() and path.name not in ("run.json", "detections.jsonl")
    }
    lines = (out / "detections.jsonl").read_text().splitlines()
    return found | {"detections.jsonl": [json.loads(line) | {"ms": 0} for line in lines]}


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("in")
    for name in NAMES:
        write_bursts(folder, name)
    return folder


@pytest.fixture(scope="module")
def unbroken(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an unbroken run."""
    out = tmp_path_factory.mktemp("unbroken")
    assert lmsc(recordings, "--out", out) == 0
    return out


@pytest.fixture(scope="module")
def whole(unbroken: Path) -> dict[str, object]:
    return results(unbroken)


@pytest.fixture
def out(unbroken: Path, tmp_path: Path) -> Path:
    """A copy of what an unbroken run leaves."""
    return Path(shutil.copytree(unbroken, tmp_path / "out", symlinks=True))


@pytest.mark.parametrize("flag", ["--resume", "--overwrite"])
def test_going_on_after_a_kill_equals_an_unbroken_run(
    flag: str, recordings: Path, whole: dict[str, object], tmp_path: Path
) -> None:  # R1
    out = tmp_path / "out"
    with start(recordings, "--out", out) as process:
        wait_for(out / "detections.jsonl")
        process.kill()
    assert lmsc(recordings, "--out", out, flag) == 0
    assert results(out) == whole


@pytest.mark.parametrize("flag", ["--resume", "--overwrite"])
@pytest.mark.parametrize(
    "left",
    [
        [".a.sigmf-meta.tmp"],  # killed while the metadata was written
        ["a.sigmf-data"],  # killed between the link and the metadata
        ["signals.csv", "spectrogram.png", "a.sigmf-data", "a.sigmf-meta"],  # killed before the line
    ],
    ids=["half metadata", "link", "no line"],
)
def test_what_a_kill_leaves_of_a_recording_is_no_obstacle(
    left: list[str], flag: str, recordings: Path, whole: dict[str, object], out: Path
) -> None:  # R1, B13
    lines = (out / "detections.jsonl").read_text().splitlines(keepends=True)
    (out / "detections.jsonl").write_text("".join(lines[1:]))
    (out / ".unfinished.jsonl").write_text(json.dumps({"files": json.loads(lines[0])["files"]}) + "\n")
    (out / "a/.a.sigmf-meta.tmp").write_text("half")
    for path in (out / "a").iterdir():
        path.unlink() if path.name not in left else None
    assert lmsc(recordings, "--out", out, flag) == 0
    assert results(out) == whole


def test_a_link_of_an_earlier_run_is_ones_own_even_where_nothing_names_it(recordings: Path, out: Path) -> None:
    lines = (out / "detections.jsonl").read_text().splitlines(keepends=True)
    (out / "detections.jsonl").write_text("".join(lines[:-1]))  # R1, as it was found
    assert lmsc(recordings, "--out", out, "--overwrite") == 0
    assert [json.loads(line)["status"] for line in (out / "detections.jsonl").read_text().splitlines()] == ["ok"] * 2
    assert len([path for path in out.rglob("*.sigmf-data") if path.is_symlink()]) == 2


def test_a_file_in_the_place_of_the_link_stays(recordings: Path, tmp_path: Path) -> None:  # B13
    out = tmp_path / "out"
    assert lmsc(recordings / "a.sigmf-meta", "--out", out) == 0
    (out / "a/a.sigmf-data").unlink()
    (out / "a/a.sigmf-data").write_bytes(b"a copy")
    lines = (out / "detections.jsonl").read_text()
    (out / "detections.jsonl").write_text(lines.replace(', "a/a.sigmf-data"', ""))
    assert lmsc(recordings / "a.sigmf-meta", "--out", out, "--overwrite") == 0
    assert (out / "a/a.sigmf-data").read_bytes() == b"a copy"
    assert "a/a.sigmf-data" not in json.loads((out / "detections.jsonl").read_text())["files"]


def test_what_is_done_is_not_done_again(recordings: Path, out: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.csv")}
    (out / "b/spectrogram.png").unlink()
    assert lmsc(recordings, "--out", out, "--resume") == 0
    assert {path.parent.name for path, ns in before.items() if path.stat().st_mtime_ns != ns} == {"b"}
    assert len((out / "detections.jsonl").read_text().splitlines()) == len(NAMES)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--frames-per-row", 4), "started with other arguments (frames_per_row: None -> 4; stft"),
        (("--overwrite",), "--resume keeps the results in the folder and --overwrite removes them"),
    ],
)
def test_resuming_otherwise_is_refused(
    arguments: tuple[object, ...], message: str, recordings: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lmsc(recordings, "--out", out, "--resume", *arguments) == 1
    assert message in capsys.readouterr().err


def test_resuming_with_other_recordings_is_refused(
    recordings: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lmsc(recordings / "a.sigmf-meta", "--out", out, "--resume") == 1
    assert "holds results of other inputs" in capsys.readouterr().err
    assert lmsc("-", "--datatype", "cu8", "--sample-rate-hz", 1e6, "--out", out, "--resume") == 1
    assert "a pipe cannot be read again" in capsys.readouterr().err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_what_was_found_in_a_pipe_is_kept_when_it_is_stopped(number: int, code: int, tmp_path: Path) -> None:  # D2
    """The pipe delivers faster than it is searched, so that the stop falls into the search."""
    out = tmp_path / "out"
    raw = ("-", "--datatype", "cf32_le", "--sample-rate-hz", 1e6)
    with start(*raw, "--out", out, stdin=subprocess.PIPE, bufsize=0) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        feeder = threading.Thread(target=feed, args=(process.stdin.fileno(),), daemon=True)
        feeder.start()
        assert process.stdout.readline()
        process.send_signal(number)
        printed, told = process.stdout.read(), process.stderr.read()
        assert process.wait() == code
        feeder.join()
    assert told.decode() == f"lmsc: stopped. What was found until then is in {out}.\n"
    num_signals = 1 + printed.count(b"\n")
    assert len((out / "stdin/signals.csv").read_text().splitlines()) == 1 + num_signals
    meta = json.loads((out / "stdin/stdin.sigmf-meta").read_text())
    assert len(meta["annotations"]) == num_signals
    (line,) = (out / "detections.jsonl").read_text().splitlines()
    assert json.loads(line)["signals"] == num_signals


def feed(descriptor: int) -> None:
    data = bursts().tobytes()
    try:
        while True:
            os.write(descriptor, data)
    except OSError:
        return


def test_signals_of_a_pipe_are_kept_while_it_is_open(tmp_path: Path) -> None:  # D2: a power cut after a week
    kept = []
    path = tmp_path / "samples"
    np.concatenate([bursts(), bursts()]).tofile(path)
    with path.open("rb") as file:
        stream = open_stream(file, datatype="cf32_le", sample_rate_hz=1e6)

        def keep(found: object) -> None:
            write_signals(tmp_path / "out", "stdin", found)  # type: ignore[arg-type]
            kept.append(len((tmp_path / "out/stdin/signals.csv").read_text().splitlines()) - 1)

        search = SignalSearch(finder=load_detector("energy", frames_per_row=1))
        whole = search_stream(stream, search, keep, every_s=0)
    assert kept == sorted(kept)
    assert kept[0] < kept[-1] <= len(whole.boxes)
    assert len(json.loads((tmp_path / "out/stdin/stdin.sigmf-meta").read_text())["annotations"]) == kept[-1]
