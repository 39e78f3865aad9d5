"""The runs worth repeating: each differs from the base by what the paper's row differs by.

The scores are the paper's. A cost is that of one epoch of 256 x 256 px on two cores in bfloat16: of all five folds of
22 patches (NuInsSeg), of 2800 training pieces (RF).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType

from lmsc_unet.reproduction.experiment import Experiment
from lmsc_unet.reproduction.paper import NUINSSEG, RF
from lmsc_unet.reproduction.peers import PEERS


def nuinsseg() -> Experiment:
    """Tables 2 and 3, LMSC-UNet: a BRB on the second skip. Paper: mIoU 0.7123. Cost: 20 s an epoch."""
    return Experiment(title="LMSC-UNet", paper=NUINSSEG["lmsc-unet"])


def nuinsseg_unet() -> Experiment:
    """Table 2, the standard U-Net. Paper: mIoU 0.6817. Cost: 60 s an epoch."""
    return replace(nuinsseg(), title="U-Net", model="unet", paper=NUINSSEG["unet"])


def nuinsseg_plain() -> Experiment:
    """Table 2, skips as they are. Paper: mIoU 0.7102. Cost: 20 s an epoch."""
    return _with_skips("LMSC-UNet without BRB", "lmsc-unet-plain")


def nuinsseg_brb_1() -> Experiment:
    """Table 3, a BRB on the finest skip. Paper: mIoU 0.7093. Cost: 20 s an epoch."""
    return _with_skips("BRB at 1", "lmsc-unet-1")


def nuinsseg_brb_2() -> Experiment:
    """Table 3, a BRB on the second skip: LMSC-UNet, trained once for both tables. Paper: mIoU 0.7123."""
    return replace(nuinsseg(), title="BRB at 2 (LMSC-UNet)")


def nuinsseg_brb_3() -> Experiment:
    """Table 3, a BRB on the coarsest skip. Paper: mIoU 0.7079. Cost: 20 s an epoch."""
    return _with_skips("BRB at 3", "lmsc-unet-3")


def nuinsseg_brb_12() -> Experiment:
    """Table 3, a BRB on the two finer skips. Paper: mIoU 0.7022. Cost: 20 s an epoch."""
    return _with_skips("BRB at 1, 2", "lmsc-unet-12")


def nuinsseg_brb_23() -> Experiment:
    """Table 3, a BRB on the two coarser skips. Paper: mIoU 0.7071. Cost: 20 s an epoch."""
    return _with_skips("BRB at 2, 3", "lmsc-unet-23")


def nuinsseg_brb_123() -> Experiment:
    """Table 3, last row: a BRB on every skip. Paper: mIoU 0.7141. Cost: 20 s an epoch."""
    return _with_skips("BRB at 1, 2, 3", "lmsc-unet-123")


def rf() -> Experiment:
    """Table 4, LMSC-UNet on spectrograms. Paper: mIoU 0.8903. Cost: 10 minutes an epoch."""
    return Experiment(title="LMSC-UNet", data="rf", paper=RF["lmsc-unet"])


def rf_unet() -> Experiment:
    """Table 4, the standard U-Net. Paper: mIoU 0.9172. Cost: 30 minutes an epoch."""
    return replace(rf(), title="U-Net", model="unet", paper=RF["unet"])


def rf_plain() -> Experiment:
    """Table 4, skips as they are. Paper: mIoU 0.8904. Cost: 10 minutes an epoch."""
    return replace(rf(), title="LMSC-UNet without BRB", model="lmsc-unet-plain", paper=RF["lmsc-unet-plain"])


def choice_base() -> Experiment:
    """LMSC-UNet with our reading of what the paper leaves open; the same training as in Table 2."""
    return replace(nuinsseg(), title="as chosen: ReLU, projection, rate x 0.1 at each third", paper=None)


def choice_relu6() -> Experiment:
    """MobileNetV2's ReLU6 in the MBBs, where the paper says ReLU. Cost: 20 s an epoch."""
    return replace(choice_base(), title="ReLU6 in the MBBs", settings={"network": {"activation": "relu6"}})


def choice_identity() -> Experiment:
    """The BRB adds its input as it is, which fits the paper's 3.46 MB but not its Table 3. Cost: 20 s an epoch."""
    return replace(choice_base(), title="identity shortcut in the BRB", settings={"network": {"shortcut": "identity"}})


def choice_constant_rate() -> Experiment:
    """The learning rate stays at 0.01: "decay 0.1" plays no part. Cost: 20 s an epoch."""
    return replace(choice_base(), title="constant rate", settings={"optimizer": {"schedule": "constant"}})


def choice_weight_decay() -> Experiment:
    """The paper's "decay 0.1" read as Adam's weight decay, with a constant rate. Cost: 20 s an epoch."""
    optimizer = {"schedule": "constant", "weight_decay": 0.1}
    return replace(choice_base(), title="constant rate, weight decay 0.1", settings={"optimizer": optimizer})


def peer(name: str) -> Experiment:
    """A network that a user would pick instead, trained as LMSC-UNet is. Cost: 10 to 20 s an epoch."""
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
"""The rows of each table of scores, in the paper's order."""


def _with_skips(title: str, model: str) -> Experiment:
    return replace(nuinsseg(), title=title, model=model, paper=NUINSSEG[model])
