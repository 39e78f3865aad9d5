"""The SigMF datatypes: how the bytes of a data file become samples."""

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.errors import DataError

Samples = NDArray[np.inexact[Any]]
"""complex64, or float32 for real data."""

_PATTERN = re.compile(r"(?P<kind>[cr])(?P<component>f32|f64|[iu](?:8|16|32))(?:_(?P<order>le|be))?")
_LOWEST_PEAK, _HIGHEST_PEAK = 1e-10, 1e8
_EXAMPLES = "cf32_le, ci16_le, ci8, cu8, rf32_le or ri16_be"


@dataclass(frozen=True, kw_only=True)
class Datatype:
    """How one sample is laid out in the file."""

    name: str
    """The SigMF name, such as `ci16_le`."""
    is_complex: bool
    """Whether a sample is a pair of in-phase and quadrature."""
    component: np.dtype[np.generic]
    """The type of one number, with its byte order."""

    @property
    def sample_bytes(self) -> int:
        """Bytes of one sample of one channel."""
        return self.component.itemsize * (2 if self.is_complex else 1)

    @property
    def full_scale(self) -> float:
        """The magnitude that reads as 1.0; floats are taken as they are."""
        return 1.0 if self.component.kind == "f" else float(2 ** (8 * self.component.itemsize - 1))


def parse_datatype(name: str) -> Datatype:
    """Reads a SigMF datatype's name; without a byte order it is little-endian.

    Raises:
        DataError: the name is none of SigMF's.
    """
    match = _PATTERN.fullmatch(name) if isinstance(name, str) else None
    if match is None:
        raise DataError(f"{name!r} is no SigMF datatype. It must be one like {_EXAMPLES}.")
    kind, bits = match["component"][0], int(match["component"][1:])
    order = ">" if match["order"] == "be" else "<"
    component: np.dtype[np.generic] = np.dtype(f"{order}{kind}{bits // 8}")
    return Datatype(name=name, is_complex=match["kind"] == "c", component=component)


def decode(raw: NDArray[np.generic], datatype: Datatype) -> Samples:
    """The numbers of one channel as samples: integers scaled to -1..1, a signed or unsigned midpoint to 0.

    Args:
        raw: flat numbers of the datatype's component, in-phase and quadrature in turn.
        datatype: what they are.

    Returns:
        complex64, or float32 for real data; for `cf32_le` and `rf32_le` a view of `raw`.
    """
    if datatype.component.kind == "f":
        with np.errstate(over="ignore"):  # a float64 beyond float32 becomes inf, which the finite check reports
            numbers = np.ascontiguousarray(raw, np.float32)
    else:
        numbers = np.multiply(raw, np.float32(1 / datatype.full_scale), dtype=np.float32)
        if datatype.component.kind == "u":
            numbers -= np.float32(1)
    return numbers.view(np.complex64) if datatype.is_complex else numbers


def gain_of(peak: float) -> float:
    """What samples of such a peak are multiplied by: 1, or a power of two where squares would leave float32."""
    if peak == 0 or _LOWEST_PEAK <= peak <= _HIGHEST_PEAK:
        return 1.0
    return float(2.0 ** min(120, max(-120, -math.floor(math.log2(peak)))))


def encode(samples: Samples, datatype: Datatype) -> NDArray[np.generic]:
    """Samples as the datatype's numbers: -1..1 becomes the full range, rounded; what lies beyond is clipped."""
    numbers = np.ascontiguousarray(samples).view(np.float32)
    if datatype.component.kind == "f":
        return numbers.astype(datatype.component)
    limits = np.iinfo(datatype.component.name)
    middle = 0.0 if datatype.component.kind == "i" else datatype.full_scale
    scaled = np.rint(numbers.astype(np.float64) * datatype.full_scale + middle)
    return np.clip(scaled, limits.min, limits.max).astype(datatype.component)
