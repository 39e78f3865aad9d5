"""The folder of one run: made, refused, resumed; never another run's results lost."""

import shutil
from pathlib import Path

from lmsc_unet.config import differences, from_mapping, read_yaml, to_yaml
from lmsc_unet.errors import ConfigError, OutputError
from lmsc_unet.prediction.files import write_text
from lmsc_unet.training.config import TrainConfig

CONFIG_FILE = "config.yaml"
FREE_ON_RESUME = ("workers", "devices")
"""Settings that do not change what a run ends with, and may differ when it is resumed."""


def open_run(folder: Path, config: TrainConfig, *, resume: bool, overwrite: bool) -> None:
    """Makes the run folder with its config, or takes up the one that is there.

    Raises:
        OutputError: the folder holds another run, or something else, or cannot be made.
        ConfigError: the run to resume was started with other settings.
    """
    if is_run(folder):
        if resume:
            _check_same(folder, config)
            return
        if not overwrite:
            raise OutputError(
                f"{folder}: this folder holds a run. Go on with it by --resume, replace it by --overwrite, "
                "or name another folder by --out."
            )
        clear_run(folder)
    elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"{folder}: this is not an empty folder and holds no run. Name another by --out.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: the run folder cannot be made ({error.strerror}). Name another.") from error
    write_text(folder / CONFIG_FILE, to_yaml(config))


def is_run(folder: Path) -> bool:
    """Whether a folder holds a run, finished or not."""
    return (folder / CONFIG_FILE).is_file()


def read_config(folder: Path) -> TrainConfig:
    """The config that a run was started with."""
    path = folder / CONFIG_FILE
    return from_mapping(TrainConfig, read_yaml(path), str(path))


def clear_run(folder: Path) -> None:
    """Removes what a run wrote, and nothing else."""
    for pattern in ("*.ckpt", "*.sha256", "*.csv", "*.png", "*.json", CONFIG_FILE, ".*.partial", ".*.tmp"):
        for path in folder.glob(pattern):
            path.unlink()
    for fold in folder.glob("fold-*"):
        if is_run(fold):
            shutil.rmtree(fold)
    shutil.rmtree(folder / "tensorboard", ignore_errors=True)


def _check_same(folder: Path, config: TrainConfig) -> None:
    changed = [line for line in differences(read_config(folder), config) if line.split(":")[0] not in FREE_ON_RESUME]
    if changed:
        raise ConfigError(
            f"{folder}: the run was started with other settings ({'; '.join(changed)}). "
            "Resume it without them, or start a new run in another folder."
        )
