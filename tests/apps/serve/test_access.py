"""Who may ask: tokens, hosts, origins; and how the command starts and ends."""

import base64
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the server needs the extra `serve`")

from lmsc_unet.apps.serve.page import page_files
from lmsc_unet.apps.serve.served import load_models
from lmsc_unet.apps.serve.server_options import ServeOptions
from lmsc_unet.cli.main import main
from lmsc_unet.errors import ConfigError
from lmsc_unet.inference.runtime import Runtime
from tests.inference.networks import load_by

TOKEN = "a-token-of-a-test"
BASIC = base64.b64encode(f"user:{TOKEN}".encode()).decode()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (None, 401),
        ("Bearer wrong", 401),
        ("Bearer ", 401),
        (TOKEN, 401),
        (f"Digest {TOKEN}", 401),
        ("Basic !", 401),
        ("Bearer \xff\xfe", 401),
        (f"Bearer {TOKEN}", 200),
        (f"bearer {TOKEN}", 200),
        (f"Basic {BASIC}", 200),
    ],
)
def test_a_token_is_needed_where_there_is_one(start, sent: str | None, status: int) -> None:
    headers = {} if sent is None else {"Authorization": sent}
    client = start(token=TOKEN)
    reply = client("GET", "/v1/models", headers=headers)
    assert reply.status == status
    if status == 401:
        assert reply.headers["www-authenticate"] == "Bearer"
    assert client("GET", "/healthz").status == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost", 200), ("127.0.0.1:8000", 200), ("[::1]:1", 200), ("evil.example", 421), ("", 421), ("[", 421)],
)
def test_another_host_is_refused_on_loopback(start, host: str, status: int) -> None:
    assert start()("GET", "/healthz", headers={"Host": host}).status == status


def test_a_host_may_be_allowed(start) -> None:
    assert start(allowed_hosts=("board.local",))("GET", "/healthz", headers={"Host": "board.local:80"}).status == 200


def test_a_page_of_another_site_cannot_post(start) -> None:
    client = start()
    for origin, status in (("http://evil.example", 403), ("null", 403), (f"http://127.0.0.1:{client.port}", 422)):
        assert client.segment(b"x", Origin=origin).status == status


def test_every_answer_has_the_headers_of_safety(start) -> None:
    client = start(token=TOKEN)
    for path in ("/healthz", "/v1/models", "/nowhere"):
        headers = client("GET", path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cross-origin-embedder-policy"] == "require-corp"
        assert "default-src" in headers["content-security-policy"]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_beyond_this_machine_a_token_is_needed(host: str) -> None:
    with pytest.raises(ConfigError, match="LMSC_TOKEN"):
        ServeOptions(host=host)
    assert not ServeOptions(host=host, token=TOKEN).is_loopback


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"token": "short"}, "at least 16"),
        ({"token": "with spaces in the token"}, "ASCII"),
        ({"host": "no such host"}, "no address"),
        ({"port": 70000}, "port is 70000"),
        ({"queue": -1}, "queue is -1"),
        ({"max_work_s": 0}, "max_work_s is 0"),
    ],
)
def test_wrong_settings_are_refused(options, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ServeOptions(**options)


def test_two_models_of_one_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load_by(monkeypatch, "tests.inference.networks:load_bright")
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same.fake").write_text("{}")
    with pytest.raises(ConfigError, match="'same'"):
        load_models([str(tmp_path / "a/same.fake"), str(tmp_path / "b/same.fake")], Runtime())


def test_a_port_in_use_is_told(start, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--port", str(start().port)]) == 1
    assert "Name another by --port" in capsys.readouterr().err


def test_the_files_of_a_page_are_listed_once(tmp_path: Path) -> None:
    assert page_files(tmp_path) == {}
    (tmp_path / "deep").mkdir()
    (tmp_path / "index.html").write_text("<p>")
    (tmp_path / "deep/a.js").write_text("")
    (tmp_path / "deep/link").symlink_to("/etc/passwd")
    assert set(page_files(tmp_path)) == {"/", "/index.html", "/deep/a.js"}


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "fastapi", None)
    for name in ("lmsc_unet.apps.serve.application", "lmsc_unet.apps.serve.uploads"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    assert main(["serve"]) == 1
    assert capsys.readouterr().err == 'lmsc: fastapi is not installed. Try: pip install "lmsc-unet[serve]"\n'


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_starts_and_ends(number: signal.Signals, tmp_path: Path, process: None) -> None:
    words = [sys.executable, "-m", "lmsc_unet.cli", "serve", "--port", "0"]
    with subprocess.Popen(
        words, stderr=subprocess.PIPE, text=True, env=os.environ | {"TMPDIR": str(tmp_path)}
    ) as server:
        assert server.stderr is not None
        line = server.stderr.readline()
        assert re.match(r"Serving .*energy at http://127\.0\.0\.1:\d+; stop by Ctrl-C\.", line)
        server.send_signal(number)
        assert server.wait(20) == 0
        assert server.stderr.read() == ""
