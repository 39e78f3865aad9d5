"""What every request passes: host, origin and token are checked, headers added, the end of a refused body awaited."""

import asyncio
import hmac
import time
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lmsc_unet.apps.serve.counters import Counters
from lmsc_unet.apps.serve.problems import PROBLEM_TYPE, ProblemError
from lmsc_unet.apps.serve.server_options import ServeOptions

OPEN_PATHS = frozenset({"/healthz", "/readyz"})
"""Paths that need no token: whether the server is up is no secret."""
SECURITY_HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "Cross-Origin-Embedder-Policy": "require-corp",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
)
"""Headers of every answer, unless it has its own."""
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_MOST_DRAINED_BYTES, _MOST_DRAINED_S = 1 << 25, 2.0
_TIMED_OUT = 408


@dataclass(frozen=True, kw_only=True)
class Guard:
    """An ASGI application around another."""

    app: ASGIApp
    """The application that answers."""
    options: ServeOptions
    """The token and the names of the server."""
    counters: Counters
    """Counts requests."""
    open_paths: Collection[str] = OPEN_PATHS
    """Paths that need no token."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = _Body(receive, Headers(scope=scope))
        started_s, status = time.perf_counter(), 500

        async def send_guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                if status == _TIMED_OUT or not await body.is_drained():
                    headers["Connection"] = "close"
            await send(message)

        try:
            try:
                self.check(scope)
            except ProblemError as error:
                await answer_problem(error)(scope, body.receive, send_guarded)
            else:
                await self.app(scope, body.receive, send_guarded)
        finally:
            endpoint = getattr(scope.get("route"), "path", None)
            self.counters.count_request(endpoint, status, time.perf_counter() - started_s)

    def check(self, scope: Scope) -> None:
        """Rejects a request by its headers.

        Raises:
            ProblemError: its host (421) or origin (403) is another's, or its token is not ours (401).
        """
        headers = Headers(scope=scope)
        host = host_name(headers.get("host", ""))
        known = {*_LOOPBACK_NAMES, self.options.host.lower(), *map(str.lower, self.options.allowed_hosts)}
        if (self.options.is_loopback or self.options.allowed_hosts) and host not in known:
            raise ProblemError(
                421,
                f"The Host header names {host[:80]!r}, not this server. Use its address, or start it with "
                "--allowed-host.",
            )
        origin = headers.get("origin")
        if origin is not None and scope["method"] not in _SAFE and urlsplit(origin).netloc != headers.get("host"):
            raise ProblemError(
                403, f"The request comes from a page of {origin[:80]!r}, another site. Send it from here."
            )
        token = self.options.token
        if token is not None and scope["path"] not in self.open_paths and not _has_token(headers, token):
            raise ProblemError(
                401,
                "The request has no valid token. Send the header Authorization: Bearer TOKEN, with the token that the "
                "server was started with.",
                {"WWW-Authenticate": "Bearer"},
            )


def answer_problem(error: ProblemError) -> JSONResponse:
    """A problem as an answer."""
    return JSONResponse(error.body(), error.status, dict(error.headers), PROBLEM_TYPE)


def host_name(host: str) -> str:
    """The name in a Host header, without port and brackets."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _has_token(headers: Headers, token: str) -> bool:
    """Whether a token is sent: as such, or as the password of Basic, which is what Label Studio can send."""
    scheme, _, sent = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            sent = b64decode(sent, validate=True).decode("latin-1").partition(":")[2]
        except (Base64Error, ValueError):
            return False
    elif scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(sent.strip().encode("latin-1", "replace"), token.encode())


class _Body:
    """A request's body, of which a refused client may have more to send before it reads the answer."""

    def __init__(self, receive: Receive, headers: Headers) -> None:
        self._receive = receive
        self._is_whole = headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers
        self._waits = "expect" in headers  # the client sends the body only when it is asked to

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] != "http.request" or not message.get("more_body", False):
            self._is_whole = True
        return message

    async def is_drained(self) -> bool:
        """Reads on for a while, as a connection closed too early would lose the answer; whether that was all."""
        if self._is_whole:
            return True
        if self._waits:
            return False
        left = _MOST_DRAINED_BYTES
        try:
            async with asyncio.timeout(_MOST_DRAINED_S):
                while not self._is_whole and left > 0:
                    left -= len((await self.receive()).get("body", b""))
        except TimeoutError:
            return False
        return self._is_whole


def open_paths_of(page: Iterable[str]) -> frozenset[str]:
    """The paths that need no token: the page is the same for everyone."""
    return OPEN_PATHS | frozenset(page)
