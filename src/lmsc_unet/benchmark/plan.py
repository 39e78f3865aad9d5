"""The cases of a benchmark: each model by each backend in each of its precisions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType

from lmsc_unet.core.ranges import MOST_SIDE_PX, check_range
from lmsc_unet.errors import ConfigError
from lmsc_unet.inference.runtime import MOST_THREADS

ON_PROCESSOR: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"torch": ("fp32", "bf16"), "onnxruntime": ("fp32", "int8"), "openvino": ("fp32", "bf16", "int8")}
)
"""Backend -> its precisions on a processor."""
ON_GPU: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "cuda": ("fp32", "fp16", "bf16"),
        "cuda-compile": ("fp32", "fp16", "bf16"),
        "cuda-graphs": ("fp32", "fp16", "bf16"),
        "tensorrt": ("fp32", "int8"),
    }
)
"""PyTorch on a GPU: eager, compiled, as a CUDA graph; and ONNX Runtime's TensorRT. Unavailable ones are skipped."""
PRECISIONS: Mapping[str, tuple[str, ...]] = MappingProxyType({**ON_PROCESSOR, **ON_GPU})
KNOWN_PRECISIONS = ("fp32", "fp16", "bf16", "int8")
REFERENCE = ("unet", "torch", "fp32")
"""The reference of all speeds: the paper's baseline in eager PyTorch."""


@dataclass(frozen=True, kw_only=True, order=True)
class Variant:
    """One model in one backend and precision, with its own file, cold start and peak memory."""

    model: str
    """A name of `lmsc models`, a run folder, a checkpoint or an exported file."""
    backend: str
    """A key of `PRECISIONS`."""
    precision: str
    """fp32, fp16, bf16 or int8."""


@dataclass(frozen=True, kw_only=True, order=True)
class Case:
    """One row of the results."""

    variant: Variant
    """What runs."""
    batch: int
    """Images per call."""
    threads: int
    """Threads for the work."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All cases of one run."""

    models: tuple[str, ...] = ("unet", "lmsc-unet-plain", "lmsc-unet")
    """Names of `lmsc models`, bundled names, run folders, checkpoints or exported files; by default Table 1."""
    backends: tuple[str, ...] = ("torch", "onnxruntime")
    """Keys of `PRECISIONS`."""
    precisions: tuple[str, ...] = ("fp32", "int8")
    """Any of fp32, fp16, bf16 and int8; a backend uses those that it has."""
    batches: tuple[int, ...] = (1,)
    """Images per call."""
    threads: tuple[int, ...] = (1,)
    """Threads for the work."""
    size_px: int = 256
    """Side of the square image."""
    rounds: int = 20
    """Timings per row, interleaved."""
    cold: bool = True
    """Measure cold start and peak memory, each in its own process."""

    def __post_init__(self) -> None:
        for name, found, known in (
            ("backends", self.backends, tuple(PRECISIONS)),
            ("precisions", self.precisions, KNOWN_PRECISIONS),
        ):
            unknown = [one for one in found if one not in known]
            if unknown or not found:
                raise ConfigError(f"{name}: {', '.join(unknown) or 'nothing'} is none of {', '.join(known)}.")
        for option, numbers in (("batch", self.batches), ("threads", self.threads)):
            if not numbers:
                raise ConfigError(f"{option} is empty; it must be comma-separated numbers, such as 1,8.")
        check_range(self, 1, 4096, "batches")
        check_range(self, 1, MOST_THREADS, "threads")
        check_range(self, 1, MOST_SIDE_PX, "size_px")
        check_range(self, 1, 1_000_000, "rounds")

    @property
    def variants(self) -> tuple[Variant, ...]:
        """The variants to measure, each once; always includes the reference."""
        asked = product(self.models, self.backends, self.precisions)
        found = [Variant(model=m, backend=b, precision=p) for m, b, p in asked if p in PRECISIONS[b]]
        return tuple(dict.fromkeys([reference_variant(), *found]))

    def lanes(self, variants: tuple[Variant, ...]) -> Iterator[Case]:
        """The rows of the results, in order."""
        for variant, batch, threads in product(variants, self.batches, self.threads):
            yield Case(variant=variant, batch=batch, threads=threads)


def reference_variant() -> Variant:
    """The reference of all speeds."""
    model, backend, precision = REFERENCE
    return Variant(model=model, backend=backend, precision=precision)
