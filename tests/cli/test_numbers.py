"""Numbers on the command line: whole ones are whole, each has its range, and the message names the option."""

import pytest

from lmsc_unet.cli.main import main


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["data", "nuclei", "OUT", "--count", "1.5"], "--count is 1.5; it must be a whole number"),  # R28
        (["data", "nuclei", "OUT", "--count", "nan."], "--count is nan.; it must be a whole number"),
        (["data", "nuclei", "OUT", "--seed", "-1"], "seed is -1; it must be at least 0"),  # R15
        (["predict", "nuclei", "a.png", "--out", "OUT", "--threads", "1.5"], "--threads is 1.5; it must be a whole"),
        (["evaluate", "nuclei", ".", "--draws", "99999999999999999999"], "num_draws is 99999999999999999999; it must"),
        (["evaluate", "nuclei", ".", "--threads", "99999999999999999999"], "threads is 99999999999999999999; it must"),
        (["evaluate", "nuclei", ".", "--seed", "1.5"], "--seed is 1.5; it must be a whole number"),
        (["detect", "a.sigmf", "--follow", "--channel", "0.5"], "--channel is 0.5; it must be a whole number"),
        (["detect", "a.sigmf", "--follow", "--center-hz", "1e400"], "center_hz is inf"),  # R19
        (["scenes", "OUT", "--count", "1", "--processes=-1"], "processes is -1; it must be at least 1"),  # R16
        (["scenes", "OUT", "--count", "2.5"], "--count is 2.5; it must be a whole number"),
        (["train", ".", "--out", "OUT", "--epochs", "1.5"], "--epochs is 1.5; it must be a whole number"),
        (["train", ".", "--out", "OUT", "--recordings.scales", "1.5"], "--recordings.scales is 1.5; it must be"),
        (["export", "OUT", "--out", "a.onnx", "--crops", "1.5"], "--crops is 1.5; it must be a whole number"),
        (["benchmark", "--threads", ""], "threads is empty; it must be comma-separated numbers"),  # R16
        (["benchmark", "--batch", "1.5"], "batch is '1.5'; it must be comma-separated numbers"),
        (["complexity", "unet", "--size-px", "8.5"], "--size-px is 8.5; it must be a whole number"),
        (["complexity", "unet", "--size-px", str(10**20)], "size_px is 100000000000000000000; it must be at least 1"),
    ],
)
def test_a_number_that_cannot_be_is_told_with_its_option(
    words: list[str], message: str, tmp_path, capsys, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([word.replace("OUT", str(tmp_path / "out")) for word in words]) == 1
    assert message in capsys.readouterr().err
    assert not any(tmp_path.iterdir())
