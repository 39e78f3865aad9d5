"""`lmsc train`: from a folder of images and masks, or of recordings, to a run folder with a model."""

import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import yaml
from cyclopts import App, ArgumentCollection, Parameter, Token
from cyclopts.config import Dict
from cyclopts.help import DefaultFormatter, HelpPanel

from lmsc_unet.cli.numbers import whole_numbers
from lmsc_unet.config import checked, read_yaml, to_mapping
from lmsc_unet.core.stopping import exit_code
from lmsc_unet.errors import ConfigError
from lmsc_unet.training.config import GROUPS, TrainConfig
from lmsc_unet.training.recipes import FINE_TUNING, RECIPES, layout_settings, merged
from lmsc_unet.training.run_folder import is_run, read_config

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions


def settings_in_layers(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Completes the command line: from the run to resume, or from the recipe and the YAML file."""
    given = {argument.name.lstrip("-"): argument.tokens[0].value for argument in arguments if argument.tokens}
    out, file = given.get("out"), given.get("config")
    from_file = checked(TrainConfig, read_yaml(Path(file)), file) if file is not None else {}
    if "resume" in given and out is not None and is_run(Path(out)):
        settings = merged(to_mapping(read_config(Path(out))), from_file)
    else:
        recipe = given.get("recipe", from_file.get("recipe", "strong"))
        of_data = layout_settings(Path(given.get("DATA", "")))
        of_weights = _weights_settings(given.get("initial-weights", from_file.get("initial_weights", "")))
        settings = merged(RECIPES.get(recipe, {}), of_data, of_weights, from_file)
    Dict(_as_options(settings), use_commands_as_keys=False)(app, commands, arguments)
    _add_network(arguments, settings.get("network", {}))


FEW_EPOCHS = 10
"""With fewer, masks are noisy, and the averaged weights, which are validated, lag behind."""


def format_briefly(console: "Console", options: "ConsoleOptions", panel: HelpPanel) -> None:
    """Prints an option group as one line; the options used first are printed in full."""
    about = {group.name: group.help for group in GROUPS}.get(str(panel.title))
    if about is None:
        DefaultFormatter()(console, options, panel)
    else:
        console.print(f"  {panel.title:24}{about}", markup=False, highlight=False, soft_wrap=True)


ABOUT = "Train a model on a folder of images and masks, or of SigMF recordings."
MORE = "`lmsc train --help-all` lists the options of every group."
USAGE = "Usage: lmsc train DATA --out PATH [OPTIONS]"
CONFIG = (settings_in_layers, whole_numbers)
app = App(
    name="train", help=ABOUT, usage=USAGE, config=CONFIG, help_formatter=format_briefly, help_epilogue=f"\n{MORE}"
)
full = App(name="lmsc train", help=ABOUT, usage=USAGE, help_flags=(), version_flags=())
"""The same command with complete help."""


@app.command(name="--help-all", show=False, config=whole_numbers)
def help_all() -> None:
    """List all options by group."""
    full.help_print([])


@full.default
@app.default
def train(
    data: Path,
    /,
    *,
    out: Path,
    settings: Annotated[TrainConfig, Parameter(name="*")] = TrainConfig(),  # noqa: B008 - frozen
    config: Path | None = None,  # noqa: ARG001 - read by settings_in_layers
    resume: Annotated[bool, Parameter(negative="")] = False,
    overwrite: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Train a model on a folder of images and masks, or of SigMF recordings.

    Args:
        data: Folder with images/ and masks/ paired by stem, NuInsSeg as published, or SigMF recordings.
        out: The run folder to write.
        settings: All settings of the training; a recipe sets them, a YAML file and options change them.
        config: YAML file of settings, such as the config.yaml of a run folder.
        resume: Continue the run in the folder after a kill or an error; starts a new one if there is none.
        overwrite: Replace the run in the folder.
    """
    from lmsc_unet.training.process import is_leader, prepare_process
    from lmsc_unet.training.run import run

    settings = replace(settings, network=parse_overrides(settings.network))
    prepare_process()
    if resume and not is_run(out):
        print(f"lmsc: {out} holds no run to resume; a new one starts.", file=sys.stderr)
    try:
        summary = run(data, out, settings, resume=resume, overwrite=overwrite)
    except KeyboardInterrupt as stop:
        if not is_leader():
            return exit_code(stop)
        message = stop.args[0] if stop.args else "stopped. The finished epochs are kept"
        raise type(stop)(f"{message} in {out}; go on by --resume.") from None
    if summary:  # empty in the other processes
        print_summary(summary, out)
        if settings.epochs < FEW_EPOCHS:
            named = "1 epoch is" if settings.epochs == 1 else f"{settings.epochs} epochs are"
            print(f"{named} few: masks are still rough. Train a new run with more, such as --epochs 50.")
    return 0


def print_summary(summary: Mapping[str, Any], out: Path) -> None:
    """Prints the main scores of the best and the last epoch, and the files to look at."""
    from lmsc_unet.core.tables import Table, print_tables

    has_folds = "folds" in summary
    title = f"mean over {summary['folds']} folds ± standard deviation" if has_folds else "on the validation images"
    epochs = (key for key in summary if key.startswith(("best", "last")) and not key.startswith("best_epoch"))
    rows = (
        (epoch.replace("_", " "), *(_share(summary[epoch]["paper"][name]) for name in ("dc", "miou", "f1", "acc")))
        for epoch in epochs
    )
    headings = ("epoch", "Dice per image", "IoU per image", "F1 pooled", "accuracy")
    print_tables(Table(title=title, headings=headings, rows=tuple(rows)))
    pictures = "fold-*/" if has_folds else ""
    print(f"{out}: {pictures}curves.png, {pictures}predictions.png, summary.json")


def _share(value: Any) -> str:
    if isinstance(value, Mapping):
        spread = f" ± {value['std']:.4f}" if value["std"] is not None else ""
        return _share(value["mean"]) + spread
    return "-" if value is None else f"{value:.4f}"


def _weights_settings(source: str) -> Mapping[str, Any]:
    """The settings that follow from initial weights; imports PyTorch only if there are any."""
    if not source:
        return {}
    from lmsc_unet.training.pretrained import scaling_settings

    return merged(FINE_TUNING, scaling_settings(source))


def _as_options(settings: Mapping[str, Any]) -> dict[str, Any]:
    """A config's mapping in command-line form: data settings at the top level, no nulls, no network."""
    top = {key: value for key, value in settings.items() if key not in ("data", "network")}
    flat = top | dict(settings.get("data", {}))
    return {key: _plain(value) for key, value in flat.items() if value is not None and value != []}


def _add_network(arguments: ArgumentCollection, network: Mapping[str, Any]) -> None:
    """Adds network fields missing on the command line; cyclopts reads a mapping from one source only."""
    (argument,) = (argument for argument in arguments if argument.name == "--network")
    given = {_underscored(key) for token in argument.tokens for key in token.keys}
    for key in (key for key in network if key not in given):
        argument.append(Token(keyword=f"--network.{key}", value=json.dumps(network[key]), source="config", keys=(key,)))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items() if item is not None and item != []}
    return value


def parse_overrides(network: Mapping[str, Any]) -> dict[str, Any]:
    """Parses the texts of --network.FIELD as YAML: [16, 32] is a list, 2 a number.

    Raises:
        ConfigError: a text is not YAML.
    """
    try:
        return {
            _underscored(key): yaml.safe_load(value) if isinstance(value, str) else value
            for key, value in network.items()
        }
    except yaml.YAMLError as error:
        raise ConfigError(f"--network: {error}") from error


def _underscored(key: object) -> str:
    return str(key).replace("-", "_")
