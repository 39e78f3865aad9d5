"""The models that a server has loaded, by the names that requests use."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from lmsc_unet.apps.serve.problems import ProblemError
from lmsc_unet.core.storage import sha256
from lmsc_unet.errors import ConfigError
from lmsc_unet.inference.bundled import bundled_models
from lmsc_unet.inference.detector import ENERGY, SignalDetector, load_detector
from lmsc_unet.inference.loading import find_file, load
from lmsc_unet.inference.predictor import Predictor
from lmsc_unet.inference.runtime import Runtime

Model = TypeVar("Model")


@dataclass(frozen=True, kw_only=True, eq=False)
class ServedModels:
    """What requests can name; the first of each kind is used where they name none."""

    predictors: dict[str, Predictor]
    """Models of images, by name."""
    detectors: Mapping[str, SignalDetector]
    """Detectors of signals, by name."""
    described: list[Mapping[str, Any]]
    """What clients are told of each."""

    def use(self, name: str, file: Path, runtime: Runtime) -> None:
        """Serves a newer file under a model's name; requests that are worked on keep the older one.

        Raises:
            ModelError: it cannot be loaded.
        """
        loaded = load(file, runtime)
        self.predictors[name] = Predictor(loaded.network, loaded.spec)
        place = next(place for place, model in enumerate(self.described) if model["name"] == name)
        self.described[place] = {**self.described[place], "sha256": sha256(file)}

    def predictor(self, name: str | None) -> tuple[str, Predictor]:
        """A model of images and its name.

        Raises:
            ProblemError: it is not served (404).
        """
        return _find(self.predictors, name, "images")

    def detector(self, name: str | None) -> tuple[str, SignalDetector]:
        """A detector and its name.

        Raises:
            ProblemError: it is not served (404).
        """
        return _find(self.detectors, name, "recordings")


def _find(models: Mapping[str, Model], name: str | None, kind: str) -> tuple[str, Model]:
    if not models:
        raise ProblemError(404, f"This server has no model of {kind}. Start it with one: lmsc serve --model NAME.")
    name = next(iter(models)) if name is None else name
    if name not in models:
        raise ProblemError(404, f"There is no model {name[:80]!r} of {kind}; there is {', '.join(models)}. Name one.")
    return name, models[name]


def load_models(models: Sequence[str], runtime: Runtime, workers: int = 1) -> ServedModels:
    """Loads models; without any, all that are bundled. The energy detector is always there.

    Workers that segment share the threads; recordings are searched one at a time, with all of them.

    Raises:
        ConfigError: two models have the same name.
        ModelError: a model cannot be loaded.
    """
    shared = shared_runtime(runtime, workers)
    predictors: dict[str, Predictor] = {}
    detectors: dict[str, SignalDetector] = {}
    described: list[Mapping[str, Any]] = []
    for model in models or bundled_models():
        file, name = find_file(model, runtime.backend), name_of_model(model)
        if name in (*predictors, *detectors, ENERGY):
            raise ConfigError(f"Two models have the name {name!r} in requests. Rename the file or folder of {model}.")
        loaded = load(model, shared)
        about = {"classes": list(loaded.spec.class_names), "sha256": sha256(file)}
        if loaded.spec.spectrogram is None:
            predictors[name] = Predictor(loaded.network, loaded.spec)
            separates = loaded.spec.contour
            described.append({"name": name, "task": "segment", "separates_objects": separates, **about})
        else:
            detectors[name] = load_detector(model, runtime=runtime)
            described.append({"name": name, "task": "detect", **about})
    detectors[ENERGY] = load_detector(ENERGY)
    described.append({"name": ENERGY, "task": "detect", "classes": list(detectors[ENERGY].class_names), "sha256": None})
    return ServedModels(predictors=predictors, detectors=detectors, described=described)


def shared_runtime(runtime: Runtime, workers: int) -> Runtime:
    """The runtime of a model of images: workers share the processors."""
    return replace(runtime, threads=runtime.threads or max(1, (os.cpu_count() or 1) // workers))


def name_of_model(model: str) -> str:
    """The name of a model in requests: a bundled name, a run's folder, or a file without its suffix."""
    path = Path(model)
    return path.name if path.is_dir() else path.stem if path.is_file() else path.name
