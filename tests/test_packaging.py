"""What is handed out: the wheel's and the sdist's contents, and the wheel in an environment with nothing else."""

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest
from packaging.requirements import Requirement

REPOSITORY = Path(__file__).parents[1]
MIB = 2**20
CONSTRAINTS = REPOSITORY / "constraints.txt"
PAGE, MOST_PAGE = "lmsc_unet/apps/serve/page/", 7 * MIB
"""The web page in the wheel: ONNX Runtime for browsers is 3.7 MB of it, the models another 1.8 MB."""
OF_PEERS = ("segmentation-models-pytorch", "timm")
"""Pinned in benchmarks/peers.txt."""
UNREACHABLE = ("No matching distribution found", "Max retries exceeded", "NewConnectionError", "Temporary failure")
pytestmark = pytest.mark.slow


def command(*words: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Runs a command that sees nothing of this test's own environment."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
    return subprocess.run([*map(str, words)], cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def skip_without_index(done: subprocess.CompletedProcess[str]) -> None:
    if done.returncode and any(sign in done.stderr + done.stdout for sign in UNREACHABLE):
        pytest.skip(f"the package index cannot be reached: {(done.stderr or done.stdout).splitlines()[-1]}")
    assert done.returncode == 0, done.stderr + done.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with wheel and sdist, built as `make dist` builds them."""
    out = tmp_path_factory.mktemp("dist")
    isolation = ("--no-isolation",) if find_spec("hatchling") else ()
    skip_without_index(command(sys.executable, "-m", "build", *isolation, "--outdir", out, REPOSITORY))
    return out


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    (found,) = dist.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts of an environment that has the wheel, what it needs, and nothing else."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, with_pip=False, symlinks=True)
    pip = [sys.executable, "-m", "pip", "--python", folder / "bin/python"]
    flags = ["--quiet", "--no-compile", "--disable-pip-version-check", "-c", REPOSITORY / "constraints.txt"]
    skip_without_index(command(*pip, "install", *flags, wheel))
    return folder / "bin"


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"lmsc_unet"}
    assert "lmsc_unet/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    sources = {str(path.relative_to(REPOSITORY / "src")) for path in (REPOSITORY / "src/lmsc_unet").rglob("*.py")}
    assert sources <= set(names)
    assert not [name for name in names if re.search(r"\.(png|tif|csv|ckpt|pyc)$|tests?/", name)]
    models = {str(path.relative_to(REPOSITORY / "src")) for path in (REPOSITORY / "src/lmsc_unet/weights").glob("*")}
    assert {name for name in names if "/weights/" in name} == models
    assert sum(zipfile.ZipFile(wheel).getinfo(name).compress_size for name in models) < 12e6
    page = sum(one.compress_size for one in zipfile.ZipFile(wheel).infolist() if PAGE in one.filename)
    assert page < MOST_PAGE  # 0 where `make web` was not run
    assert wheel.stat().st_size - page < 15 * MIB


def test_the_wheels_metadata_names_licence_python_and_no_torch(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (name,) = (name for name in archive.namelist() if name.endswith("METADATA"))
    metadata = archive.read(name).decode()
    assert "License-Expression: Apache-2.0" in metadata
    assert "Requires-Python: >=3.11" in metadata
    needed = [line for line in metadata.splitlines() if line.startswith("Requires-Dist:") and "extra ==" not in line]
    assert any("numpy" in line for line in needed)
    assert not [line for line in needed if re.search(r"torch|lightning|monai|sklearn|scikit|matplotlib|opencv", line)]


def test_the_sdist_can_be_worked_on(dist: Path) -> None:
    (found,) = dist.glob("*.tar.gz")
    with tarfile.open(found) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames()}
    for name in ("pyproject.toml", "README.md", "LICENSE", "constraints.txt", "Makefile", "src/lmsc_unet/py.typed"):
        assert name in names
    assert "tests/test_packaging.py" in names
    assert {name.split("/")[0] for name in names}.isdisjoint({".git", ".venv", "runs", "demo", "dist", ".mypy_cache"})
    assert {"web/package-lock.json", "web/index.html"} <= names
    assert not [name for name in names if "node_modules" in name]
    assert found.stat().st_size < 20 * MIB + (MOST_PAGE if any(PAGE in name for name in names) else 0)


def test_every_dependency_has_an_upper_bound_above_the_version_that_is_tested() -> None:  # R26
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    lines = [*project["dependencies"], *(line for name, extra in extras.items() if name != "dev" for line in extra)]
    needed = [one for one in map(Requirement, lines) if one.name != "lmsc-unet"]
    pinned = dict(
        line.lower().replace("_", "-").split("==") for line in CONSTRAINTS.read_text().splitlines() if line[0] != "#"
    )
    unbound = [str(one) for one in needed if not any(part.operator in ("<", "==") for part in one.specifier)]
    assert unbound == []
    tested = {one.name: pinned[one.name.lower().replace("_", "-")] for one in needed if one.name not in OF_PEERS}
    assert [one for one in needed if one.name in tested and tested[one.name] not in one.specifier] == []


@pytest.mark.parametrize(
    ("words", "exit_code", "message"),
    [
        (("--help",), 0, "Semantic segmentation on small hardware."),
        (("models",), 0, "909,025"),
        (("doctor",), 0, "makes models: torch -"),
        (("predict", "--help"), 0, "--threshold"),
        (("data", "nuclei", "{folder}/nuclei", "--count", "1", "--size-px", "64"), 0, "1 pictures of 64 x 64 px"),
        (("train", "{folder}", "--out", "{folder}/run"), 1, 'is not installed. Try: pip install "lmsc-unet[train]"'),
        (("complexity",), 1, 'torch is not installed. Try: pip install "lmsc-unet[train]"'),
        (("predict", "{folder}/none", "{folder}", "--out", "{folder}/out"), 1, "{folder}"),
        (("trian",), 1, 'Unknown command "trian". Did you mean "train"?'),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, tuple) else "",
)
def test_the_bare_install_runs_models_and_says_what_making_them_wants(
    bare: Path, tmp_path: Path, words: tuple[str, ...], exit_code: int, message: str
) -> None:
    done = command(bare / "lmsc", *(word.format(folder=tmp_path) for word in words), cwd=tmp_path)
    assert done.returncode == exit_code, done.stderr
    assert message.format(folder=tmp_path) in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_the_bare_install_has_no_torch(bare: Path, tmp_path: Path) -> None:
    code = "import lmsc_unet, importlib.util as u; lmsc_unet.Predictor; print(u.find_spec('torch'), lmsc_unet.__file__)"
    done = command(bare / "python", "-c", code, cwd=tmp_path)
    assert done.stdout.startswith(f"None {bare.parent}"), done.stderr


def test_the_bare_install_is_small(bare: Path) -> None:
    """As the wheels hold it, without Python's compiled copies."""
    packages = next((bare.parent / "lib").glob("python*/site-packages"))
    sizes: dict[str, int] = {}
    for path in packages.rglob("*"):
        if path.is_file() and path.suffix != ".pyc":
            name = path.relative_to(packages).parts[0]
            sizes[name] = sizes.get(name, 0) + path.stat().st_size
    largest = sorted(sizes, key=lambda name: -sizes[name])[:6]
    listed = ", ".join(f"{name} {sizes[name] / 1e6:.0f}" for name in largest)
    print(f"installed: {sum(sizes.values()) / 1e6:.0f} MB, most of it {listed}")
    assert sum(sizes.values()) < 250e6, listed
