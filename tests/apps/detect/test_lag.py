"""A pipe whose search falls behind says so."""

import io
import json

import numpy as np
import pytest

from lmsc_unet.apps.detect import lag as lag_module
from lmsc_unet.apps.detect.lag import LagMeter
from lmsc_unet.cli.main import main
from tests.apps.detect.bursts import bursts


def follow(*, search_s, wait_s, num_chunks=40, chunk_s=1.0):
    """The lags that are told, of chunks of which each is searched and the next waited for; and the longest lag."""
    now, told = [0.0], []
    meter = LagMeter(10.0, told.append, clock=lambda: now[0])
    for _ in range(num_chunks):
        meter.ask()
        now[0] += wait_s
        meter.get(round(10 * chunk_s))
        now[0] += search_s
    return [round(lag_s, 6) for lag_s in told], meter.longest_s


@pytest.mark.parametrize(
    ("search_s", "wait_s", "told"),
    [
        (0.5, 0.5, []),  # a receiver, followed with ease
        (0.98, 0.02, []),  # just so
        (0.1, 0.0, []),  # a file through a pipe
        (0.2, 9.0, []),  # a program that delivers slowly
        (1.5, 0.0, [2.0, 4.0, 8.0, 16.0]),
        (3.0, 0.001, [2.0, 4.0, 8.0, 16.0, 32.0]),
    ],
)
def test_only_a_search_that_takes_longer_than_the_samples_last_falls_behind(search_s, wait_s, told):  # D8
    found, longest_s = follow(search_s=search_s, wait_s=wait_s)
    assert len(found) >= len(told)
    assert found[: len(told)] == pytest.approx(told, abs=1.1)
    assert (longest_s > 2) == bool(told)


def test_a_pipe_that_falls_behind_is_told_at_once_and_in_the_results(tmp_path, capsys, monkeypatch):  # D8
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(np.tile(bursts(), 2).tobytes())))
    monkeypatch.setattr(lag_module, "TOLD_S", 0.0)
    monkeypatch.setattr("lmsc_unet.apps.detect.searching.TOLD_S", 0.0)
    given = ["--datatype", "cf32_le", "--sample-rate-hz", "1G", "--model", "energy", "--out", str(tmp_path / "o")]
    assert main(["detect", "-", *given]) == 0
    assert "lmsc: warning: stdin: the search is 0 s behind the clock: a receiver loses some" in capsys.readouterr().err
    (entry,) = (tmp_path / "o/detections.jsonl").read_text().splitlines()
    assert "stdin: at times the search is" in json.loads(entry)["warnings"][0]
