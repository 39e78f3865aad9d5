"""What is searched: folders of raw files, WAV files, archives of several, named pipes, receivers in the network."""

import csv
import gzip
import io
import json
import os
import socket
import struct
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress

import numpy as np
import pytest

from lmsc_unet.cli.main import main
from lmsc_unet.signals.recording.datatypes import encode, parse_datatype
from lmsc_unet.signals.recording.times import parse_utc
from tests.apps.detect.bursts import RATE_HZ, bursts, write_bursts
from tests.signals.archives import pack
from tests.signals.sigmf_files import noise
from tests.signals.test_raw_recordings import write_wav

GREETING = b"RTL0" + struct.pack(">II", 5, 29)
QUICK = ("--model", "energy", "--min-snr-db", 15)


def lmsc(*arguments) -> int:
    return main(["detect", *map(str, arguments)])


def samples(datatype):
    return encode(bursts() / 40, parse_datatype(datatype)).tobytes()


def table(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def seconds_after_noon(rows):
    noon = parse_utc("2020-01-01T12:00:00Z")
    return [(parse_utc(row["start_utc"]) - noon).total_seconds() for row in rows]


def test_a_folder_of_what_radio_programs_write_is_searched(tmp_path, capsys):  # D14
    folder = tmp_path / "in"
    write_bursts(folder, "meta")
    (folder / "g001_433.92M_1000k.cu8").write_bytes(samples("cu8"))
    (folder / "g002_433.92M_1000k.cs16.gz").write_bytes(gzip.compress(samples("ci16_le"), 1))
    bursts().tofile(folder / "gqrx_20200101_120000_433920000_1000000_fc.raw")
    (folder / "BBD_0001.C16").write_bytes(samples("ci16_le"))
    (folder / "BBD_0001.TXT").write_text("sample_rate=1000000\ncenter_frequency=433920000\n")
    write_wav(folder / "SDRSharp_20200101_120000Z_433920000Hz_IQ.wav", samples("ci16_le"))
    (folder / "notes.txt").write_text("none")
    (folder / "other.bin").write_bytes(bytes(99))
    assert lmsc(folder, "--out", tmp_path / "o", *QUICK) == 0
    found = {path.parent.name: table(path) for path in (tmp_path / "o").rglob("signals.csv")}
    assert {name: len(rows) for name, rows in found.items()} == dict.fromkeys(
        (
            "meta",
            "g001_433.92M_1000k",
            "g002_433.92M_1000k.cs16",
            "gqrx_20200101_120000_433920000_1000000_fc",
            "BBD_0001",
            "SDRSharp_20200101_120000Z_433920000Hz_IQ",
        ),
        2,
    )
    gqrx = found["gqrx_20200101_120000_433920000_1000000_fc"]
    assert seconds_after_noon(gqrx) == pytest.approx([0.02, 0.08], abs=1e-3)
    assert all(
        abs(float(row["low_hz"]) - 433.92e6) < RATE_HZ
        for rows in found.values()
        for row in rows
        if rows is not found["meta"]
    )
    assert all("start_utc" not in row for row in found["BBD_0001"])
    wav = tmp_path / "o/SDRSharp_20200101_120000Z_433920000Hz_IQ"
    assert lmsc(wav, "--out", tmp_path / "again", *QUICK) == 0  # a result is a recording: header, link and all
    assert "2 signals" in capsys.readouterr().out


def test_a_datatype_makes_all_files_of_a_folder_recordings(tmp_path):  # D14
    for name in ("a.iq", "b.dat", "c"):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_bytes(samples("ci8"))
    (tmp_path / "in/notes.txt").write_text("none")
    given = ("--datatype", "cs8", "--sample-rate-hz", "1M", "--center-hz", "433.92M")
    assert lmsc(tmp_path / "in", *given, "--out", tmp_path / "o", *QUICK) == 0
    assert sorted(path.parent.name for path in (tmp_path / "o").rglob("signals.csv")) == ["a", "b", "c"]
    assert all(len(table(path)) == 2 for path in (tmp_path / "o").rglob("signals.csv"))


def test_a_raw_file_may_have_several_channels(tmp_path):  # D14
    both = np.stack([noise(1 << 17, seed=1), bursts()], axis=1).reshape(-1)
    both.tofile(tmp_path / "two_433.92M_1000k.cf32")
    assert lmsc(tmp_path / "two_433.92M_1000k.cf32", "--num-channels", 2, "--out", tmp_path / "o", *QUICK) == 0
    found = {path.parent.name: len(table(path)) for path in (tmp_path / "o").rglob("signals.csv")}
    assert found == {"channel-0": 0, "channel-1": 2}
    (meta,) = (tmp_path / "o").rglob("channel-1/*.sigmf-meta")
    assert json.loads(meta.read_text())["global"]["core:num_channels"] == 2


def test_every_recording_of_an_archive_has_its_results(tmp_path):  # D14
    left, right = (write_bursts(tmp_path / "in", name) for name in ("left", "right"))
    path = pack(left, tmp_path / "both.sigmf.tar", others=(right, right.with_suffix(".sigmf-data")))
    assert lmsc(path, "--out", tmp_path / "o", *QUICK) == 0
    assert sorted(str(path.relative_to(tmp_path / "o").parent) for path in (tmp_path / "o").rglob("signals.csv")) == [
        "both/left",
        "both/right",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.wav", "--datatype", "cu8"], "--datatype is for raw files, but a.wav is a WAV file"),
        (["a.wav", "--num-channels", "2"], "--num-channels is for raw files, but a.wav is a WAV file"),
        (["pipe", "--num-channels", "2"], "--num-channels is 2, but pipe is read as one channel. Record it to a file"),
        (["a.cu8", "--num-channels", "0"], "num_channels is 0; it must be at least 1"),
        (["a.wav", "--start", "now"], "--start now is for pipes, but a.wav is a file"),
        (["a.wav", "--start", "noon"], "start is 'noon', which is no time. Write it like 2024-05-01T12:00:00Z"),
        (["rtl_tcp://127.0.0.1:1"], "rtl_tcp must be told what to receive. Give --sample-rate-hz and --center-hz"),
        (["rtl_tcp://x:y", "--sample-rate-hz", "1M", "--center-hz", "1M"], "is no address of rtl_tcp. Write it like"),
        (
            ["rtl_tcp://127.0.0.1:1", "--sample-rate-hz", "1M", "--center-hz", "5G"],
            "--center-hz is 5e+09; rtl_tcp takes",
        ),
        (
            ["rtl_tcp://127.0.0.1:1", "--sample-rate-hz", "1M", "--center-hz", "1M"],
            "no connection (Connection refused)",
        ),
        (["rtl_tcp://127.0.0.1", "--datatype", "cu8"], "--datatype and --start are for files and pipes"),
        (["rtl_tcp://127.0.0.1", "a.wav"], "cannot be combined with files"),
        (["pipe"], "pipe does not say what its bytes are. Give --datatype"),
        (["pipe.cu8"], "pipe.cu8: the sample rate is missing"),
    ],
)
def test_a_wrong_source_is_told_and_writes_nothing(arguments, message, tmp_path, capsys, monkeypatch):
    write_wav(tmp_path / "a.wav", samples("ci16_le"))
    for name in ("pipe", "pipe.cu8"):
        os.mkfifo(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert lmsc(*arguments, "--out", "out") == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_named_pipe_is_searched_as_it_fills(tmp_path, capsys):  # D14
    pipe = tmp_path / "g_433.92M_1000k.cs16"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(samples("ci16_le")))
    writer.start()
    start = ("--start", "2020-01-01T12:00:00Z")
    assert lmsc(pipe, "--out", tmp_path / "o", *start, *QUICK) == 0
    writer.join()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert seconds_after_noon(lines) == pytest.approx([0.02, 0.08], abs=1e-3)
    assert len(table(tmp_path / "o/g_433.92M_1000k.cs16/signals.csv")) == 2
    (entry,) = (tmp_path / "o/detections.jsonl").read_text().splitlines()
    assert json.loads(entry)["path"] == str(pipe)


