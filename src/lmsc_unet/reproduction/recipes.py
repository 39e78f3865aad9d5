"""Experiments: training data, differences from the base, and the paper's scores.

Scores from Sawant et al. 2025, Tables 2 to 4; Table 1 is in complexity/paper.py.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Any, Literal

from lmsc_unet.reproduction.peers import PEERS


@dataclass(frozen=True, kw_only=True)
class PrintedScores:
    """One row of Tables 2 to 4, as shares; None if the paper gives no value."""

    acc: float
    """Accuracy over all pixels."""
    miou: float
    """Foreground IoU, mean over images."""
    f1: float | None = None
    """Foreground F1 over all pixels."""
    dc: float | None = None
    """Foreground Dice, mean over images."""


NUINSSEG: Mapping[str, PrintedScores] = MappingProxyType(
    {
        "unet": PrintedScores(acc=0.9357, miou=0.6817, f1=0.8123, dc=0.8094),
        "lmsc-unet-plain": PrintedScores(acc=0.9462, miou=0.7102, f1=0.8335, dc=0.8301),
        "lmsc-unet": PrintedScores(acc=0.9460, miou=0.7123, f1=0.8346, dc=0.8313),
        "lmsc-unet-1": PrintedScores(acc=0.9456, miou=0.7093),
        "lmsc-unet-3": PrintedScores(acc=0.9461, miou=0.7079),
        "lmsc-unet-12": PrintedScores(acc=0.9439, miou=0.7022),
        "lmsc-unet-23": PrintedScores(acc=0.9480, miou=0.7071),
        "lmsc-unet-123": PrintedScores(acc=0.9479, miou=0.7141),
    }
)
"""Tables 2 and 3, by catalog name."""
RF: Mapping[str, PrintedScores] = MappingProxyType(
    {
        "unet": PrintedScores(acc=0.9819, miou=0.9172, f1=0.9547, dc=0.9545),
        "lmsc-unet-plain": PrintedScores(acc=0.9729, miou=0.8904, f1=0.9394, dc=0.9392),
        "lmsc-unet": PrintedScores(acc=0.9727, miou=0.8903, f1=0.9391, dc=0.9390),
    }
)
"""Table 4, by catalog name."""


DataName = Literal["nuinsseg", "rf"]


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A training as in the paper, except for its row's differences."""

    title: str
    """Its row's title."""
    data: DataName = "nuinsseg"
    """One of the paper's two data sets."""
    model: str = "lmsc-unet"
    """A name of `lmsc models`, or of a peer."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Config fields that differ from the recipe `paper`."""
    paper: PrintedScores | None = None
    """The paper's row."""

    @property
    def name(self) -> str:
        """Its name in progress output and results."""
        return f"{self.data} {self.title}"


def nuinsseg() -> Experiment:
    """Tables 2 and 3, LMSC-UNet: a BRB on the second skip. Paper: mIoU 0.7123. Cost: 20 s per epoch."""
    return Experiment(title="LMSC-UNet", paper=NUINSSEG["lmsc-unet"])


def nuinsseg_unet() -> Experiment:
    """Table 2, the standard U-Net. Paper: mIoU 0.6817. Cost: 60 s per epoch."""
    return replace(nuinsseg(), title="U-Net", model="unet", paper=NUINSSEG["unet"])


def nuinsseg_plain() -> Experiment:
    """Table 2, plain skips. Paper: mIoU 0.7102. Cost: 20 s per epoch."""
    return _with_skips("LMSC-UNet without BRB", "lmsc-unet-plain")


def nuinsseg_brb_1() -> Experiment:
    """Table 3, a BRB on the finest skip. Paper: mIoU 0.7093. Cost: 20 s per epoch."""
    return _with_skips("BRB at 1", "lmsc-unet-1")


def nuinsseg_brb_2() -> Experiment:
    """Table 3, a BRB on the second skip: LMSC-UNet, trained once for both tables. Paper: mIoU 0.7123."""
    return replace(nuinsseg(), title="BRB at 2 (LMSC-UNet)")


def nuinsseg_brb_3() -> Experiment:
    """Table 3, a BRB on the coarsest skip. Paper: mIoU 0.7079. Cost: 20 s per epoch."""
    return _with_skips("BRB at 3", "lmsc-unet-3")


