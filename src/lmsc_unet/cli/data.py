"""`lmsc data`: checks a folder of images and masks, or makes one."""

import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from lmsc_unet.data.options import DataOptions

app = App(name="data", help="Check a folder of images and masks, or make one.")


@app.command
def check(
    data: Path,
    *,
    options: Annotated[DataOptions, Parameter(name="*")] = DataOptions(),  # noqa: B008 - frozen
    output: Annotated[Literal["table", "json"], Parameter(name="--format")] = "table",
) -> int:
    """Say what a dataset holds and everything that is wrong with it; exit code 1 where training would fail.

    Args:
        data: The folder with the images and masks, or NuInsSeg as published.
        options: where images and masks lie, and what the masks' values mean.
        output: How to print the report.
    """
    from lmsc_unet.data.check import check_dataset
    from lmsc_unet.data.report import report_dict, report_text

    report = check_dataset(data, options, on_progress=_show_progress if sys.stderr.isatty() else None)
    if output == "json":
        import json

        print(json.dumps(report_dict(report), indent=2, ensure_ascii=False))
    else:
        print(report_text(report))
    return int(report.has_errors)


@app.command
def nuclei(out: Path, *, count: int = 40, size_px: int = 512, seed: int = 0) -> None:
    """Draw pictures of stained tissue with their nuclei known, to try things on.

    Writes images/, masks/ (0 and 255) and labels/ (16-bit numbers of the nuclei).

    Args:
        out: A new folder.
        count: How many pictures.
        size_px: Their side.
        seed: Another seed, other pictures.
    """
    from lmsc_unet.data.nuclei import write_nuclei

    write_nuclei(out, count=count, size_px=size_px, seed=seed)
    print(f"{count} pictures of {size_px} x {size_px} px with masks are in {out}")


def _show_progress(done: int, total: int) -> None:
    print(f"\rread {done} of {total}", end="" if done < total else "\r\033[K", file=sys.stderr, flush=True)
