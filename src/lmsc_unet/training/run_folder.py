"""The folder of one run: creates, rejects or resumes it; another run's results are never lost."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from lmsc_unet.config import differences, from_mapping, read_yaml, to_yaml
from lmsc_unet.core.storage import check_folder, write_text
from lmsc_unet.errors import ConfigError, OutputError
from lmsc_unet.training.config import TrainConfig

CONFIG_FILE = "config.yaml"
FILES = (
    *("best.ckpt", "best.ckpt.sha256", "last.ckpt", "last.ckpt.sha256"),
    *("metrics.csv", "split.csv", "per_image.csv", "curves.png", "predictions.png", "summary.json"),
    *(f"{name}-{16 * '[0-9a-f]'}.onnx" for name in ("best", "last")),
    *("tensorboard/events.out.tfevents.*", "tensorboard/hparams.yaml", ".*.partial", ".*.tmp"),
    CONFIG_FILE,
)
"""The files of a run, as patterns; the config is removed last, since it identifies a run folder."""
FREE_ON_RESUME = ("workers", "devices")
"""Settings that do not change the result of a run and may differ when it is resumed."""


def check_run_folder(folder: Path, config: TrainConfig, *, resume: bool, overwrite: bool) -> None:
    """Rejects a folder that this run must not be written to; writes nothing.

    Raises:
        OutputError: the folder holds another run, or something else.
        ConfigError: the run to resume was started with other settings.
    """
    check_folder(folder)
    if is_run(folder):
        if resume:
            _check_same(folder, config)
        elif not overwrite:
            raise OutputError(
                f"{folder}: this folder holds a run. Go on with it by --resume, replace it by --overwrite, "
                "or name another folder by --out."
            )
    elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"{folder}: this is not an empty folder and holds no run. Name another by --out.")


def open_run(folder: Path, config: TrainConfig, *, resume: bool, overwrite: bool) -> None:
    """Creates the run folder with its config, or resumes the existing one.

    Raises:
        OutputError: the folder holds another run or something else, or cannot be created.
        ConfigError: the run to resume was started with other settings.
    """
    check_run_folder(folder, config, resume=resume, overwrite=overwrite)
    if is_run(folder):
        if resume:
            return
        clear_run(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: the run folder cannot be made ({error.strerror}). Name another.") from error
    write_text(folder / CONFIG_FILE, to_yaml(config))


def is_run(folder: Path) -> bool:
    """Whether a folder holds a run, finished or not."""
    return (folder / CONFIG_FILE).is_file()


def read_config(folder: Path) -> TrainConfig:
    """The config with which a run was started."""
    path = folder / CONFIG_FILE
    return from_mapping(TrainConfig, read_yaml(path), str(path))


def as_begun(folder: Path, config: TrainConfig) -> TrainConfig:
    """The config with the scaling of the run in the folder, if it leaves the choice open."""
    if config.input.scaling != "auto" or not is_run(folder):
        return config
    return replace(config, input=replace(config.input, scaling=read_config(folder).input.scaling))


def config_diff(started: TrainConfig, config: TrainConfig) -> list[str]:
    """The settings in which two configs differ, as `name: left -> right`, except those that may change on resume."""
    return [line for line in differences(started, config) if line.split(":")[0] not in FREE_ON_RESUME]


def clear_run(folder: Path) -> None:
    """Removes a run's files, also its folds', and nothing else.

    Raises:
        OutputError: a file cannot be removed.
    """
    for fold in filter(is_run, folder.glob("fold-*")):
        clear_run(fold)
        _remove_if_empty(fold)
    try:
        for pattern in FILES:
            for path in folder.glob(pattern):
                path.unlink()
    except OSError as error:
        raise OutputError(f"{error.filename}: cannot be removed ({error.strerror}). Name another folder.") from error
    _remove_if_empty(folder / "tensorboard")


def discard_unstarted(folder: Path) -> None:
    """Removes a run without a finished epoch, so that it does not block the next attempt."""
    if is_run(folder) and not any(folder.glob("last.ckpt")) and not any(folder.glob("fold-*/last.ckpt")):
        clear_run(folder)
        _remove_if_empty(folder)


def _remove_if_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()


def _check_same(folder: Path, config: TrainConfig) -> None:
    changed = config_diff(read_config(folder), config)
    if changed:
        raise ConfigError(
            f"{folder}: the run was started with other settings ({'; '.join(changed)}). "
            "Resume it without them, or start a new run in another folder."
        )
