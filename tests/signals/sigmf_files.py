"""SigMF recordings written by hand for the tests, good and bad."""

import json
from pathlib import Path

import numpy as np

DATATYPES = [
    f"{kind}{component}{order}"
    for kind in "cr"
    for component in ("f32", "f64", "i32", "i16", "i8", "u32", "u16", "u8")
    for order in (("",) if component in ("i8", "u8") else ("_le", "_be"))
]


def metadata(datatype="cf32_le", *, rate_hz=1000.0, captures=None, annotations=(), **fields):
    """The metadata of a recording; `fields` are added to its global object, None takes one out."""
    whole = {"core:datatype": datatype, "core:sample_rate": rate_hz, "core:version": "1.2.0"}
    whole |= {f"core:{name}": value for name, value in fields.items()}
    return {
        "global": {name: value for name, value in whole.items() if value is not None},
        "captures": [{"core:sample_start": 0}] if captures is None else captures,
        "annotations": list(annotations),
    }


def write_pair(folder: Path, meta, data, *, name="one") -> Path:
    """Writes the two files and returns the metadata's; bytes, arrays and no data are taken."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.sigmf-meta"
    path.write_text(meta if isinstance(meta, str) else json.dumps(meta))
    if data is not None:
        (folder / f"{name}.sigmf-data").write_bytes(data if isinstance(data, bytes) else data.tobytes())
    return path


def noise(num_samples, *, seed=0, power=1.0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal(2 * num_samples, dtype=np.float32) * np.float32(np.sqrt(power / 2))).view(np.complex64)


def raw_numbers(datatype, num_numbers, *, seed=0):
    """Random bytes of a datatype that mean finite numbers."""
    rng = np.random.default_rng(seed)
    order = ">" if datatype.endswith("_be") else "<"
    component = datatype[1:].split("_")[0]
    dtype = np.dtype(f"{order}{component[0]}{int(component[1:]) // 8}")
    if dtype.kind == "f":
        return rng.standard_normal(num_numbers).astype(dtype)
    limits = np.iinfo(dtype.name)
    return rng.integers(limits.min, limits.max, num_numbers, endpoint=True).astype(dtype)