@pytest.mark.parametrize(
    ("content", "datatype", "remark"),
    [
        (bytes(400_000), "ci8", "every sample that was checked is zero"),
        (samples("ci16_le"), "ci16_be", "do not look like ci16_be but like ci16_le"),
        (samples("cu8"), "cu8", ""),
    ],
)
def test_a_pipe_is_looked_at_too(content, datatype, remark, tmp_path, capsys, monkeypatch):  # D10
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert lmsc("-", "--datatype", datatype, "--sample-rate-hz", "1M", "--out", tmp_path / "o", *QUICK) == 0
    said = capsys.readouterr().err
    assert said.count("lmsc: warning: stdin: ") == bool(remark)
    assert remark in said


def test_dev_stdin_is_standard_input(tmp_path):  # D14
    command = [sys.executable, "-m", "lmsc_unet.cli", "detect", "/dev/stdin", "--datatype=cs16", "--sample-rate-hz=1M"]
    done = subprocess.run([*command, *map(str, QUICK)], input=samples("ci16_le"), capture_output=True, check=True)
    assert len(done.stdout.splitlines()) == 2


@contextmanager
def rtl_tcp(content, greeting=GREETING):
    """A server that plays a recording once, and the commands that it was sent."""
    commands = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def play():
            client, _ = server.accept()
            with client, suppress(OSError):  # who is refused hangs up
                client.sendall(greeting)
                commands.append(client.recv(10, socket.MSG_WAITALL))
                client.sendall(content)

        player = threading.Thread(target=play)
        player.start()
        yield f"rtl_tcp://127.0.0.1:{server.getsockname()[1]}", commands
        player.join()


def test_a_receiver_in_the_network_is_tuned_and_searched(tmp_path, capsys):  # D14
    with rtl_tcp(samples("cu8")) as (address, commands):
        given = ("--sample-rate-hz", "1M", "--center-hz", "433.92M")
        assert lmsc(address, *given, "--out", tmp_path / "o", *QUICK) == 0
    assert commands == [struct.pack(">BIBI", 2, 1_000_000, 1, 433_920_000)]
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["recording"] for line in lines] == ["rtl_tcp"] * 2
    assert all(abs(line["low_hz"] - 433.92e6) < RATE_HZ and line["start_utc"][:2] == "20" for line in lines)
    whole = json.loads((tmp_path / "o/rtl_tcp/rtl_tcp.sigmf-meta").read_text())
    assert "core:datetime" in whole["captures"][0]


def test_a_connection_is_closed_where_results_are_refused(tmp_path, capsys):
    (tmp_path / "o").mkdir()
    (tmp_path / "o/mine.txt").touch()
    with rtl_tcp(samples("cu8")) as (address, _):
        assert lmsc(address, "--sample-rate-hz", "1M", "--center-hz", "1M", "--out", tmp_path / "o", *QUICK) == 1
    assert "the folder holds mine.txt" in capsys.readouterr().err


def test_another_server_is_no_receiver(tmp_path, capsys):
    with rtl_tcp(b"", greeting=b"220 mail.example.org") as (address, _):
        assert lmsc(address, "--sample-rate-hz", "1M", "--center-hz", "1M", "--out", tmp_path / "o") == 1
    assert "what answers there is no rtl_tcp" in capsys.readouterr().err
