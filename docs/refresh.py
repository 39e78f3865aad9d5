"""Writes anew what the documents quote of commands: `python docs/refresh.py [FILE.md...]`.

A quotation stands between two comments. The first says which command printed it, `lmsc` or a script of ours::

    <!-- $ lmsc complexity --format markdown -->
    | model | ...
    <!-- end -->

    <!-- $ python benchmarks/nuinsseg.py -->
    <!-- end -->

Without arguments, every document here and the README are refreshed. tests/test_docs.py holds that they are current.
"""

import io
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path

from lmsc_unet.cli.main import main as lmsc

DOCS = Path(__file__).resolve().parent
QUOTATION = re.compile(
    r"(?P<opening><!-- \$ (?P<program>lmsc|python) (?P<arguments>[^\n]*) -->\n).*?(?P<closing><!-- end -->)", re.DOTALL
)


def documents() -> list[Path]:
    """Every document that may quote a command."""
    return [DOCS.parent / "README.md", *sorted(DOCS.rglob("*.md"))]


def refreshed(text: str) -> str:
    """The text of a document with every quotation as its command prints it now."""
    return QUOTATION.sub(
        lambda found: found["opening"] + PROGRAMS[found["program"]](found["arguments"]) + found["closing"], text
    )


def output_of_lmsc(arguments: str) -> str:
    """What `lmsc` prints for these arguments, ending with one line break."""
    with redirect_stdout(io.StringIO()) as output:
        exit_code = lmsc(shlex.split(arguments))
    if exit_code:
        raise SystemExit(f"`lmsc {arguments}` ended with exit code {exit_code}; the document was left as it was.")
    return output.getvalue().rstrip("\n") + "\n"


def output_of_python(arguments: str) -> str:
    """What a script of this repository prints, ending with one line break."""
    command = [sys.executable, *shlex.split(arguments)]
    done = subprocess.run(command, cwd=DOCS.parent, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"`python {arguments}` failed; the document was left as it was.\n{done.stderr}")
    return done.stdout.rstrip("\n") + "\n"


PROGRAMS = {"lmsc": output_of_lmsc, "python": output_of_python}


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
