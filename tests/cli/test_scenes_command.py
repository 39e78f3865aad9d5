import resource

import pytest
from cyclopts import App

from lmsc_unet.cli.main import main
from lmsc_unet.cli.scenes import scenes
from lmsc_unet.errors import ConfigError, OutputError


def run(*argv):
    """The command by itself, as the command line calls it."""
    app = App()
    app.command(scenes, name="scenes")
    return app(["scenes", *map(str, argv)], exit_on_error=False, result_action="return_value")


def test_recordings_are_written_and_compared_with_the_dataset(tmp_path, capsys):
    assert run(tmp_path / "set", "--count", 8, "--seed", 3, "--samples", 4096, "--datatype", "ci8") is None
    assert len(list((tmp_path / "set").glob("*.sigmf-meta"))) == 8
    assert {path.stat().st_size for path in (tmp_path / "set").glob("*.sigmf-data")} == {8192}
    out = capsys.readouterr().out
    assert "measured in the dataset" in out
    assert "41.0%" in out
    assert f"8 scenes in {tmp_path / 'set'}" in " ".join(out.split())


def test_pictures_are_a_set_to_train_on(tmp_path):
    from lmsc_unet.datasets.folder import find_dataset

    run(tmp_path / "set", "--count", 8, "--samples", 65_536, "--pictures", "--receiver", "cheap", "--dc-spike-db", 10)
    dataset = find_dataset(tmp_path / "set")
    assert len(dataset.samples) == 8
    assert all(sample.mask is not None for sample in dataset.samples)


def test_wrong_values_are_told(tmp_path):
    with pytest.raises(ConfigError, match="iq_imbalance is 2"):
        run(tmp_path / "set", "--count", 1, "--iq-imbalance", 2)
    (tmp_path / "mine.txt").touch()
    with pytest.raises(OutputError, match="not empty"):
        run(tmp_path, "--count", 1)


def test_a_full_disk_is_told_and_leaves_no_half_recording(tmp_path, process):  # R13
    """A limit on the size of files fails a write as a full disk does."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    with pytest.raises(OutputError, match=r"scene-0-00000-tmpl\d\d\.sigmf-data: cannot be written \(File too large\)"):
        run(tmp_path / "set", "--count", 1, "--samples", 65_536)
    assert not list((tmp_path / "set").iterdir())


def test_a_stopped_set_says_how_many_scenes_are_whole(tmp_path, monkeypatch, capsys):  # R12
    from lmsc_unet.synthetic.radio import writer

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(writer, "write_metadata", stop)
    assert main(["scenes", str(tmp_path / "set"), "--count", "2", "--samples", "4096"]) == 130
    assert f"stopped. 0 of 2 scenes in {tmp_path / 'set'} are complete; to make all, name" in capsys.readouterr().err
