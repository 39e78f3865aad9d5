"""The one file in a body of multipart/form-data (RFC 7578), found in the stored body; names in it are never used."""

import mmap
from dataclasses import dataclass
from email.message import Message
from pathlib import Path

from lmsc_unet.apps.serve.problems import ProblemError, unusable

_MOST_PARTS = 64
_MOST_HEADER_BYTES = 8192
_COPIED_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class BodyPart:
    """A part of a body."""

    start_byte: int
    """Where its content starts."""
    stop_byte: int
    """One past its content."""
    is_file: bool
    """Whether it has a file name."""


def boundary_of(content_type: str) -> bytes:
    """The boundary of a body.

    Raises:
        ProblemError: the Content-Type names none that is allowed.
    """
    header = Message()
    header["content-type"] = content_type
    boundary = header.get_param("boundary")
    if not isinstance(boundary, str) or not 1 <= len(boundary) <= 70 or not boundary.isascii():
        raise ProblemError(400, "The body is multipart/form-data without a boundary in Content-Type. Name it there.")
    return boundary.encode()


def extract_file(body: Path, boundary: bytes, out: Path) -> None:
    """Copies the only file of a body.

    Raises:
        ProblemError: the body is damaged (400), or does not hold one file (422).
    """
    with body.open("rb") as stream:
        if not body.stat().st_size:
            raise _damaged()
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            parts = find_parts(content, boundary)
        files = [part for part in parts if part.is_file] or (parts if len(parts) == 1 else [])
        if len(files) != 1:
            raise unusable(f"The body holds {len(files)} files; one is needed. Send each in a request of its own.")
        stream.seek(files[0].start_byte)
        left = files[0].stop_byte - files[0].start_byte
        with out.open("wb") as copy:
            while left > 0:
                block = stream.read(min(left, _COPIED_BYTES))
                copy.write(block)
                left -= len(block)


def find_parts(content: mmap.mmap, boundary: bytes) -> list[BodyPart]:
    """The parts of a body, in order.

    Raises:
        ProblemError: the body is damaged, or has too many parts.
    """
    parts: list[BodyPart] = []
    line = b"--" + boundary
    at = 0 if content[: len(line)] == line else content.find(b"\r\n" + line) + 2
    while at >= 2 or content[: len(line)] == line:
        start = at + len(line)
        if content[start : start + 2] == b"--":
            return parts
        headers = content.find(b"\r\n\r\n", start, start + _MOST_HEADER_BYTES)
        stop = content.find(b"\r\n" + line, max(headers + 2, 0))
        if content[start : start + 2] != b"\r\n" or headers < 0 or stop < 0 or len(parts) >= _MOST_PARTS:
            raise _damaged()
        is_file = b"filename" in content[start:headers].lower()
        parts.append(BodyPart(start_byte=headers + 4, stop_byte=max(stop, headers + 4), is_file=is_file))
        at = stop + 2
    raise _damaged()


def _damaged() -> ProblemError:
    return ProblemError(400, "The body is not whole multipart/form-data. Send it again, or send the file as the body.")
