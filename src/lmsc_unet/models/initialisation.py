"""He initialisation, which the paper uses everywhere (section 3.2; He et al. 2015)."""

from torch import nn


def initialise_he(model: nn.Module) -> None:
    """Draws every convolution's weights from a normal distribution of deviation sqrt(2 / fan_in); biases are 0."""
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
