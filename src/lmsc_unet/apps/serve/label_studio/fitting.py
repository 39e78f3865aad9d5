"""Training on what users drew: a dataset of annotations; `lmsc train --from` and `lmsc export --int8` as processes.

PyTorch is never loaded into the server. When the file is written and verified, it replaces the model that is served.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from lmsc_unet.apps.serve.label_studio.label_config import POLYGON, Labelling, read_label_config
from lmsc_unet.apps.serve.label_studio.regions import mask_of_regions, numbered_regions
from lmsc_unet.apps.serve.label_studio.task_images import LabelStudio
from lmsc_unet.apps.serve.problems import ProblemError, unusable
from lmsc_unet.apps.serve.served import ServedModels, name_of_model, shared_runtime
from lmsc_unet.apps.serve.server_options import ServeOptions
from lmsc_unet.errors import ConfigError, DataError, LmscError
from lmsc_unet.imageio import MAX_PIXELS, header_size, write_png
from lmsc_unet.inference.runtime import Runtime
from lmsc_unet.inference.spec import ModelSpec

_LEAST_IMAGES = 3
_MOST_BYTES = 1 << 30
_LAST_LINES = 5
COMMAND = (sys.executable, "-m", "lmsc_unet.cli")
"""`lmsc` as a process."""
NEEDED = ("torch", "lightning", "monai", "onnx")
"""What the two commands need."""


@dataclass(frozen=True, kw_only=True)
class FitPlan:
    """How models are fine-tuned."""

    folder: Path
    """The folder of datasets, runs and model files."""
    model: str
    """Where the first training begins: what the served model was loaded from."""
    epochs: int | None = None
    """Epochs of a training; None is what `lmsc train` takes."""


class Fitter:
    """Trains in the background, one project at a time."""

    def __init__(self, studio: LabelStudio, plan: FitPlan, spec: ModelSpec, use: Callable[[Path], None]) -> None:
        """Takes what is called with a new model file.

        Raises:
            ConfigError: the model has more than two classes.
        """
        if len(spec.class_names) != 2:
            raise ConfigError(
                f"{plan.model} has {len(spec.class_names)} classes; models of two are fine-tuned. Leave --fit-into out."
            )
        self._studio, self._plan, self._spec, self._use = studio, plan, spec, use
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._thread: threading.Thread | None = None
        self._is_stopped = False
        self.status: Mapping[str, Any] = {"state": "idle"}
        """What is done, or was done last."""

    @property
    def is_running(self) -> bool:
        """Whether a training goes on."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, project: int, label_config: str) -> None:
        """Starts a training on the annotations of a project.

        Raises:
            ProblemError: one goes on (409), PyTorch is not installed (501), or the interface is not known (422).
        """
        missing = [name for name in NEEDED if find_spec(name) is None]
        if missing:
            raise ProblemError(
                501,
                f"Training needs {', '.join(missing)}, not installed where the server runs. Install it there: pip "
                'install "lmsc-unet[export]". Predictions work without.',
            )
        try:
            labelling = read_label_config(label_config)
        except LmscError as error:
            raise unusable(str(error)) from error
        with self._lock:
            if self.is_running:
                raise ProblemError(409, "A training goes on. Start another one when it has ended; GET /versions tells.")
            self.status = {"state": "training", "project": project}
            self._thread = threading.Thread(target=self._fit, args=(project, labelling), daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Ends a training; its finished epochs are kept."""
        self._is_stopped = True
        if self._process is not None:
            with suppress(OSError):
                self._process.terminate()
        if self._thread is not None:
            self._thread.join(60)

    def _fit(self, project: int, labelling: Labelling) -> None:
        try:
            place = _free_place(self._plan.folder, project)
            num_images = write_dataset(place / "data", self._studio, project, labelling, self._spec)
            self.status = {"state": "training", "project": project, "images": num_images, "folder": str(place)}
            epochs = [] if self._plan.epochs is None else ["--epochs", str(self._plan.epochs)]
            numbered = ["--instances"] if labelling.kind == POLYGON else []
            source = ["--from", self._plan.model]
            self._run("train", place / "data", *source, "--out", place / "run", *epochs, *numbered)
            self._run("export", place / "run", "--int8", "--out", place / "model.onnx")
            self._use(place / "model.onnx")
            self.status = {**self.status, "state": "done"}
        except LmscError as error:
            self.status = {**self.status, "state": "failed", "error": str(error)}
        except Exception as error:
            self.status = {**self.status, "state": "failed", "error": f"{type(error).__name__}: {error}"}
        if self.status["state"] == "failed":
            print(f"lmsc: training failed: {self.status['error']}", file=sys.stderr, flush=True)

    def _run(self, *words: object) -> None:
        if self._is_stopped:
            raise DataError("The server was stopped.")
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        self._process = subprocess.Popen([*COMMAND, *map(str, words)], **pipes, start_new_session=True)
        printed, _ = self._process.communicate()
        if self._process.returncode:
            last = " ".join(printed.strip().splitlines()[-_LAST_LINES:])
            raise DataError(f"`lmsc {words[0]}` ended with exit code {self._process.returncode}: {last}")


def make_fitter(
    studio: LabelStudio | None, folder: Path, epochs: int | None, options: ServeOptions, models: ServedModels
) -> Fitter:
    """What fine-tunes the first model of images that is served.

    Raises:
        ConfigError: no Label Studio is named, or the model cannot be fine-tuned.
    """
    if studio is None or studio.host is None:
        raise ConfigError("--fit-into is for trainings that Label Studio asks for. Name it by --label-studio.")
    if not models.predictors:
        raise ConfigError("--fit-into needs a model of images. Name one by --model.")
    name = next(iter(models.predictors))
    model = next((one for one in options.models if name_of_model(one) == name), name)
    runtime = shared_runtime(Runtime(backend=options.backend, threads=options.threads), options.workers)
    plan = FitPlan(folder=folder, model=model, epochs=epochs)
    return Fitter(studio, plan, models.predictors[name].spec, lambda file: models.use(name, file, runtime))


def write_dataset(folder: Path, studio: LabelStudio, project: int, labelling: Labelling, spec: ModelSpec) -> int:
    """Writes the images of a project that have annotations, and their masks; returns their number.

    Polygons become objects with numbers of their own, brush masks the foreground.

    Raises:
        DataError: there are too few, or one of them is damaged.
    """
    tasks = studio.export(project)
    if not isinstance(tasks, list):
        raise DataError("Label Studio's export is no list of tasks.")
    annotated = [(task, found) for task in tasks if isinstance(task, dict) and (found := last_annotation(task))]
    if len(annotated) < _LEAST_IMAGES:
        raise DataError(
            f"Project {project} has {len(annotated)} annotated images; {_LEAST_IMAGES} are needed, and dozens are good."
        )
    for number, (task, regions) in enumerate(annotated):
        name = f"task-{int(task.get('id') or number):06d}"
        image = folder / "images" / name
        image.parent.mkdir(parents=True, exist_ok=True)
        data = task.get("data")
        studio.store_image(data.get(labelling.image_key) if isinstance(data, dict) else None, image, _MOST_BYTES)
        write_png(folder / "masks" / f"{name}.png", _mask(regions, labelling, spec, header_size(image)))
        image.rename(image.with_suffix(suffix_of(image)))
    (folder.parent / "tasks.json").write_text(json.dumps({"project": project, "images": len(annotated)}) + "\n")
    return len(annotated)


def last_annotation(task: Mapping[str, Any]) -> Sequence[Mapping[str, Any]] | None:
    """The regions of a task's last annotation that was not cancelled; an image without any was judged empty."""
    annotations = task.get("annotations")
    kept = [one for one in annotations if not one.get("was_cancelled")] if isinstance(annotations, list) else []
    regions = kept[-1].get("result") if kept else None
    return regions if isinstance(regions, list) else None


def suffix_of(image: Path) -> str:
    """The suffix of an image by its first bytes."""
    with image.open("rb") as stream:
        head = stream.read(12)
    kinds = {b"\x89PNG": ".png", b"\xff\xd8\xff": ".jpg", b"II": ".tif", b"MM": ".tif", b"GIF8": ".gif", b"BM": ".bmp"}
    found = next((suffix for magic, suffix in kinds.items() if head.startswith(magic)), None)
    return found or (".webp" if head[8:12] == b"WEBP" else ".jp2")


def _mask(
    regions: Sequence[Mapping[str, Any]], labelling: Labelling, spec: ModelSpec, size_px: tuple[int, int]
) -> np.ndarray[Any, np.dtype[Any]]:
    if size_px[0] * size_px[1] > MAX_PIXELS:
        raise DataError(f"An image has {size_px[1]} x {size_px[0]} px; at most {MAX_PIXELS} px are trained on.")
    if labelling.kind == POLYGON:
        return numbered_regions(regions, labelling, spec.class_names, size_px)
    return mask_of_regions(regions, labelling, spec.class_names, size_px) * np.uint8(255)


def _free_place(folder: Path, project: int) -> Path:
    """A new folder for a training."""
    for number in range(1, 100_000):
        place = folder / f"project-{project}" / f"{number:03d}"
        try:
            place.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise DataError(f"{place}: cannot be made ({error.strerror}). Name another folder.") from error
        return place
    raise DataError(f"{folder}: it is full of trainings. Name another folder.")
