"""A server in a thread, and requests to it by the standard library."""

import http.client
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lmsc_unet.apps.serve.application import build_application
from lmsc_unet.apps.serve.running import listen, make_server
from lmsc_unet.apps.serve.served import ServedModels
from lmsc_unet.apps.serve.server_options import ServeOptions

PNG = {"Content-Type": "image/png"}
BYTES = {"Content-Type": "application/octet-stream"}


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def detail(self) -> str:
        assert self.headers["content-type"] == "application/problem+json"
        assert self.json["status"] == self.status
        return self.json["detail"]


@dataclass(frozen=True)
class Client:
    port: int
    server: Any

    def __call__(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] = {}, timeout_s: float = 30
    ) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)
        try:
            connection.request(method, path, body, dict(headers))
            response = connection.getresponse()
            return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def segment(self, image: bytes, query: str = "", **headers: str) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self("POST", f"/v1/segment{query}", image, {**PNG, **named})

    def detect(self, recording: bytes, query: str = "", **headers: str) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self("POST", f"/v1/detect{query}", recording, {**BYTES, **named})


def serving(options: ServeOptions, models: ServedModels, *of_studio: Any) -> tuple[Client, Callable[[], None]]:
    """A running server, and what stops it and waits."""
    opened = listen(options)
    server = make_server(build_application(options, models, *of_studio), options)
    thread = threading.Thread(target=server.run, args=([opened],))
    thread.start()
    until(lambda: server.started)

    def stop() -> None:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()
        opened.close()

    return Client(opened.getsockname()[1], server), stop


def until(condition: Callable[[], bool], limit_s: float = 10) -> None:
    """Waits for a condition."""
    deadline_s = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline_s, "it did not come about"
        time.sleep(0.01)


def form(content: bytes, name: str = "a.png", boundary: str = "limit") -> tuple[bytes, dict[str, str]]:
    """A body of multipart/form-data with one file, and its header."""
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    body = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
    return body, {"Content-Type": f"multipart/form-data; boundary={boundary}"}
