"""Training budgets: a smoke test, about two hours on two cores, several days, or the paper's."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

BudgetName = Literal["smoke", "small", "medium", "full"]


@dataclass(frozen=True, kw_only=True)
class Budget:
    """Differences from the recipe `paper`, and the sizes of generated sets."""

    about: str
    """Its description in captions."""
    settings: Mapping[str, Any]
    """Config fields of every training."""
    nuinsseg: Mapping[str, Any]
    """Config fields for NuInsSeg only."""
    rf: Mapping[str, Any]
    """Config fields for the RF set only."""
    num_nuclei: int
    """Number of generated tissue images if NuInsSeg is not given."""
    nuclei_side_px: int
    """Their side."""
    num_pieces: int
    """Number of generated spectrograms if the RF set is not given."""
    piece_samples: int | None
    """Samples per spectrogram; None mixes lengths like the RF set."""
    folds: int
    """Folds of NuInsSeg's cross-validation."""
    benchmark_rounds: int
    """Timings per network for Table 1."""
    backends: tuple[str, ...]
    """Backends of the timings."""
    benchmark_side_px: int
    """Side of the timed image."""


BUDGETS: Mapping[BudgetName, Budget] = MappingProxyType(
    {
        "smoke": Budget(
            about="smoke: narrow networks and a step or two of training, to see that everything runs",
            settings={"size_px": 32, "network": {"widths": [8, 8, 16, 16]}},
            nuinsseg={"epochs": 2, "batch": 3},
            rf={"epochs": 1, "batch": 4},
            num_nuclei=6,
            nuclei_side_px=64,
            num_pieces=20,
            piece_samples=65536,
            folds=2,
            benchmark_rounds=1,
            backends=("torch",),
            benchmark_side_px=64,
        ),
        "small": Budget(
            about="small: 15 epochs with batches of 3 on NuInsSeg (17 images would make one step of the paper's 32), "
            "one epoch with batches of 8 on the RF set, where the paper trains 200 epochs with batches of 32",
            settings={},
            nuinsseg={"epochs": 15, "batch": 3},
            rf={"epochs": 1, "batch": 8},
            num_nuclei=22,
            nuclei_side_px=512,
            num_pieces=4000,
            piece_samples=None,
            folds=5,
            benchmark_rounds=20,
            backends=("torch", "onnxruntime"),
            benchmark_side_px=256,
        ),
        "medium": Budget(
            about="medium: 30 epochs with batches of 16 on NuInsSeg, 8 on the RF set, where the "
            "paper trains 200 with batches of 32",
            settings={},
            nuinsseg={"epochs": 30, "batch": 16, "validate_every": 5},
            rf={"epochs": 8, "batch": 16},
            num_nuclei=665,
            nuclei_side_px=512,
            num_pieces=4000,
            piece_samples=None,
            folds=5,
            benchmark_rounds=20,
            backends=("torch", "onnxruntime"),
            benchmark_side_px=256,
        ),
        "full": Budget(
            about="full: 200 epochs with batches of 32, as the paper",
            settings={},
            nuinsseg={},
            rf={},
            num_nuclei=665,
            nuclei_side_px=512,
            num_pieces=4000,
            piece_samples=None,
            folds=5,
            benchmark_rounds=50,
            backends=("torch", "onnxruntime"),
            benchmark_side_px=256,
        ),
    }
)
