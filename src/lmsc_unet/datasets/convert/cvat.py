"""CVAT's XML "for images 1.1": polygons and masks of all images in one file."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from lmsc_unet.datasets.convert.annotation_set import (
    AnnotatedImage,
    AnnotationSet,
    ImageFinder,
    class_names_of,
    well_formed,
)
from lmsc_unet.datasets.convert.drawing import AnnotatedObject, Stamp, as_points, from_run_lengths
from lmsc_unet.errors import DataError


def read_root(path: Path) -> ElementTree.Element:
    """The root of an XML file.

    Raises:
        DataError: it cannot be read, or is cut off.
    """
    try:
        return ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError, ValueError) as error:
        raise DataError(f"{path}: this is no whole XML file ({error}). Export it again.") from error


def is_cvat(root: ElementTree.Element) -> bool:
    """Whether XML is CVAT's."""
    return root.tag == "annotations" and (root.find("image") is not None or root.find("meta") is not None)


def read_cvat(files: Sequence[Path], finder: ImageFinder, classes: Sequence[str]) -> AnnotationSet:
    """The annotations of all files.

    Raises:
        DataError: a file is broken, an image is missing, or a class is not known.
    """
    images: list[AnnotatedImage] = []
    names: list[str] = []
    skipped: Counter[str] = Counter()
    for path in files:
        with well_formed(path, "CVAT's XML for images 1.1"):
            root = read_root(path)
            labels = [str(label.findtext("name")) for label in root.findall("./meta//labels/label")]
            names += labels
            for one in root.findall("image"):
                objects = [found for child in one if (found := _object(path, child, labels, skipped))]
                image = finder.find(one.attrib["name"], path.parent)
                if image is not None:
                    size_px = (int(one.attrib["height"]), int(one.attrib["width"]))
                    name = finder.name_of(image)
                    images.append(AnnotatedImage(path=image, name=name, objects=tuple(objects), size_px=size_px))
        finder.check(path)
    names = names or sorted({one.class_name for image in images for one in image.objects})
    return AnnotationSet(images=tuple(images), class_names=class_names_of(names, classes), skipped=skipped)


def _object(
    path: Path, child: ElementTree.Element, labels: Sequence[str], skipped: Counter[str]
) -> AnnotatedObject | None:
    if child.tag not in ("polygon", "mask"):
        if child.tag != "tag":
            skipped[child.tag] += 1
        return None
    name = child.attrib["label"]
    if labels and name not in labels:
        raise DataError(f"{path}: the class {name} is annotated, but the file's labels are {', '.join(labels)}.")
    if child.tag == "polygon":
        points = as_points([pair.split(",") for pair in child.attrib["points"].split(";")])
        return AnnotatedObject(class_name=name, parts=((points,),))
    shape = (int(child.attrib["height"]), int(child.attrib["width"]))
    lengths = [int(number) for number in child.attrib["rle"].split(",")]
    mask = from_run_lengths(lengths, shape, by_columns=False)
    stamp = Stamp(left_px=int(child.attrib["left"]), top_px=int(child.attrib["top"]), mask=mask)
    return AnnotatedObject(class_name=name, stamp=stamp)