def nuinsseg_brb_12() -> Experiment:
    """Table 3, a BRB on the two finer skips. Paper: mIoU 0.7022. Cost: 20 s per epoch."""
    return _with_skips("BRB at 1, 2", "lmsc-unet-12")


def nuinsseg_brb_23() -> Experiment:
    """Table 3, a BRB on the two coarser skips. Paper: mIoU 0.7071. Cost: 20 s per epoch."""
    return _with_skips("BRB at 2, 3", "lmsc-unet-23")


def nuinsseg_brb_123() -> Experiment:
    """Table 3, last row: a BRB on every skip. Paper: mIoU 0.7141. Cost: 20 s per epoch."""
    return _with_skips("BRB at 1, 2, 3", "lmsc-unet-123")


def rf() -> Experiment:
    """Table 4, LMSC-UNet on spectrograms. Paper: mIoU 0.8903. Cost: 10 minutes per epoch."""
    return Experiment(title="LMSC-UNet", data="rf", paper=RF["lmsc-unet"])


def rf_unet() -> Experiment:
    """Table 4, the standard U-Net. Paper: mIoU 0.9172. Cost: 30 minutes per epoch."""
    return replace(rf(), title="U-Net", model="unet", paper=RF["unet"])


def rf_plain() -> Experiment:
    """Table 4, plain skips. Paper: mIoU 0.8904. Cost: 10 minutes per epoch."""
    return replace(rf(), title="LMSC-UNet without BRB", model="lmsc-unet-plain", paper=RF["lmsc-unet-plain"])


def choice_base() -> Experiment:
    """LMSC-UNet with our reading of the paper's open choices; the same training as in Table 2."""
    return replace(nuinsseg(), title="as chosen: ReLU, projection, rate x 0.1 at each third", paper=None)


def choice_relu6() -> Experiment:
    """MobileNetV2's ReLU6 in the MBBs; the paper says ReLU. Cost: 20 s per epoch."""
    return replace(choice_base(), title="ReLU6 in the MBBs", settings={"network": {"activation": "relu6"}})


def choice_identity() -> Experiment:
    """An identity shortcut in the BRB, which fits the paper's 3.46 MB but not its Table 3. Cost: 20 s per epoch."""
    return replace(choice_base(), title="identity shortcut in the BRB", settings={"network": {"shortcut": "identity"}})


def choice_constant_rate() -> Experiment:
    """The learning rate stays at 0.01, ignoring "decay 0.1". Cost: 20 s per epoch."""
    return replace(choice_base(), title="constant rate", settings={"optimizer": {"schedule": "constant"}})


def choice_weight_decay() -> Experiment:
    """The paper's "decay 0.1" read as Adam's weight decay, with a constant rate. Cost: 20 s per epoch."""
    optimizer = {"schedule": "constant", "weight_decay": 0.1}
    return replace(choice_base(), title="constant rate, weight decay 0.1", settings={"optimizer": optimizer})


def peer(name: str) -> Experiment:
    """An alternative network, trained like LMSC-UNet. Cost: 10 to 20 s per epoch."""
    return Experiment(title=PEERS[name].title, model=name)


def peer_lmsc_unet() -> Experiment:
    """LMSC-UNet among its peers; the same training as in Table 2."""
    return replace(nuinsseg(), paper=None)


def peer_unet() -> Experiment:
    """U-Net among its peers; the same training as in Table 2."""
    return replace(nuinsseg_unet(), paper=None)


Recipe = Callable[[], Experiment]
TABLES: Mapping[str, tuple[Recipe, ...]] = MappingProxyType(
    {
        "table2": (nuinsseg_unet, nuinsseg_plain, nuinsseg),
        "table3": (
            *(nuinsseg_brb_1, nuinsseg_brb_2, nuinsseg_brb_3),
            *(nuinsseg_brb_12, nuinsseg_brb_23, nuinsseg_brb_123),
        ),
        "table4": (rf_unet, rf_plain, rf),
        "choices": (choice_base, choice_relu6, choice_identity, choice_constant_rate, choice_weight_decay),
        "peers": (peer_lmsc_unet, peer_unet, *(partial(peer, name) for name in PEERS)),
    }
)
"""The rows of each score table, in the paper's order."""


def _with_skips(title: str, model: str) -> Experiment:
    return replace(nuinsseg(), title=title, model=model, paper=NUINSSEG[model])
