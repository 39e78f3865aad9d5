"""What the paper printed of scores (Sawant et al. 2025, Tables 2 to 4); Table 1 is in complexity/paper.py."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, kw_only=True)
class PrintedScores:
    """One row of Tables 2 to 4, as shares; None where the paper prints nothing."""

    acc: float
    """Accuracy, over all pixels."""
    miou: float
    """Foreground IoU, mean over images."""
    f1: float | None = None
    """Foreground F1, over all pixels."""
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
"""Tables 2 and 3, by the catalog's names."""
RF: Mapping[str, PrintedScores] = MappingProxyType(
    {
        "unet": PrintedScores(acc=0.9819, miou=0.9172, f1=0.9547, dc=0.9545),
        "lmsc-unet-plain": PrintedScores(acc=0.9729, miou=0.8904, f1=0.9394, dc=0.9392),
        "lmsc-unet": PrintedScores(acc=0.9727, miou=0.8903, f1=0.9391, dc=0.9390),
    }
)
"""Table 4, by the catalog's names."""
