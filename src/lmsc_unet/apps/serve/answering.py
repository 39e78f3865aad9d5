"""From a request to its answer: the body is stored, waits for a turn, and is worked on in a thread."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from fastapi import Request

from lmsc_unet.apps.serve.counters import Counters
from lmsc_unet.apps.serve.desk import Desk, Place
from lmsc_unet.apps.serve.label_studio.fitting import Fitter
from lmsc_unet.apps.serve.label_studio.task_images import LabelStudio
from lmsc_unet.apps.serve.served import ServedModels
from lmsc_unet.apps.serve.server_options import ServeOptions
from lmsc_unet.apps.serve.uploads import Upload, check_head, receive_upload


@dataclass(frozen=True, kw_only=True, eq=False)
class Serving:
    """What requests share."""

    options: ServeOptions
    """The limits."""
    models: ServedModels
    """The loaded models."""
    desk: Desk
    """Where requests wait."""
    counters: Counters
    """What is counted."""
    label_studio: LabelStudio | None = None
    """The Label Studio that may ask, if any."""
    fitter: Fitter | None = None
    """What trains on its annotations, if anything does."""


def serving_of(request: Request) -> Serving:
    """What requests share."""
    found: Serving = request.app.state.serving
    return found


async def carry_out(
    request: Request, model: str, accepted: Collection[str], work: Callable[[Place, Upload], bytes]
) -> bytes:
    """The answer to a request with a body; its place is free again whatever happens.

    Args:
        request: The request.
        model: Who answers, for the metrics.
        accepted: The content types of its body.
        work: Makes the answer of the stored body, in a thread.

    Raises:
        ProblemError: the body is refused, there is no place, or the answer takes too long.
    """
    serving = serving_of(request)
    check_head(request, accepted, serving.options)
    place = serving.desk.take_place()
    try:
        upload = await receive_upload(request, place.folder, serving.options)
    except BaseException:
        place.close()
        raise
    limit_s = serving.options.max_work_s
    answer = await serving.desk.carry_out(place, lambda: work(place, upload), lambda: _until_gone(request), limit_s)
    serving.counters.count_answer(model)
    return answer


async def _until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
