"""The INT8 latency of candidates for the fast family, beside LMSC-UNet and eager U-Net: `python benchmarks/family.py`.

All networks have random weights and run in ONNX Runtime in one interleaved run; U-Net runs in PyTorch, in float32.
Writes results/family.json. Multiply-accumulates hardly predict these times, so members are chosen by this table.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime as ort
import torch
from numpy.typing import NDArray

from lmsc_unet.catalog import CATALOG, FastLMSCUNetConfig, ModelConfig, receptive_field_radius_px, side_multiple_px
from lmsc_unet.complexity.counting import count
from lmsc_unet.core.provenance import provenance
from lmsc_unet.core.tables import Table, print_tables
from lmsc_unet.core.timing import time_by_turns
from lmsc_unet.export.graph import to_graph
from lmsc_unet.inference.spec import ModelSpec
from lmsc_unet.models import build_model
from lmsc_unet.quantization.quantizer import Quantizer

RESULT = Path(__file__).parent / "results" / "family.json"
NONE: frozenset[int] = frozenset()
CANDIDATES: Mapping[str, ModelConfig] = {
    **{name: CATALOG[name] for name in ("lmsc-unet", "lmsc-unet-m", "lmsc-unet-s", "lmsc-unet-n")},
    "m without BRB and MBB": FastLMSCUNetConfig(brb_levels=NONE, mbb_levels=NONE),
    "m, MBBs at 4 and 5": FastLMSCUNetConfig(mbb_levels=frozenset({4, 5})),
    "m, MBBs from 3": FastLMSCUNetConfig(mbb_levels=frozenset({3, 4, 5})),
    "stem 2, 24-48-96-128-160": FastLMSCUNetConfig(widths=(24, 48, 96, 128, 160)),
    "stem 2, 32-64-128-256": FastLMSCUNetConfig(widths=(32, 64, 128, 256), convs=(1,) * 4, mbb_levels=NONE),
    "stem 2, 16-32-64-128": FastLMSCUNetConfig(widths=(16, 32, 64, 128), convs=(1,) * 4, mbb_levels=NONE),
    "stem 2, 16-32-64-96-128": FastLMSCUNetConfig(widths=(16, 32, 64, 96, 128), convs=(1,) * 5, mbb_levels=NONE),
    "stem 4, 32-64-128-192": FastLMSCUNetConfig(stem_px=4, widths=(32, 64, 128, 192), convs=(1,) * 4, mbb_levels=NONE),
    "stem 4, 48-96-144-192": FastLMSCUNetConfig(
        stem_px=4, widths=(48, 96, 144, 192), convs=(1, 1, 1, 2), mbb_levels=frozenset({4})
    ),
    "stem 4, 48-96-160": FastLMSCUNetConfig(stem_px=4, widths=(48, 96, 160), convs=(1, 1, 2), mbb_levels=NONE),
    "stem 4, 24-48-96": FastLMSCUNetConfig(stem_px=4, widths=(24, 48, 96), convs=(1, 1, 2), mbb_levels=NONE),
}


def main() -> None:
    """Exports, times, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--size-px", type=int, default=256)
    parser.add_argument("--unet", action="store_true", help="also eager U-Net, the slowest by far")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    pixels = np.random.default_rng(0).standard_normal((1, 3, options.size_px, options.size_px)).astype(np.float32)
    runs = {name: int8_run(config, pixels, options.threads) for name, config in CANDIDATES.items()}
    if options.unet:
        runs["unet, eager float32"] = eager_run(CATALOG["unet"], pixels)
    times = dict(zip(runs, time_by_turns(list(runs.values()), options.rounds), strict=True))
    base = times["lmsc-unet"].median_ms
    rows = []
    for name, config in CANDIDATES.items():
        cost = count(config)
        rows.append(
            {
                "network": name,
                "parameters": cost.parameters,
                "gmacs": round(cost.macs_exact / 1e9, 3),
                "receptive_field_px": receptive_field_radius_px(config),
                "median_ms": round(times[name].median_ms, 2),
                "times_lmsc_unet_int8": round(base / times[name].median_ms, 2),
                "times_unet": round(times["unet, eager float32"].median_ms / times[name].median_ms)
                if options.unet
                else None,
            }
        )
    RESULT.write_text(json.dumps({**provenance(), "size_px": options.size_px, "rows": rows}, indent=2) + "\n")
    cells = tuple(tuple("-" if value is None else str(value) for value in row.values()) for row in rows)
    print_tables(Table(headings=tuple(rows[0]), rows=cells, left=("network",)))


def int8_run(config: ModelConfig, pixels: NDArray[np.float32], threads: int) -> Callable[[], None]:
    """A run of a config's network in INT8, calibrated on noise."""
    torch.manual_seed(0)
    spec = ModelSpec(name="candidate", side_multiple_px=side_multiple_px(config))
    with tempfile.TemporaryDirectory() as folder:
        graph = Quantizer(to_graph(build_model(config).eval(), spec), [pixels] * 2, Path(folder)).quantise()
    session_options = ort.SessionOptions()
    session_options.intra_op_num_threads = threads
    session_options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # beside many other sessions
    session = ort.InferenceSession(graph.SerializeToString(), session_options, providers=["CPUExecutionProvider"])
    return partial(_discard, lambda: session.run(None, {"image": pixels}))


def eager_run(config: ModelConfig, pixels: NDArray[np.float32]) -> Callable[[], None]:
    """A run of a config's network in PyTorch."""
    network, image = build_model(config).eval(), torch.from_numpy(pixels)

    @torch.inference_mode()
    def run() -> None:
        network(image)

    return run


def _discard(run: Callable[[], object]) -> None:
    run()


if __name__ == "__main__":
    main()
