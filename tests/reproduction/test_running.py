"""Jobs over processes: with workers of a few lines in place of trainings."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lmsc_unet.reproduction.plan import TrainingJob
from lmsc_unet.reproduction.runner import WorkerPool, run_jobs
from lmsc_unet.training.config import TrainConfig

STRAY = {"chatters": "a library says hello", "lists": "[1]", "forgets": "{}"}
ANSWER = f"""
import json, os, sys
STRAY = {STRAY}
for line in sys.stdin:
    title = json.loads(line)["title"]
    if title == "dies":
        os._exit(9)
    if title in STRAY:
        print(STRAY[title], flush=True)
        continue
    error = "no" if title == "fails" else os.environ.get("CUDA_VISIBLE_DEVICES") if title == "device" else None
    print(json.dumps(dict(error=error)), flush=True)
"""


def job(title: str, folder: Path) -> TrainingJob:
    config = TrainConfig()
    return TrainingJob(
        title=title,
        experiment="an experiment",
        model="lmsc-unet",
        data=folder,
        folder=folder / title,
        config=config,
        num_train=1,
        num_held=1,
    )


@pytest.fixture
def pool(tmp_path: Path) -> WorkerPool:
    """One process, whose Python runs the lines above whatever module it is asked for."""
    (tmp_path / "answer.py").write_text(ANSWER)
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{tmp_path}/answer.py"\n')
    python.chmod(0o755)
    return WorkerPool(logs=tmp_path / "logs", interpreters={"lmsc-unet": python})


def outcomes(titles: list[str], pool: WorkerPool, folder: Path) -> dict[str, str | None]:
    told: dict[str, str | None] = {}
    jobs = [job(title, folder) for title in titles]
    run_jobs(jobs, pool, lambda one, error, _seconds: told.update({one.title: error}), lambda _running: None)
    return told


@pytest.mark.parametrize("num_processes", [1, 2, 5])
def test_every_job_is_done_once_and_a_failure_stops_no_other(
    num_processes: int, pool: WorkerPool, tmp_path: Path
) -> None:
    titles = ["a", "fails", "b", "c"]
    told = outcomes(titles, replace(pool, num_processes=num_processes), tmp_path)
    assert told == {"a": None, "fails": "no", "b": None, "c": None}


def test_a_process_that_dies_fails_its_job_and_is_replaced(pool: WorkerPool, tmp_path: Path) -> None:
    told = outcomes(["a", "dies", "b"], pool, tmp_path)
    assert told["a"] is told["b"] is None
    assert told["dies"] == f"the process ended with exit code 9; {tmp_path}/logs/process-1.log holds its output."


@pytest.mark.parametrize("title", STRAY)
def test_a_line_that_is_no_answer_fails_its_job_and_not_the_next(
    title: str, pool: WorkerPool, tmp_path: Path
) -> None:  # B4
    told = outcomes(["a", title, "b"], pool, tmp_path)
    assert told["a"] is told["b"] is None
    assert f"the process answered {STRAY[title]!r}, which is not valid; {tmp_path}/logs" in str(told[title])


@pytest.mark.parametrize("num_processes", [1, 3])
@pytest.mark.parametrize(
    ("content", "mode", "message"),
    [
        (None, 0, "No such file or directory"),
        ("#!/bin/sh\n", 0o644, "Permission denied"),  # a Python that nobody may run
        ("no program", 0o755, "Exec format error"),
    ],
)
def test_a_python_that_cannot_start_fails_every_job_of_it(  # B4, T4
    content: str | None, mode: int, message: str, num_processes: int, pool: WorkerPool, tmp_path: Path
) -> None:
    python = tmp_path / "another python"
    if content is not None:
        python.write_text(content)
        python.chmod(mode)
    pool = replace(pool, num_processes=num_processes, interpreters={"lmsc-unet": python})
    told = outcomes(["a", "b", "c"], pool, tmp_path)
    assert sorted(told) == ["a", "b", "c"]
    for error in told.values():
        assert message in str(error)
        assert f"Is {python} the Python of an environment?" in str(error)


def test_a_log_that_cannot_be_written_fails_the_job(pool: WorkerPool, tmp_path: Path) -> None:  # B4
    (tmp_path / "file").write_text("")
    told = outcomes(["a"], replace(pool, logs=tmp_path / "file/logs"), tmp_path)
    assert "Not a directory" in str(told["a"])


def test_what_the_listener_raises_is_raised_and_stops_the_rest(pool: WorkerPool, tmp_path: Path) -> None:  # B4
    def refuse(one: TrainingJob, _error: str | None, _seconds: float) -> None:
        raise OSError(f"no space left for {one.title}")

    with pytest.raises(OSError, match="no space left for a"):
        run_jobs([job("a", tmp_path), job("b", tmp_path)], pool, refuse, lambda _running: None)


def test_the_processes_share_the_gpus_out(pool: WorkerPool, tmp_path: Path) -> None:
    assert outcomes(["device"], replace(pool, num_gpus=3), tmp_path) == {"device": "0"}


def test_threads_are_the_cores_shared_out(pool: WorkerPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("os.sched_getaffinity", lambda _pid: set(range(8)))
    assert [replace(pool, num_processes=number).threads for number in (1, 3, 20)] == [8, 2, 1]
