import subprocess
import sys

import pytest

from lmsc_unet.catalog import CATALOG
from lmsc_unet.cli.main import main


def test_every_model_is_listed_with_its_parameters(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert [line.split()[0] for line in lines[1 : 1 + len(CATALOG)]] == list(CATALOG)
    assert "unet 31,043,521 16 standard U-Net of 64-1024 channels" in lines
    assert "lmsc-unet-23 943,457 8 LMSC-UNet of 32-256 channels; BRB at 2 3" in lines


def test_listing_the_models_needs_no_torch() -> None:
    code = "import sys; from lmsc_unet.cli.main import main; main(['models']); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0
