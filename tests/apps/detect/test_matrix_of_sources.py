"""Every kind of source meets every option and both engines."""

import gzip
import json
import os
import threading
from contextlib import ExitStack

import pytest

from lmsc_unet.cli.main import main
from lmsc_unet.signals.recording import open_recording
from lmsc_unet.signals.recording.datatypes import encode, parse_datatype
from tests.apps.detect.bursts import bursts, write_bursts
from tests.apps.detect.test_sources import rtl_tcp
from tests.inference.networks import load_by
from tests.signals.archives import pack
from tests.signals.test_raw_recordings import write_wav

RADIO = ("--sample-rate-hz", "1M", "--center-hz", "868M")


def samples(datatype, gain=1 / 40):
    return encode(bursts() * gain, parse_datatype(datatype)).tobytes()


def pair(folder, _):
    return write_bursts(folder), ()


def archive(folder, _):
    return pack(write_bursts(folder), folder / "x.sigmf.tar.gz"), ()


def raw(folder, _):
    (folder / "x_868M_1000k.cs16").write_bytes(samples("ci16_le"))
    return folder / "x_868M_1000k.cs16", ()


def compressed(folder, _):
    (folder / "x.iq.gz").write_bytes(gzip.compress(samples("ci16_le"), 1))
    return folder / "x.iq.gz", ("--datatype", "sc16", *RADIO)


def wav(folder, _):
    return write_wav(folder / "x_868MHz.wav", samples("ci16_le")), ("--sample-rate-hz", "1M")


def folder_of_raw(folder, _):
    (folder / "x_868M_1000k.cu8").write_bytes(samples("cu8"))
    return folder, ()


def named_pipe(folder, stack):
    pipe = folder / "x.cf32"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(samples("cf32_le")))
    writer.start()
    stack.callback(writer.join)
    return pipe, RADIO


def receiver(_, stack):
    address, _commands = stack.enter_context(rtl_tcp(samples("cu8")))
    return address, RADIO


SOURCES = (pair, archive, raw, compressed, wav, folder_of_raw, named_pipe, receiver)
OPTIONS = ("--occupancy-hz", "100k", "--min-snr-db", 15, "--max-duration-s", 0.045, "--steady-s", 0.01, "--follow")


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.__name__)
@pytest.mark.parametrize("engine", ["energy", "model.fake"])
def test_each_source_takes_all_options(source, engine, tmp_path, capsys, monkeypatch):
    load_by(monkeypatch, "tests.apps.detect.bursts:load_bright_cells")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.fake").touch()
    (tmp_path / "in").mkdir()
    with ExitStack() as stack:
        path, given = source(tmp_path / "in", stack)
        words = ["detect", path, *given, *OPTIONS, "--model", engine, "--out", "o", "--cut", "c"]
        assert main([str(word) for word in words]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    ended = [line for line in lines if line["state"] == "ended"]
    assert len(ended) == 1  # of 40 ms; the other has 50
    assert ended[0]["low_hz"] == pytest.approx(868.1e6, abs=2e4)
    (table,) = (tmp_path / "o").rglob("signals.csv")
    assert len(table.read_text().splitlines()) == 2
    used = [line.split(",") for line in table.with_name("occupancy.csv").read_text().splitlines()[1:]]
    assert sum(float(cells[-1]) > 0.2 for cells in used) == 1
    (cut,) = (tmp_path / "c").rglob("*.sigmf-meta")
    assert open_recording(cut).captures[0].center_hz == pytest.approx(868.15e6, abs=2e4)
