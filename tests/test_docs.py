"""The documents quote what the command line prints, link to what exists, and name every public name."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

import lmsc_unet

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


LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)#?([^)\s]*)\)")


def prose(document: Path) -> str:
    """The text without its code blocks, in which brackets are no links and # is a comment."""
    return re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors(document: Path) -> set[str]:
    """The headings as GitHub and the site name them in addresses."""
    headings = re.findall(r"^#+ (.+)$", prose(document), flags=re.MULTILINE)
    return {re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower()) for heading in headings}


@pytest.mark.parametrize(
    "document",
    [*refresh.documents(), DOCS.parent / "CONTRIBUTING.md", DOCS.parent / "CHANGELOG.md"],
    ids=lambda document: str(document.relative_to(DOCS.parent)),
)
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    for path, anchor in LINK.findall(prose(document)):
        target = document.parent / path if path else document
        assert target.exists(), f"{document}: there is no {path}"
        assert not anchor or anchor in anchors(target), f"{document}: {path} has no heading #{anchor}"


def test_links_and_anchors_are_found(tmp_path: Path) -> None:
    document = tmp_path / "a.md"
    document.write_text("# What is *new*, 1.0\n[a](b.md#c) [d](#e) [f](https://g) ![h](i.png)\n```\n[j](k)\n# l\n```\n")
    assert LINK.findall(prose(document)) == [("b.md", "c"), ("", "e"), ("i.png", "")]
    assert anchors(document) == {"what-is-new-10"}


def test_the_python_reference_names_every_public_name() -> None:
    text = (DOCS / "reference/python.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^::: lmsc_unet\.(\w+)$", text, flags=re.MULTILINE)) == sorted(lmsc_unet.__all__)
