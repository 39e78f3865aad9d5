"""Measures a network's costs in its own process, since some peers need another environment.

Run as `python -m lmsc_unet.reproduction.peer_costs MODEL SIDE_PX OUT.onnx`: writes the network with random weights as
an ONNX file for images of 3 x SIDE_PX x SIDE_PX, and prints its parameters and multiply-accumulates as JSON.
"""

import contextlib
import json
import logging
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from lmsc_unet.catalog import CATALOG
from lmsc_unet.errors import ModelError
from lmsc_unet.inference.spec import ModelSpec
from lmsc_unet.models import build_model
from lmsc_unet.reproduction.peers import build_peer, declare_torchvision

INPUT, OUTPUT = "image", "logits"


def measure(python: Path, model: str, side_px: int, out: Path) -> dict[str, Any]:
    """Starts the process; returns what it printed.

    Raises:
        ModelError: the network cannot be built or exported there.
    """
    command = [str(python), "-m", __name__, model, str(side_px), str(out)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise ModelError(f"{model}: cannot be built or exported by {python}: {done.stderr.strip()[-300:]}")
    costs: dict[str, Any] = json.loads(done.stdout)
    return costs


def build(model: str) -> nn.Module:
    """A network for colour images and one logit, from the catalog or a peer."""
    torch.manual_seed(0)
    return build_model(CATALOG[model]) if model in CATALOG else build_peer(model, ModelSpec(name=model))


def main(model: str, side_px: int, out: Path) -> None:
    """Counts, exports and prints the costs."""
    declare_torchvision()
    network, image = build(model).eval(), torch.zeros(1, 3, side_px, side_px)
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        network(image)
    logging.disable()
    with warnings.catch_warnings(), contextlib.redirect_stdout(sys.stderr):
        warnings.simplefilter("ignore")
        program = torch.onnx.export(network, (image,), dynamo=True, input_names=[INPUT], output_names=[OUTPUT])
        assert program is not None
        program.save(str(out))
    parameters = sum(parameter.numel() for parameter in network.parameters())
    print(json.dumps({"parameters": parameters, "macs_exact": counter.get_total_flops() // 2}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
