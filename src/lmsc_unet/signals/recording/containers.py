"""Files that are no plain samples, told by their first bytes: packed ones, and sound with a header."""

from pathlib import Path

from lmsc_unet.errors import DataError

HEAD_BYTES = 264
_PACKED = {
    b"\xfd7zXZ\x00": "an xz file",
    b"(\xb5/\xfd": "a zstd file",
    b"7z\xbc\xaf\x27\x1c": "a 7z file",
    b"\x04\x22M\x18": "an LZ4 file",
    b"PK\x03\x04": "a zip file",
}
_SOUND = {b"RIFF": "a WAV file", b"RF64": "an RF64 file", b"BW64": "a BW64 file", b"FORM": "an AIFF file"}
_WITH_HEADER = {
    b"fLaC": "a FLAC file",
    b"OggS": "an Ogg file",
    b"\x89HDF\r\n\x1a\n": "an HDF5 file",
    b"\x93NUMPY": "a NumPy file",
    b"MATLAB 5.0 MAT": "a MATLAB file",
}


def refuse_containers(head: bytes, path: Path | str) -> None:
    """Refuses what begins as a file of another format, of which everything would be read as samples.

    Raises:
        DataError: the format is named, and what to do.
    """
    if packed := _packed(head):
        raise DataError(f"{path}: this is {packed}, whose bytes are no samples. Unpack it first.")
    name = next((name for magic, name in _WITH_HEADER.items() if head.startswith(magic)), _sound(head))
    if name:
        raise DataError(
            f"{path}: this is {name}: its header and what follows the samples would be read as samples. Convert it to "
            "raw samples or to SigMF, or write metadata with core:header_bytes and core:trailing_bytes."
        )


def _packed(head: bytes) -> str | None:
    """Beginnings of three bytes are too short for random samples, so more of the header must fit."""
    if head.startswith(b"\x1f\x8b\x08") and len(head) > 9 and head[3] < 32 and head[8] in (0, 2, 4):
        return "a gzip file"
    if head.startswith(b"BZh") and head[4:10] == b"1AY&SY":
        return "a bzip2 file"
    if head[257:262] == b"ustar":
        return "a tar archive"
    return next((name for magic, name in _PACKED.items() if head.startswith(magic)), None)


def _sound(head: bytes) -> str | None:
    return _SOUND.get(head[:4]) if head[8:12] in (b"WAVE", b"AIFF", b"AIFC") else None
