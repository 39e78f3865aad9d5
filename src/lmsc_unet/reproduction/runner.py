"""A pool of worker processes for trainings; a failed job does not stop the others."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from lmsc_unet.errors import ConfigError
from lmsc_unet.reproduction.plan import TrainingJob

HEARTBEAT_S = 60.0
"""Interval of heartbeats."""
STOP_S = 30.0
"""Time for a process to stop before it is killed."""


@dataclass(frozen=True, kw_only=True)
class WorkerPool:
    """Settings of the worker processes."""

    num_processes: int = 1
    """Number of concurrent jobs."""
    num_gpus: int = 0
    """GPUs, assigned to the processes in turn."""
    logs: Path
    """Folder for the processes' output."""
    interpreters: Mapping[str, Path] = field(default_factory=dict)
    """Python of another environment, by model."""

    def __post_init__(self) -> None:
        if self.num_processes < 1:
            raise ConfigError(f"jobs is {self.num_processes}; it must be at least 1.")

    @property
    def threads(self) -> int:
        """Threads per process."""
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        wanted = max(1, cores // self.num_processes)
        return min(wanted, int(os.environ.get("OMP_NUM_THREADS") or wanted))


Done = Callable[[TrainingJob, str | None, float], None]
"""Called with a job, its error or None, and its duration in seconds."""


def run_jobs(
    jobs: Sequence[TrainingJob], pool: WorkerPool, done: Done, heartbeat: Callable[[Mapping[TrainingJob, float]], None]
) -> None:
    """Carries out all jobs.

    Args:
        jobs: In the order in which they are started.
        pool: The worker processes.
        done: Called after each job.
        heartbeat: Called every minute with the running jobs and their durations in seconds.

    Raises:
        KeyboardInterrupt: Ctrl-C or SIGINT; the processes have stopped, and finished epochs are kept.
    """
    _Run(jobs, pool, done, heartbeat).run()


class _Run:
    """The processes and the remaining jobs; one thread per process."""

    def __init__(
        self,
        jobs: Sequence[TrainingJob],
        pool: WorkerPool,
        done: Done,
        heartbeat: Callable[[Mapping[TrainingJob, float]], None],
    ) -> None:
        self.left = list(jobs)
        self.pool, self.done, self.heartbeat = pool, done, heartbeat
        self.lock = threading.Lock()
        self.started_s: dict[TrainingJob, float] = {}
        self.processes: dict[tuple[int, Path], subprocess.Popen[str]] = {}
        self.is_stopped = False
        self.failure: BaseException | None = None

    def run(self) -> None:
        number = min(self.pool.num_processes, len(self.left))
        threads = [threading.Thread(target=self._serve, args=(slot,), daemon=True) for slot in range(number)]
        try:
            for thread in threads:
                thread.start()
            self._wait(threads)
            if self.failure is not None:
                raise self.failure
        except KeyboardInterrupt:
            self._stop()
            raise
        finally:
            for process in self.processes.values():
                _close(process)

    def _wait(self, threads: Sequence[threading.Thread]) -> None:
        next_s = time.monotonic() + HEARTBEAT_S
        while any(thread.is_alive() for thread in threads):
            for thread in threads:
                thread.join(0.05)
            if time.monotonic() >= next_s:
                next_s += HEARTBEAT_S
                with self.lock:
                    now_s = time.monotonic()
                    running = {job: now_s - started_s for job, started_s in self.started_s.items()}
                self.heartbeat(running)

    def _serve(self, slot: int) -> None:
        while (job := self._next()) is not None:
            started_s = time.monotonic()
            error = self._error_of(job, slot)
            try:
                with self.lock:
                    self.started_s.pop(job)
                    if not self.is_stopped:
                        self.done(job, error, time.monotonic() - started_s)
            except BaseException as failure:  # an exception in a thread would be lost
                self.failure = failure
                self._stop()

    def _next(self) -> TrainingJob | None:
        with self.lock:
            if self.is_stopped or not self.left:
                return None
            job = self.left.pop(0)
            self.started_s[job] = time.monotonic()
            return job

    def _error_of(self, job: TrainingJob, slot: int) -> str | None:
        """The error of a job, including a process that cannot be started or reached."""
        python = self.pool.interpreters.get(job.model, Path(sys.executable))
        try:
            return self._carry_out(job, self._process(slot, python), self._log(slot))
        except OSError as error:
            return f"no process can be started ({error}). Is {python} the Python of an environment?"
        except Exception as error:
            return f"{type(error).__name__}: {error}"

    def _carry_out(self, job: TrainingJob, process: subprocess.Popen[str], log: Path) -> str | None:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(job.to_line() + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
        except OSError:
            answer = ""
        if not answer:
            return f"the process ended with exit code {process.wait()}; {log} holds its output."
        try:
            error: str | None = json.loads(answer)["error"]
        except (ValueError, TypeError, KeyError):  # later answers could not be assigned to jobs
            process.kill()
            process.wait()
            return f"the process answered {answer.strip()[:80]!r}, which is not valid; {log} holds its output."
        return error

    def _process(self, slot: int, python: Path) -> subprocess.Popen[str]:
        """The slot's process for an environment; a new one if it has ended."""
        with self.lock:
            process = self.processes.get((slot, python))
            if process is None or process.poll() is not None:
                if process is not None:
                    _close(process)
                process = self._start(slot, python)
                self.processes[slot, python] = process
            return process

    def _start(self, slot: int, python: Path) -> subprocess.Popen[str]:
        threads = str(self.pool.threads)
        environment = os.environ | {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
        if self.pool.num_gpus:
            environment["CUDA_VISIBLE_DEVICES"] = str(slot % self.pool.num_gpus)
        self.pool.logs.mkdir(parents=True, exist_ok=True)
        with self._log(slot).open("a", encoding="utf-8") as log:
            return subprocess.Popen(
                [str(python), "-m", "lmsc_unet.reproduction.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=environment,
            )

    def _log(self, slot: int) -> Path:
        return self.pool.logs / f"process-{slot + 1}.log"

    def _stop(self) -> None:
        with self.lock:
            self.is_stopped = True
            processes = list(self.processes.values())
        for process in processes:
            if process.poll() is None:
                process.terminate()
        for process in processes:
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()


def _close(process: subprocess.Popen[str]) -> None:
    """Ends an idle process by closing its input."""
    if process.stdin is not None:
        with suppress(OSError):
            process.stdin.close()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
