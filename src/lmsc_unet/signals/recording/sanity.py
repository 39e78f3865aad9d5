"""Checks samples for plausibility: by the SHA-512 in the metadata, and by their statistics."""

import hashlib
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.signals.recording.datatypes import Datatype, Samples, decode, encode, parse_datatype
from lmsc_unet.signals.recording.recording import Recording, RecordingWarning

_BLOCK_BYTES = 1 << 20


def sha512_of(path: Path, *, start_byte: int = 0, num_bytes: int | None = None) -> str:
    """The SHA-512 of a file or a part of it, read in blocks."""
    digest = hashlib.sha512()
    left = path.stat().st_size - start_byte if num_bytes is None else num_bytes
    with path.open("rb") as file:
        file.seek(start_byte)
        while left > 0 and (block := file.read(min(_BLOCK_BYTES, left))):
            digest.update(block)
            left -= len(block)
    return digest.hexdigest()


def warn_of_other_sha512(
    whole: Mapping[str, Any], path: Path, data: Path, *, start_byte: int = 0, num_bytes: int | None = None
) -> None:
    """Warns if the data's SHA-512 differs from the metadata's; silent if the metadata has none."""
    expected = whole["global"].get("core:sha512")
    if not expected:
        return
    found = sha512_of(data, start_byte=start_byte, num_bytes=num_bytes)
    if str(expected).lower() != found:
        warnings.warn(
            f"{path}: the data has the SHA-512 {found[:12]}..., the metadata has {str(expected)[:12]}...: it was "
            "changed after the metadata was written, or damaged. It is read as it is.",
            RecordingWarning,
            stacklevel=3,
        )


Numbers = NDArray[np.generic]
_CLIPPED_SHARE = 0.01
_FEW = 8
"""Number of values in recordings of one or two bits, too few to judge clipping and types."""
_EVEN = 73.9
"""The root mean square of uniformly distributed signed bytes, such as the lower half of a number."""
_DECADES = 9
"""The spread in powers of ten of floats that are not floats."""


def remarks_on(recording: Recording, channel: int = 0) -> list[str]:
    """What is odd about a channel's samples, from stretches all over it; they are read anyway."""
    numbers = np.concatenate(list(recording.stretches(channel))).astype(recording.datatype.component)
    return [f"{recording.path}: {remark}" for remark in _remarks(numbers, recording.datatype)]


def remarks_on_samples(samples: Samples, datatype: Datatype, name: str) -> list[str]:
    """What is odd about the first samples of a pipe; they are read anyway."""
    return [f"{name}: {remark}" for remark in _remarks(encode(samples, datatype), datatype)]


def _remarks(numbers: Numbers, datatype: Datatype) -> Iterator[str]:
    parts = _parts(numbers, datatype)
    if all(len(part) and (part == part[0]).all() for part in parts):
        what = "zero" if not numbers.any() else "the same"
        yield f"every sample that was checked is {what}. Check the receiver and the file."
        return
    if (other := _other_type(numbers, datatype)) is not None:
        yield (
            f"the samples do not look like {datatype.name} but like {other}: most detections will be wrong. "
            "Check the datatype and the byte order."
        )
    elif (share := _clipped_share(numbers, datatype)) > _CLIPPED_SHARE:
        yield (
            f"{100 * share:.0f} % of the numbers are at the end of their range: the receiver was overdriven, and some "
            "detections are products of clipping. Record again with less gain."
        )


def _parts(numbers: Numbers, datatype: Datatype) -> list[Numbers]:
    """In-phase and quadrature, or the only part of real samples."""
    return [numbers[0::2], numbers[1::2]] if datatype.is_complex else [numbers]


def _clipped_share(numbers: Numbers, datatype: Datatype) -> float:
    if len(np.unique(numbers[:4096])) <= _FEW:
        return 0.0
    if datatype.component.kind == "f":
        return float((np.abs(numbers) == np.abs(numbers).max()).mean())
    limits = np.iinfo(datatype.component.name)
    return float(((numbers == limits.min) | (numbers == limits.max)).mean())


