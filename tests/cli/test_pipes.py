import subprocess
import sys


def test_a_reader_that_has_enough_gets_no_traceback() -> None:
    command = [sys.executable, "-u", "-m", "lmsc_unet.cli", "models"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 1
