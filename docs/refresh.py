"""Writes anew what the documents quote of the command line: `python docs/refresh.py [FILE.md...]`.

A quotation stands between two comments. The first says which `lmsc` command printed it::

    <!-- $ lmsc complexity --format markdown -->
    | model | ...
    <!-- end -->

Without arguments, every document here and the README are refreshed. tests/test_docs.py holds that they are current.
"""

import io
import re
import shlex
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path

from lmsc_unet.cli.main import main as lmsc

DOCS = Path(__file__).resolve().parent
QUOTATION = re.compile(r"(?P<opening><!-- \$ lmsc (?P<arguments>[^\n]*) -->\n).*?(?P<closing><!-- end -->)", re.DOTALL)


def documents() -> list[Path]:
    """Every document that may quote a command."""
    return [DOCS.parent / "README.md", *sorted(DOCS.rglob("*.md"))]


def refreshed(text: str) -> str:
    """The text of a document with every quotation as its command prints it now."""
    return QUOTATION.sub(lambda found: found["opening"] + output_of(found["arguments"]) + found["closing"], text)


def output_of(arguments: str) -> str:
    """What `lmsc` prints for these arguments, ending with one line break."""
    with redirect_stdout(io.StringIO()) as output:
        exit_code = lmsc(shlex.split(arguments))
    if exit_code:
        raise SystemExit(f"`lmsc {arguments}` ended with exit code {exit_code}; the document was left as it was.")
    return output.getvalue().rstrip("\n") + "\n"


def main(paths: Sequence[str]) -> None:
    """Rewrites the documents whose quotations changed, and names them."""
    for document in [Path(path) for path in paths] or documents():
        text = document.read_text(encoding="utf-8")
        current = refreshed(text)
        if current != text:
            document.write_text(current, encoding="utf-8")
            print(document)


if __name__ == "__main__":
    main(sys.argv[1:])
