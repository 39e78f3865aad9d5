"""The catalog's network with a run's changes."""

from lmsc_unet.catalog import ModelConfig, model_config
from lmsc_unet.config import from_mapping
from lmsc_unet.errors import ConfigError
from lmsc_unet.training.config import TrainConfig


def network_config(config: TrainConfig, input_channels: int, num_logits: int) -> ModelConfig:
    """The catalog's config of a run's model, with the fields of `config.network`, and channels and logits by the data.

    Raises:
        ConfigError: an unknown model, a field that its config does not have, or one that follows from the data.
    """
    base = model_config(config.model, input_channels=input_channels, num_classes=num_logits)
    fields = {name: getattr(base, name) for name in base.__dataclass_fields__}
    changes = {str(key).replace("-", "_"): value for key, value in config.network.items()}
    if changes.keys() & {"input_channels", "num_classes"}:
        raise ConfigError("network.input_channels and network.num_classes follow from the data; leave them out.")
    return from_mapping(type(base), fields | changes, "network")
