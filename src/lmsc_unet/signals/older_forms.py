"""SigMF as earlier versions and other programs write it, brought to the form that its schema asks for today.

SigMF 0.0.1 has `core:extensions` as an object of names and "optional" or "required" (sigmf-spec.md of that version);
SDRangel leaves `core:sample_start` out where it is 0 (README of libsigmf).
"""

from typing import Any


def modernise(whole: dict[str, Any]) -> None:
    """Changes a metadata object in place; what it does not know is left to the validator."""
    fields, captures = whole.get("global"), whole.get("captures")
    if isinstance(fields, dict):
        _modernise_global(fields)
    for capture in captures if isinstance(captures, list) else ():
        if isinstance(capture, dict):
            capture.setdefault("core:sample_start", fields.get("core:offset", 0) if isinstance(fields, dict) else 0)


def _modernise_global(fields: dict[str, Any]) -> None:
    version, extensions = fields.get("core:version"), fields.get("core:extensions")
    if isinstance(version, str) and version[:1] in ("v", "V"):
        fields["core:version"] = version[1:]
    if isinstance(extensions, dict) and all(isinstance(value, str) for value in extensions.values()):
        fields["core:extensions"] = [_extension(name, value) for name, value in extensions.items()]


def _extension(name: str, value: str) -> dict[str, Any]:
    is_version = value[:1].isdigit() or value[:1] == "v"
    return {"name": name, "version": value if is_version else "0.0.1", "optional": value != "required"}
