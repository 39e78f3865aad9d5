import pytest

from lmsc_unet.datasets.folder import find_dataset
from lmsc_unet.datasets.options import DataOptions
from lmsc_unet.errors import DataError
from tests.datasets.folders import write_dataset


def _split(root, text, **options):
    path = root.parent / "split.csv"
    path.write_text(text, encoding="utf-8")
    return {s.name: s.split for s in find_dataset(root, DataOptions(split_file=path, **options)).samples}


@pytest.fixture
def root(tmp_path):
    return write_dataset(tmp_path / "DATA", ["a", "x/1", "y/1"])


EXPECTED = {"a": "train", "x/1": "val", "y/1": "test"}


@pytest.mark.parametrize(
    "text",
    [
        "name,split\na,train\nx/1,val\ny/1,test\n",  # names as the check gives them
        "name,split\na.png,train\nx/1.png,val\ny/1.png,test\n",  # with ending
        "name,split\nimages/a.png,train\n./images/x/1.png,val\nimages/y/1,test\n",  # below the dataset
        "\ufeffsplit,name,remark\nTrain,a,\nvalidation,x/1,good\ntest,y/1,\n",  # Excel's mark, other columns and words
        "name,split\na,train\na,train\nx/1,val\ny/1,test\n",  # said twice
    ],
)
def test_a_split_file_parts_the_samples(root, text):
    assert _split(root, text) == EXPECTED


BAD = [
    ("", r"split\.csv: the columns are none\. A split file is CSV with a first line `name,split`\."),
    ("file,part\na,train\n", r"split\.csv: the columns are file, part\."),
    ("name,split\nb,train\n", r"split\.csv, line 2: 'b' is no image of .*DATA\."),
    ("name,split\na,train\n1,val\n", r"split\.csv, line 3: '1' may be x/1, y/1\. Write its path below"),
    ("name,split\na,dev\n", r"line 2: the split is 'dev'; it must be train, val or test\."),
    ("name,split\na\n", r"line 2: the split is ''; it must be"),
    ("name,split\na,train\na,val\n", r"line 3: 'a' is in train and in val\. Keep one\."),
    ("name,split\na,train\nx/1,val\n", r"images/y/1\.png: the image is in none of train, val and test"),
]


@pytest.mark.parametrize(("text", "message"), BAD)
def test_a_wrong_split_file_is_refused_with_its_line(root, text, message):
    with pytest.raises(DataError, match=message):
        _split(root, text)


def test_a_missing_file_and_one_that_is_no_text_are_named(root):
    with pytest.raises(DataError, match=r"no\.csv: the split file cannot be read \(No such file"):
        find_dataset(root, DataOptions(split_file=root / "no.csv"))
    (root / "bad.csv").write_bytes(b"\xff\xfe\x00name")
    with pytest.raises(DataError, match=r"bad\.csv: the split file is no CSV in UTF-8"):
        find_dataset(root, DataOptions(split_file=root / "bad.csv"))


def test_folders_and_a_file_that_both_part_are_refused(tmp_path):
    root = write_dataset(tmp_path / "DATA", ["train/a", "val/b"])
    with pytest.raises(
        DataError, match="DATA: its folders say what trains and what validates, and so does the split file"
    ):
        _split(root, "name,split\ntrain/a,train\nval/b,val\n")
