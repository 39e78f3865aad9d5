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


def model_version(request: Request) -> str:
    """The name and the sum of the model that predicts."""
    models = serving_of(request).models
    name, _ = models.predictor(None)
    (about,) = (model for model in models.described if model["name"] == name)
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
