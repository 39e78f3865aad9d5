"""The HTTP interface: what is at which path, and what each answers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from lmsc_unet.apps.detect.inputs import MOST_HZ, RawFormat
from lmsc_unet.apps.serve import detecting, segmenting
from lmsc_unet.apps.serve.answering import Serving, carry_out, serving_of
from lmsc_unet.apps.serve.counters import METRICS_TYPE, Counters
from lmsc_unet.apps.serve.desk import Desk, Place
from lmsc_unet.apps.serve.detecting import DetectRequest, detect_upload, name_upload
from lmsc_unet.apps.serve.guard import Guard, answer_problem, open_paths_of
from lmsc_unet.apps.serve.label_studio import backend
from lmsc_unet.apps.serve.label_studio.fitting import Fitter
from lmsc_unet.apps.serve.label_studio.task_images import LabelStudio
from lmsc_unet.apps.serve.negotiation import choose_type
from lmsc_unet.apps.serve.openapi import DETECT_DOCS, ERRORS, SEGMENT_DOCS
from lmsc_unet.apps.serve.page import PAGE_HEADERS, page_files
from lmsc_unet.apps.serve.problems import ProblemError, too_large, unusable
from lmsc_unet.apps.serve.segmenting import SegmentRequest, segment_upload
from lmsc_unet.apps.serve.served import ServedModels
from lmsc_unet.apps.serve.server_options import ServeOptions
from lmsc_unet.apps.serve.uploads import Upload
from lmsc_unet.core.ranges import MOST_CHANNELS, MOST_SCALE
from lmsc_unet.errors import LmscError

ModelName = Annotated[str | None, Query(description="The model's name; by default the first of its kind.")]
router = APIRouter(responses=ERRORS)


def build_application(
    options: ServeOptions,
    models: ServedModels,
    label_studio: LabelStudio | None = None,
    fitter: Fitter | None = None,
) -> ASGIApp:
    """The application of one server; Label Studio is answered if it is named, and trained for if there is a fitter."""
    desk = Desk(options.workers, options.queue)
    counters = Counters(desk)
    serving = Serving(
        options=options, models=models, desk=desk, counters=counters, label_studio=label_studio, fitter=fitter
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        desk.close()
        if fitter is not None:
            fitter.stop()

    app = FastAPI(title="lmsc-unet", version=version("lmsc-unet"), docs_url=None, redoc_url=None, lifespan=lifespan)
    app.state.serving = serving
    app.include_router(router)
    if label_studio is not None:
        app.include_router(backend.router)
    files = page_files()
    for path, file in files.items():
        app.add_api_route(path, partial(_send_file, file), include_in_schema=False, response_class=FileResponse)
    _answer_errors(app)
    return Guard(app=app, options=options, counters=counters, open_paths=open_paths_of(files))


async def _send_file(file: Path) -> FileResponse:
    return FileResponse(file, headers=dict(PAGE_HEADERS))


@router.get("/v1/models", summary="The models that are served")
async def list_models(request: Request) -> list[dict[str, Any]]:
    """Name, task and classes of each model; the first of a task is used where a request names none."""
    return [dict(model) for model in serving_of(request).models.described]


@router.get("/healthz", summary="Whether the process answers")
async def tell_health() -> dict[str, str]:
    """Always ok."""
    return {"status": "ok"}


@router.get("/readyz", summary="Whether a request would be taken now")
async def tell_readiness(request: Request) -> dict[str, str]:
    """Ok, or 503 while all places are taken."""
    serving = serving_of(request)
    if serving.desk.num_taken >= serving.options.most_places:
        raise ProblemError(503, f"All {serving.options.most_places} places are taken.", {"Retry-After": "1"})
    return {"status": "ok"}


@router.get("/metrics", summary="Metrics for Prometheus", response_class=Response)
async def tell_metrics(request: Request) -> Response:
    """Requests, their seconds, the places taken, and the process's memory."""
    return Response(serving_of(request).counters.text(), media_type=METRICS_TYPE)


