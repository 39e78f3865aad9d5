"""The results folder of `lmsc predict`: opened, refused, resumed; never another's files lost."""

import json
import os
import platform
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lmsc_unet.apps.segment.inputs import Item
from lmsc_unet.apps.segment.journal import JOURNAL, Entry, read_entries
from lmsc_unet.apps.segment.masks import name_of
from lmsc_unet.apps.segment.writers import FOLDERS
from lmsc_unet.core.results_files import cannot_write, mapping_of, read_described, remove, within, write_text
from lmsc_unet.core.storage import check_folder, temporary_of
from lmsc_unet.errors import OutputError

RUN_FILE = "run.json"
COMMAND = "lmsc predict"
RUNTIMES = ("torch", "onnxruntime", "openvino")
DECISIVE = ("threshold", "scale", "tile_px", "overlays", "probabilities", "mask_values", "backend")
"""The arguments that results depend on."""
BEFORE = {"mask_values": "ids"}
"""What was done before an argument was there."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a results folder was made by and of, as run.json has it."""

    arguments: Mapping[str, Any]
    """The command's arguments."""
    model: Mapping[str, Any]
    """The model's name, file and SHA-256."""
    classes: Sequence[Mapping[str, Any]] = ()
    """Id, name, value in a mask and colour of each class."""

    @property
    def decisive(self) -> dict[str, Any]:
        """What the results depend on, and what must be the same to resume."""
        return decisive(self.arguments, self.model)


def decisive(arguments: Mapping[str, Any], model: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that results depend on, and the model's SHA-256."""
    return {name: arguments.get(name, BEFORE.get(name)) for name in DECISIVE} | {"model_sha256": model.get("sha256")}


def open_results(
    out: Path, run: Run, items: Sequence[Item], *, resume: bool = False, overwrite: bool = False
) -> dict[str, Entry]:
    """Makes the results folder ready; gives the entries so far by name, none but when resuming.

    Raises:
        OutputError: the folder holds results and neither flag is given, or files of another's, or results of
            another model, other settings or other inputs that are to be resumed; or it cannot be written.
    """
    entries: dict[str, Entry] = {}
    within(out, JOURNAL)
    check_folder(out)
    if is_results(out):
        if not (resume or overwrite):
            raise OutputError(
                f"{out}: this folder holds results. Go on with them by --resume, replace them by --overwrite, "
                "or name another folder by --out."
            )
        remove_partial(out)
        if overwrite:
            clear_results(out)
        else:
            entries = _resumable(out, run, items)
    else:
        _check_free(out)
    write_run(out, run)
    return entries


def is_results(out: Path) -> bool:
    """Whether `lmsc predict` made the folder, finished or not."""
    return read_described(out / RUN_FILE).get("command") == COMMAND


def write_run(out: Path, run: Run, **outcome: Any) -> None:
    """Writes run.json: at the start, and at the end with the outcome.

    Raises:
        OutputError: the disk is full or the folder may not be written.
    """
    described = {
        "command": COMMAND,
        "arguments": dict(run.arguments),
        "model": dict(run.model),
        "classes": list(run.classes),
        "versions": versions(),
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        **outcome,
    }
    write_text(within(out, RUN_FILE), json.dumps(described, indent=2, ensure_ascii=False) + "\n")


def versions() -> dict[str, str]:
    """The versions of all that a prediction passes through; of runtimes only those that were loaded."""
    import numpy as np
    import PIL

    found = {
        "python": platform.python_version(),
        "lmsc-unet": version("lmsc-unet"),
        "numpy": np.__version__,
        "pillow": PIL.__version__,
    }
    loaded = {name: sys.modules[name] for name in RUNTIMES if name in sys.modules}
    return found | {name: str(module.__version__) for name, module in loaded.items()}


def clear_results(out: Path) -> None:
    """Removes what the list of predictions names, and the list; nothing else.

    Raises:
        OutputError: a file lies outside the folder, or may not be removed.
    """
    files = [file for entry in read_entries(out) for file in files_of(out, entry.mask)]
    for path in [*files, within(out, JOURNAL), within(out, RUN_FILE)]:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise cannot_write(path, error) from error


def files_of(out: Path, mask: str) -> list[Path]:
    """All files that may belong to one mask: itself, `overlays/NAME.png`, `probabilities/.../NAME.png`."""
    name = name_of(mask)
    classes = sorted(path.name for path in (out / "probabilities").glob("*") if path.name.isdigit())
    folders = [*FOLDERS[1:], *(f"probabilities/{number}" for number in classes)]
    return [within(out, mask), *(within(out, f"{folder}/{name}.png") for folder in folders)]


def remove_partial(out: Path) -> None:
    """Removes the half-written files that a kill may leave."""
    for folder in FOLDERS:
        for path in within(out, f"{folder}/any").parent.rglob(".*.tmp"):
            remove(path)
    for file in (RUN_FILE, JOURNAL):
        remove(temporary_of(out / file))


def _resumable(out: Path, run: Run, items: Iterable[Item]) -> dict[str, Entry]:
    described = read_described(out / RUN_FILE)
    before = decisive(mapping_of(described, "arguments"), mapping_of(described, "model"))
    changed = [f"{key}: {before[key]} -> {now}" for key, now in run.decisive.items() if before[key] != now]
    if changed:
        raise OutputError(
            f"{out}: the results were begun otherwise ({'; '.join(changed)}). Resume with what they were begun with, "
            "replace them by --overwrite, or name another folder by --out."
        )
    planned = {(item.name, str(item.path)) for item in items}
    entries = {entry.name: entry for entry in read_entries(out)}
    foreign = [entry.path for entry in entries.values() if (entry.name, entry.path) not in planned]
    if foreign:
        raise OutputError(
            f"{out}: the folder holds results of other inputs, {foreign[0]} among {len(foreign)}. Resume with the same "
            "inputs from the same folder, replace the results by --overwrite, or name another folder by --out."
        )
    return entries


def _check_free(out: Path) -> None:
    taken = [name for name in (*FOLDERS, JOURNAL, RUN_FILE) if os.path.lexists(out / name)]
    if taken:
        raise OutputError(
            f"{out}: the folder holds {', '.join(taken)}, which no `{COMMAND}` wrote. Name another folder by --out."
        )
