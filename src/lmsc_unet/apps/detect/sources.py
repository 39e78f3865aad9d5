"""Where samples arrive while they are searched: standard input, named pipes, rtl_tcp."""

import stat
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from lmsc_unet.apps.detect.inputs import NOW, RawFormat
from lmsc_unet.errors import ConfigError, DataError
from lmsc_unet.signals.recording import Stream, open_stream
from lmsc_unet.signals.recording.file_names import read_hints
from lmsc_unet.signals.recording.rtl_tcp import SCHEME, open_rtl_tcp

STANDARD_INPUT = "-"


def is_live(path: Path) -> bool:
    """Whether samples arrive there: standard input, rtl_tcp, a named pipe or a device."""
    if str(path) == STANDARD_INPUT or str(path).startswith(SCHEME):
        return True
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):  # reported where files are opened
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def open_source(inputs: Sequence[Path], raw: RawFormat, standard_input: IO[bytes]) -> Stream | None:
    """Opens the stream among the inputs; None if they are files. A named pipe is waited for until it has a writer.

    Raises:
        ConfigError: it is not the only input, or options are missing.
        DataError: a pipe's datatype or sample rate is missing, or it cannot be opened.
    """
    live = next(filter(is_live, inputs), None)
    if live is None:
        return None
    if len(inputs) > 1:
        what = "standard input" if str(live) == STANDARD_INPUT else "no file"
        raise ConfigError(f"{live} is {what}, which cannot be combined with files. Name one of the two.")
    if raw.num_channels not in (None, 1):
        raise ConfigError(
            f"--num-channels is {raw.num_channels}, but {live} is read as one channel. Record it to a file."
        )
    if str(live).startswith(SCHEME):
        return _open_receiver(str(live), raw)
    if str(live) == STANDARD_INPUT:
        return open_stream(standard_input, **_given(raw))
    return _open_pipe(live, raw)


def _open_receiver(address: str, raw: RawFormat) -> Stream:
    if raw.datatype is not None or raw.start is not None:
        raise ConfigError(
            f"--datatype and --start are for files and pipes; {address} sends cu8 of now. Leave them out."
        )
    return open_rtl_tcp(address, sample_rate_hz=raw.sample_rate_hz, center_hz=raw.center_hz)


def _open_pipe(path: Path, raw: RawFormat) -> Stream:
    hints = read_hints(path)
    given = _given(raw)
    for name in ("datatype", "sample_rate_hz", "center_hz"):
        given[name] = getattr(hints, name) if given[name] is None else given[name]
    # refuses incomplete options before it waits for a writer
    stream = open_stream(None, path=path, **given)  # type: ignore[arg-type]
    try:
        file = path.open("rb")
    except OSError as error:
        raise DataError(f"{path}: it cannot be opened ({error.strerror}). See that it may be read.") from error
    return replace(stream, file=file)


def _given(raw: RawFormat) -> dict[str, Any]:
    return {
        "datatype": raw.datatype,
        "sample_rate_hz": raw.sample_rate_hz,
        "center_hz": raw.center_hz,
        "start_utc": raw.start_utc,
        "is_live": raw.start == NOW,
    }