@router.post("/v1/segment", summary="Segment an image", **SEGMENT_DOCS)
async def segment(
    request: Request,
    model: ModelName = None,
    threshold: Annotated[float | None, Query(gt=0, lt=1, allow_inf_nan=False)] = None,
    scale: Annotated[float | None, Query(gt=0, le=MOST_SCALE, allow_inf_nan=False)] = None,
    instances: bool | None = None,
) -> Response:
    """The image is the body, or the file of a form; Accept chooses summary, mask or label image."""
    serving = serving_of(request)
    asked = SegmentRequest(model=model, threshold=threshold, scale=scale, instances=instances)
    name, predictor = serving.models.predictor(model)
    kind = choose_type(request.headers.get("accept"), tuple(segmenting.ANSWERS))

    def work(place: Place, upload: Upload) -> bytes:
        return segment_upload(place, upload.content("upload"), name, predictor, asked, serving.options, kind)

    return Response(await carry_out(request, name, segmenting.IMAGES, work), media_type=kind)


@router.post("/v1/detect", summary="Find the signals in a recording", **DETECT_DOCS)
async def detect(
    request: Request,
    model: ModelName = None,
    min_confidence: Annotated[float | None, Query(ge=0, le=1, allow_inf_nan=False)] = None,
    channel: Annotated[int | None, Query(ge=0, lt=MOST_CHANNELS)] = None,
    datatype: Annotated[str | None, Query(max_length=16)] = None,
    sample_rate_hz: Annotated[float | None, Query(gt=0, lt=MOST_HZ, allow_inf_nan=False)] = None,
    center_hz: Annotated[float | None, Query(gt=-MOST_HZ, lt=MOST_HZ, allow_inf_nan=False)] = None,
    num_channels: Annotated[int | None, Query(ge=1, le=MOST_CHANNELS)] = None,
) -> Response:
    """The recording is the body, or the file of a form: a SigMF archive, a WAV file, or raw samples with parameters."""
    serving = serving_of(request)
    name, finder = serving.models.detector(model)
    kind = choose_type(request.headers.get("accept"), tuple(detecting.ANSWERS))
    raw = _raw_format(datatype, sample_rate_hz, center_hz, num_channels)
    asked = DetectRequest(model=model, min_confidence=min_confidence, channel=channel, raw=raw)

    def work(place: Place, upload: Upload) -> bytes:
        path = name_upload(upload.content("upload"), raw)
        return detect_upload(place, path, name, finder, asked, serving.options, kind)

    return Response(await carry_out(request, name, detecting.RECORDINGS, work), media_type=kind)


def _raw_format(
    datatype: str | None, sample_rate_hz: float | None, center_hz: float | None, num_channels: int | None
) -> RawFormat:
    if datatype is not None and sample_rate_hz is None:
        raise unusable(f"The samples are {datatype!r}, at an unknown rate. Add ?sample_rate_hz=1000000 as recorded.")
    try:
        return RawFormat(
            datatype=datatype, sample_rate_hz=sample_rate_hz, center_hz=center_hz, num_channels=num_channels
        )
    except LmscError as error:
        raise unusable(str(error)) from error


def _answer_errors(app: FastAPI) -> None:
    """Makes every error a problem."""

    async def own(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, ProblemError)
        return answer_problem(error)

    async def of_user(_: Request, error: Exception) -> JSONResponse:
        return answer_problem(unusable(str(error)))

    async def of_parameters(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        found = [f"{'.'.join(map(str, one['loc'][1:]))}: {one['msg']}" for one in error.errors()]
        return answer_problem(unusable(f"{'; '.join(found)}. Correct the parameters; /openapi.json lists them."))

    async def of_path(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        detail = f"{request.method} {request.url.path[:80]} is not there: {error.detail}. /openapi.json lists what is."
        return answer_problem(ProblemError(error.status_code, detail, error.headers or {}))

    async def of_memory(_: Request, _error: Exception) -> JSONResponse:
        return answer_problem(too_large("The upload does not fit into memory. Cut it into smaller ones."))

    async def of_ours(_: Request, error: Exception) -> JSONResponse:
        return answer_problem(ProblemError(500, f"{type(error).__name__}: a defect of lmsc-unet. Please report it."))

    app.add_exception_handler(ProblemError, own)
    app.add_exception_handler(LmscError, of_user)
    app.add_exception_handler(RequestValidationError, of_parameters)
    app.add_exception_handler(HTTPException, of_path)
    app.add_exception_handler(MemoryError, of_memory)
    app.add_exception_handler(Exception, of_ours)
