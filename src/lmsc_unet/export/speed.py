"""Whether 8 bits are faster here than float32: both files run by turns, as other work on the machine slows both."""

import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lmsc_unet.core.timing import time_by_turns
from lmsc_unet.inference.metadata import Description
from lmsc_unet.inference.outputs import Network
from lmsc_unet.quantization.calibration import Pixels

if TYPE_CHECKING:
    from lmsc_unet.export.work import ExportJob

ROUNDS = 15


@dataclass(frozen=True, kw_only=True)
class Speed:
    """What the turns said."""

    ratio: float
    """How many times as fast the INT8 file is, by the medians, on one thread."""
    warnings: tuple[str, ...]
    """That it is slower, where it is."""


def compare_speed(work: "ExportJob", description: Description, pixels: Pixels) -> Speed:
    """Times the INT8 file that is written beside the float32 file of the same network, on one crop."""
    with tempfile.TemporaryDirectory(prefix="lmsc-speed-") as name:
        float_file = Path(name) / f"float{work.file.suffix}"
        work.write(work.graph, work.description, float_file)
        networks = (
            work.comparison.open_file(float_file, work.description, threads=1),
            work.comparison.open_file(work.file, description, threads=1),
        )
        runs = [partial(_run, network, pixels) for network in networks]
        in_float, in_int8 = time_by_turns(runs, ROUNDS)
    ratio = in_float.median_ms / in_int8.median_ms
    return Speed(ratio=ratio, warnings=() if ratio >= 1 else (_slower(ratio),))


def _run(network: Network, pixels: Pixels) -> None:
    network(pixels)


def _slower(ratio: float) -> str:
    return (
        f"The INT8 file is slower here than float32 ({ratio:.2f} times as fast, by turns, on one thread). Processors "
        "without 8-bit dot products (VNNI, dotprod) and very small networks gain nothing by it: use the float32 file."
    )
