"""Bodies of requests, streamed to a file of a folder that is the request's own; limits are checked before and while."""

import asyncio
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from fastapi import Request
from starlette.requests import ClientDisconnect

from lmsc_unet.apps.serve.multipart import boundary_of, extract_file
from lmsc_unet.apps.serve.problems import ProblemError, no_room, too_large, unusable
from lmsc_unet.apps.serve.server_options import ServeOptions

MULTIPART = "multipart/form-data"
STALL_S = 10.0
"""A client that sends nothing for so long is left."""


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A stored body."""

    body: Path
    """The file with the body."""
    boundary: bytes | None = None
    """Of a multipart body."""

    def content(self, name: str) -> Path:
        """The uploaded file under a name of ours, beside the body.

        Raises:
            ProblemError: the body is damaged, or holds no file.
        """
        target = self.body.with_name(name)
        if self.boundary is None:
            self.body.replace(target)
        else:
            extract_file(self.body, self.boundary, target)
            self.body.unlink()
        if not target.stat().st_size:
            raise unusable("The upload is empty (0 bytes). Send the file's content.")
        return target


def check_head(request: Request, accepted: Collection[str], limits: ServeOptions) -> None:
    """Rejects a request by its headers, before its body is read.

    Raises:
        ProblemError: its type (415) or its announced length (413) is refused.
    """
    given = request.headers.get("content-type", "")
    kind = given.partition(";")[0].strip().lower()
    if kind != MULTIPART and not any(
        kind == one or (one.endswith("/*") and kind.startswith(one[:-1])) for one in accepted
    ):
        wanted = ", ".join((*accepted, MULTIPART))
        raise ProblemError(
            415,
            f"Content-Type is {given[:100]!r}; it must be one of {wanted}. With curl: -H 'Content-Type: ...' "
            "--data-binary @FILE, or -F file=@FILE.",
            {"Accept": wanted},
        )
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise ProblemError(415, "The body has a Content-Encoding. Send it as it is.", {"Accept-Encoding": "identity"})
    length = request.headers.get("content-length", "0")
    if length.isdigit() and int(length) > limits.max_upload_bytes:
        raise _too_long(f"{int(length)} bytes", limits)


async def receive_upload(request: Request, folder: Path, limits: ServeOptions) -> Upload:
    """Streams the body of a request to a file.

    Raises:
        ProblemError: the body is too long (413), or too slow (408); or the client has gone.
    """
    given = request.headers.get("content-type", "")
    boundary = boundary_of(given) if given.lower().startswith(MULTIPART) else None
    body, num_bytes = folder / "body", 0
    chunks, until_s = request.stream(), time.monotonic() + limits.max_upload_s
    with body.open("wb") as file:
        while True:
            try:
                async with asyncio.timeout(min(STALL_S, until_s - time.monotonic())):
                    chunk = await anext(chunks, None)
            except TimeoutError:
                raise _too_slow(num_bytes, limits) from None
            except ClientDisconnect:
                raise ProblemError(400, "The client went before its upload was complete.") from None
            if chunk is None:
                return Upload(body=body, boundary=boundary)
            num_bytes += len(chunk)
            if num_bytes > limits.max_upload_bytes:
                raise _too_long(f"over {limits.max_upload_bytes} bytes", limits)
            _store(file, chunk)


def _store(file: IO[bytes], chunk: bytes) -> None:
    try:
        file.write(chunk)
    except OSError as error:
        raise no_room(str(error.strerror)) from error


def _too_long(found: str, limits: ServeOptions) -> ProblemError:
    return too_large(
        f"The body has {found}; at most {limits.max_upload_bytes} are taken. Cut the file into smaller ones, or start "
        "the server with a larger --max-upload-mib."
    )


def _too_slow(num_bytes: int, limits: ServeOptions) -> ProblemError:
    return ProblemError(
        408,
        f"The upload stopped after {num_bytes} bytes; it must be complete within {limits.max_upload_s:g} s, without "
        f"pauses over {STALL_S:g} s. Send it again.",
        {"Connection": "close"},
    )
