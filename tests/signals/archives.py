"""Archives of one recording, packed as other programs pack them, and spoilt."""

import io
import tarfile
import zipfile
from pathlib import Path

COMPRESSED = (".sigmf.gz", ".sigmf.xz", ".sigmf.zip", ".sigmf.tar.gz")
SUFFIXES = (".sigmf", *COMPRESSED, ".sigmf.tar")
_MODES = {".sigmf": "w", ".sigmf.tar": "w", ".sigmf.tar.gz": "w:gz", ".sigmf.gz": "w:gz", ".sigmf.xz": "w:xz"}


def pack(pair: Path, path: Path, kind: str = "", others: tuple[Path, ...] = ()) -> Path:
    """Packs a pair, and other files, as the archive `path`, of the kind that its ending says or of another."""
    files = (pair, pair.with_name(pair.name.replace("-meta", "-data")), *others)
    files = tuple(file for file in files if file.exists())
    kind = kind or path.name[path.name.index(".sigmf") :]
    if kind == ".sigmf.zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in files:
                archive.writestr(f"{pair.stem}/{file.name}", file.read_bytes())
        return path
    with tarfile.open(path, _MODES[kind]) as tar:
        for file in files:
            info = tarfile.TarInfo(f"{pair.stem}/{file.name}")
            info.size = file.stat().st_size
            tar.addfile(info, io.BytesIO(file.read_bytes()))
    return path


def flip(path: Path, place: float) -> Path:
    """Changes one bit at a share of the file's length."""
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 0x10
    path.write_bytes(content)
    return path


def set_zip_fields(path: Path, *, flags: int | None = None, method: int | None = None) -> Path:
    """Sets the flags or the compression method of the first file of a zip, in both places where they stand."""
    content = bytearray(path.read_bytes())
    listed = content.find(b"PK\1\2")
    if flags is not None:
        content[6] = content[listed + 8] = flags
    if method is not None:
        content[8] = content[listed + 10] = method
    path.write_bytes(content)
    return path
