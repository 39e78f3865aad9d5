"""Samples from a receiver in the network by rtl_tcp's protocol.

The server greets by 12 bytes, "RTL0", the tuner and its number of gains (dongle_info_t in rtl_tcp.c of rtl-sdr), then
sends cu8 samples. A command is one byte and a number of four, the highest first: 1 sets the frequency, 2 the rate.
"""

import re
import socket
import struct
from contextlib import ExitStack
from typing import IO

from lmsc_unet.errors import ConfigError, DataError
from lmsc_unet.signals.recording.datatypes import parse_datatype
from lmsc_unet.signals.recording.metadata import checked_rate
from lmsc_unet.signals.recording.stream import Stream

SCHEME = "rtl_tcp:"
_ADDRESS = re.compile(r"rtl_tcp:/{0,2}(?P<host>\[[^\]]+\]|[^:/]*)(?::(?P<port>\d{1,5}))?/?")  # Path() drops a slash
_PORT, _PATIENCE_S = 1234, 10.0
_SET_FREQUENCY, _SET_RATE = 1, 2
_HIGHEST = 2**32 - 1


def open_rtl_tcp(address: str, *, sample_rate_hz: float | None, center_hz: float | None) -> Stream:
    """Connects to `rtl_tcp://HOST:PORT` and tunes the receiver.

    Raises:
        ConfigError: the address is none, or rate or frequency are missing: the server does not say them.
        DataError: nobody answers there, or not by this protocol.
    """
    match = _ADDRESS.fullmatch(address)
    if match is None:
        raise ConfigError(f"{address} is no address of rtl_tcp. Write it like rtl_tcp://127.0.0.1:1234.")
    if sample_rate_hz is None or center_hz is None:
        raise ConfigError(f"{address}: rtl_tcp must be told what to receive. Give --sample-rate-hz and --center-hz.")
    rate_hz = checked_rate(sample_rate_hz, address)
    for name, value in (("--sample-rate-hz", rate_hz), ("--center-hz", center_hz)):
        if not 0 < value <= _HIGHEST:
            raise ConfigError(f"{address}: {name} is {value:g}; rtl_tcp takes 1 to {_HIGHEST}.")
    place = (match["host"].strip("[]") or "127.0.0.1", int(match["port"] or _PORT))
    try:
        file = _tuned(address, place, _command(_SET_RATE, rate_hz) + _command(_SET_FREQUENCY, center_hz))
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{address}: no connection ({reason}). Start rtl_tcp there, or check host and port.") from error
    return Stream(
        file=file,
        datatype=parse_datatype("cu8"),
        sample_rate_hz=rate_hz,
        center_hz=center_hz,
        name="rtl_tcp",
        source=address,
        is_live=True,
    )


def _tuned(address: str, place: tuple[str, int], commands: bytes) -> IO[bytes]:
    """The samples of a receiver that was sent commands; closing them closes the connection."""
    with socket.create_connection(place, timeout=_PATIENCE_S) as receiver, ExitStack() as stack:
        file = stack.enter_context(receiver.makefile("rb"))
        if file.read(12)[:4] != b"RTL0":
            raise DataError(f"{address}: what answers there is no rtl_tcp. Check host and port.")
        receiver.sendall(commands)
        receiver.settimeout(None)
        stack.pop_all()
    return file


def _command(number: int, value: float) -> bytes:
    return struct.pack(">BI", number, round(value))
