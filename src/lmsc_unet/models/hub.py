"""What huggingface_hub does: writes a network's folder by its mixin, uploads it, fetches it.

The package is loaded when a network is saved or fetched; `pip install "lmsc-unet[hub]"` brings it.
"""

import json
import types
from functools import cache
from pathlib import Path
from typing import Any

from torch import nn

from lmsc_unet.config import to_mapping
from lmsc_unet.errors import ModelError

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
    """The same weights in a class that huggingface_hub's mixin knows how to write and upload.

    Raises:
        ModelError: huggingface_hub or safetensors is not installed.
    """
    kind: Any = type(network)
    try:
        import safetensors  # noqa: F401 - the mixin misses it late

        made = _hub_class(kind)(network.config)
    except ModuleNotFoundError as error:
        raise not_installed(error) from error
    made.load_state_dict(network.state_dict(), assign=True)
    return made


def download(repository: str, revision: str | None) -> Path:
    """Fetches a network's config and weights; gives the folder that they are in.

    Raises:
        ModelError: huggingface_hub is not installed, or the hub does not give the files.
    """
    try:
        from huggingface_hub import snapshot_download
    except ModuleNotFoundError as error:
        raise not_installed(error) from error
    try:
        files = [CONFIG_FILE, WEIGHTS_FILE]
        return Path(snapshot_download(repository, revision=revision, allow_patterns=files))
    except Exception as error:  # of the network, the hub, the disk: each library has its own
        reason = str(error).partition("\n")[0]
        raise ModelError(f"{repository}: it cannot be fetched from the Hugging Face hub ({reason}).") from error


def not_installed(error: ModuleNotFoundError) -> ModelError:
    """What to say where a package of the extra is missing."""
    return ModelError(f'{error.name} is not installed. Try: pip install "lmsc-unet[hub]"')


@cache
def _hub_class(kind: Any) -> Any:
    """The class with the mixin before it; it writes its config itself, as the mixin's JSON has no sets."""
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
