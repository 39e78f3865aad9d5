"""Prints what a visitor of the built page downloads, compressed by gzip -9; fails where one visit is over 5 MB.

A visit fetches the page, the runtime and the model of its task; examples and the other model only if they are chosen.
"""

import gzip
import sys
from pathlib import Path

MOST_BYTES = 5_000_000


def main(folder: Path) -> int:
    sizes = {
        path.relative_to(folder).as_posix(): len(gzip.compress(path.read_bytes(), 9))
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    models = {name: size for name, size in sizes.items() if name.startswith("models/")}
    examples = sum(size for name, size in sizes.items() if name.startswith("examples/"))
    licences = sizes["LICENSES.txt"]
    always = sum(sizes.values()) - sum(models.values()) - examples - licences
    print(f"page and runtime {always / 1e6:.2f} MB, examples {examples / 1e6:.2f} MB (gzip -9)")
    for name, size in models.items():
        print(f"{name}: {size / 1e6:.2f} MB; a visit that uses it {(always + size) / 1e6:.2f} MB")
    most = always + max(models.values())
    if most > MOST_BYTES:
        print(f"A visit downloads {most / 1e6:.2f} MB; at most {MOST_BYTES / 1e6:.0f} MB are wanted.", file=sys.stderr)
    return int(most > MOST_BYTES)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
