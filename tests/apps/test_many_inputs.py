"""Patterns, manifests and shards: many inputs for one machine or several, the same for images and recordings."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lmsc_unet.apps.detect.inputs import RawFormat
from lmsc_unet.apps.detect.inputs import find_items as find_recordings
from lmsc_unet.apps.items import Item
from lmsc_unet.apps.segment.opening import find_items as find_images
from lmsc_unet.apps.shards import Shard, items_of
from lmsc_unet.cli.main import main
from lmsc_unet.errors import DataError
from lmsc_unet.imageio import write_png
from tests.apps.detect.bursts import write_bursts
from tests.apps.segment.conftest import blobs
from tests.inference.networks import load_by

PAGE = Path(__file__).parents[2] / "docs/how-to/prediction.md"
OUT = Path("/nowhere")


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A working folder with seven images, of which one is damaged, four recordings and a model file."""
    for index in range(6):
        write_png(tmp_path / f"data/{'ab'[index % 2]}/{index}.png", blobs(40, 48, seed=index))
    (tmp_path / "data/b/bad.png").write_bytes(b"no picture")
    for folder in ("x", "y"):
        write_bursts(tmp_path / "radio" / folder, "one")
        write_bursts(tmp_path / "radio" / folder, "two")
    (tmp_path / "model.fake").write_text("{}")
    load_by(monkeypatch, "tests.inference.networks:load_bright")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def touch(*paths: str) -> None:
    for path in map(Path, paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def lmsc(*arguments) -> int:
    return main([str(argument) for argument in arguments])


PREDICT = ("predict", "model.fake", "data", "--instances")
DETECT = ("detect", "radio", "--model", "energy", "--occupancy-hz", "25k")
OF_A_RUN = {"regions.csv", "summary.csv", "run.json"}


def files_in(out: Path) -> dict[str, bytes]:
    """The files of single items."""
    paths = [path for path in out.rglob("*") if path.is_file() and path.suffix != ".jsonl"]
    names = {path.relative_to(out).as_posix(): path.read_bytes() for path in paths}
    return {name: content for name, content in names.items() if name not in OF_A_RUN}


def lines_in(out: Path) -> set[str]:
    lines = [json.loads(line) for path in out.glob("*.jsonl") for line in path.read_text().splitlines()]
    return {json.dumps(line | {"ms": 0}) for line in lines}


@pytest.mark.parametrize(("command", "num_items", "code"), [(PREDICT, 7, 2), (DETECT, 4, 0)])
def test_three_shards_together_are_the_whole_run(data, command, num_items, code):
    assert lmsc(*command, "--out", "whole") == code
    shards = [Path("shards", str(number)) for number in range(3)]
    codes = [lmsc(*command, "--out", out, "--num-shards", 3, "--shard-id", out.name) for out in shards]
    assert max(codes) == code
    whole, parts = files_in(Path("whole")), [files_in(out) for out in shards]
    assert whole == {name: content for part in parts for name, content in part.items()}
    assert len(whole) == sum(map(len, parts))
    assert lines_in(Path("whole")) == set().union(*map(lines_in, shards))
    assert [len(lines_in(out)) for out in shards] == [-(-(num_items - number) // 3) for number in range(3)]
    described = json.loads((shards[1] / "run.json").read_text())["arguments"]["shard"]
    assert described == {"num_shards": 3, "shard_id": 1}


@given(st.permutations(range(11)), st.integers(1, 14))
def test_each_item_is_in_one_shard_whatever_the_order_of_the_inputs(order, num_shards):
    items = [Item(path=Path(f"{number}.png"), name=str(number)) for number in order]
    shards = [items_of(Shard(num_shards=num_shards, shard_id=number), items) for number in range(num_shards)]
    assert sorted(item.name for shard in shards for item in shard) == sorted(item.name for item in items)
    ranked = sorted(map(str, order))
    assert [{item.name for item in shard} for shard in shards] == [
        set(ranked[number::num_shards]) for number in range(num_shards)
    ]


@pytest.mark.parametrize("command", [PREDICT, DETECT])
def test_a_shard_is_resumed_as_the_same_shard_only(data, command, capsys):
    first = ("--num-shards", 4, "--shard-id", 0)
    code = lmsc(*command, "--out", "out", *first)
    assert lmsc(*command, "--out", "out", *first, "--resume") == code
    capsys.readouterr()
    for other in ((), ("--num-shards", 4, "--shard-id", 1)):
        assert lmsc(*command, "--out", "out", *other, "--resume") == 1
        assert "started with other arguments (shard: {'num_shards': 4, 'shard_id': 0} ->" in capsys.readouterr().err


def test_shards_do_not_share_a_folder_of_cuts(data, capsys):
    cut = (*DETECT, "--cut", "cuts", "--num-shards", 4, "--shard-id")
    assert lmsc(*cut, 0, "--out", "found/0") == 0
    assert lmsc(*cut, 1, "--out", "found/1", "--resume") == 1
    assert "cuts: the results were started with other arguments (shard: " in capsys.readouterr().err


@pytest.mark.parametrize(("command", "num_items"), [((*PREDICT, "--format", "coco,yolo"), 7), (DETECT, 4)])
def test_a_shard_without_an_input_says_so_and_is_no_error(data, command, num_items, capsys):
    assert lmsc(*command, "--out", "out", "--num-shards", 9, "--shard-id", 8) == 0
    note = f"lmsc: note: shard 8 of 9 has nothing to do: the inputs are only {num_items}."
    assert note in capsys.readouterr().err
    assert json.loads((data / "out/run.json").read_text())["failed"] == 0
    assert lines_in(Path("out")) == set()


@pytest.mark.parametrize("command", [PREDICT, DETECT])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--num-shards", 2), "--num-shards is given without --shard-id. Give both"),
        (("--shard-id", 0), "--shard-id is given without --num-shards. Give both"),
        (("--num-shards", 2, "--shard-id", 2), "--shard-id is 2, but --num-shards is 2. It counts from 0"),
        (("--num-shards", 2, "--shard-id", -1), "--shard-id is -1, but --num-shards is 2. It counts from 0"),
        (("--num-shards", 0, "--shard-id", 0), "num_shards is 0; it must be at least 1"),
    ],
)
def test_a_wrong_shard_is_told(data, command, options, message, capsys):
    assert lmsc(*command, "--out", "out", *options) == 1
    assert message in capsys.readouterr().err
    assert not Path("out").exists()


@pytest.mark.parametrize(
    "inputs", [("predict", "model.fake", "data"), ("predict", "model.fake", "data/**/*.png"), ("detect", "data")]
)
def test_results_of_shards_do_not_lie_among_the_inputs(data, inputs, capsys):
    assert lmsc(*inputs, "--out", "data/out", "--num-shards", 2, "--shard-id", 0) == 1
    message = "data/out: the results lie in data, which is searched for inputs, so each shard could take those"
    assert message in capsys.readouterr().err


def test_a_pipe_is_not_divided(data, capsys):
    assert lmsc("detect", "-", "--num-shards", 2, "--shard-id", 0) == 1
    assert "--num-shards divides files among machines; a pipe or a receiver has one reader" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("in/*.png", ["b", "c"]),  # sorted, and of one folder
        ("in/**/*.png", ["b", "c", "deep/er/a"]),
        ("in/**", ["b", "c", "deep/er/a", "deep/er/b"]),  # images alone, neither folders nor texts
        ("in/[bx].*", ["b"]),
        ("in/c[[]1].tif", ["c[1]"]),
        ("in/c[1].tif", ["c[1]"]),  # a file of this very name
    ],
)
def test_a_pattern_stands_for_the_images_that_match(tmp_path, monkeypatch, pattern, expected):
    monkeypatch.chdir(tmp_path)
    touch("in/c.png", "in/b.png", "in/.a.png", "in/b.txt", "in/deep/er/a.png", "in/deep/er/b.JPG", "in/.git/a.png")
    Path("in/loop").symlink_to(tmp_path / "in", target_is_directory=True)
    if "[1]" in expected[0]:
        touch("in/c[1].tif")
    assert [item.name for item in find_images([Path(pattern)], OUT)] == expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("in/*", ["a.C16", "b_433M_250k.cu8.sigmf-meta", "c.sigmf-meta", "d.wav"]),  # each pair once
        ("in/*.sigmf-data", ["c.sigmf-meta"]),
        ("in/*.cu8", ["b_433M_250k.cu8.sigmf-meta"]),
        ("in/*.sigmf-collection", ["all.sigmf-collection"]),
    ],
)
def test_a_pattern_stands_for_the_recordings_that_match(tmp_path, monkeypatch, pattern, expected):
    monkeypatch.chdir(tmp_path)
    touch(*("in/a.C16", "in/a.TXT", "in/b_433M_250k.cu8", "in/b_433M_250k.cu8.sigmf-meta", "in/c.sigmf-data"))
    touch("in/c.sigmf-meta", "in/d.wav", "in/all.sigmf-collection", "in/e.bin")
    assert [item.path.name for item in find_recordings([Path(pattern)])] == expected


