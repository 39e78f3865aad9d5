"""Where a number comes from can be said wherever the packages come from."""

from importlib import metadata

import pytest

from lmsc_unet.core import provenance


@pytest.mark.parametrize(
    ("installed", "named"),
    [
        ("opencv-python-headless", ["opencv-python-headless"]),
        ("opencv-python", ["opencv-python"]),  # B15: as most people have it
        ("opencv-contrib-python", ["opencv-contrib-python"]),
        (None, []),  # built from source
    ],
)
def test_the_versions_are_those_of_what_is_installed(
    installed: str | None, named: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def version(name: str) -> str:
        if "opencv" in name and name != installed:
            raise metadata.PackageNotFoundError(name)
        return "1.0"

    monkeypatch.setattr(provenance, "version", version)
    versions = provenance.provenance()["versions"]
    assert [name for name in versions if "opencv" in name] == named
    assert versions["torch"] == "1.0"
