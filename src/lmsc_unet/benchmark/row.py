"""One measured row; its fields are the keys of `lmsc benchmark --format json`."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Row:
    """One model in one backend, precision, batch and number of threads; times are of one image."""

    model: str
    """As it was named."""
    backend: str
    """A key of `PRECISIONS`."""
    precision: str
    """fp32, fp16, bf16 or int8."""
    batch: int
    """Images at once."""
    threads: int
    """Threads that share the work."""
    ms_median: float
    """Milliseconds an image."""
    ms_p5: float
    """5th percentile."""
    ms_p95: float
    """95th percentile."""
    images_per_s: float
    """Images a second, by the median."""
    peak_rss_mib: float | None
    """The most memory of a process that makes one mask; None where it was not measured."""
    file_mib: float
    """The file's size."""
    cold_start_s: float | None
    """From the start of a process to its first mask; None where it was not measured."""
    speedup_over_unet_eager: float
    """How many times as fast as U-Net in eager PyTorch float32, at the same batch and threads."""


def over_unet(rows: Sequence[Row]) -> list[float | None]:
    """How many times as fast each row is as U-Net in float32 on the same backend; None where that was not measured."""
    unet_ms = {
        (row.backend, row.batch, row.threads): row.ms_median
        for row in rows
        if row.model == "unet" and row.precision == "fp32"
    }
    found = (unet_ms.get((row.backend, row.batch, row.threads)) for row in rows)
    return [None if ms is None else ms / row.ms_median for ms, row in zip(found, rows, strict=True)]