def test_results_are_no_matches(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    touch("a.png", "out/masks/a.png")
    assert [item.name for item in find_images([Path("**/*.png")], Path("out"))] == ["a"]


LIST = "# two and a folder\n\n  a/0.png\r\nb/1.png\nb\n"
TABLE = 'id,path\n1,a/0.png\n2,"b/1.png"\n3,b\n'


@pytest.mark.parametrize(("name", "text"), [("list.txt", LIST), ("LIST.TXT", "\ufeff" + LIST), ("list.csv", TABLE)])
def test_a_manifest_stands_for_what_it_lists_relative_to_its_folder(data, name, text):
    (data / "data" / name).write_text(text, encoding="utf-8", newline="")
    items = find_images([Path("data", name)], OUT)
    assert [(str(item.path), item.name) for item in items[:3]] == [
        ("data/a/0.png", "a/0"),
        ("data/b/1.png", "b/1"),
        ("data/b/3.png", "b/3"),
    ]
    assert len(items) == 5  # what is listed twice counts once


@pytest.mark.parametrize(
    ("command", "listed", "gone"),
    [
        (("predict", "model.fake"), "data/a/0.png", "data/a/gone.png"),
        (("detect", "--model", "energy"), "radio/x/one.sigmf-data", "radio/x/gone.sigmf-meta"),
        (("detect", "--model", "energy"), "radio/x/one.sigmf-meta", f"radio/x/{'long' * 99}.sigmf-meta"),
    ],
)
def test_a_missing_file_of_a_manifest_fails_and_the_others_go_on(data, command, listed, gone, capsys):
    Path("list.txt").write_text(f"{gone}\n{listed}\n")
    assert lmsc(*command, "list.txt", "--out", "out") == 2
    assert f"lmsc: {gone}: " in capsys.readouterr().err
    lines = [json.loads(line) for path in Path("out").glob("*.jsonl") for line in path.read_text().splitlines()]
    assert [line["status"] for line in lines] == ["failed", "ok"]


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("*.jpg", None, "*.jpg: no file matches this pattern"),
        ("in*", None, "in*: only folders match this pattern"),
        ("in/*", None, "in/*: none of the files that match this pattern (1) is a "),
        ("gone.txt", None, "gone.txt: there is no such file or folder. Name "),
        ("l.txt", b"# nothing\n", "l.txt: the manifest lists nothing. A manifest is a .txt with the path"),
        ("l.txt", b"one\ntwo\n", "none of the files that it lists exists, one the first of 2"),
        ("l.txt", b"in\npipe\n", "l.txt, line 2: pipe is a pipe or a device"),
        ("l.txt", b"\xff\xfea\0", "l.txt: this is no manifest, because it is no text in UTF-8"),
        ("l.csv", b"name,size\na,1\n", "l.csv: this is no manifest. Its columns are name, size. A manifest is"),
        ("l.csv", b"", "l.csv: this is no manifest. Its columns are none"),
        ("l.csv", b"path,size\nin,1\n,2\n", "l.csv, line 3: the column path is empty"),
        ("l.csv", b"path\n" + b"x" * 200_000, "l.csv: this is no manifest, because it is no CSV (field larger"),
    ],
)
@pytest.mark.parametrize("find", [lambda path: find_images([path], OUT), lambda path: find_recordings([path])])
def test_what_stands_for_no_input_is_told(tmp_path, monkeypatch, find, file, content, message):
    monkeypatch.chdir(tmp_path)
    touch("in/notes.md")
    os.mkfifo("pipe")
    if content is not None:
        Path(file).write_bytes(content)
    with pytest.raises(DataError, match=re.escape(message)):
        find(Path(file))


