"""What the OpenAPI description says of bodies and answers, beside the parameters."""

from typing import Any

from lmsc_unet.apps.serve import detecting, segmenting
from lmsc_unet.apps.serve.problems import PROBLEM_TYPE
from lmsc_unet.apps.serve.uploads import MULTIPART

_BINARY = {"type": "string", "format": "binary"}
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {name: {"type": "string"} for name in ("type", "title", "detail")} | {"status": {"type": "integer"}},
}
_MEANINGS = {
    400: "The request is damaged.",
    401: "The token is missing or wrong.",
    403: "The request comes from a page of another site.",
    404: "There is no such model or path.",
    405: "The path has another method.",
    406: "The answer has none of the accepted types.",
    408: "The upload took too long.",
    413: "The upload is too large.",
    415: "The upload has another type.",
    421: "The Host header names another server.",
    422: "The content or a parameter cannot be used.",
    503: "All places are taken; Retry-After says when to come back.",
    504: "The answer took too long.",
}
ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"description": meaning, "content": {PROBLEM_TYPE: {"schema": _PROBLEM}}}
    for status, meaning in _MEANINGS.items()
}
"""The problems of every endpoint."""


def _docs(accepted: tuple[str, ...], answers: tuple[str, ...]) -> dict[str, Any]:
    """The arguments of a route that describe a body of a file, and answers of several types."""
    form = {"type": "object", "required": ["file"], "properties": {"file": _BINARY}}
    content = {kind: {"schema": _BINARY} for kind in accepted} | {MULTIPART: {"schema": form}}
    shown = {kind: {"schema": {"type": "object"} if kind.endswith("json") else _BINARY} for kind in answers}
    return {
        "openapi_extra": {"requestBody": {"required": True, "content": content}},
        "responses": {200: {"description": "The answer in the accepted type.", "content": shown}},
    }


SEGMENT_DOCS = _docs(segmenting.IMAGES, tuple(segmenting.ANSWERS))
"""Of /v1/segment."""
DETECT_DOCS = _docs(detecting.RECORDINGS, tuple(detecting.ANSWERS))
"""Of /v1/detect."""
