"""The models included in the package: `nuclei` instead of a path.

`weights/NAME.onnx` is a model in float32, `weights/NAME-int8.onnx` the same in INT8, `weights/NAME-int8.xml` the
fastest form for OpenVINO. To add a model, add its files.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from lmsc_unet.errors import ModelError
from lmsc_unet.inference.metadata import Description, read_description

FOLDER = Path(__file__).parents[1] / "weights"
"""The folder of the bundled files."""
INT8, FLOAT32, OPENVINO = "-int8", "-fp32", "-openvino"
"""Suffixes of a model's name that choose its file; without one it is the INT8 file if there is one."""
SIGNALS = "signals"
"""The default model of `lmsc detect`."""


@dataclass(frozen=True, kw_only=True)
class Bundled:
    """One bundled file."""

    name: str
    """The full name, with the precision."""
    file: Path
    """The file."""
    is_default: bool
    """Whether the name without precision selects it."""
    description: Description
    """The description in its metadata."""
    scores: Mapping[str, float]
    """Scores on held-out images, if `NAME.json` beside the file has them."""


def bundled_files(backend: str = "onnxruntime") -> dict[str, Path]:
    """Every name of a bundled file: `nuclei`, `nuclei-int8`, `nuclei-fp32`, `nuclei-openvino`.

    The bare name selects the INT8 file if there is one: OpenVINO's own for that backend, the ONNX file for others.
    """
    files: dict[str, Path] = {}
    for path in sorted(FOLDER.glob("*.onnx")):  # a-int8.onnx sorts before a.onnx
        model = path.stem.removesuffix(INT8)
        files.setdefault(model, path)
        files[model + (FLOAT32 if path.stem == model else INT8)] = path
    for path in FOLDER.glob(f"*{INT8}.xml"):
        model = path.stem.removesuffix(INT8)
        files[model + OPENVINO] = path
        if backend == "openvino":
            files[model] = path
    return files


def bundled_models() -> tuple[str, ...]:
    """The names without precision."""
    return tuple(dict.fromkeys(path.stem.removesuffix(INT8) for path in bundled_files().values()))


def float32_file(name: str) -> Path | None:
    """The float32 file of a bundled model, by any of its names; None if there is none."""
    for suffix in (INT8, FLOAT32, OPENVINO):
        name = name.removesuffix(suffix)
    return bundled_files().get(name + FLOAT32)


def list_bundled() -> tuple[Bundled, ...]:
    """All bundled ONNX files with their metadata; OpenVINO's files have the same weights.

    Raises:
        ModelError: a file is damaged.
    """
    files = bundled_files()
    return tuple(
        Bundled(
            name=name,
            file=file,
            is_default=files[file.stem.removesuffix(INT8)] == file,
            description=read_description(file),
            scores=_scores(file),
        )
        for name, file in files.items()
        if name.endswith((INT8, FLOAT32))
    )


def hint(name: str) -> str:
    """A hint about bundled models after an unknown name: the nearest name and all names."""
    models = bundled_models()
    if name in bundled_files():
        return f"{name} is the name of a bundled model, but a path was given here."
    if not models:
        return "No models are bundled with this installation."
    near = get_close_matches(name, bundled_files(), n=1)
    return (f"Did you mean {near[0]!r}? " if near else "") + f"The bundled models are {', '.join(models)}."


def _scores(file: Path) -> dict[str, float]:
    path = file.with_suffix(".json")
    if not path.is_file():
        return {}
    try:
        return {str(name): float(value) for name, value in json.loads(path.read_text("utf-8"))["scores"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f'{path}: this holds no scores as {{"scores": {{"dice": 0.9}}}} ({error}).') from error
