"""Networks of other packages in our harness."""

from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from torch import nn

from lmsc_unet.errors import ConfigError, ModelError
from lmsc_unet.inference.spec import ModelSpec
from lmsc_unet.reproduction.peer_section import draw_pareto, pareto
from lmsc_unet.reproduction.peers import PEERS, build_peer
from lmsc_unet.reproduction.reproduce import Request


@pytest.mark.parametrize("name", [name for name, peer in PEERS.items() if not peer.is_elsewhere])
def test_a_peer_takes_our_images_and_gives_our_logits(name: str) -> None:
    spec = ModelSpec(name=name, input_channels=1)
    side_px = 2 * PEERS[name].multiple_px
    logits = build_peer(name, spec).eval()(torch.zeros(1, 1, side_px, side_px))
    assert logits.shape == (1, 1, side_px, side_px)


def test_normalisation_follows_a_short_training_in_every_peer() -> None:
    for name in (name for name, peer in PEERS.items() if not peer.is_elsewhere):
        norms = [part for part in build_peer(name, ModelSpec(name=name)).modules() if isinstance(part, nn.BatchNorm2d)]
        assert all(norm.momentum == 0.1 for norm in norms)


@pytest.mark.skipif(find_spec("segmentation_models_pytorch") is not None, reason="the peers' package is installed")
def test_a_peer_without_its_package_says_what_builds_it() -> None:
    with pytest.raises(ModelError, match=r"cannot be imported .* Run `make peers`\."):
        build_peer("smp-unet-mobilenet_v2", ModelSpec(name="any"))


def test_peers_ask_for_their_environment_and_nothing_else_does(tmp_path: Path) -> None:
    nowhere = tmp_path / "python"
    assert Request(targets=("table2",), budget="smoke", out=tmp_path, peers_python=nowhere).interpreters() == {}
    with pytest.raises(ConfigError, match="`make peers` builds the environment"):
        Request(targets=("peers",), budget="smoke", out=tmp_path, peers_python=nowhere).interpreters()


@pytest.mark.parametrize(
    ("points", "front"),
    [
        ([(1.0, 0.5)], [0]),
        ([(1.0, 0.5), (2.0, 0.6)], [0, 1]),  # each is better in one
        ([(1.0, 0.5), (2.0, 0.5), (1.0, 0.4)], [0]),  # as good and slower; as fast and worse
        ([(1.0, 0.5), (1.0, 0.5)], [0, 1]),  # the same twice
    ],
)
def test_the_front_is_what_no_other_beats(points: list[tuple[float, float]], front: list[int]) -> None:
    assert pareto(points) == front


def test_a_network_without_scores_is_not_drawn() -> None:
    scored = {"title": "a", "model": "a", "ms": {"median": 1.0}, "scores": {"paper": {"miou": {"mean": 0.5}}}}
    figure = draw_pareto([scored, scored | {"title": "b", "scores": {}}])
    assert [text.get_text() for text in figure.axes[0].texts] == ["1"]
    assert [text.get_text().split() for text in figure.legends[0].get_texts()] == [["1", "a", "0.500"]]
