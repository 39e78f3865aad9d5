"""One run times everything by turns, and says every speed beside U-Net in eager PyTorch."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from lmsc_unet.benchmark import plan
from lmsc_unet.benchmark.benchmark import HalfPrecision, to_rows, warnings
from lmsc_unet.benchmark.cold import Cold, measure_cold
from lmsc_unet.benchmark.plan import ON_GPU, Plan, Variant
from lmsc_unet.benchmark.rows import BenchmarkRow, draw, known_scores, over_unet, points, report_to_markdown
from lmsc_unet.benchmark.running import why_skipped
from lmsc_unet.cli.main import main
from lmsc_unet.core.timing import Times, time_by_turns
from lmsc_unet.errors import ConfigError, ModelError
from tests.inference.model_files import write_model

FIELDS = [
    "model", "backend", "precision", "batch", "threads", "ms_median", "ms_p5", "ms_p95", "images_per_s",
    "peak_rss_mib", "file_mib", "cold_start_s", "speedup_over_unet_eager",
]  # fmt: skip


def names(plan: Plan) -> list[tuple[str, str, str]]:
    return [(variant.model, variant.backend, variant.precision) for variant in plan.variants]


def test_a_plan_holds_what_each_backend_can_and_always_the_reference() -> None:
    plan = Plan(models=("lmsc-unet",), backends=("torch", "onnxruntime"), precisions=("fp32", "bf16", "int8"))
    assert names(plan) == [
        ("unet", "torch", "fp32"),
        ("lmsc-unet", "torch", "fp32"),
        ("lmsc-unet", "torch", "bf16"),
        ("lmsc-unet", "onnxruntime", "fp32"),
        ("lmsc-unet", "onnxruntime", "int8"),
    ]
    twice = Plan(models=("unet", "unet"), backends=("torch",), precisions=("fp32",), batches=(1, 8), threads=(1, 2))
    assert len(names(twice)) == 1
    assert [(lane.batch, lane.threads) for lane in twice.lanes(twice.variants)] == [(1, 1), (1, 2), (8, 1), (8, 2)]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"backends": ("onnx",)}, "backends: onnx is none of torch, onnxruntime, openvino, cuda"),
        ({"precisions": ()}, "precisions: nothing is none of fp32, fp16, bf16, int8"),
        ({"rounds": 0}, "at least 1"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Plan(**settings)


def test_things_take_turns_after_a_warm_up() -> None:
    order: list[str] = []
    times = time_by_turns([lambda: order.append("a"), lambda: order.append("b")], rounds=3)
    assert "".join(order) == "aabb" + "ababab"
    assert all(0 <= one.p5_ms <= one.median_ms <= one.p95_ms for one in times)


def test_rows_are_of_one_image_and_beside_the_reference_of_the_same_batch() -> None:
    plan = Plan(models=("lmsc-unet",), backends=("onnxruntime",), precisions=("int8",), batches=(1, 4))
    lanes = list(plan.lanes(plan.variants))
    ms = {("unet", 1): 100.0, ("unet", 4): 360.0, ("lmsc-unet", 1): 5.0, ("lmsc-unet", 4): 12.0}
    times = {
        lane: Times(median_ms=ms[lane.variant.model, lane.batch], p5_ms=1, p95_ms=2 * lane.batch) for lane in lanes
    }
    cold = {variant: Cold(start_s=0.5, peak_rss_mib=100) for variant in plan.variants}
    rows = to_rows(times, cold, dict.fromkeys(plan.variants, 1.0))
    found = [(row.model, row.batch, row.ms_median, row.images_per_s, row.speedup_over_unet_eager) for row in rows]
    assert found == [
        ("unet", 1, 100.0, 10.0, 1.0),
        ("unet", 4, 90.0, pytest.approx(11.11, abs=0.01), 1.0),
        ("lmsc-unet", 1, 5.0, 200.0, 20.0),
        ("lmsc-unet", 4, 3.0, pytest.approx(333.33, abs=0.01), 30.0),
    ]


def test_a_cold_start_is_a_process_of_its_own(tmp_path: Path) -> None:
    model = write_model(tmp_path / "bright.onnx")
    variant = Variant(model=str(model), backend="onnxruntime", precision="fp32")
    cold = measure_cold(variant, model, threads=1, size_px=32, repeats=1)
    assert cold.start_s > 0.05
    assert 20 < cold.peak_rss_mib < 200, "the process holds more than numpy, OpenCV and ONNX Runtime"
    model.write_bytes(b"no model")
    with pytest.raises(ModelError, match="a fresh process cannot run it on onnxruntime"):
        measure_cold(variant, model, threads=1, size_px=32, repeats=1)


def test_an_exported_file_runs_beside_the_reference_in_its_own_precision(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "REFERENCE", ("lmsc-unet-plain", "torch", "fp32"))  # U-Net is 118 MiB
    model = write_model(tmp_path / "bright.onnx")
    arguments = ["benchmark", model, "--size-px", 16, "--rounds", 2, "--no-cold", "--format", "json"]
    arguments += ["--backends", "torch,onnxruntime", "--out", tmp_path]
    assert main([str(argument) for argument in arguments]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["backend"], row["precision"]) for row in rows] == [("torch", "fp32"), ("onnxruntime", "fp32")]
    assert all(list(row) == FIELDS for row in rows)
    written = json.loads((tmp_path / "benchmark.json").read_text())
    assert written["rows"] == rows
    assert written["table_1"][0]["model"] == "lmsc-unet-plain"
    assert written["table_1"][0]["paper_ms"] == 2.4
    assert "| lmsc-unet-plain | 9" in report_to_markdown(written)
    assert written["provenance"]["machine"]["cores"] > 0


def row(model: str, backend: str, precision: str, ms: float, threads: int = 1) -> BenchmarkRow:
    return BenchmarkRow(
        model=model, backend=backend, precision=precision, batch=1, threads=threads, ms_median=ms, ms_p5=ms, ms_p95=ms,
        images_per_s=1, peak_rss_mib=None, file_mib=1, cold_start_s=None, speedup_over_unet_eager=1,
    )  # fmt: skip


def test_every_row_stands_beside_unet_on_its_own_runtime() -> None:
    rows = [
        row("unet", "torch", "fp32", 300),
        row("unet", "onnxruntime", "fp32", 200),
        row("unet", "onnxruntime", "int8", 100),
        row("a", "onnxruntime", "int8", 10),
        row("a", "onnxruntime", "int8", 10, threads=2),  # not measured for U-Net
        row("a", "openvino", "int8", 5),
    ]
    assert over_unet(rows) == [1, 1, 2, 20, None, None]


def test_the_plot_shows_rows_whose_score_is_known(tmp_path: Path) -> None:
    rows = [
        row("run", "torch", "fp32", 50),
        row("run", "onnxruntime", "int8", 9),  # calibrated on noise
        row("a.onnx", "onnxruntime", "int8", 9),
        row("unet", "torch", "fp32", 300),
    ]
    shown = points(rows, {"run": 0.8, "a.onnx": 0.79}, frozenset({"a.onnx"}))
    assert [(one.model, one.precision, score) for one, score in shown] == [
        ("run", "fp32", 0.8),
        ("a.onnx", "int8", 0.79),
    ]
    draw(shown, tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 5000


def test_scores_are_those_that_lie_beside_a_model(tmp_path: Path) -> None:
    model = str(write_model(tmp_path / "a.onnx"))
    assert known_scores(["unet", model]) == {}
    (tmp_path / "a.parity.json").write_text('{"scores_exported": {"dc": 0.8}}')
    assert known_scores(["unet", model]) == {model: 0.8}


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize("backend", ON_GPU)
def test_what_needs_a_gpu_is_skipped_with_its_reason(backend: str) -> None:
    assert why_skipped("torch") is None
    assert "sees no CUDA GPU here" in (why_skipped(backend) or "")


def test_half_precision_that_changes_too_many_classes_is_told() -> None:
    halves = tuple(
        HalfPrecision(model="a", backend="openvino", precision="bf16", same_class_share=share, is_within=share >= 0.999)
        for share in (0.9995, 0.9981)
    )
    (line,) = warnings(halves)
    assert "a in bf16 on openvino changes the class of 0.19 % of the pixels (allowed: 0.1 %)" in line


def test_numbers_that_are_none_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["benchmark", "--batch", "many"]) == 1
    assert "batch is 'many'; it must be comma-separated numbers" in capsys.readouterr().err
