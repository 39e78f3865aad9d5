"""Lays out the images that the bundled model `nuclei` is trained on, with the part that is held back.

    python benchmarks/nuclei_set.py --dsb2018 DSB2018 --nuinsseg NUINSSEG --out runs/nuclei-set
    lmsc train runs/nuclei-set --split-file runs/nuclei-set/split.csv --out runs/nuclei ...

Every sixth image of each kind of the 2018 Data Science Bowl and every sixth NuInsSeg patch are held back ("val").
Stained images are few and NuInsSeg's are larger, so each stained training image stands there twice, once mirrored,
each NuInsSeg patch three times: as it is, and at half its size, once mirrored.
"""

import argparse
import csv
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.datasets.folder import find_dataset
from lmsc_unet.imageio import read_image, read_mask, write_png
from lmsc_unet.imageio.resize import resize, resize_mask

HELD_BACK = 6
Pair = tuple[NDArray[Any], NDArray[Any]]


def main() -> None:
    """Writes images/, masks/ and split.csv."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dsb2018", type=Path, required=True)
    parser.add_argument("--nuinsseg", type=Path)
    parser.add_argument("--look", default="", help="NuInsSeg patches whose names hold one of these words are held back")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    for name in ("images", "masks"):
        (options.out / name).mkdir(parents=True)
    rows = [*bowl(options.dsb2018, options.out)]
    if options.nuinsseg:
        rows += nuinsseg(options.nuinsseg, options.out, options.look.split(",") if options.look else [])
    with (options.out / "split.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("name", "split"), *rows])
    print(Counter(split for _, split in rows))


def bowl(folder: Path, out: Path) -> list[tuple[str, str]]:
    """Copies the Bowl's images, stained and brightfield ones of the training part once more, mirrored."""
    seen: Counter[str] = Counter()
    rows = []
    with (folder / "index.csv").open(newline="") as file:
        for row in sorted(csv.DictReader(file), key=lambda row: row["id"]):
            kind, seen[row["kind"]] = row["kind"], seen[row["kind"]] + 1
            split = "val" if seen[kind] % HELD_BACK == 0 else "train"
            name = f"{kind}-{row['id'][:12]}"
            for part in ("images", "masks"):
                shutil.copyfile(folder / part / f"{row['id']}.png", out / part / f"{name}.png")
            rows.append((name, split))
            if split == "train" and kind != "fluorescence":
                pair = read_image(out / "images" / f"{name}.png"), read_mask(out / "masks" / f"{name}.png")
                rows.append(write(out, f"{name}-mirrored", mirrored(pair), split))
    return rows


def nuinsseg(folder: Path, out: Path, look: list[str]) -> list[tuple[str, str]]:
    """Copies NuInsSeg's patches, those of the training part at full size and twice at half."""
    rows = []
    for number, sample in enumerate(find_dataset(folder).samples, start=1):
        assert sample.mask is not None
        stem = sample.image.stem
        is_held_back = any(word in stem for word in look) if look else number % HELD_BACK == 0
        image, mask = read_image(sample.image), read_mask(sample.mask)
        height_px, width_px = mask.shape
        half = resize(image, height_px // 2, width_px // 2), resize_mask(mask, height_px // 2, width_px // 2)
        versions = {"half": half}
        if not is_held_back:
            versions |= {"half-mirrored": mirrored(half), "full": (image, mask)}
        for version, pair in versions.items():
            rows.append(write(out, f"nuinsseg-{stem}-{version}", pair, "val" if is_held_back else "train"))
    return rows


def mirrored(pair: Pair) -> Pair:
    """Image and mask, left and right exchanged."""
    image, mask = pair
    return image[:, ::-1], mask[:, ::-1]


def write(out: Path, name: str, pair: Pair, split: str) -> tuple[str, str]:
    """Writes image and mask under a name; gives their row of the split."""
    for part, pixels in zip(("images", "masks"), pair, strict=True):
        write_png(out / part / f"{name}.png", np.ascontiguousarray(pixels))
    return name, split


if __name__ == "__main__":
    main()
