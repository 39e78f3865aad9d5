"""Hostile uploads: each is answered by 4xx in words, the server stays up, and nothing of them is left."""

import gzip
import io
import json
import struct
import tarfile
import zipfile
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

pytest.importorskip("fastapi", reason="the server needs the extra `serve`")

from tests.apps.serve.clients import BYTES, PNG, form


def png(width: int = 16, height: int = 16, bits: int = 8, colour: int = 2, data: bytes | None = None) -> bytes:
    """A PNG whose header says what it likes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    pixels = zlib.compress(b"\0" * 800) if data is None else data
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def saved(kind: str, size: tuple[int, int] = (32, 32)) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, "white").save(stream, kind)
    return stream.getvalue()


def tiff(**changes) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, **({"data": np.zeros((32, 32), np.uint8)} | changes))
    return stream.getvalue()


def tar(**files: bytes) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name.replace("__", "/").replace("_sigmf_", ".sigmf-"))
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def sigmf(samples: bytes = bytes(4096), **changes) -> bytes:
    fields = {"core:datatype": "ci16_le", "core:sample_rate": 1e6, "core:version": "1.2.0"} | changes.pop("fields", {})
    whole = {"global": fields, "captures": [{"core:sample_start": 0}], "annotations": []} | changes
    return tar(a__a_sigmf_meta=json.dumps(whole).encode(), a__a_sigmf_data=samples)


def zipped() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.sigmf-data", bytes(1 << 24))
        archive.writestr("a.sigmf-meta", "{}")
    return stream.getvalue()


def many_members() -> bytes:
    return tarfile.TarInfo("a").tobuf() * 6000 + bytes(1024)


IMAGES = {
    "empty": b"",
    "one byte": b"\x89",
    "text": b"hello" * 100,
    "html": b"<html><script>alert(1)</script></html>",
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "pdf": b"%PDF-1.7\n" + bytes(100),
    "elf": b"\x7fELF" + bytes(200),
    "pickle": b"\x80\x04\x95" + bytes(50),
    "zip bomb": zipped(),
    "gzip": gzip.compress(bytes(1 << 20)),
    "png signature only": b"\x89PNG\r\n\x1a\n",
    "png cut": saved("PNG")[:60],
    "png bomb": png(1_000_000, 1_000_000),
    "png largest sides": png(2**31 - 1, 2**31 - 1),
    "png without pixels": png(data=b""),
    "png of no width": png(0, 10),
    "png with wrong checksum": png()[:-20] + bytes(20),
    "png of unknown colours": png(colour=5),
    "png thin and long": png(1, 2**20),
    "jpeg cut": saved("JPEG")[:200],
    "jpeg header only": b"\xff\xd8\xff\xe0" + bytes(20),
    "gif cut": saved("GIF")[:20],
    "bmp bomb": b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 2**30, 2**30, 1, 24, 0, 0, 0, 0, 0, 0),
    "webp cut": saved("WEBP")[:30],
    "tiff header only": b"II*\0\x08\0\0\0",
    "tiff that loops": b"II*\0\x08\0\0\0" + struct.pack("<HHHIIHHIII", 2, 256, 4, 1, 8, 257, 4, 1, 8, 8),
    "tiff cut": tiff()[:-400],
    "tiff of two pages": tiff(data=np.zeros((2, 32, 32), np.uint8), photometric="minisblack"),
    "tiff of complex values": tiff(data=np.zeros((8, 8), np.complex64)),
    "npy bomb": b"\x93NUMPY\x01\0"
    + struct.pack("<H", 118)
    + b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000000), }".ljust(117)
    + b"\n",
    "npy of objects": b"\x93NUMPY\x01\0"
    + struct.pack("<H", 118)
    + b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".ljust(117)
    + b"\n"
    + b"cos\nsystem\n(S'id'\ntR.",
    "npy of infinite values": b"\x93NUMPY\x01\0"
    + struct.pack("<H", 118)
    + b"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }".ljust(117)
    + b"\n"
    + np.full(4, np.inf, "<f4").tobytes(),
    "jpeg 2000 cut": b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(40),
    "five channels": tiff(data=np.zeros((32, 32, 5), np.uint8), photometric="minisblack", planarconfig="contig"),
}
RECORDINGS = {
    "empty": (b"", ""),
    "samples without parameters": (bytes(4096), ""),
    "samples of an unknown type": (bytes(4096), "?datatype=cx7&sample_rate_hz=1e6"),
    "samples without a rate": (bytes(4096), "?datatype=ci16_le"),
    "a rate of nothing": (bytes(4096), "?datatype=ci16_le&sample_rate_hz=0"),
    "a rate that is no number": (bytes(4096), "?datatype=ci16_le&sample_rate_hz=nan"),
    "a rate beyond numbers": (bytes(4096), "?datatype=ci16_le&sample_rate_hz=1e999"),
    "nan samples": (np.full(8192, np.nan, "<f4").tobytes(), "?datatype=cf32_le&sample_rate_hz=1e6"),
    "half a sample": (b"abc", "?datatype=cf32_le&sample_rate_hz=1e6"),
    "a thousand channels": (bytes(64), "?datatype=ci8&sample_rate_hz=1e6&num_channels=1000"),
    "a channel that is not there": (sigmf(), "?channel=7"),
    "gzip": (gzip.compress(sigmf()), ""),
    "gzip as samples": (gzip.compress(bytes(1 << 20)), "?datatype=ci16_le&sample_rate_hz=1e6"),
    "zip bomb": (zipped(), ""),
    "tar that looks like a zip": (b"PK" + sigmf()[2:], ""),
    "tar of nothing": (tar(), ""),
    "tar cut": (sigmf()[:1400], ""),
    "tar without metadata": (tar(a=bytes(100)), ""),
    "tar without samples": (tar(a_sigmf_meta=b"{}"), ""),
    "tar of many files": (many_members(), ""),
    "metadata that is no json": (tar(a_sigmf_meta=b"{", a_sigmf_data=bytes(64)), ""),
    "metadata that is deep": (tar(a_sigmf_meta=b"[" * 100_000, a_sigmf_data=bytes(64)), ""),
    "metadata that is a list": (tar(a_sigmf_meta=b"[]", a_sigmf_data=bytes(64)), ""),
    "a rate below nothing": (sigmf(fields={"core:sample_rate": -1}), ""),
    "a datatype with a parameter": (sigmf(), "?datatype=ci16_le&sample_rate_hz=1&center_hz=inf"),
    "wav header only": (b"RIFF\x24\0\0\0WAVE", ""),
    "wav cut": (b"RIFF\xff\xff\xff\x7fWAVEfmt \x10\0\0\0\x01\0\x02\0" + bytes(12), ""),
    "an image": (saved("PNG"), ""),
}

ODD = {
    "a data file outside": sigmf(fields={"core:dataset": "../../../etc/passwd"}),
    "captures out of order": sigmf(captures=[{"core:sample_start": 99}, {"core:sample_start": 0}]),
    "a capture beyond the end": sigmf(captures=[{"core:sample_start": 10**12}]),
}


@pytest.fixture(scope="module")
def client():
    from tests.apps.serve.conftest import _starting

    with _starting() as start:
        yield start(max_pixels=2**22)


def is_told(reply) -> bool:
    """Whether it is the client's mistake, told in words, without a path of ours."""
    return 400 <= reply.status < 500 and len(reply.detail) > 20 and "/uploads" not in reply.detail


