"""Networks with weights: bundled ones, folders, and the Hugging Face hub.

The hub's package is imported only when a network is saved or downloaded; install it by `pip install "lmsc-unet[hub]"`.
"""

import json
import types
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from torch import nn

from lmsc_unet.catalog import ModelConfig, model_config
from lmsc_unet.config import from_mapping, to_mapping
from lmsc_unet.core.storage import cannot_write
from lmsc_unet.errors import ConfigError, ModelError
from lmsc_unet.inference.bundled import bundled_files, float32_file, hint
from lmsc_unet.models.onnx_weights import load_folded, read_layers

if TYPE_CHECKING:
    from os import PathLike


CONFIG_FILE, WEIGHTS_FILE = "config.json", "model.safetensors"
PAPER = "https://doi.org/10.5220/0013343800003890"
CARD = """---
{{ card_data }}
---

# A network of lmsc-unet

```python
from lmsc_unet.models import NETWORK

network = NETWORK.from_pretrained("...")  # this repository's name, or a folder of these files
```

The network is described in {{ paper_url }}; `config.json` holds its widths, channels and classes.
"""


def on_hub(network: nn.Module) -> Any:
    """The same weights in a class with huggingface_hub's mixin, for saving and upload.

    Raises:
        ModelError: huggingface_hub or safetensors is not installed.
    """
    kind: Any = type(network)
    try:
        import safetensors  # noqa: F401 - the mixin would report it too late

        made = _hub_class(kind)(network.config)
    except ModuleNotFoundError as error:
        raise not_installed(error) from error
    made.load_state_dict(network.state_dict(), assign=True)
    return made


def download(repository: str, revision: str | None) -> Path:
    """Downloads a network's config and weights; returns their folder.

    Raises:
        ModelError: huggingface_hub is not installed, or the download fails.
    """
    try:
        from huggingface_hub import snapshot_download
    except ModuleNotFoundError as error:
        raise not_installed(error) from error
    try:
        files = [CONFIG_FILE, WEIGHTS_FILE]
        return Path(snapshot_download(repository, revision=revision, allow_patterns=files))
    except Exception as error:  # network, hub or disk: each library has its own errors
        reason = str(error).partition("\n")[0]
        raise ModelError(f"{repository}: it cannot be fetched from the Hugging Face hub ({reason}).") from error


def not_installed(error: ModuleNotFoundError) -> ModelError:
    """The error for a missing package of the extra."""
    return ModelError(f'{error.name} is not installed. Try: pip install "lmsc-unet[hub]"')


@cache
def _hub_class(kind: Any) -> Any:
    """The class with the mixin; it writes its config itself, as the mixin's JSON has no sets."""
    from huggingface_hub import PyTorchModelHubMixin

    mixin: Any = PyTorchModelHubMixin

    def save(self: Any, save_directory: Path) -> None:
        text = json.dumps(to_mapping(self.config), indent=2)
        (save_directory / CONFIG_FILE).write_text(text + "\n", encoding="utf-8")
        mixin._save_pretrained(self, save_directory)

    about = {
        "library_name": "lmsc-unet",
        "pipeline_tag": "image-segmentation",
        "paper_url": PAPER,
        "model_card_template": CARD.replace("NETWORK", kind.__name__),
    }
    return types.new_class(kind.__name__, (mixin, kind), about, lambda body: body.update(_save_pretrained=save))


class Pretrained(nn.Module):
    """A network built from its config, which can be loaded and saved with its weights."""

    CONFIG: ClassVar[type[Any]]
    """The class of its configs."""
    config: ModelConfig

    @classmethod
    def from_pretrained(cls, name: "str | PathLike[str]", *, revision: str | None = None) -> Self:
        """Loads the network with its weights, in evaluation mode.

        A bundled model's batch norms are folded into its convolutions; call `lmsc_unet.models.restore_norms` before
        training it further.

        Args:
            name: A folder of `save_pretrained`, a bundled model's name (its float32 weights), or `user/repository`
                on the Hugging Face hub.
            revision: On the hub: a branch, tag or commit.

        Raises:
            ModelError: the name is unknown, the model is damaged or of another network, or a package is missing.
        """
        if Path(name).is_dir():
            return cls._from_folder(Path(name))
        if isinstance(name, str) and name in bundled_files():
            return cls._from_bundled(name)
        if isinstance(name, str) and name.count("/") == 1 and not name.startswith((".", "/", "~")):
            return cls._from_folder(download(name, revision))
        raise ModelError(f"There is no folder {name} and no bundled model of that name. {hint(str(name))}")

    def save_pretrained(self, folder: "str | PathLike[str]") -> None:
        """Writes config.json, model.safetensors and a card to a folder, for `from_pretrained`.

        Raises:
            ModelError: huggingface_hub or safetensors is not installed.
            OutputError: the folder is not writable.
        """
        try:
            on_hub(self).save_pretrained(folder)
        except OSError as error:
            raise cannot_write(Path(folder), error) from error

    def push_to_hub(self, repository: str, **options: Any) -> str:
        """Uploads the files of `save_pretrained` to `user/repository`; returns the commit's address.

        Args:
            repository: Created if it does not exist.
            options: `private`, `token`, `commit_message`, ... of huggingface_hub's `ModelHubMixin.push_to_hub`.

        Raises:
            ModelError: huggingface_hub or safetensors is not installed.
        """
        return str(on_hub(self).push_to_hub(repository, **options))

    @classmethod
    def _from_folder(cls, folder: Path) -> Self:
        try:
            from safetensors.torch import load_file

            mapping = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
            network = cls(from_mapping(cls.CONFIG, mapping, str(folder / CONFIG_FILE)))
            network.load_state_dict(load_file(folder / WEIGHTS_FILE), strict=True)
        except ModuleNotFoundError as error:
            raise not_installed(error) from error
        except ConfigError as error:
            raise ModelError(f"{error} The folder contains another network than {cls.__name__}.") from error
        except Exception as error:  # safetensors raises its own kinds without a common base class
            reason = str(error).partition("\n")[0]
            raise ModelError(f"{folder}: no {cls.__name__} can be loaded from it ({reason}).") from error
        return network.eval()

    @classmethod
    def _from_bundled(cls, name: str) -> Self:
        file = float32_file(name)
        if file is None:
            raise ModelError(f"The bundled model {name} has no float32 file, which PyTorch needs.")
        layers, description = read_layers(file)
        spec = description.spec
        config = model_config(spec.name, input_channels=spec.input_channels, num_classes=spec.num_outputs)
        if type(config) is not cls.CONFIG:
            raise ModelError(
                f"{name} is a network {spec.name}, not a {cls.__name__}. Call from_pretrained of its class: "
                f"{type(config).__name__.removesuffix('Config')}."
            )
        network = cls(config)
        load_folded(network, layers, str(file))
        return network.eval()

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
