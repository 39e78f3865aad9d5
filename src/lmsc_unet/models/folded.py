"""Weights of an exported file back in a network: each convolution carries its batch norm, which is left as it is not.

Such a network gives the logits of the file, and its batch norms do nothing. In training they would, by the mean and
variance of each batch; `restore_norms` makes them do what they did before the export.
"""

from collections.abc import Iterable, Iterator, Mapping

import torch
from torch import Tensor, nn

from lmsc_unet.errors import ModelError
from lmsc_unet.models.onnx_weights import Layer

Convolution = nn.Conv2d | nn.ConvTranspose2d


@torch.no_grad()
def load_folded(network: nn.Module, layers: Mapping[str, Layer], source: str) -> None:
    """Loads the convolutions of an exported file; each batch norm becomes the identity, with the bias of its layer.

    Raises:
        ModelError: the file's network has other layers than this one; the first is named.
    """
    own = dict(_convolutions(network))
    for name in sorted(own.keys() ^ layers.keys()):
        raise ModelError(f"{source}: its network is another: {name} is in one of the two alone.")
    for name, (conv, norm) in own.items():
        layer = layers[name]
        if tuple(conv.weight.shape) != layer.weight.shape:
            found, needed = _sides(layer.weight.shape), _sides(conv.weight.shape)
            raise ModelError(f"{source}: its network is another: {name} is {found} there and {needed} here.")
        conv.weight.copy_(torch.from_numpy(layer.weight))
        bias = torch.zeros(_channels(conv)) if layer.bias is None else torch.from_numpy(layer.bias)
        if norm is not None:
            _make_identity(norm, bias)
        if conv.bias is not None:
            conv.bias.copy_(bias if norm is None else torch.zeros_like(bias))


@torch.no_grad()
def restore_norms(network: nn.Module, batches: Iterable[Tensor]) -> None:
    """Gives each batch norm the mean and variance of what it sees, and leaves the network's logits as they are.

    Needed before a folded network is trained further.

    Args:
        network: Its logits in evaluation mode do not change.
        batches: Prepared pixels "B C H W" like those of the training.
    """
    norms = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    seen = {norm: _Moments() for norm in norms}
    handles = [norm.register_forward_pre_hook(lambda norm, inputs: seen[norm].add(inputs[0])) for norm in norms]
    was_training = network.training
    try:
        network.eval()
        for batch in batches:
            network(batch)
    finally:
        network.train(was_training)
        for handle in handles:
            handle.remove()
    for norm, moments in seen.items():
        _set_statistics(norm, moments)


class _Moments:
    """The mean and variance of each channel over all that was added."""

    def __init__(self) -> None:
        self.number = 0
        self.total = self.squares = torch.zeros(())

    def add(self, x: Tensor) -> None:
        """Adds what a batch norm is given, "B C H W"."""
        x = x.double()
        self.number += x.numel() // x.shape[1]
        self.total = self.total + x.sum((0, 2, 3))
        self.squares = self.squares + (x * x).sum((0, 2, 3))

    @property
    def mean(self) -> Tensor:
        """Of each channel."""
        return self.total / self.number

    @property
    def variance(self) -> Tensor:
        """Of each channel."""
        return (self.squares / self.number - self.mean**2).clamp(min=0)


def _set_statistics(norm: nn.BatchNorm2d, moments: _Moments) -> None:
    """What was `scale * x + shift` still is, by other numbers."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
    shift = norm.bias.double() - scale * norm.running_mean.double()
    norm.running_mean.copy_(moments.mean)
    norm.running_var.copy_(moments.variance)
    norm.weight.copy_(scale * (moments.variance + norm.eps).sqrt())
    norm.bias.copy_(shift + scale * moments.mean)


def _make_identity(norm: nn.BatchNorm2d, bias: Tensor) -> None:
    norm.reset_running_stats()
    nn.init.constant_(norm.weight, (1 + norm.eps) ** 0.5)
    norm.bias.copy_(bias)


def _convolutions(network: nn.Module) -> Iterator[tuple[str, tuple[Convolution, nn.BatchNorm2d | None]]]:
    """Each convolution with the batch norm beside it, by its name."""
    for name, layer in network.named_modules():
        if isinstance(layer, Convolution):
            beside = getattr(network.get_submodule(name.rpartition(".")[0]), "norm", None)
            yield name, (layer, beside if isinstance(beside, nn.BatchNorm2d) else None)


def _channels(conv: Convolution) -> int:
    return conv.out_channels


def _sides(shape: Iterable[int]) -> str:
    return " x ".join(map(str, shape))
