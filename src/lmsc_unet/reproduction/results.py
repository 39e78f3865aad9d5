"""results.json: what was measured, section by section; the report is drawn from it alone."""

import json
from pathlib import Path
from typing import Any

from lmsc_unet.core.storage import write_text
from lmsc_unet.errors import OutputError

FILE = "results.json"
VERSION = 2
"""Of the file's layout."""


def read_results(out: Path) -> dict[str, Any]:
    """The sections that are there already; none where there is no file.

    Raises:
        OutputError: the file is no such file, or of another version.
    """
    path = out / FILE
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        version, sections = content["version"], dict(content["sections"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OutputError(
            f"{path}: this is no results file of `lmsc reproduce`. Name another folder by --out."
        ) from error
    if version != VERSION:
        raise OutputError(
            f"{path}: written in version {version} of the file, and this lmsc-unet writes version {VERSION}. "
            "Name another folder by --out, or remove the file; finished runs in runs/ are kept."
        )
    return sections


def write_results(out: Path, sections: dict[str, Any]) -> None:
    """Replaces the file as a whole.

    Raises:
        OutputError: the disk is full or the folder may not be written.
    """
    text = json.dumps({"version": VERSION, "sections": sections}, indent=2, ensure_ascii=False, allow_nan=False)
    write_text(out / FILE, text + "\n")
