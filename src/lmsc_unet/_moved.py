"""Renamed modules: the old names still import, with a DeprecationWarning, until version 0.3."""

import sys
import warnings
from collections.abc import Mapping
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import MappingProxyType, ModuleType

MOVED: Mapping[str, str] = MappingProxyType(
    {
        "lmsc_unet.data": "lmsc_unet.datasets",
        "lmsc_unet.data.reading": "lmsc_unet.datasets.load",
        "lmsc_unet.evaluation.evaluate": "lmsc_unet.evaluation.segmentation",
        "lmsc_unet.experiments": "lmsc_unet.reproduction",
        "lmsc_unet.images": "lmsc_unet.imageio",
        "lmsc_unet.prediction": "lmsc_unet.inference",
        "lmsc_unet.signal": "lmsc_unet.signals",
        "lmsc_unet.signal.scenes": "lmsc_unet.synthetic.radio",
        "lmsc_unet.signal.spectrogram": "lmsc_unet.signals.stft",
    }
)
"""Old name -> new name of a module or package; a package's modules follow."""


_LONGEST_FIRST = tuple(sorted(MOVED, reverse=True))


class _Finder:
    """The first finder on the path; otherwise a package under its old name would load its modules twice."""

    def find_spec(self, fullname: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
        is_moved = fullname.startswith("lmsc_unet.") and new_name(fullname)
        return ModuleSpec(fullname, self) if is_moved else None  # type: ignore[arg-type]

    def create_module(self, _spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        new = new_name(module.__name__)
        assert new is not None
        warnings.warn(f"{module.__name__} is {new} now.", DeprecationWarning, stacklevel=2)
        sys.modules[module.__name__] = import_module(new)


def new_name(old: str) -> str | None:
    """The current name of a renamed module; None for others."""
    moved = next((prefix for prefix in _LONGEST_FIRST if f"{old}.".startswith(f"{prefix}.")), None)
    return None if moved is None else MOVED[moved] + old.removeprefix(moved)


def find_moved() -> None:
    """Installs the finder of old names."""
    sys.meta_path.insert(0, _Finder())
