"""How long trainings will take: by what two cores took, and as soon as it is known by what this machine takes."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from types import MappingProxyType

from lmsc_unet.reproduction.plan import Job

TRAIN_S: Mapping[str, float] = MappingProxyType({"unet": 0.6})
"""Seconds of one training image of 256 x 256 px on two cores in bfloat16, by model."""
SCORE_S: Mapping[str, float] = MappingProxyType({"unet": 0.25})
"""Seconds of one image that is validated or scored."""
OTHERS_TRAIN_S, OTHERS_SCORE_S = 0.2, 0.06
"""Of LMSC-UNet, and assumed of all others."""
START_S = 3.0
"""Of a training before its first step."""


def estimate_s(job: Job) -> float:
    """Seconds of a job on two quiet cores; another machine has another factor."""
    config = job.config
    share = (config.size_px / 256) ** 2
    train_s = TRAIN_S.get(job.model, OTHERS_TRAIN_S) * job.num_train
    score_s = SCORE_S.get(job.model, OTHERS_SCORE_S) * job.num_held
    return START_S + share * (config.epochs * (train_s + score_s / config.validate_every) + score_s)


def by_fold(jobs: Iterable[Job]) -> tuple[Job, ...]:
    """Fold 1 of all experiments before fold 2, the short ones first: what is stopped half way can be compared."""
    return tuple(sorted(jobs, key=lambda job: (job.config.fold, estimate_s(job))))


class Clock:
    """The time that is left, as the jobs that are done tell of this machine."""

    def __init__(self, jobs: Iterable[Job], num_processes: int) -> None:
        self.left = {job: estimate_s(job) for job in jobs}
        self.num_processes = num_processes
        self.estimated_s = self.taken_s = 0.0

    def note(self, job: Job, seconds: float, *, is_done: bool) -> None:
        """Takes a job off; one that failed tells nothing of the machine."""
        estimate = self.left.pop(job)
        if is_done:
            self.estimated_s += estimate
            self.taken_s += seconds

    def left_s(self, running: Mapping[Job, float] = MappingProxyType({})) -> float:
        """Seconds that are left, less what the running jobs have behind them."""
        factor = self.taken_s / self.estimated_s if self.estimated_s else 1.0
        behind = sum(min(seconds, factor * self.left[job]) for job, seconds in running.items() if job in self.left)
        return (factor * sum(self.left.values()) - behind) / self.num_processes


def clock_text(seconds: float) -> str:
    """Hours, minutes and seconds."""
    return str(timedelta(seconds=round(seconds)))
