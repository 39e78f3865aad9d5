"""Prints every command with its arguments and options, as `--help` has them: `python docs/commands.py`.

docs/reference/commands.md quotes it.
"""

import re

from lmsc_unet.cli.main import build_app

FIRST = "\n## lmsc "
"""What stands before it is a title and a table of contents, which the page has by itself."""


def commands() -> str:
    """One section per command, in Markdown; each option on a line of its own."""
    text = build_app().generate_docs(output_format="markdown", recursive=True)
    sections = text[text.index(FIRST) + 1 :]
    return re.sub(r"\n {4,}(?=\S)", " ", sections).rstrip()


if __name__ == "__main__":
    print(commands())
