"""Converts boxes to and from SigMF annotations. The source recording is never changed."""

import json
import uuid
import warnings
from collections.abc import Mapping, Sequence
from copy import deepcopy
from itertools import product
from pathlib import Path
from typing import Any

from lmsc_unet.core.storage import write_text
from lmsc_unet.errors import DataError, OutputError
from lmsc_unet.signals.boxes import SignalBox
from lmsc_unet.signals.older_forms import modernise
from lmsc_unet.signals.recording.metadata import CAPTURE_RATES, section
from lmsc_unet.signals.recording.recording import Capture, Recording, RecordingWarning
from lmsc_unet.signals.recording.times import format_utc
from lmsc_unet.signals.validation import validate

GENERATOR = "lmsc-unet"
NAMESPACE = {"name": "lmsc", "version": "1.0.0", "optional": True}
_VERSION = "1.2.0"
_MAX_LABEL = 20


def read_boxes(recording: Recording) -> list[SignalBox]:
    """The boxes of a recording's annotations; those without frequency edges span the whole band.

    The label is `core:label`, else `core:description`, else `signal`. Boxes that extend beyond the file's end or the
    band's edges are clipped with a warning.

    Raises:
        DataError: an annotation is not a box: reversed edges, one edge only, or entirely outside the file or band.
    """
    annotations = section(recording.metadata, "annotations", list, recording.path)
    return [_Reader(recording, number, entry).box() for number, entry in enumerate(annotations, start=1)]


class _Reader:
    """Reads one annotation of a recording; has its name for messages."""

    def __init__(self, recording: Recording, number: int, entry: object) -> None:
        self.recording = recording
        self.where = f"{recording.path}: annotation {number}"
        if not isinstance(entry, dict):
            raise DataError(f"{self.where} is a {type(entry).__name__}; SigMF has an object there.")
        self.entry: dict[str, Any] = entry

    def box(self) -> SignalBox:
        start, stop, capture = self._samples()
        low_hz, high_hz = self._edges(capture)
        label = self.entry.get("core:label") or self.entry.get("core:description") or "signal"
        return SignalBox(
            start_sample=start,
            stop_sample=stop,
            low_hz=low_hz,
            high_hz=high_hz,
            label=str(label).encode(errors="replace").decode(),  # JSON may contain lone surrogates
            snr_db=self._number("lmsc:snr_db"),
            confidence=self._number("lmsc:confidence"),
        )

    def _samples(self) -> tuple[int, int, Capture]:
        start = self._integer("core:sample_start") - self.recording.first_index
        if not 0 <= start < self.recording.num_samples:
            raise DataError(
                f"{self.where} begins at sample {start + self.recording.first_index}, but the data has the samples "
                f"{self.recording.first_index} to {self.recording.first_index + self.recording.num_samples - 1}. "
                "The data file is shorter than annotated, or belongs to another recording."
            )
        capture = self.recording.capture_at(start)
        if "core:sample_count" not in self.entry:
            return start, capture.stop_sample, capture
        stop = start + self._integer("core:sample_count")
        if stop > self.recording.num_samples:
            self._warn(f"extends {stop - self.recording.num_samples} samples beyond the data's end; it is clipped.")
        return start, min(stop, self.recording.num_samples), capture

    def _edges(self, capture: Capture) -> tuple[float, float]:
        edges = [self.entry.get("core:freq_lower_edge"), self.entry.get("core:freq_upper_edge")]
        band = band_hz(self.recording, capture)
        if edges == [None, None]:
            return band
        if any(not isinstance(edge, int | float) or not abs(edge) < 1e15 for edge in edges):
            raise DataError(f"{self.where} has the frequency edges {edges}; it must have both as numbers, or neither.")
        low, high = float(edges[0]), float(edges[1])  # type: ignore[arg-type]
        if low > high:
            raise DataError(f"{self.where} has its lower edge ({low} Hz) above its upper ({high} Hz). Swap them.")
        low, high = self._at_radio_frequency(low, high, band, capture)
        if high < band[0] or low > band[1]:
            raise DataError(
                f"{self.where} lies at {low} to {high} Hz, outside the recording's band of {band[0]} to {band[1]} Hz."
            )
        if low < band[0] - 1e-6 * (band[1] - band[0]) or high > band[1] + 1e-6 * (band[1] - band[0]):
            self._warn(f"extends beyond the band of {band[0]} to {band[1]} Hz; it is clipped.")
        return max(low, band[0]), min(high, band[1])

    def _at_radio_frequency(
        self, low: float, high: float, band: tuple[float, float], capture: Capture
    ) -> tuple[float, float]:
        """Some programs write baseband edges although the capture has a frequency: such edges fit nowhere else."""
        fits_as_is = high >= band[0] and low <= band[1]
        moved = low + capture.center_hz, high + capture.center_hz
        if fits_as_is or moved[1] < band[0] or moved[0] > band[1]:
            return low, high
        self._warn(f"has baseband edges, but its capture is at {capture.center_hz} Hz; they are shifted there.")
        return moved

    def _number(self, key: str) -> float | None:
        value = self.entry.get(key)
        return float(value) if isinstance(value, int | float) and abs(value) < 1e15 else None

    def _integer(self, key: str) -> int:
        value = self.entry.get(key)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        raise DataError(f"{self.where} has {key} {value!r}; it must be a whole number of at least 0.")

    def _warn(self, message: str) -> None:
        warnings.warn(f"{self.where} {message}", RecordingWarning, stacklevel=4)


