"""Many clients at once, slow ones, those who leave, and the end of the server."""

import select
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("fastapi", reason="the server needs the extra `serve`")

from lmsc_unet.apps.serve import running, uploads
from tests.apps.serve.clients import PNG, until
from tests.inference.networks import brightness

HEAD = b"POST /v1/segment HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: %d\r\n\r\n"


def picture(number: int) -> bytes:
    """A picture in which a square stands at a place of its own."""
    image = np.zeros((64, 64, 3), np.uint8)
    top, left = 12 * (number // 5), 12 * (number % 5)
    image[top : top + 10, left : left + 10] = 255
    stream = BytesIO()
    Image.fromarray(image).save(stream, "PNG")
    return stream.getvalue()


class Gate:
    """A network that waits until it is let go."""

    def __init__(self) -> None:
        self.entered, self.is_open, self.calls = threading.Event(), threading.Event(), 0

    def __call__(self, pixels):
        self.calls += 1
        self.entered.set()
        assert self.is_open.wait(20)
        return brightness(pixels)


@pytest.fixture
def gate():
    found = Gate()
    yield found
    found.is_open.set()


@pytest.mark.parametrize("workers", [1, 3])
def test_sixteen_clients_get_the_masks_of_their_own_images(start, workers: int) -> None:
    client = start(workers=workers, queue=16)
    images = [picture(number) for number in range(16)]
    alone = [client.segment(image, Accept="image/png").body for image in images]
    assert len(set(alone)) == 16
    with ThreadPoolExecutor(16) as pool:
        for _ in range(3):
            together = list(pool.map(lambda image: client.segment(image, Accept="image/png").body, images))
            assert together == alone


def test_a_full_queue_is_told_at_once(start, gate: Gate) -> None:
    client = start(gate, workers=1, queue=1)
    with ThreadPoolExecutor(2) as pool:
        held = [pool.submit(client.segment, picture(number)) for number in range(2)]
        until(lambda: client("GET", "/readyz").status == 503)
        refused = client.segment(picture(2))
        assert refused.status == 503
        assert int(refused.headers["retry-after"]) >= 1
        assert "2 places" in refused.detail
        gate.is_open.set()
        assert [one.result().status for one in held] == [200, 200]
    assert client("GET", "/readyz").status == 200


def test_work_that_takes_too_long_is_given_up(start, gate: Gate) -> None:
    client = start(gate, max_work_s=0.3)
    reply = client.segment(picture(0))
    assert reply.status == 504
    assert "--max-work-s" in reply.detail
    gate.is_open.set()
    until(lambda: client("GET", "/readyz").status == 200)
    assert client.segment(picture(0)).status == 200


def test_a_client_that_leaves_is_not_worked_for(start, gate: Gate) -> None:
    client = start(gate, workers=1, queue=4)
    with ThreadPoolExecutor(1) as pool:
        running_one = pool.submit(client.segment, picture(0))
        assert gate.entered.wait(10)
        body = picture(1)
        with socket.create_connection(("127.0.0.1", client.port)) as other:
            other.sendall(HEAD % len(body) + body)
            until(lambda: b"lmsc_requests_held 2.0" in client("GET", "/metrics").body)
        until(lambda: b"lmsc_requests_held 1.0" in client("GET", "/metrics").body)
        gate.is_open.set()
        assert running_one.result().status == 200
    assert gate.calls == 1


def test_an_upload_that_stalls_is_ended(start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "STALL_S", 0.2)
    client = start()
    with socket.create_connection(("127.0.0.1", client.port), timeout=10) as slow:
        slow.sendall(HEAD % 99 + b"abc")
        assert slow.recv(99).startswith(b"HTTP/1.1 408")
    assert client.segment(picture(0)).status == 200


def test_an_upload_that_trickles_is_ended(start) -> None:
    client = start(max_upload_s=0.5)
    with socket.create_connection(("127.0.0.1", client.port), timeout=10) as slow:
        slow.sendall(HEAD % 99)
        while not select.select([slow], [], [], 0.1)[0]:
            slow.sendall(b"a")
        assert slow.recv(99).startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize("is_second", [False, True])
@pytest.mark.parametrize("start_of_head", [b"", b"GET /healthz HT"])
def test_a_head_that_does_not_come_is_not_awaited(
    start, monkeypatch: pytest.MonkeyPatch, start_of_head: bytes, is_second: bool
) -> None:
    monkeypatch.setattr(running, "_KEEP_ALIVE_S", 0.3)
    monkeypatch.setattr(running, "HEAD_S", 0.3)
    client = start()
    with socket.create_connection(("127.0.0.1", client.port), timeout=10) as idle:
        if is_second:
            idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            idle.recv(4096)
        idle.sendall(start_of_head)
        while idle.recv(4096):
            pass


def test_a_body_of_unknown_length_is_limited(start) -> None:
    client = start(max_upload_mib=0.01)
    blocks = (bytes(4096) for _ in range(64))
    reply = client("POST", "/v1/segment", blocks, PNG)
    assert reply.status == 413
    assert "--max-upload-mib" in reply.detail


def test_the_end_of_the_server_loses_no_request(start, gate: Gate) -> None:
    client = start(gate, workers=1, queue=8)
    with ThreadPoolExecutor(6) as pool:
        taken = [pool.submit(client.segment, picture(number)) for number in range(6)]
        until(lambda: b"lmsc_requests_held 6.0" in client("GET", "/metrics").body)
        client.server.should_exit = True
        until(lambda: refuses(client.port))
        gate.is_open.set()
        assert [one.result().status for one in taken] == [200] * 6


def refuses(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return True
    return False
