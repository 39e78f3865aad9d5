"""What to export, and with what it is checked."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lmsc_unet.core.ranges import check_range
from lmsc_unet.errors import ConfigError
from lmsc_unet.inference.runtime import MOST_THREADS
from lmsc_unet.inference.spec import Outputs

OPSET = 18
"""The default opset: what torch's exporter writes without converting, and runtimes of the last years read."""
OPSETS = range(18, 24)


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """Every choice of an export."""

    to: Literal["onnx", "openvino", "executorch"] = "onnx"
    """`onnx`: one .onnx file; `openvino`: an .xml with its .bin; `executorch`: a .pte with XNNPACK's kernels."""
    outputs: Outputs = "logits"
    """What the graph gives: logits; probabilities, by sigmoid or softmax; or classes, cut at the threshold."""
    int8: bool = False
    """Convolutions of 8-bit integers."""
    calibrate: Path | None = None
    """For --int8: a data folder, of which the training images are taken, or a folder of images."""
    data: Path | None = None
    """Images with masks to compare both networks on; without it the run's own data, of which what it held out."""
    crops: int = 64
    """Crops to calibrate on."""
    reduce_range: bool = False
    """For --int8: weights of 7 bits, for x86 processors without VNNI, where products of 8 bits saturate."""
    qat: bool = False
    """For --int8: where 8 bits cost too much, fine-tune the network in 8 bits before layers are left in float."""
    qat_epochs: int = 12
    """Rounds over the crops of such a fine-tuning."""
    opset: int = OPSET
    """The ONNX opset, 18 to 23."""
    licence: str = ""
    """What the file may be used for, noted in it."""
    trained_on: str = ""
    """What the model was trained on, noted in it; the data folder's name if not given."""
    threads: int | None = None
    """Threads of the exported network while it is checked."""

    def __post_init__(self) -> None:
        if self.calibrate is not None and not self.int8:
            raise ConfigError("--calibrate goes with --int8. Add --int8, or leave --calibrate out.")
        if self.qat and not self.int8:
            raise ConfigError("--qat goes with --int8. Add --int8, or leave --qat out.")
        if self.opset not in OPSETS:
            raise ConfigError(f"opset is {self.opset}; it must be from {OPSETS.start} to {OPSETS.stop - 1}.")
        check_range(self, 1, 100_000, "crops")
        check_range(self, 1, 10_000, "qat_epochs")
        check_range(self, 1, MOST_THREADS, "threads")
