import json
import re

import pytest

from lmsc_unet.catalog import CATALOG
from lmsc_unet.cli.main import main

KEYS = [
    *["model", "parameters", "state_mib", "macs_exact", "macs_paper"],
    *["paper_parameters_m", "paper_macs_g", "paper_size_mb"],
]


def test_json_is_a_list_of_objects_in_catalog_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["complexity", "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["model"] for row in rows] == list(CATALOG)
    assert all(list(row) == KEYS for row in rows)
    assert all(isinstance(row["macs_exact"], int) and isinstance(row["macs_paper"], int) for row in rows)
    by_name = {row["model"]: row for row in rows}
    assert by_name["unet"] == {
        "model": "unet",
        "parameters": 31043586,
        "state_mib": pytest.approx(118.4668, abs=1e-4),
        "macs_exact": 48171581440,
        "macs_paper": 54757818368,
        "paper_parameters_m": 31,
        "paper_macs_g": 54.76,
        "paper_size_mb": 118,
    }
    assert by_name["lmsc-unet-1"]["paper_size_mb"] is None


def test_named_models_come_in_the_order_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["complexity", "lmsc-unet", "lmsc-unet-3", "--classes", "1", "--size-px", "64", "--format", "json"]) == 0
    )
    rows = json.loads(capsys.readouterr().out)
    assert [(row["model"], row["parameters"]) for row in rows] == [("lmsc-unet", 909025), ("lmsc-unet-3", 934689)]
    assert rows[0]["macs_exact"] < 6960185344 / 16


def test_layers_in_json_add_up(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["complexity", "lmsc-unet", "--layers", "--format", "json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert list(row) == [*KEYS, "layers"]
    assert sum(layer["macs_exact"] for layer in row["layers"]) == row["macs_exact"]


@pytest.mark.parametrize("columns", ["40", "80", "200"])
def test_no_number_of_the_table_is_cut(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert main(["complexity", "lmsc-unet", "lmsc-unet-1", "--layers"]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "lmsc-unet 909,058 3.483 6.960 8.243 0.91 8.2 3.46" in lines
    assert "lmsc-unet-1 902,562 3.458 6.960 8.250 0.9 8.2 -" in lines
    assert "skips.1.shortcut.conv 64 x 128 x 128 4,096 67.109 67.109" in lines


def test_markdown_tables(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["complexity", "lmsc-unet", "--format", "markdown"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2] == "| lmsc-unet | 909,058 | 3.483 | 6.960 | 8.243 | 0.91 | 8.2 | 3.46 |"
    assert main(["complexity", "lmsc-unet", "--layers", "--format", "markdown"]) == 0
    assert "### lmsc-unet, 256 x 256 px, 2 classes" in capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["lmsc-unett"], "no model 'lmsc-unett'. Did you mean 'lmsc-unet'?"),
        (["unet", "--size-px", "100"], "100 x 100 px .*multiples of 16. Pad it to 112 x 112 px"),
        (["unet", "--size-px", "0"], "both sides must be at least 1 px"),
        (["unet", "--classes", "0"], "num_classes is 0; it must be at least 1"),
    ],
)
def test_wrong_use_is_told_and_exits_with_1(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["complexity", *arguments]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert re.search(message, captured.err)
