"""SigMF archives: a tar is mapped where it lies, a compressed one is unpacked to a temporary file first."""

import shutil
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import IO

from lmsc_unet.errors import DataError
from lmsc_unet.signal.recording.checksum import warn_of_other_sha512
from lmsc_unet.signal.recording.layout import build_recording
from lmsc_unet.signal.recording.metadata import load_json, parse_metadata
from lmsc_unet.signal.recording.recording import Recording

ARCHIVE_SUFFIXES = (".sigmf", ".sigmf.gz", ".sigmf.xz", ".sigmf.zip")
MAX_META_BYTES = 256 * 2**20


def open_archive(path: Path, *, sample_rate_hz: float | None = None, is_checked: bool = True) -> Recording:
    """Opens an archive that holds one recording. Nothing is written beside it, and no name in it is used as a path.

    Raises:
        DataError: it is damaged, or holds no metadata or no data.
    """
    try:
        if path.name.endswith(".zip"):
            return _open_zip(path, sample_rate_hz, is_checked)
        return _open_tar(path, sample_rate_hz, is_checked)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
        raise DataError(f"{path}: the archive is damaged or none ({error}). Fetch it again.") from error


def _open_tar(path: Path, sample_rate_hz: float | None, is_checked: bool) -> Recording:
    with tarfile.open(path) as tar:
        members = {member.name: member for member in tar.getmembers() if member.isfile()}
        meta, data = _pick(list(members), path)
        text = _read_meta(tar.extractfile(members[meta]), path)
        num_bytes = members[data].size
        if path.name.endswith(".sigmf"):
            return _build(path, text, path, members[data].offset_data, num_bytes, None, sample_rate_hz, is_checked)
        return _unpacked(path, text, tar.extractfile(members[data]), num_bytes, sample_rate_hz, is_checked)


def _open_zip(path: Path, sample_rate_hz: float | None, is_checked: bool) -> Recording:
    with zipfile.ZipFile(path) as archive:
        meta, data = _pick(archive.namelist(), path)
        with archive.open(meta) as file:
            text = _read_meta(file, path)
        num_bytes = archive.getinfo(data).file_size
        with archive.open(data) as file:
            return _unpacked(path, text, file, num_bytes, sample_rate_hz, is_checked)


def _pick(names: list[str], path: Path) -> tuple[str, str]:
    """The names of the metadata and the data inside the archive."""
    picked = []
    for suffix in (".sigmf-meta", ".sigmf-data"):
        found = [name for name in names if name.endswith(suffix)]
        if len(found) != 1:
            raise DataError(f"{path}: the archive holds {len(found)} {suffix} files; exactly one can be read.")
        picked.append(found[0])
    return picked[0], picked[1]


def _read_meta(file: IO[bytes] | None, path: Path) -> bytes:
    text = file.read(MAX_META_BYTES + 1) if file else b""
    if len(text) > MAX_META_BYTES:
        raise DataError(f"{path}: over {MAX_META_BYTES} bytes of metadata in the archive.")
    return text


def _unpacked(
    path: Path, text: bytes, file: IO[bytes] | None, num_bytes: int, sample_rate_hz: float | None, is_checked: bool
) -> Recording:
    """Unpacks the data in constant memory; the temporary file goes with the recording."""
    free_bytes = shutil.disk_usage(tempfile.gettempdir()).free
    if num_bytes > free_bytes:
        raise DataError(
            f"{path}: {num_bytes} bytes of samples are to be unpacked to {tempfile.gettempdir()}, which has "
            f"{free_bytes} free. Unpack the archive elsewhere and name its .sigmf-meta, or set TMPDIR to a larger disk."
        )
    temporary = tempfile.NamedTemporaryFile(suffix=".sigmf-data")  # noqa: SIM115 - it lives as long as the recording
    if file is not None:
        shutil.copyfileobj(file, temporary, 1 << 20)
    temporary.flush()
    data = Path(temporary.name)
    return _build(path, text, data, 0, data.stat().st_size, temporary, sample_rate_hz, is_checked)


def _build(
    path: Path,
    text: bytes,
    data: Path,
    start_byte: int,
    num_bytes: int,
    keep_alive: object,
    sample_rate_hz: float | None,
    is_checked: bool,
) -> Recording:
    metadata = parse_metadata(load_json(text, path), path, sample_rate_hz=sample_rate_hz)
    if is_checked:
        warn_of_other_sha512(metadata.whole, path, data, start_byte=start_byte, num_bytes=num_bytes)
    name = path.name.partition(".sigmf")[0]
    return build_recording(
        metadata, name=name, path=path, data=data, start_byte=start_byte, num_bytes=num_bytes, keep_alive=keep_alive
    )
