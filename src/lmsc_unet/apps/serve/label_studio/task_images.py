"""Where a task's image may come from: Label Studio itself, or one local folder. No other address is ever asked."""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from lmsc_unet.errors import ConfigError, DataError

KEY_VARIABLE = "LABEL_STUDIO_API_KEY"
"""The environment variable with the key of Label Studio's API."""
UPLOADS, LOCAL = "/data/upload/", "/data/local-files/"
_TIMEOUT_S = 30
_MOST_JSON_BYTES = 1 << 28
_COPIED_BYTES = 1 << 20


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follows none: it could lead elsewhere."""


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects())


@dataclass(frozen=True, kw_only=True)
class LabelStudio:
    """The Label Studio that the user named, and the folder of its local files."""

    host: str | None = None
    """Its address, as http://localhost:8080."""
    key: str | None = None
    """The key of its API."""
    root: Path | None = None
    """The folder of local files: LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT."""

    def __post_init__(self) -> None:
        parts = urlsplit(self.host or "http://localhost")
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.username:
            raise ConfigError(f"label_studio is {self.host!r}; it must be an address such as http://localhost:8080.")
        if self.root is not None and not self.root.is_dir():
            raise ConfigError(f"{self.root}: there is no such folder. Name the folder of Label Studio's local files.")

    def store_image(self, place: object, target: Path, most_bytes: int) -> None:
        """Copies the image of a task.

        Raises:
            DataError: it is elsewhere, is not there, or is too large.
        """
        if not isinstance(place, str):
            raise DataError(f"The task's image is {place!r:.80}; it must be a text. Correct the task's data.")
        own = place.removeprefix(self.host.rstrip("/")) if self.host else place
        if own.startswith(LOCAL) and self.root is not None:
            with self._local(own).open("rb") as source:
                _copy(source, target, most_bytes)
        elif own.startswith(UPLOADS) and self.host is not None:
            with _answered(), self._open(_plain_path(own)) as source:
                _copy(source, target, most_bytes)
        else:
            raise DataError(
                f"The task's image is at {place[:120]!r}. Only uploads of the Label Studio of --label-studio and local "
                "files below --label-studio-root are read."
            )

    def export(self, project: int) -> Any:
        """The annotated tasks of a project.

        Raises:
            DataError: Label Studio refuses or does not answer.
        """
        path = f"/api/projects/{project}/export?exportType=JSON&download_all_tasks=false"
        with _answered(), self._open(path) as answer:
            return json.loads(answer.read(_MOST_JSON_BYTES))

    def _local(self, place: str) -> Path:
        assert self.root is not None
        named = parse_qs(urlsplit(place).query).get("d", [""])[0]
        root = self.root.resolve()
        try:
            path = (root / named.lstrip("/")).resolve()
        except (OSError, ValueError, RuntimeError):
            path = root
        if not path.is_relative_to(root) or not path.is_file():
            raise DataError(f"The task's image {named[:120]!r} is no file below the folder of --label-studio-root.")
        return path

    def _open(self, path: str) -> IO[bytes]:
        assert self.host is not None
        request = urllib.request.Request(self.host.rstrip("/") + path, headers=dict(self._headers()))
        answer: IO[bytes] = _OPENER.open(request, timeout=_TIMEOUT_S)
        return answer

    def _headers(self) -> Mapping[str, str]:
        """Authorization by a key: those of three parts are exchanged for one that lasts some minutes."""
        if self.key is None:
            return {}
        if self.key.count(".") != 2:
            return {"Authorization": f"Token {self.key}"}
        assert self.host is not None
        body = json.dumps({"refresh": self.key}).encode()
        address = self.host.rstrip("/") + "/api/token/refresh"
        request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
        with _OPENER.open(request, timeout=_TIMEOUT_S) as answer:
            return {"Authorization": f"Bearer {dict(json.loads(answer.read(_COPIED_BYTES))).get('access')}"}


@contextmanager
def _answered() -> Iterator[None]:
    """Errors of Label Studio's answers in words."""
    try:
        yield
    except urllib.error.HTTPError as error:
        with error:
            raise DataError(
                f"Label Studio answers {error.code} to {urlsplit(error.url or '').path}. Set {KEY_VARIABLE} to a key "
                "of its API, and see that the file is there."
            ) from error
    except (OSError, ValueError, TypeError, http.client.HTTPException) as error:
        raise DataError(f"Label Studio does not answer well ({error}). See that --label-studio names it.") from error


def _plain_path(place: str) -> str:
    """A path of an upload, without queries and ways up."""
    path = unquote(urlsplit(place).path)
    if ".." in path.split("/") or not path.startswith(UPLOADS):
        raise DataError(f"The task's image is at {place[:120]!r}, which is no upload of Label Studio.")
    return quote(path)


def _copy(source: IO[bytes], target: Path, most_bytes: int) -> None:
    left = most_bytes
    with target.open("wb") as copy:
        while block := source.read(_COPIED_BYTES):
            left -= len(block)
            if left < 0:
                raise DataError(f"The task's image has over {most_bytes} bytes. Raise --max-upload-mib.")
            copy.write(block)
