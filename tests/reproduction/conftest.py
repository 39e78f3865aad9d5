"""One whole smoke reproduction for all tests that look at what it made."""

import fcntl
import os
import shutil
from pathlib import Path

import pytest

from lmsc_unet.cli.main import main


@pytest.fixture(scope="package")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`lmsc reproduce all --budget smoke`, undisturbed; made once for all processes of the tests."""
    root = tmp_path_factory.getbasetemp()
    root = root.parent if "PYTEST_XDIST_WORKER" in os.environ else root
    out = root / "reproduction"
    with (root / "reproduction.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (out / "report.html").is_file():
            assert reproduce("all", out=out) == 0
    return out


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    """A copy of it, to be spoilt."""
    return Path(shutil.copytree(whole, tmp_path / "copy"))


def reproduce(*words: str, out: Path) -> int:
    """The command with the smoke budget."""
    return main(["reproduce", *words, "--budget", "smoke", "--out", str(out)])
