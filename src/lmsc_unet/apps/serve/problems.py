"""Errors as clients see them: RFC 9457 problems, whose `detail` says what was found, what is needed, what to do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

PROBLEM_TYPE = "application/problem+json"
"""The media type of a problem."""
NO_ROOM: Mapping[str, str] = MappingProxyType({"Retry-After": "60", "Connection": "close"})
"""Headers of an answer when the disk is full."""


@dataclass(eq=False)
class ProblemError(Exception):
    """A request that is answered by an error."""

    status: int
    """The HTTP status."""
    detail: str
    """What was found, what is needed, what to do."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """More headers of the answer."""

    def body(self) -> dict[str, Any]:
        """The fields of RFC 9457."""
        return problem(self.status, self.detail)


def problem(status: int, detail: str) -> dict[str, Any]:
    """The fields of a problem."""
    return {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}


def no_room(reason: str) -> ProblemError:
    """The disk takes no uploads or results."""
    return ProblemError(503, f"The server has no room for uploads and results ({reason}). Try again later.", NO_ROOM)


def too_large(detail: str) -> ProblemError:
    """The request's body, image or recording is larger than the server's limits."""
    return ProblemError(413, detail)


def unusable(detail: str) -> ProblemError:
    """The content or a parameter cannot be used."""
    return ProblemError(422, detail)
