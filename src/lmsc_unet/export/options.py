"""Options of an export and of its verification."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lmsc_unet.core.ranges import check_range
from lmsc_unet.errors import ConfigError
from lmsc_unet.inference.runtime import MOST_THREADS
from lmsc_unet.inference.spec import Outputs

OPSET = 18
"""The default opset: torch's exporter writes it without conversion, and recent runtimes read it."""
OPSETS = range(18, 24)


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """All options of an export."""

    to: Literal["onnx", "openvino", "executorch"] = "onnx"
    """`onnx`: one .onnx file; `openvino`: an .xml with its .bin; `executorch`: a .pte with XNNPACK's kernels."""
    outputs: Outputs = "logits"
    """Output of the graph: logits; probabilities, by sigmoid or softmax; or classes, by threshold or argmax."""
    int8: bool = False
    """Convolutions in 8-bit integers."""
    calibrate: Path | None = None
    """For --int8: calibration images, a folder of images or a data folder, whose training images are used."""
    data: Path | None = None
    """Images with masks for the comparison of both networks; by default the run's own held-out images."""
    crops: int = 64
    """Number of calibration crops."""
    reduce_range: bool = False
    """For --int8: weights of 7 bits, for x86 processors without VNNI, where 8-bit products saturate."""
    qat: bool = False
    """For --int8: if 8 bits cost too much, fine-tune the network in 8 bits before leaving layers in float."""
    qat_epochs: int = 12
    """Epochs of that fine-tuning over the crops."""
    opset: int = OPSET
    """The ONNX opset, 18 to 23."""
    licence: str = ""
    """Licence of the model, stored in the file."""
    trained_on: str = ""
    """Training data, stored in the file; by default the data folder's name."""
    threads: int | None = None
    """Threads of the exported network during verification."""

    def __post_init__(self) -> None:
        if self.calibrate is not None and not self.int8:
            raise ConfigError("--calibrate needs --int8. Add --int8, or leave --calibrate out.")
        if self.qat and not self.int8:
            raise ConfigError("--qat needs --int8. Add --int8, or leave --qat out.")
        if self.opset not in OPSETS:
            raise ConfigError(f"opset is {self.opset}; it must be from {OPSETS.start} to {OPSETS.stop - 1}.")
        check_range(self, 1, 100_000, "crops")
        check_range(self, 1, 10_000, "qat_epochs")
        check_range(self, 1, MOST_THREADS, "threads")
