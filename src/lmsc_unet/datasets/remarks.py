"""What `lmsc data check` warns of, in one line for each kind, for those who train without it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from lmsc_unet.datasets.duplicates import same_files
from lmsc_unet.datasets.sample import SPLITS, Dataset, Sample, of_split
from lmsc_unet.imageio import counted_endings, is_lossy_file, is_tiff, read_info

_NAMES_THEM = "`lmsc data check` names them."


def turning_tag(path: Path) -> str:
    """What turns an image: cameras write an EXIF orientation, other programs pass over that of a TIFF."""
    return "TIFF orientation tag" if is_tiff(path) else "EXIF orientation"


def band_note(kept: Sequence[Path]) -> str:
    """What to say of images with a channel that their files call alpha and that counts (`ImageInfo.keeps_alpha`).

    GDAL calls the fourth band of every GeoTIFF of 8 bits so.
    """
    whose = f"{kept[0]} has" if len(kept) == 1 else f"{len(kept)} images, such as {kept[0]}, have"
    return (
        f"{whose} a channel that is called alpha but is more than transparency. It counts as a channel, as infrared "
        "does. If it is none, save the images without it."
    )


def dataset_remarks(dataset: Dataset) -> Iterator[str]:
    """The layout where it is not the plain one, what was passed over, and what may be wrong though it trains.

    Raises:
        DataError: an image cannot be read.
    """
    if dataset.layout == "sigmf":
        return
    if dataset.about not in ("", "images/ with masks/"):
        yield f"the data is read as {dataset.about}."
    if dataset.others:
        yield f"{counted_endings(dataset.others)}."
    if dataset.spare:
        yield f"{len(dataset.spare)} images without masks are left out, {dataset.spare[0]} first."
    yield from _turned([sample.image for sample in dataset.samples])
    lossy = [sample.mask for sample in dataset.samples if sample.mask is not None and is_lossy_file(sample.mask)]
    if lossy:
        yield f"{_number(lossy, 'mask is a JPEG', 'masks are JPEGs')}, which changes values at edges. {_NAMES_THEM}"
    yield from _twins(dataset.samples)


def _turned(images: Sequence[Path]) -> Iterator[str]:
    turned = [path for path in images if read_info(path).orientation != 1]
    for tag in sorted({turning_tag(path) for path in turned}):
        paths = [path for path in turned if turning_tag(path) == tag]
        yield (
            f"{_number(paths, 'image is', 'images are')} turned by the {tag}. See that the masks are drawn that way; "
            f"{_NAMES_THEM}"
        )


def _twins(samples: Sequence[Sample]) -> Iterator[str]:
    again = [
        path
        for part in SPLITS
        for twins in same_files(sample.image for sample in of_split(samples, part))
        for path in twins[1:]
    ]
    if again:
        yield f"{_number(again, 'image is', 'images are')} in one part twice. {_NAMES_THEM}"


def _number(paths: Sequence[Path], one: str, many: str) -> str:
    return f"1 {one}" if len(paths) == 1 else f"{len(paths)} {many}"