@pytest.mark.parametrize("name", IMAGES)
def test_a_hostile_image_is_refused(client, name: str) -> None:
    reply = client.segment(IMAGES[name])
    assert is_told(reply), (reply.status, reply.body)
    if name != "empty":
        body, header = form(IMAGES[name], boundary="b" * 70)
        assert client("POST", "/v1/segment", body, header).detail == reply.detail


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_hostile_recording_is_refused(client, name: str) -> None:
    content, query = RECORDINGS[name]
    reply = client.detect(content, query)
    assert is_told(reply), (reply.status, reply.body)


@pytest.mark.parametrize("name", ODD)
def test_what_is_odd_is_searched_or_refused_in_words(client, name: str) -> None:
    reply = client.detect(ODD[name])
    assert reply.json["warnings"] if reply.status == 200 else is_told(reply)
    assert b"root:" not in reply.body


WHOLE, FORM = form(saved("PNG"))
BODIES = {
    "no boundary": (WHOLE, {"Content-Type": "multipart/form-data"}, 400),
    "a long boundary": (WHOLE, {"Content-Type": "multipart/form-data; boundary=" + "x" * 71}, 400),
    "another boundary": (WHOLE, {"Content-Type": "multipart/form-data; boundary=other"}, 400),
    "an empty form": (b"", FORM, 400),
    "a form cut": (WHOLE[:-12], FORM, 400),
    "a form without content": (b"--limit--\r\n", FORM, 422),
    "headers without end": (b"--limit\r\n" + b"a: b\r\n" * 5000, FORM, 400),
    "very many parts": (b"--limit\r\n\r\n\r\n" * 1000 + b"--limit--", FORM, 400),
    "two files": (form(b"a")[0].replace(b"--limit--\r\n", b"") + WHOLE, FORM, 422),
    "no type": (saved("PNG"), {"Content-Type": ""}, 415),
    "text": (saved("PNG"), {"Content-Type": "text/plain"}, 415),
    "compressed": (gzip.compress(saved("PNG")), {**PNG, "Content-Encoding": "gzip"}, 415),
    "too long": (bytes(100), {**PNG, "Content-Length": str(10**13)}, 413),
    "a length below nothing": (None, {**PNG, "Content-Length": "-5"}, 400),
    "an answer that is not made": (saved("PNG"), {**PNG, "Accept": "text/html"}, 406),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_hostile_body_is_refused(client, name: str) -> None:
    body, headers, status = BODIES[name]
    reply = client("POST", "/v1/segment", body, headers)
    assert reply.status == status, reply.body


@pytest.mark.parametrize(
    "query",
    [
        "?model=../../etc/passwd",
        "?model=",
        "?threshold=2",
        "?threshold=nan",
        "?scale=0",
        "?scale=17",
        "?scale=-1",
        "?instances=x",
        "?model=energy",
    ],
)
def test_a_wrong_parameter_is_refused(client, query: str) -> None:
    assert client.segment(saved("PNG"), query).status in (404, 422)


def test_an_image_is_as_large_as_the_network_sees_it(client) -> None:
    assert client.segment(saved("PNG", (512, 512))).status == 200
    assert "--max-pixels" in client.segment(saved("PNG", (512, 512)), "?scale=16").detail


@pytest.mark.parametrize(
    "path", ["/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/v1/segment/..", "//etc/passwd", "/v1/models/%00"]
)
def test_no_path_leads_to_a_file(client, path: str) -> None:
    reply = client("GET", path)
    assert reply.status in (404, 405)
    assert b"root:" not in reply.body


def test_the_server_is_still_up(client, uploads) -> None:
    assert client.segment(saved("PNG")).status == 200
    assert client("POST", "/v1/detect?datatype=ci16_le&sample_rate_hz=1e6", bytes(1 << 16), BYTES).status == 200
    assert list(uploads.iterdir()) == []
