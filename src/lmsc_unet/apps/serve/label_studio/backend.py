"""The protocol of Label Studio's ML backends: what its SDK `label-studio-ml` answers at which path."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request

from lmsc_unet.apps.serve.answering import carry_out, serving_of
from lmsc_unet.apps.serve.desk import Place
from lmsc_unet.apps.serve.label_studio.label_config import Labelling, read_label_config
from lmsc_unet.apps.serve.label_studio.regions import regions_of_prediction, score_of
from lmsc_unet.apps.serve.label_studio.task_images import LabelStudio
from lmsc_unet.apps.serve.problems import ProblemError, unusable
from lmsc_unet.apps.serve.segmenting import about_upload, check_size
from lmsc_unet.apps.serve.server_options import ServeOptions
from lmsc_unet.apps.serve.uploads import Upload
from lmsc_unet.datasets.load import load_image
from lmsc_unet.errors import LmscError
from lmsc_unet.inference.predictor import Predictor

router = APIRouter(include_in_schema=False)
JSON_BODY = ("application/json",)
MODEL_CLASS = "LmscUnet"
START_TRAINING = "START_TRAINING"


@dataclass(frozen=True, kw_only=True)
class PredictTasks:
    """The tasks that Label Studio wants predicted."""

    tasks: tuple[Mapping[str, Any], ...]
    """Each with its data."""
    labelling: Labelling
    """What the project draws."""


@router.get("/health")
async def tell_label_studio_health() -> dict[str, str]:
    """Up."""
    return {"status": "UP", "model_class": MODEL_CLASS}


@router.get("/versions")
async def list_versions(request: Request) -> dict[str, list[str]]:
    """The version of the model."""
    return {"versions": [model_version(request)]}


@router.post("/setup")
async def set_up(request: Request) -> dict[str, str]:
    """Checks that the project's interface can be predicted."""
    version = model_version(request)

    def work(_: Place, upload: Upload) -> bytes:
        fields = read_fields(upload)
        if fields.get("schema"):
            read_interface(fields["schema"])
        return b""

    await carry_out(request, version, JSON_BODY, work)
    return {"model_version": version}


@router.post("/predict")
async def predict_tasks(request: Request) -> dict[str, Any]:
    """Regions of each task's image."""
    serving, version = serving_of(request), model_version(request)
    _, predictor = serving.models.predictor(None)
    assert serving.label_studio is not None
    studio = serving.label_studio

    def work(place: Place, upload: Upload) -> bytes:
        asked = read_tasks(read_fields(upload))
        found = [predict_task(place, one, asked.labelling, predictor, studio, serving.options) for one in asked.tasks]
        return json.dumps([one | {"model_version": version} for one in found]).encode()

    return {"results": json.loads(await carry_out(request, version, JSON_BODY, work))}


@router.post("/webhook", status_code=201)
async def take_event(request: Request) -> dict[str, Any]:
    """Starts a training when a user asks for one; annotations alone start none."""

    def start(_: Place, upload: Upload) -> bytes:
        fields = read_fields(upload)
        if fields.get("action") != START_TRAINING:
            return json.dumps({"status": "ignored"}).encode()
        return start_training(request, fields.get("project"))

    answer: dict[str, Any] = json.loads(await carry_out(request, model_version(request), JSON_BODY, start))
    return answer


@router.post("/train", status_code=201)
async def train_project(request: Request) -> dict[str, Any]:
    """The same, as older releases ask."""

    def start(_: Place, upload: Upload) -> bytes:
        fields = read_fields(upload)
        project = str(fields.get("project", "")).partition(".")[0]
        return start_training(request, {"id": project, "label_config": fields.get("label_config")})

    answer: dict[str, Any] = json.loads(await carry_out(request, model_version(request), JSON_BODY, start))
    return answer


@router.get("/job_status")
async def tell_training(request: Request) -> dict[str, Any]:
    """What the training does, or how the last one ended."""
    fitter = serving_of(request).fitter
    return {"state": "off"} if fitter is None else dict(fitter.status)


def start_training(request: Request, project: object) -> bytes:
    """Starts a training on a project, and says so.

    Raises:
        ProblemError: it does not start.
    """
    fitter = serving_of(request).fitter
    if fitter is None:
        raise ProblemError(501, "This server does not train. Start it with --label-studio and --fit-into FOLDER.")
    fields = project if isinstance(project, dict) else {}
    number = str(fields.get("id"))
    if not (number.isascii() and number.isdigit() and len(number) < 12):
        raise unusable(f"The request names the project {number[:40]!r}; a number is needed.")
    fitter.start(int(number), str(fields.get("label_config") or ""))
    return json.dumps({"status": "training", "job": f"project-{number}"}).encode()


def model_version(request: Request) -> str:
    """The name and the sum of the model that predicts."""
    models = serving_of(request).models
    name, _ = models.predictor(None)
    about = next(model for model in models.described if model["name"] == name)
    return f"{name}-{str(about.get('sha256'))[:12]}"


def read_fields(upload: Upload) -> dict[str, Any]:
    """The object of JSON that a request holds.

    Raises:
        ProblemError: it holds none (400).
    """
    try:
        fields = json.loads(upload.content("request").read_bytes())
    except (ValueError, RecursionError) as error:
        raise ProblemError(400, f"The body is no JSON ({error}). Send what Label Studio sends.") from error
    if not isinstance(fields, dict):
        raise ProblemError(400, "The body is no object of JSON. Send what Label Studio sends.")
    return fields


def read_tasks(fields: Mapping[str, Any]) -> PredictTasks:
    """The tasks of a request.

    Raises:
        ProblemError: it has none, or its labelling interface is none that can be predicted (422).
    """
    tasks = fields.get("tasks")
    if not isinstance(tasks, list) or not all(isinstance(t, dict) and isinstance(t.get("data"), dict) for t in tasks):
        raise unusable("The request has no list `tasks` of objects with `data`. Send what Label Studio sends.")
    return PredictTasks(tasks=tuple(tasks), labelling=read_interface(fields.get("label_config")))


def read_interface(text: object) -> Labelling:
    """The labelling interface of a request.

    Raises:
        ProblemError: it is none that can be predicted (422).
    """
    try:
        return read_label_config(str(text or ""))
    except LmscError as error:
        raise unusable(str(error)) from error


def predict_task(
    place: Place,
    task: Mapping[str, Any],
    labelling: Labelling,
    predictor: Predictor,
    studio: LabelStudio,
    limits: ServeOptions,
) -> dict[str, Any]:
    """The regions of one task's image, and how sure the model is of them.

    Raises:
        ProblemError: the image is not there, too large, or cannot be used.
    """
    path: Path = place.folder / "task"
    try:
        studio.store_image(task["data"].get(labelling.image_key), path, limits.max_upload_bytes)
        check_size(path, predictor.spec, limits)
        prediction = predictor.variant(watch=place.check).predict(load_image(path))
    except LmscError as error:
        raise unusable(about_upload(str(error), path, f"the image of task {task.get('id')}")) from error
    return {"result": regions_of_prediction(prediction, labelling), "score": score_of(prediction)}