def band_hz(recording: Recording, capture: Capture) -> tuple[float, float]:
    """The lowest and the highest frequency of a capture."""
    half_hz = capture.sample_rate_hz / 2
    return capture.center_hz - (half_hz if recording.datatype.is_complex else 0.0), capture.center_hz + half_hz


def check_annotatable(recording: Recording) -> None:
    """Checks before the search whether a recording's metadata can store annotations.

    Raises:
        DataError: it is not valid SigMF, so neither would be the result.
    """
    annotated(recording, ())


def annotated(recording: Recording, boxes: Sequence[SignalBox]) -> dict[str, Any]:
    """The recording's metadata with these boxes as annotations, instead of those of an earlier search.

    Everything else is kept, except a sample rate that the user replaced.

    Raises:
        DataError: the recording's own metadata is not valid SigMF.
    """
    whole = _copy_of(recording) if recording.metadata else _fresh(recording)
    validate(whole, recording.path)
    _declare(whole["global"])
    _correct_rate(whole, recording)
    added = [to_annotation(box, first_index=recording.first_index, seed=recording.name) for box in boxes]
    together = [*filter(_is_kept, whole["annotations"]), *added]
    whole["annotations"] = _in_order(together)
    return whole


def _copy_of(recording: Recording) -> dict[str, Any]:
    try:
        whole = deepcopy(dict(recording.metadata))
    except RecursionError as error:
        raise DataError(f"{recording.path}: the metadata is nested too deeply to be written again.") from error
    for key in ("captures", "annotations"):
        whole[key] = _in_order(whole.get(key, []))
    if isinstance(fields := whole.setdefault("global", {}), dict):
        fields.setdefault("core:version", _VERSION)
        fields["core:datatype"] = recording.datatype.name
    modernise(whole)
    return whole


def _in_order(entries: Any) -> Any:
    """SigMF requires both lists sorted by start; the validator handles anything that is not such a list."""
    if isinstance(entries, list) and all(isinstance(_start(entry), int | float) for entry in entries):
        return sorted(entries, key=_start)
    return entries


def _start(entry: Any) -> Any:
    return entry.get("core:sample_start") if isinstance(entry, dict) else None


def _is_kept(entry: Mapping[str, Any]) -> bool:
    """Whether to keep an annotation: not those of an earlier search; generated truth has no confidence."""
    return entry.get("core:generator") != GENERATOR or "lmsc:confidence" not in entry


