"""What the documents quote of the command line is what it prints."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parents[1] / "docs"


def load_refresh() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_refresh", DOCS / "refresh.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


refresh = load_refresh()


@pytest.mark.parametrize("document", refresh.documents(), ids=lambda document: str(document.relative_to(DOCS.parent)))
def test_every_quotation_is_current(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    assert text == refresh.refreshed(text), "run `python docs/refresh.py`"


def test_a_stale_quotation_is_written_anew() -> None:
    stale = "before\n<!-- $ lmsc complexity lmsc-unet --format markdown -->\nold\n<!-- end -->\nafter\n"
    current = refresh.refreshed(stale)
    assert current.startswith("before\n<!-- $ lmsc complexity lmsc-unet --format markdown -->\n| model |")
    assert current.endswith(
        "| lmsc-unet | 909,058 | 3.483 | 6.960 | 8.243 | 0.91 | 8.2 | 3.46 |\n<!-- end -->\nafter\n"
    )
    assert refresh.refreshed(current) == current


def test_a_quotation_of_a_failing_command_is_refused() -> None:
    with pytest.raises(SystemExit, match="`lmsc complexity nothing` ended with exit code 1"):
        refresh.refreshed("<!-- $ lmsc complexity nothing -->\n<!-- end -->\n")
