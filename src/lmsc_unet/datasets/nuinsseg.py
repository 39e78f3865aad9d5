"""NuInsSeg as published (Mahbod et al. 2024): a folder for each organ, and in it one for each kind of file.

Stems need not agree with the organ's folder, some numbers are missing, and spellings are the publisher's;
nothing is read from names but the stem, which is one in all folders of an organ.
"""

from pathlib import Path

from lmsc_unet.datasets.pairing import FolderPair

IMAGES = "tissue images"
MASKS = "mask binary"


def is_nuinsseg(root: Path) -> bool:
    """Whether a folder holds organs as published, or is one of them."""
    return bool(_organs(root))


def organ_folders(root: Path, masks: str = MASKS) -> list[FolderPair]:
    """All organs; `masks` may name another of the published folders, such as `label masks modify`."""
    return [
        FolderPair(images=organ / IMAGES, masks=organ / masks, prefix="" if organ == root else f"{organ.name}/")
        for organ in _organs(root)
    ]


def _organs(root: Path) -> list[Path]:
    if (root / IMAGES).is_dir():
        return [root]
    return sorted(path for path in root.iterdir() if (path / IMAGES).is_dir())
