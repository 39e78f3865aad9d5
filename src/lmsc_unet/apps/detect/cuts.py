"""`lmsc detect --cut`: each signal as a recording of its own, with metadata that points back to where it came from."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from lmsc_unet.apps.detect.results import in_the_way
from lmsc_unet.core.results_folder import Layout, ResultsFolder, check_below, mapping_of
from lmsc_unet.core.storage import remove, replacing, resolve_inside, temporary_of
from lmsc_unet.signals.annotations import GENERATOR, NAMESPACE, to_annotation, write_metadata
from lmsc_unet.signals.boxes import SignalBox
from lmsc_unet.signals.cutting import CutPlan, SampleRange, cut_blocks, plan_cut
from lmsc_unet.signals.recording import Recording
from lmsc_unet.signals.recording.open import DATA, META
from lmsc_unet.signals.recording.times import format_utc, shifted

JOURNAL = "cuts.jsonl"
_KEPT = ("core:author", "core:license", "core:hw")


@dataclass(frozen=True, kw_only=True)
class CutEntry:
    """One line of cuts.jsonl."""

    path: str
    """The recording that the signal was found in."""
    name: str
    """Its name in the folder, without suffix."""
    status: Literal["ok", "failed"]
    """Always ok."""
    center_hz: float
    """The frequency at 0 Hz of its samples."""
    sample_rate_hz: float
    """Its samples per second."""
    files: tuple[str, ...]
    """Its files."""


def _parse(line: dict[str, Any]) -> CutEntry:
    files = line.get("files")
    is_ours = isinstance(files, list) and all(isinstance(file, str) and "\0" not in file for file in files)
    if not is_ours or line.keys() != {field.name for field in fields(CutEntry)}:
        raise ValueError(f"it has the fields {', '.join(map(repr, line))}")
    return CutEntry(**(line | {"files": tuple(files)}))  # type: ignore[arg-type]


def _files_of(out: Path, entry: CutEntry) -> list[Path]:
    return [path for file in entry.files for path in (check_below(out, file), temporary_of(check_below(out, file)))]


def _fingerprint(described: Mapping[str, Any]) -> dict[str, Any]:
    arguments = mapping_of(described, "arguments")
    return {name: arguments.get(name) for name in ("recordings", "shard")}


CUTS = Layout(
    command="lmsc detect --cut",
    journal=JOURNAL,
    parse=_parse,
    files_of=_files_of,
    fingerprint=_fingerprint,
    in_the_way=in_the_way,
    clean=lambda out: remove(temporary_of(out / JOURNAL)),
)


class CutWriter:
    """Writes signals into a folder, numbered within each recording."""

    def __init__(self, folder: ResultsFolder[CutEntry]) -> None:
        self._folder = folder
        self._entries = dict(folder.done)
        self._numbers: Counter[str] = Counter()

    def write(
        self, path: str, name: str, channel: int, box: SignalBox, recording: Recording, samples: SampleRange
    ) -> None:
        """Writes one signal; its line is written first, so that its files are ours whatever happens then.

        Raises:
            OutputError: the disk is full, or a file would lie outside the folder.
        """
        self._numbers[name] += 1
        capture = recording.capture_at(box.start_sample)
        plan = plan_cut(box, samples, sample_rate_hz=capture.sample_rate_hz, center_hz=capture.center_hz)
        center_hz = capture.center_hz + plan.shift_hz
        whole = f"{name}/{self._numbers[name]:04d}_{round(center_hz)}Hz"
        entry = CutEntry(
            path=path,
            name=whole,
            status="ok",
            center_hz=center_hz,
            sample_rate_hz=plan.sample_rate_hz,
            files=(f"{whole}{DATA}", f"{whole}{META}"),
        )
        if self._entries.get(whole) != entry:
            self._folder.add(entry)
        self._entries[whole] = entry
        data, meta = (resolve_inside(self._folder.path, file) for file in entry.files)
        with replacing(data) as temporary, temporary.open("wb") as file:
            for block in cut_blocks(plan, samples):
                block.tofile(file)
        write_metadata(meta, _metadata(box, recording, plan, center_hz, channel))

    def close(self) -> None:
        """Ends the folder; lines of cuts that were written twice are kept once.

        Raises:
            OutputError: the disk is full.
        """
        self._folder.rewrite(self._entries.values())
        self._folder.close(signals=len(self._entries))

    def release(self) -> None:
        """Lets the folder go when the search ends early."""
        self._folder.release()


def _metadata(box: SignalBox, recording: Recording, plan: CutPlan, center_hz: float, channel: int) -> dict[str, Any]:
    source = recording.metadata.get("global", {})
    capture = recording.capture_at(box.start_sample)
    start = shifted(capture.start_utc, (plan.first_sample - capture.start_sample) / capture.sample_rate_hz)
    first, stop = (
        round((place - plan.first_sample) / plan.decimation) for place in (box.start_sample, box.stop_sample)
    )
    first = min(max(0, first), plan.num_samples - 1)
    inside = replace(box, start_sample=first, stop_sample=max(first + 1, min(stop, plan.num_samples)))
    return {
        "global": {
            "core:datatype": "cf32_le",
            "core:sample_rate": plan.sample_rate_hz,
            "core:version": "1.2.0",
            "core:recorder": GENERATOR,
            "core:description": f"One signal of {_text(recording.path.name)}, shifted to 0 Hz and decimated.",
            "core:extensions": [dict(NAMESPACE)],
            **{key: source[key] for key in _KEPT if isinstance(source.get(key), str)},
            "lmsc:source": _text(recording.path.name),
            "lmsc:source_sample_start": recording.first_index + plan.first_sample,
            "lmsc:source_sample_rate": plan.source_rate_hz,
            "lmsc:source_decimation": plan.decimation,
            "lmsc:source_channel": channel,
        },
        "captures": [
            {"core:sample_start": 0, "core:frequency": center_hz}
            | ({} if start is None else {"core:datetime": format_utc(start)})
        ],
        "annotations": [to_annotation(inside, seed=recording.name)],
    }


def _text(name: str) -> str:
    return name.encode(errors="backslashreplace").decode()  # file names need not be valid text