def test_the_text_beside_a_portapacks_capture_is_no_manifest(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    touch("BBD.C16", "BBD.TXT")
    items = find_recordings([Path("BBD.C16"), Path("BBD.TXT")])
    assert [str(item.path) for item in items] == ["BBD.C16"]


def test_samples_of_a_given_datatype_may_have_any_name(tmp_path):
    path = tmp_path / "capture.txt"
    path.write_bytes(np.random.default_rng(0).integers(120, 135, 5000, np.uint8).tobytes())
    (item,) = find_recordings([path], raw=RawFormat(datatype="cu8", sample_rate_hz=1e6))
    assert item.path == path


def block_of(language: str, word: str) -> str:
    """The example of the page that has a word."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    (block,) = [block for block in blocks if word in block]
    return block


@pytest.fixture
def slides(tmp_path):
    """Images where the page's examples look for them, and `lmsc` with the model `nuclei` on the search path."""
    for index in range(5):
        write_png(tmp_path / f"slides/{index}.png", blobs(40, 48, seed=index))
    (tmp_path / "slides.txt").write_text("".join(f"slides/{index}.png\n" for index in range(5)))
    (tmp_path / "nuclei.fake").write_text("{}")
    program = tmp_path / "bin/lmsc"
    program.parent.mkdir()
    program.write_text(
        f"#!{sys.executable}\nimport sys\nfrom lmsc_unet.cli.main import main\n"
        "from lmsc_unet.inference import loading\n"
        'loading.LOADERS = {".fake": "tests.inference.networks:load_bright"}\n'
        "sys.exit(main([{'nuclei': 'nuclei.fake'}.get(word, word) for word in sys.argv[1:]]))\n"
    )
    program.chmod(0o755)
    return tmp_path


def run_in(folder: Path, command: list[str], **variables: str) -> None:
    root = Path(__file__).parents[2]
    paths = {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": f"{root / 'src'}:{root}"}
    subprocess.run(command, cwd=folder, env=os.environ | paths | variables, check=True, capture_output=True)


def masks_of(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "found").glob("*/masks/*"))


EVERY_MASK = [f"{index}.png" for index in range(5)]


def test_the_example_for_xargs_predicts_each_image_once(slides):
    run_in(slides, ["bash", "-c", block_of("sh", "xargs")])
    assert masks_of(slides) == EVERY_MASK


def test_the_example_for_slurm_predicts_its_part(slides):
    script = block_of("sh", "SBATCH")
    first, last = map(int, re.findall(r"--array=(\d+)-(\d+)", script)[0])
    assert (first, last + 1) == (0, int(re.findall(r"--num-shards (\d+)", script)[0]))
    run_in(slides, ["bash", "-c", script], SLURM_ARRAY_TASK_ID="4")
    assert masks_of(slides) == ["4.png"]


def test_the_example_for_kubernetes_predicts_its_part(slides):
    spec = yaml.safe_load(block_of("yaml", "kind: Job"))["spec"]
    (container,) = spec["template"]["spec"]["containers"]
    assert f"--num-shards {spec['completions']} " in container["args"][0]
    run_in(slides, [*container["command"], *container["args"]], JOB_COMPLETION_INDEX="3")
    assert masks_of(slides) == ["3.png"]