def _correct_rate(whole: dict[str, Any], recording: Recording) -> None:
    """The boxes' edges were computed with the user's sample rate, so readers must use it too."""
    fields, rate_hz = whole["global"], recording.sample_rate_hz
    before = fields.get("core:sample_rate")
    fields["core:sample_rate"] = rate_hz
    if before not in (None, rate_hz):
        fields["lmsc:comment"] = f"core:sample_rate was {before}; it was replaced by {rate_hz}."
    if all(capture.sample_rate_hz == rate_hz for capture in recording.captures):
        for capture, key in product(whole["captures"], CAPTURE_RATES):
            capture.pop(key, None)


def to_annotation(box: SignalBox, *, first_index: int = 0, seed: str = "") -> dict[str, Any]:
    """A box as a SigMF annotation; its UUID depends only on `seed` and the box, so a second run writes the same."""
    place = f"{box.start_sample} {box.stop_sample} {box.low_hz} {box.high_hz} {box.label}"
    seed = seed.encode(errors="backslashreplace").decode()  # file names need not be valid text
    entry: dict[str, Any] = {
        "core:sample_start": first_index + box.start_sample,
        "core:sample_count": box.num_samples,
        "core:freq_lower_edge": float(box.low_hz),
        "core:freq_upper_edge": float(box.high_hz),
        "core:label": box.label[:_MAX_LABEL],
        "core:generator": GENERATOR,
        "core:uuid": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{GENERATOR} {seed} {place}")),
    }
    if len(box.label) > _MAX_LABEL:
        entry["core:comment"] = box.label
    if box.confidence is not None:
        entry["lmsc:confidence"] = round(float(box.confidence), 4)
    if box.snr_db is not None:
        entry["lmsc:snr_db"] = round(float(box.snr_db), 2)
    return entry


def write_annotated(path: Path, recording: Recording, boxes: Sequence[SignalBox]) -> None:
    """Writes a new `.sigmf-meta` with the boxes added, atomically.

    Raises:
        OutputError: `path` is the recording's own metadata, or cannot be written.
        DataError: the recording's own metadata is not valid SigMF, so neither would be the result.
    """
    if path.exists() and recording.path.exists() and path.samefile(recording.path):
        raise OutputError(f"{path}: this is the source recording, which is never changed. Name another folder.")
    write_metadata(path, _for_place(annotated(recording, boxes), path), source=recording.path)


def write_metadata(path: Path, whole: Mapping[str, Any], *, source: Path | None = None) -> None:
    """Validates a metadata object with sigmf and writes it atomically."""
    validate(whole, source or path)
    write_text(path, json.dumps(whole, indent=2) + "\n")


def _fresh(recording: Recording) -> dict[str, Any]:
    """Metadata for a raw file, a WAV file or a pipe."""
    first = recording.captures[0]
    fields: dict[str, Any] = {
        "core:datatype": recording.datatype.name,
        "core:sample_rate": recording.sample_rate_hz,
        "core:version": _VERSION,
        "core:dataset": recording.data.name,
    }
    capture: dict[str, Any] = {"core:sample_start": 0, "core:frequency": first.center_hz}
    if recording.num_channels > 1:
        fields["core:num_channels"] = recording.num_channels
    if first.start_utc is not None:
        capture["core:datetime"] = format_utc(first.start_utc)
    if first.start_byte and recording.data == recording.path:
        capture["core:header_bytes"] = first.start_byte
        used = first.start_byte + recording.num_samples * recording.datatype.sample_bytes * recording.num_channels
        fields["core:trailing_bytes"] = recording.data.stat().st_size - used
    return {"global": fields, "captures": [capture], "annotations": []}


def _for_place(whole: dict[str, Any], path: Path) -> dict[str, Any]:
    """Marks metadata without its data file in the folder as metadata only, so that readers do not fail."""
    fields = whole["global"]
    named = fields.get("core:dataset")
    if not path.with_name(str(named or path.name.removesuffix(".sigmf-meta") + ".sigmf-data")).exists():
        fields.pop("core:dataset", None)
        fields["core:metadata_only"] = True
    return whole


def _declare(fields: dict[str, Any]) -> None:
    """Declares the extension for confidences and SNRs as optional."""
    declared = fields.setdefault("core:extensions", [])
    if not any(entry.get("name") == NAMESPACE["name"] for entry in declared):
        declared.append(dict(NAMESPACE))
