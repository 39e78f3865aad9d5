"""`lmsc doctor` on installs that are broken in known ways."""

import sys
from pathlib import Path

import pytest

from lmsc_unet.cli import doctor
from lmsc_unet.cli.main import main


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of packages that are found before all others."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def install(site: Path, name: str, version: str) -> None:
    """What pip leaves of a package's name and version."""
    folder = site / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def break_module(site: Path, monkeypatch: pytest.MonkeyPatch, name: str, error: str) -> None:
    """A module that raises when it is imported."""
    monkeypatch.delitem(sys.modules, name, raising=False)
    (site / name).mkdir()
    (site / name / "__init__.py").write_text(f"raise {error}\n")


def test_a_sound_install_is_called_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    printed = capsys.readouterr().out
    for part in ("lmsc-unet ", "Python ", "runs models: numpy ", "makes models: torch ", "CPU: ", "GPU"):
        assert part in printed
    assert "nothing broken was found" in printed


def test_a_broken_torchvision_is_found_with_the_way_out(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    break_module(site, monkeypatch, "torchvision", 'RuntimeError("operator [torchvision::nms] does not exist")')
    assert main(["doctor"]) == 1
    printed = capsys.readouterr().out
    assert "broken: torchvision does not import (RuntimeError: operator [torchvision::nms] does not exist)" in printed
    assert "it breaks lightning and torchmetrics" in printed
    assert "way out: pip uninstall torchvision" in printed
    assert "nothing broken" not in printed


def test_a_package_that_does_not_load_is_found(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    break_module(site, monkeypatch, "cv2", 'ImportError("libGL.so.1: cannot open shared object file")')
    assert main(["doctor"]) == 1
    printed = capsys.readouterr().out
    assert "broken: opencv-python-headless does not import (ImportError: libGL.so.1" in printed
    assert "way out: pip install --force-reinstall opencv-python-headless" in printed


@pytest.mark.parametrize("version", doctor.MALICIOUS_LIGHTNING)
def test_a_malicious_lightning_is_found_and_not_imported(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], version: str
) -> None:
    install(site, "lightning", version)
    break_module(site, monkeypatch, "lightning", 'AssertionError("this ran")')
    assert main(["doctor"]) == 1
    printed = capsys.readouterr().out
    assert f"broken: lightning {version} was a malicious upload" in printed
    assert 'way out: pip install "lightning!=2.6.2,!=2.6.3"; change your secrets' in printed
    assert "this ran" not in printed
    assert "lightning" not in sys.modules


@pytest.mark.parametrize("other", ["opencv-python", "opencv-contrib-python"])
def test_two_opencv_packages_are_found(site: Path, capsys: pytest.CaptureFixture[str], other: str) -> None:
    install(site, other, "4.10.0")
    assert main(["doctor"]) == 1
    printed = capsys.readouterr().out
    assert f"broken: {other} and opencv-python-headless are both installed and share their files" in printed
    assert f"way out: pip uninstall {other} && pip install --force-reinstall opencv-python-headless" in printed


def test_all_that_is_broken_is_told_at_once(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    break_module(site, monkeypatch, "torchvision", "ImportError()")
    install(site, "lightning", "2.6.3")
    install(site, "opencv-python", "5.0.0")
    assert main(["doctor"]) == 1
    assert capsys.readouterr().out.count("way out:") == 3


def test_an_install_that_only_runs_models_is_sound(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "LAB_WING", ("a-package-that-nobody-has",))
    find_spec = doctor.find_spec
    monkeypatch.setattr(doctor, "find_spec", lambda name: None if name.startswith("torch") else find_spec(name))
    assert main(["doctor"]) == 0
    assert "makes models: a-package-that-nobody-has -" in capsys.readouterr().out
