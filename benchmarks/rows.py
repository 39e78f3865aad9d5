"""What the scripts here print for the docs."""


def print_head(*titles: str, num_words: int = 1) -> None:
    """Prints the head of a Markdown table: `num_words` columns of words, the others of numbers."""
    print_row(*titles)
    print("|" + "---|" * num_words + "---:|" * (len(titles) - num_words))


def print_row(*cells: object) -> None:
    """Prints a row of a Markdown table."""
    print("|", " | ".join(map(str, cells)), "|")
