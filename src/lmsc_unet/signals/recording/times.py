"""UTC times of samples: reads and writes them, and shifts them by seconds."""

from datetime import UTC, datetime, timedelta

_YEARS = range(1900, 2200)


def parse_utc(text: object) -> datetime | None:
    """A time by ISO 8601, as in `core:datetime`; without an offset it is UTC. None if it is no such text."""
    if not isinstance(text, str):
        return None
    try:
        time = datetime.fromisoformat(text.strip().upper())
        time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return time if time.year in _YEARS else None


def utc_of(seconds: float) -> datetime | None:
    """The time so many seconds after 1970; None for 0 and for times that no recording has."""
    return shifted(datetime(1970, 1, 1, tzinfo=UTC), seconds) if seconds > 0 else None


def shifted(time: datetime | None, seconds: float) -> datetime | None:
    """A later time; None if the time is unknown, or the sum is none that a recording has."""
    try:
        later = None if time is None else time + timedelta(seconds=seconds)
    except (OverflowError, ValueError):
        return None
    return later if later is not None and later.year in _YEARS else None


def format_utc(time: datetime) -> str:
    """A time as in `core:datetime`, in microseconds."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
