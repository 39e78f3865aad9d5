"""Where a command is to write: what cannot be written to is named, and nothing of another's is touched."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lmsc_unet.cli.main import main
from lmsc_unet.core.storage import FolderLock, replacing
from lmsc_unet.errors import OutputError
from lmsc_unet.imageio import write_png
from tests.apps.detect.bursts import write_bursts
from tests.inference.networks import load_by

LONG = "x" * 300


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs a command that writes to a folder."""
    load_by(monkeypatch, "tests.inference.networks:load_bright")
    (tmp_path / "model.fake").write_text("{}")
    write_png(tmp_path / "in/a.png", np.full((8, 8, 3), 200, np.uint8))
    write_png(tmp_path / "in/images/a.png", np.full((8, 8, 3), 200, np.uint8))
    write_png(tmp_path / "in/masks/a.png", np.eye(8, dtype=np.uint8))
    words = {
        "predict": ["predict", tmp_path / "model.fake", tmp_path / "in/a.png", "--out", "OUT"],
        "detect": ["detect", tmp_path / "in/one.sigmf-meta", "--model", "energy", "--out", "OUT"],
        "scenes": ["scenes", "OUT", "--count", 1, "--samples", 65536, "--sample-rate-hz", 1e6],
        "evaluate": ["evaluate", tmp_path / "model.fake", tmp_path / "in", "--split", "all", "--out", "OUT"],
        "nuclei": ["data", "nuclei", "OUT", "--count", 1, "--size-px", 32],
    }

    def start(command: str, out: Path, *more: str) -> int:
        if command == "detect" and not (tmp_path / "in/one.sigmf-meta").exists():
            write_bursts(tmp_path / "in")
        return main([str(out if word == "OUT" else word) for word in (*words[command], *more)])

    return start


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def circle(path: Path) -> Path:
    path.symlink_to(path)
    return path


def dangling(path: Path) -> Path:
    path.symlink_to("nowhere/x")
    return path


def a_file(path: Path) -> Path:
    path.write_text("mine")
    return path


def below_a_file(path: Path) -> Path:
    return a_file(path) / "below"


