"""`lmsc reproduce` from the command line to the report, and what goes wrong on the way."""

import io
import json
import re
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lmsc_unet.cli.main import main
from lmsc_unet.reproduction import runner
from lmsc_unet.reproduction.reproduce import ALL

from .conftest import reproduce

pytestmark = pytest.mark.slow
Captured = pytest.CaptureFixture[str]


def results_of(out: Path) -> dict[str, dict[str, object]]:
    sections: dict[str, dict[str, object]] = json.loads((out / "results.json").read_text())["sections"]
    return sections


def told(capsys: Captured) -> str:
    """What stands on standard error, which has no traceback."""
    errors = capsys.readouterr().err
    assert "Traceback" not in errors
    return errors


def folder_of(out: Path, title: str) -> Path:
    """The run folder of a training."""
    runs = [
        run for section in results_of(out).values() for row in section.get("rows", ()) for run in row.get("runs", ())
    ]  # type: ignore[attr-defined]
    return out / next(str(run["folder"]) for run in runs if run["title"] == title)


def test_every_table_and_figure_is_made(whole: Path) -> None:
    sections = results_of(whole)
    assert list(sections) == list(ALL)
    assert all((whole / str(section["file"])).is_file() for section in sections.values() if section["kind"] == "figure")
    assert not any(section.get("gaps") for section in sections.values())


def test_the_report_says_what_data_and_budget_it_is_of_and_stands_beside_the_paper(whole: Path) -> None:
    text = (whole / "report.md").read_text()
    assert text.count("6 generated pictures of stained tissue in place of NuInsSeg. Budget smoke") == 6
    assert text.count("20 generated spectrograms in place of the RF signal dataset. Budget smoke") == 2
    for printed in ("0.6817", "0.8346", "0.7141", "0.9172", "54.76", "6.8"):
        assert f"| {printed} |" in text
    assert "`runs/" in text
    assert "lmsc-unet 0." in text


def test_the_page_needs_nothing_beside_it(whole: Path) -> None:
    page = (whole / "report.html").read_text()
    assert page.count('src="data:image/png;base64,') == 4
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert "@media print" in page


def test_what_is_done_is_not_run_again(copy: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lmsc_unet.reproduction.reproduce.run_jobs", None)
    before = results_of(copy)["table3"]["rows"]
    assert reproduce("table3", out=copy) == 0
    assert results_of(copy)["table3"]["rows"] == before
    assert list(results_of(copy)) == list(ALL), "sections of earlier calls stay"
    assert "trainings" not in told(capsys)


def test_a_fold_that_fails_is_a_gap_and_stops_no_other(copy: Path, capsys: Captured) -> None:
    broken, lost = (folder_of(copy, f"nuinsseg U-Net, fold {fold} of 2") for fold in (1, 2))
    shutil.rmtree(broken)
    broken.mkdir()
    (broken / "letters.txt").write_text("not a run")
    shutil.rmtree(lost)
    assert reproduce("table2", "figure4", out=copy) == 2
    assert "1 trainings failed" in told(capsys)
    row = results_of(copy)["table2"]["rows"][0]  # type: ignore[index]
    assert [run["title"] for run in row["runs"]] == ["nuinsseg U-Net, fold 2 of 2"]
    text = (copy / "report.md").read_text()
    assert f"**Gap:** nuinsseg U-Net, fold 1 of 2: {broken.resolve()}: this is not an empty folder" in text
    assert "| 1 of 2 |" in text


@pytest.mark.usefixtures("process")
def test_ctrl_c_stops_cleanly_and_the_same_command_goes_on(
    copy: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(folder_of(copy, "rf LMSC-UNet"))

    class Impatient(io.StringIO):
        def write(self, text: str) -> int:
            if "running rf LMSC-UNet since" in text:
                signal.raise_signal(signal.SIGINT)
            return super().write(text)

    with monkeypatch.context() as patched:
        patched.setattr(runner, "HEARTBEAT_S", 0.1)
        patched.setattr(sys, "stderr", Impatient())
        assert reproduce("table4", out=copy) == 130
    assert reproduce("table4", out=copy) == 0
    assert "3 trainings, 2 of them done" in told(capsys)


@pytest.mark.usefixtures("process")
def test_a_full_disk_is_told_and_leaves_the_results_as_they_were(copy: Path, capsys: Captured) -> None:
    before = (copy / "results.json").read_text()
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))  # no file may grow beyond it: as on a full disk
    assert reproduce("table2", out=copy) == 1
    assert "results.json: cannot be written" in told(capsys)
    assert (copy / "results.json").read_text() == before


def test_results_of_another_version_are_left_alone(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "results.json").write_text('{"version": 7, "sections": {}}')
    assert reproduce("table2", out=tmp_path) == 1
    assert "results.json: written in version 7 of the file" in told(capsys)
    assert not (tmp_path / "runs").exists()


def test_a_missing_data_set_is_named(tmp_path: Path, capsys: Captured) -> None:
    assert reproduce("table2", "--data", f"nuinsseg={tmp_path}/nowhere", out=tmp_path / "out") == 1
    assert f"--data nuinsseg={tmp_path}/nowhere: no such folder." in told(capsys)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "No target is given. Name one of table1"),
        (["table2", "--data", "nuinseg=x"], "--data nuinseg=x: write nuinsseg=PATH"),  # misspelt
        (["table2", "--data", "rf"], "--data rf: write"),  # no path
        (["table2", "--data", "rf=a", "--data", "rf=b"], "--data rf=b: write"),  # twice
        (["table2", "--jobs", "0"], "jobs is 0; it must be at least 1."),
    ],
)
def test_wrong_use_is_told(flags: list[str], message: str, tmp_path: Path, capsys: Captured) -> None:
    assert main(["reproduce", *flags, "--budget", "smoke", "--out", str(tmp_path / "out")]) == 1
    assert message in told(capsys)


def test_the_table_of_the_readme_is_printed_from_the_results(whole: Path) -> None:
    script = Path(__file__).parents[2] / "benchmarks" / "reproduction.py"
    command = [sys.executable, str(script), "--results", str(whole / "results.json")]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    assert printed[0] == "| model | parameters | MiB | GMACs | ms, torch | mIoU NuInsSeg | paper | mIoU RF | paper |"
    assert [line.split(" | ")[1] for line in printed[2:]] == ["31,043,586", "900,290", "909,058"]
