"""The results folder of a command: run.json, a journal with one line per input, and the files.

A line is added when all files of its input are written, so a run can be resumed after a kill at any moment. Files
that the command did not write are never touched.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from lmsc_unet.core.provenance import runtime_versions
from lmsc_unet.core.storage import (
    FolderLock,
    append_line,
    cannot_write,
    check_folder,
    is_below,
    reason_of,
    remove,
    resolve_inside,
    temporary_of,
    to_json,
    write_bytes,
    write_text,
)
from lmsc_unet.errors import ConfigError, OutputError

RUN_FILE = "run.json"


class Line(Protocol):
    """The result of one input."""

    @property
    def path(self) -> str:
        """The input, as the user named it."""

    @property
    def name(self) -> str:
        """Its name in the results."""

    @property
    def status(self) -> str:
        """`ok` or `failed`."""


LineT = TypeVar("LineT", bound=Line)


@dataclass(frozen=True, kw_only=True)
class Layout(Generic[LineT]):
    """What all results folders of one command have in common."""

    command: str
    """The command that writes them."""
    journal: str
    """The journal: one line of JSON per input."""
    parse: Callable[[dict[str, Any]], LineT]
    """Parses a line; raises ValueError or TypeError for a line that the command never wrote."""
    files_of: Callable[[Path, LineT], Iterable[Path]]
    """All files that a line may have in the folder."""
    fingerprint: Callable[[Mapping[str, Any]], dict[str, Any]]
    """What results depend on, taken from run.json; it must be equal to resume."""
    in_the_way: Callable[[Path], list[str]]
    """Files of other programs, because of which the command must not use a folder."""
    clean: Callable[[Path], None]
    """Removes half-written files left by a kill."""


class ResultsFolder(Generic[LineT]):
    """An open results folder, locked against other processes until closed."""

    def __init__(
        self,
        path: Path,
        layout: Layout[LineT],
        described: Mapping[str, Any],
        is_planned: Callable[[LineT], bool],
        *,
        resume: bool = False,
        overwrite: bool = False,
    ) -> None:
        """Creates the folder, resumes the run in it, or removes the results in it.

        Args:
            path: The folder.
            layout: The command's layout.
            described: The description of the run for run.json.
            is_planned: Whether a line of an earlier run belongs to one of this run's inputs.
            resume: Keep the results in the folder.
            overwrite: Remove the results in the folder.

        Raises:
            OutputError: the folder holds results and neither flag is given, or someone else's files; the run to resume
                has another model, other settings or other inputs; another process writes to the folder; or it cannot
                be written.
        """
        check_folder(path)
        self.path, self._layout, self._described = path, layout, described
        self.done: Mapping[str, LineT] = {}
        """The lines of an earlier run by name."""
        self._lock = FolderLock(path, layout.command)
        try:
            self._take_up(is_planned, resume=resume, overwrite=overwrite)
            self._write_run()
        except BaseException:
            self.release()
            raise

    def add(self, line: LineT) -> None:
        """Appends the line of one input once its files are written.

        Raises:
            OutputError: the disk is full.
        """
        append_line(resolve_inside(self.path, self._layout.journal), _to_text(line))

    def rewrite(self, lines: Iterable[LineT]) -> None:
        """Replaces the journal by these lines, in their order.

        Raises:
            OutputError: the disk is full; the earlier lines are kept.
        """
        text = "".join(f"{_to_text(line)}\n" for line in lines)
        write_text(resolve_inside(self.path, self._layout.journal), text)

    def close(self, **outcome: Any) -> None:
        """Writes the outcome to run.json and releases the lock.

        Raises:
            OutputError: the disk is full.
        """
        self._write_run(**outcome)
        self.release()

    def release(self) -> None:
        """Releases the lock when a run ends early."""
        self._lock.release()

    def _take_up(self, is_planned: Callable[[LineT], bool], *, resume: bool, overwrite: bool) -> None:
        """Refuses, empties or reads what is in the folder."""
        path, layout = self.path, self._layout
        resolve_inside(path, layout.journal)
        if read_run(path).get("command") == layout.command:
            if not (resume or overwrite):
                raise OutputError(
                    f"{path}: this folder holds results. Go on with them by --resume, replace them by --overwrite, "
                    "or name another folder by --out."
                )
            layout.clean(path)
            for name in (RUN_FILE, layout.journal):
                remove(temporary_of(path / name))
            if overwrite:
                self._clear()
            else:
                self.done = self._resumable(is_planned)
        elif taken := layout.in_the_way(path):
            raise OutputError(
                f"{path}: the folder holds {', '.join(taken)}, which no `{layout.command}` wrote. "
                "Name another folder by --out."
            )

    def _write_run(self, **outcome: Any) -> None:
        whole = {
            "command": self._layout.command,
            **self._described,
            "versions": runtime_versions(),
            "written": datetime.now(UTC).isoformat(timespec="seconds"),
            **outcome,
        }
        write_text(resolve_inside(self.path, RUN_FILE), json.dumps(whole, indent=2, ensure_ascii=False) + "\n")

    def _lines(self) -> list[LineT]:
        """All lines; a half line at the end, left by a kill, is removed from the file too."""
        path = self.path / self._layout.journal
        try:
            lines = [self._layout.parse(fields) for fields in read_lines(path)]
            for line in lines:
                if line.status not in ("ok", "failed"):
                    raise ValueError(f"its status is {line.status!r}")
        except (ValueError, TypeError) as error:
            raise not_ours(path, str(error)) from error
        return lines

    def _resumable(self, is_planned: Callable[[LineT], bool]) -> dict[str, LineT]:
        before = self._layout.fingerprint(read_run(self.path))
        now = self._layout.fingerprint(self._described)
        changed = [f"{key}: {before[key]} -> {value}" for key, value in now.items() if before[key] != value]
        if changed:
            raise OutputError(
                f"{self.path}: the results were started with other arguments ({'; '.join(changed)}). Resume with the "
                "same arguments, replace them by --overwrite, or name another folder by --out."
            )
        lines = self._lines()
        foreign = [line.path for line in lines if not is_planned(line)]
        if foreign:
            raise OutputError(
                f"{self.path}: the folder holds results of other inputs, {foreign[0]} among {len(foreign)}. Resume "
                "with the same inputs from the same folder, replace the results by --overwrite, or name another "
                "folder by --out."
            )
        return {line.name: line for line in lines}

    def _clear(self) -> None:
        """Removes the files that the journal names, folders that become empty, and the journal."""
        files = [file for line in self._lines() for file in self._layout.files_of(self.path, line)]
        own = [resolve_inside(self.path, name) for name in (self._layout.journal, RUN_FILE)]
        for path in [*files, *own]:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise cannot_write(path, error) from error
        folders = {parent for file in files for parent in file.parents if self.path in parent.parents}
        for folder in sorted(folders, key=lambda folder: -len(folder.parts)):
            with suppress(OSError):  # not empty, or already gone
                folder.rmdir()


def refuse_both(*, resume: bool, overwrite: bool) -> None:
    """Rejects two flags that exclude each other.

    Raises:
        ConfigError: both are given.
    """
    if resume and overwrite:
        raise ConfigError("--resume keeps the results in the folder and --overwrite removes them. Give one of the two.")


def read_run(folder: Path) -> Mapping[str, Any]:
    """The contents of the folder's run.json; empty if there is none or it cannot be read."""
    try:
        described = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return described if isinstance(described, dict) else {}


