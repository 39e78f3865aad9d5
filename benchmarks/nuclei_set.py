r"""Lays out the images that the bundled model `nuclei` is trained on, with those that are held back.

    python benchmarks/nuclei_set.py --dsb2018 DSB2018 --nuinsseg NUINSSEG --tnbc TNBC --out runs/nuclei-set
    lmsc train runs/nuclei-set --split-file runs/nuclei-set/split.csv --repeats repeats --instances \
        --recipe tissue --model lmsc-unet-m --out runs/nuclei

Every sixth image of each kind of the 2018 Data Science Bowl and of NuInsSeg is held back ("val"), and TNBC's last
patients. `--leave-out` holds back every image whose name holds one of some words instead, such as an
organ or a source.

Masks number the nuclei. NuInsSeg's are binary here: a compact component is one nucleus, all others share one number, so
that a training learns no contours inside of them. The column `repeats` weighs the sources.
"""

import argparse
import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lmsc_unet.datasets.folder import find_dataset
from lmsc_unet.imageio import read_image, read_mask, write_png

HELD_BACK = 6
LEAST_SOLIDITY = 0.9
"""Area of a component by that of its convex hull, from which on it counts as one nucleus."""
TNBC_HELD_BACK = ("09", "11")
"""Patients."""
REPEATS = {"nuinsseg": 2, "fluorescence": 1, "stained": 3, "brightfield": 3, "tnbc": 24}
Labels = NDArray[np.uint16]


def main() -> None:
    """Writes images/, masks/ and split.csv."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dsb2018", type=Path)
    parser.add_argument("--nuinsseg", type=Path)
    parser.add_argument("--tnbc", type=Path)
    parser.add_argument(
        "--leave-out", default="", help="words, with commas: images with one in their names are held back"
    )
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    for name in ("images", "masks"):
        (options.out / name).mkdir(parents=True)
    words = [word for word in options.leave_out.split(",") if word]
    rows = []
    for source, image, labels, is_held_back in sources(options):
        name = f"{source}-{image.stem[:40]}"
        write_png(options.out / "images" / f"{name}.png", read_image(image))
        write_png(options.out / "masks" / f"{name}.png", labels)
        split = "val" if (any(word in name for word in words) if words else is_held_back) else "train"
        rows.append((name, split, REPEATS[source] if split == "train" else 1, source))
    with (options.out / "split.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("name", "split", "repeats", "source"), *rows])
    crops = Counter()
    for _, split, repeats, source in rows:
        crops[source, split] += repeats
    print(crops)


def sources(options: argparse.Namespace) -> Iterator[tuple[str, Path, Labels, bool]]:
    """The source, the image, its labels, and whether it is held back."""
    if options.dsb2018:
        yield from bowl(options.dsb2018)
    if options.nuinsseg:
        for number, sample in enumerate(find_dataset(options.nuinsseg).samples, start=1):
            assert sample.mask is not None
            yield "nuinsseg", sample.image, numbered(read_mask(sample.mask) > 0), number % HELD_BACK == 0
    if options.tnbc:
        for image in sorted((options.tnbc / "images").iterdir()):
            labels = read_mask(options.tnbc / "labels" / image.name)
            yield "tnbc", image, labels.astype(np.uint16), image.stem.startswith(TNBC_HELD_BACK)


def bowl(folder: Path) -> Iterator[tuple[str, Path, Labels, bool]]:
    """The Bowl's images by kind."""
    seen: Counter[str] = Counter()
    with (folder / "index.csv").open(newline="") as file:
        for row in sorted(csv.DictReader(file), key=lambda row: row["id"]):
            kind, seen[row["kind"]] = row["kind"], seen[row["kind"]] + 1
            image, labels = folder / "images" / f"{row['id']}.png", read_mask(folder / "labels" / f"{row['id']}.png")
            yield kind, image, labels.astype(np.uint16), seen[kind] % HELD_BACK == 0


def numbered(mask: NDArray[np.bool_]) -> Labels:
    """The components of a binary mask from 2 on; 1 for all that are not compact, such as touching nuclei."""
    number, components = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    labels = np.zeros(mask.shape, np.uint16)
    for component in range(1, number):
        outline, _ = cv2.findContours(
            (components == component).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
        )
        hull = max(cv2.contourArea(cv2.convexHull(outline[0])), 1.0)
        is_compact = cv2.contourArea(outline[0]) >= LEAST_SOLIDITY * hull
        labels[components == component] = component + 1 if is_compact else 1
    return labels


if __name__ == "__main__":
    main()
