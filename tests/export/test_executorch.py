"""ExecuTorch's file is the run, too; tried where ExecuTorch is installed, which needs an environment of its own."""

from pathlib import Path

import numpy as np
import pytest

from lmsc_unet.errors import ConfigError, ModelError, SizeError
from lmsc_unet.export import formats
from lmsc_unet.export.export import export
from lmsc_unet.export.formats import find_format
from lmsc_unet.export.options import ExportOptions
from lmsc_unet.inference.predictor import Predictor
from lmsc_unet.inference.runtime import Runtime
from tests.apps.segment.conftest import blobs


@pytest.mark.executorch
@pytest.mark.filterwarnings("ignore")
def test_a_program_predicts_what_the_run_predicts(trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.pte"
    assert export(trained, out, ExportOptions(to="executorch")).report["backend"] == "executorch"
    ours = Predictor.load(out).predict(blobs(61, 47))
    theirs = Predictor.load(trained, runtime=Runtime(backend="torch")).predict(blobs(61, 47))
    np.testing.assert_allclose(ours.probability, theirs.probability, rtol=0, atol=1e-5)
    with pytest.raises(SizeError, match="takes sides up to 512 px"):
        Predictor.load(out, tile_px=1024).predict(blobs(1024, 1024))
    out.write_bytes(out.read_bytes()[:2000])
    with pytest.raises(ModelError, match="ExecuTorch cannot load it"):
        Predictor.load(out)


@pytest.mark.parametrize(
    ("is_there", "message"), [(True, "Leave --int8 and --outputs out"), (False, r"\[executorch\]")]
)
def test_what_cannot_be_is_told_before_any_work(is_there: bool, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "find_spec", lambda _: is_there or None)
    with pytest.raises(ConfigError, match=message):
        find_format(ExportOptions(to="executorch", int8=True))