def _other_type(numbers: Numbers, datatype: Datatype) -> str | None:
    """The datatype that the bytes look like, if it differs from the given one."""
    numbers = numbers[: len(numbers) // 4 * 4]
    kind, size = datatype.component.kind, datatype.component.itemsize
    if kind == "f":
        return _wild(numbers)
    if len(np.unique(numbers[:4096])) <= _FEW and size > 1:
        return None
    looks = {1: (_as_float, _of_words, _of_other_sign), 2: (_as_float, _of_bytes, _of_other_sign, _of_other_order)}
    tried = (look(numbers, datatype) for look in looks.get(size, (_as_float, _of_other_sign, _of_other_order)))
    return next((name for name in tried if name is not None), None)


def _wild(numbers: Numbers) -> str | None:
    """Floats whose magnitudes span many powers of ten are not floats."""
    sizes = np.abs(numbers[(numbers != 0) & np.isfinite(numbers)].astype(np.float64))
    low, high = np.quantile(sizes, [0.05, 0.95]) if sizes.size else (1.0, 1.0)
    return "another type" if high > low * 10**_DECADES else None


def _as_float(numbers: Numbers, datatype: Datatype) -> str | None:
    """Integers that are all plausible floats."""
    with np.errstate(invalid="ignore"):  # NaN is harmless here
        floats = np.abs(np.frombuffer(numbers.tobytes(), "<f4"))
    is_sound = (floats > 1e-9) & (floats < 1e4)
    return f"{datatype.name[0]}f32_le" if len(floats) and is_sound.mean() > 0.999 else None


def _of_other_sign(numbers: Numbers, datatype: Datatype) -> str | None:
    """A wrong sign of the type moves the midpoint, so that everything appears loud."""
    other = "u" if datatype.component.kind == "i" else "i"
    name = datatype.name.replace(datatype.component.kind, other, 1)
    return name if _rms(numbers, datatype) > 0.8 and _rms(numbers, parse_datatype(name)) < 0.5 else None


def _of_other_order(numbers: Numbers, datatype: Datatype) -> str | None:
    """The wrong byte order turns quiet samples into loud noise; bytes that are nearly constant pad short numbers."""
    low = _bytes(numbers, datatype)[:, 0]
    if np.bincount(low, minlength=256).max() > 0.9 * len(low):
        return None
    name = datatype.name[:-2] + "be" if datatype.name.endswith("_le") else datatype.name.split("_")[0] + "_le"
    if not datatype.name.endswith(("_le", "_be")):
        name = f"{datatype.name}_be"
    return name if _rms(numbers, parse_datatype(name)) < _rms(numbers, datatype) / 2 else None


def _of_bytes(numbers: Numbers, datatype: Datatype) -> str | None:
    """Both bytes of a number have the same statistics: they are separate samples. A low byte would be uniform."""
    pairs = _bytes(numbers[numbers != 0], datatype)
    for kind, middle in (("i", 0), ("u", 128)):
        low, high = (_byte_rms(pairs[:, place] ^ np.uint8(middle)) for place in (0, 1))
        if min(low, high) > 2 and low < 0.7 * _EVEN and 0.6 < high / low < 1.6:
            return f"{datatype.name[0]}{kind}8"
    return None


def _of_words(numbers: Numbers, datatype: Datatype) -> str | None:
    """One part is uniform and the other quiet, or its sign: they are the halves of one number."""
    if not datatype.is_complex:
        return None
    first, second = (part.view(np.uint8) for part in _parts(numbers, datatype))
    for name, low, high in (("ci16_le", first, second), ("ci16_be", second, first)):
        is_even = abs(_byte_rms(low) - _EVEN) < 0.1 * _EVEN and _byte_rms(high) < _EVEN / 3
        is_sign = np.isin(high, (0, 255)).all() and ((high == 255) == (low >= 128)).mean() > 0.99
        if len(np.unique(high)) > 1 and (is_even or is_sign):
            return name
    return None


def _bytes(numbers: Numbers, datatype: Datatype) -> NDArray[np.uint8]:
    """The bytes of each number, lowest first."""
    rows = np.frombuffer(numbers.tobytes(), np.uint8).reshape(-1, datatype.component.itemsize)
    return rows[:, ::-1] if datatype.component.str.startswith(">") else rows


def _rms(numbers: Numbers, datatype: Datatype) -> float:
    """The root mean square of bytes read as numbers of a datatype; 1 is full scale."""
    samples = decode(np.frombuffer(numbers.tobytes(), datatype.component), datatype).view(np.float32)
    return float(np.sqrt(np.mean(np.square(samples), dtype=np.float64))) if samples.size else 0.0


def _byte_rms(numbers: NDArray[np.uint8]) -> float:
    return float(np.sqrt(np.mean(np.square(numbers.view(np.int8).astype(np.float64))))) if numbers.size else 0.0
