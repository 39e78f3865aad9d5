"""What `lmsc export` prints of its comparison."""

import pytest

from lmsc_unet.cli.export import _print_report

REPORT = {
    "warnings": [],
    "held_out": True,
    "precision": "int8",
    "images": 3,
    "tolerance": {"same_class_share": 0.99, "lost_iou": 0.01},
    "scores_original": {"miou": 0.9, "dc": None, "acc": None},
    "scores_exported": {"miou": 0.89, "dc": None, "acc": None},
    "largest_difference": 0.1,
    "mean_difference": 0.01,
    "other_class_share": 0.001,
    "all_int8_failed": [],
}


@pytest.mark.parametrize(
    ("layers", "line"),
    [
        ([f"encoder.{n}.conv" for n in range(16)], "16 layers are in float32, as 8 bits cost accuracy there;"),
        (["head"], "1 layer is in float32, as 8 bits cost accuracy there;"),
        ([], ""),
    ],
)
def test_layers_in_float32_are_counted_and_not_listed(
    layers: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _print_report({**REPORT, "float_layers": layers})
    printed = capsys.readouterr().out
    assert line in printed
    assert not [name for name in layers if name in printed]
