"""How many files of the package one picture, one recording and one training sample pass through.

`python benchmarks/ways.py` runs `lmsc predict` on one picture, `lmsc detect` on one recording and `lmsc train` up to
its first loss. It notes every function of the package that is entered (the bodies of classes and modules do not count),
and apart from these the functions on the way of the data: those that are given the file's path, or values of it (arrays
of at least a thousand), themselves or in a field of an argument. It prints the files in the order of their first entry.
"""

import json
import math
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import is_dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch

import lmsc_unet
from lmsc_unet.cli.main import main
from lmsc_unet.core.provenance import provenance

PACKAGE = Path(lmsc_unet.__file__).parent
Way = tuple[dict[str, list[str]], dict[str, list[str]]]
RESULT = Path(__file__).parent / "results" / "ways.json"


@contextmanager
def entered(
    files: dict[str, list[str]], of_data: dict[str, list[str]], path: Path, until: Callable[[str, str], bool]
) -> Iterator[None]:
    """Notes the functions that are entered, by file, until one of them ends the way."""
    is_over = False

    def has_data(frame: FrameType) -> bool:
        code = frame.f_code
        count = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 4) + bool(code.co_flags & 8)
        given = [frame.f_locals.get(name) for name in code.co_varnames[:count]]
        fields = [
            value for one in given if is_dataclass(one) for value in vars(one).values() if hasattr(one, "__dict__")
        ]
        return any(_is_data(value, path) for value in (*given, *fields))

    def note(frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal is_over
        code = frame.f_code
        if is_over or event != "call" or code.co_name == "<module>" or not code.co_filename.startswith(str(PACKAGE)):
            return
        if code.co_qualname[:1].isupper() and "." not in code.co_qualname:  # the body of a class
            return
        file = str(Path(code.co_filename).relative_to(PACKAGE))
        for found in (files, of_data) if has_data(frame) else (files,):
            names = found.setdefault(file, [])
            if code.co_qualname not in names:
                names.append(code.co_qualname)
        is_over = until(file, code.co_name)

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def _is_data(value: Any, path: Path) -> bool:
    if isinstance(value, Path):
        return value == path
    return isinstance(value, np.ndarray | torch.Tensor) and math.prod(value.shape) >= 1000


def way_of(*words: object, path: Path, until: Callable[[str, str], bool] = lambda *_: False) -> Way:
    """What a command passes through with a file: all of it, and the way of its data."""
    files: dict[str, list[str]] = {}
    of_data: dict[str, list[str]] = {}
    with entered(files, of_data, path, until):
        assert main([str(word) for word in words]) == 0
    return files, of_data


def measure(folder: Path) -> dict[str, Way]:
    """The three ways."""
    main(["data", "nuclei", str(folder / "data"), "--count", "6", "--size-px", "256"])
    main(["scenes", str(folder / "radio"), "--count", "1", "--samples", "262144", "--sample-rate-hz", "1e6"])
    picture = min((folder / "data" / "images").iterdir())
    recording = next((folder / "radio").glob("*.sigmf-meta"))
    train = ("train", folder / "data", "--out", folder / "run", "--epochs", 1, "--batch", 4)
    return {
        "one picture, `lmsc predict nuclei`": way_of(
            *("predict", "nuclei", picture, "--out", folder / "masks"), path=picture
        ),
        "one recording, `lmsc detect`": way_of("detect", recording, "--out", folder / "signals", path=recording),
        "a sample, `lmsc train` to its loss": way_of(
            *train, path=picture, until=lambda file, name: file == "training/losses.py" and name == "forward"
        ),
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        ways = measure(Path(name))
    counts = {}
    for title, (files, of_data) in ways.items():
        print(f"{title}: {len(of_data)} files on the way of the data, {len(files)} in all")
        for file, functions in of_data.items():
            print(f"  {file}: {', '.join(functions)}")
        counts[title] = {"of_data": list(of_data), "all": list(files)}
    RESULT.write_text(json.dumps({"ways": counts, "origin": provenance()}, indent=2) + "\n")
