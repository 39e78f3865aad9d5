"""Found signals as rows of a table and as JSON lines."""

import csv
import io
from collections.abc import Iterable

from lmsc_unet.core.storage import to_json
from lmsc_unet.signals.boxes import SignalBox

COLUMNS = ("start_s", "stop_s", "low_hz", "high_hz", "bandwidth_hz", "snr_db", "confidence", "label")


def to_row(box: SignalBox, sample_rate_hz: float) -> dict[str, float | str | None]:
    """A signal in seconds and hertz; seconds count from the recording's first sample."""
    return {
        "start_s": _rounded(box.start_sample / sample_rate_hz, 9),
        "stop_s": _rounded(box.stop_sample / sample_rate_hz, 9),
        "low_hz": _rounded(box.low_hz, 6),
        "high_hz": _rounded(box.high_hz, 6),
        "bandwidth_hz": _rounded(box.bandwidth_hz, 6),
        "snr_db": None if box.snr_db is None else _rounded(box.snr_db, 2),
        "confidence": None if box.confidence is None else _rounded(box.confidence, 4),
        "label": box.label,
    }


def to_csv(boxes: Iterable[SignalBox], sample_rate_hz: float) -> str:
    """All signals of a recording, one a line."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(to_row(box, sample_rate_hz) for box in boxes)
    return text.getvalue()


def to_line(box: SignalBox, sample_rate_hz: float, recording: str) -> str:
    """A signal as one line of JSON that names its recording."""
    return to_json({"recording": recording, **to_row(box, sample_rate_hz)})


def _rounded(value: float, digits: int) -> float:
    return round(float(value), digits)
