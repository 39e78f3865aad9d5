"""Listens until it is told to stop, and then finishes what it has taken on."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from lmsc_unet.apps.serve.server_options import ServeOptions
from lmsc_unet.errors import ConfigError, OutputError

HEAD_S = 10.0
"""A connection that has not sent a whole head of a request within this time is closed."""
_HEAD_BYTES = 1 << 15
_KEEP_ALIVE_S = 15
_MOST_CONNECTIONS = 512


class PunctualProtocol(H11Protocol):
    """Closes connections whose request's head does not arrive, so that idle clients hold nothing."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts the time of the first head."""
        super().connection_made(transport)
        self._watch_head()

    def data_received(self, data: bytes) -> None:
        """Starts the time of a head, or ends it."""
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:
            self._watch_head()
        else:
            self._forget_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the time."""
        self._forget_head()
        super().connection_lost(exc)

    def _watch_head(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(HEAD_S, self.transport.close)

    def _forget_head(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def listen(options: ServeOptions) -> socket.socket:
    """Opens the port.

    Raises:
        ConfigError: it is in use, or the address is none of this machine.
    """
    try:
        family = socket.getaddrinfo(options.host, options.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        return socket.create_server((options.host, options.port), family=family, backlog=256)
    except OSError as error:
        raise ConfigError(
            f"Port {options.port} at {options.host} cannot be opened ({error.strerror or error}). Name another by "
            "--port."
        ) from error


class TellingServer(uvicorn.Server):
    """Tells when it listens; from then on a signal ends it in order."""

    def __init__(self, config: uvicorn.Config, tell: Callable[[], None]) -> None:
        """Takes what is called then."""
        super().__init__(config)
        self._tell = tell

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listens, and tells."""
        await super().startup(sockets)
        self._tell()


def make_server(app: ASGIApp, options: ServeOptions, tell: Callable[[], None] = lambda: None) -> uvicorn.Server:
    """A server of an application; it never waits longer at its end than a request may take."""
    config = uvicorn.Config(
        app,
        http=PunctualProtocol,
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=round(options.max_upload_s + options.max_work_s) + 1,
        limit_concurrency=_MOST_CONNECTIONS + options.most_places,
        h11_max_incomplete_event_size=_HEAD_BYTES,
    )
    return TellingServer(config, tell)


def run_until_stopped(app: ASGIApp, options: ServeOptions, tell: Callable[[str], None]) -> None:
    """Serves until Ctrl-C or SIGTERM, and then answers every request that was taken.

    Raises:
        ConfigError: the port cannot be opened.
        OutputError: the server did not start.
    """
    opened = listen(options)
    host, port = opened.getsockname()[:2]
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    server = make_server(app, options, lambda: tell(address))

    with suppress(KeyboardInterrupt):  # raised again by uvicorn once all is answered
        server.run(sockets=[opened])
    if not server.started:
        raise OutputError("The server did not start; the lines above say why.")