@pytest.mark.parametrize("command", ["predict", "detect", "scenes", "nuclei", "evaluate"])
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (circle, "is a link that leads nowhere. Remove it"),  # R18
        (dangling, "is a link that leads nowhere. Remove it"),  # R18
        (a_file, "this is a file. Name a folder"),
        (below_a_file, "Not a directory"),
        (lambda path: path.with_name(LONG), "File name too long"),  # R15
    ],
)
def test_what_is_no_folder_is_named(
    make: Callable[[Path], Path],
    message: str,
    command: str,
    run: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = make(tmp_path / "out")
    before = names(tmp_path)
    assert run(command, out) == 1
    told = capsys.readouterr().err
    assert told.startswith(f"lmsc: {out}")
    assert message in told
    assert names(tmp_path) == before


@pytest.mark.parametrize("command", ["predict", "detect"])
def test_a_folder_that_another_process_writes_to_is_refused(
    command: str, run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:  # R20
    lock = FolderLock(tmp_path / "out", "lmsc")
    assert run(command, tmp_path / "out") == 1
    assert f"another `lmsc {command}` is writing here" in capsys.readouterr().err
    assert not list((tmp_path / "out").iterdir())
    lock.release()
    assert run(command, tmp_path / "out") == 0
    assert run(command, tmp_path / "out", "--resume") == 0  # the lock ends with the command


HOSTILE = [  # R24
    "5",
    "null",
    "[1]",
    "[" * 100_000,
    '{"path": "x", "status": "ok", "mask": 5, "name": 5}',
    '{"path": "x", "status": "ok", "mask": "masks/a\\u0000b.png", "name": "a", "files": ["a\\u0000b"]}',
    '{"path": "x", "status": "odd", "mask": "masks/a.png", "name": "a"}',
    '{"path": "x", "status": "ok", "mask": "masks/../../victim.png", "name": "a", "files": ["../victim.png"]}',
    '{"path": "x", "status": "ok", "mask": "/victim.png", "name": "a", "files": [5]}',
    '{"files": 5}',
    '{"files": [5]}',
]


@pytest.mark.parametrize("flag", ["--resume", "--overwrite"])
@pytest.mark.parametrize(("command", "journal"), [("predict", "predictions.jsonl"), ("detect", "detections.jsonl")])
def test_a_list_of_results_that_someone_changed_is_refused(
    command: str,
    journal: str,
    flag: str,
    run: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out, victim = tmp_path / "out", tmp_path / "victim.png"
    victim.write_text("another's")
    assert run(command, out) == 0
    whole = (out / journal).read_text()
    capsys.readouterr()
    for line in HOSTILE:
        (out / journal).write_text(f"{whole}{line}\n")
        assert run(command, out, flag) == 1, line[:80]
        told = capsys.readouterr().err
        assert told.startswith(f"lmsc: {tmp_path}")
        assert told.count("\n") == 1
        assert victim.read_text() == "another's"


@pytest.mark.parametrize("command", ["predict", "detect"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda _: "[" * 100_000, "Name another"),
        (lambda _: "5", "Name another"),
        (lambda text: text.replace('"arguments": {', '"arguments": null, "old": {'), "started with other arguments"),
        (lambda text: text.replace('"model": {', '"model": 5, "old": {'), "started with other arguments"),
    ],
)
def test_a_run_file_that_someone_changed_is_refused(
    change: Callable[[str], str],
    message: str,
    command: str,
    run: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    assert run(command, out) == 0
    (out / "run.json").write_text(change((out / "run.json").read_text()))
    assert run(command, out, "--resume") == 1
    assert message in capsys.readouterr().err


def test_a_circle_of_links_within_the_results_is_named(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:  # R18
    (tmp_path / "out").mkdir()
    circle(tmp_path / "out/masks")
    assert run("predict", tmp_path / "out") == 1
    assert "out: the folder holds masks, which no `lmsc predict` wrote" in capsys.readouterr().err


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device"), OSError("no number")])
def test_nothing_half_written_has_a_final_name_or_stays(error: BaseException, tmp_path: Path) -> None:  # B6, R13
    (tmp_path / "a.bin").write_text("before")

    def write() -> None:
        with replacing(tmp_path / "a.bin") as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises((KeyboardInterrupt, OutputError)) as told:
        write()
    assert (tmp_path / "a.bin").read_text() == "before"
    assert names(tmp_path) == {"a.bin"}
    assert "(None)" not in str(told.value)


def denied(*_: object, **__: object) -> None:
    raise PermissionError(13, "Permission denied", "locked")


@pytest.mark.parametrize(
    ("command", "function", "message"),
    [
        ("predict", "pathlib.Path.mkdir", "out: the folder cannot be made (Permission denied). Name another one."),
        ("detect", "pathlib.Path.mkdir", "out: the folder cannot be made (Permission denied). Name another one."),
        ("scenes", "pathlib.Path.mkdir", "out: the folder cannot be made (Permission denied). Name another one."),
        ("predict", "pathlib.Path.exists", "out: this cannot be used as a folder (Permission denied)"),
        ("scenes", "pathlib.Path.exists", "out: this cannot be used as a folder (Permission denied)"),
    ],
)
def test_a_folder_that_may_not_be_used_is_named(
    command: str,
    function: str,
    message: str,
    run: Callable[..., int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # R25
    write_bursts(tmp_path / "in")
    monkeypatch.setattr(function, denied)
    assert run(command, tmp_path / "out") == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("command", ["predict", "detect"])
def test_a_folder_of_inputs_that_may_not_be_read_is_not_taken_for_an_empty_one(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:  # R25
    (tmp_path / "in/deep").mkdir(parents=True)
    (tmp_path / "model.fake").write_text("{}")
    model = {"predict": [str(tmp_path / "model.fake")], "detect": []}[command]
    with monkeypatch.context() as patched:
        for function in ("os.scandir", "os.listdir"):
            patched.setattr(function, denied)
        assert main([command, *model, str(tmp_path / "in"), "--out", str(tmp_path / "out")]) == 1
    assert "locked: this folder cannot be read (Permission denied). Check its permissions." in capsys.readouterr().err