def mapping_of(described: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """One object of run.json; empty if the value is not an object."""
    value = described.get(key)
    return value if isinstance(value, dict) else {}


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a JSON-lines file; a half line at the end, left by a kill, is removed from the file too.

    Raises:
        OutputError: the file has other contents, or cannot be read.
    """
    try:
        data = path.read_bytes() if path.exists() else b""
        whole = data[: data.rfind(b"\n") + 1]
        lines = [json.loads(line) for line in whole.decode().splitlines()]
    except (OSError, ValueError, RecursionError) as error:
        raise not_ours(path, reason_of(error)) from error
    for number, line in enumerate(lines, start=1):
        if not isinstance(line, dict):
            raise not_ours(path, f"line {number} is a {type(line).__name__} and no object")
    if whole != data:
        write_bytes(path, whole)
    return lines


def not_ours(path: Path, reason: str) -> OutputError:
    """The error for a list of results that someone else wrote or changed."""
    return OutputError(f"{path}: this is no list of results ({reason}). Choose another folder.")


def check_below(folder: Path, file: str) -> Path:
    """The path of a file to remove: it may be a link, but must not lie outside through a linked folder.

    Raises:
        OutputError: the file lies outside.
    """
    path = folder / file
    if not is_below(path, folder):
        raise OutputError(f"{path}: this lies outside of {folder}. Remove the links in the folder, or choose another.")
    return path


def _to_text(line: Any) -> str:
    return to_json(asdict(line))
