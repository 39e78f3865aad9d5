"""What the scripts here print for the docs."""


def print_row(*cells: object) -> None:
    """Prints a row of a Markdown table."""
    print("|", " | ".join(map(str, cells)), "|")
