"""YOLO segmentation: `labels/NAME.txt` for `images/NAME.jpg`, outlines from 0 to 1; data.yaml names the classes."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from lmsc_unet.config import read_yaml
from lmsc_unet.datasets.convert.annotation_set import (
    AnnotatedImage,
    AnnotationSet,
    ImageFinder,
    class_names_of,
    well_formed,
)
from lmsc_unet.datasets.convert.drawing import AnnotatedObject, as_points
from lmsc_unet.errors import ConfigError, DataError
from lmsc_unet.imageio import read_info

NAMES = ("data.yaml", "dataset.yaml", "data.yml", "dataset.yml")
_BOX = 4


def read_yolo(root: Path, files: Sequence[Path], finder: ImageFinder, classes: Sequence[str]) -> AnnotationSet:
    """The annotations of all text files; images without one have no objects.

    Raises:
        DataError: a file is broken, an image is missing, or classes are not known.
    """
    names = read_names(root) or list(classes)
    if not names:
        raise DataError(f"{root}: there is no data.yaml that names the classes. Name them in order by --classes.")
    images, skipped, taken = [], Counter[str](), dict[str, Path]()
    labels = {_place(path.relative_to(root)): path for path in files}
    for image in finder.paths:
        name = finder.name_of(image)
        path = labels.get(name) or labels.get(PurePosixPath(name).name)
        objects: tuple[AnnotatedObject, ...] = ()
        if path is not None:
            taken[name] = path
            objects = _objects(path, image, names, skipped)
        images.append(AnnotatedImage(path=image, name=name, objects=objects))
    alone = sorted(set(labels.values()) - set(taken.values()))
    if alone:
        raise DataError(
            f"{alone[0]}: there is no image of this name below {finder.root}; {len(alone)} text files have none. Copy "
            "the images there, or name their folder by --images."
        )
    return AnnotationSet(images=tuple(images), class_names=class_names_of(names, classes), skipped=skipped)


def read_names(root: Path) -> list[str]:
    """The names of the classes by data.yaml or classes.txt; empty if there is none.

    Raises:
        DataError: the file holds no names.
    """
    if (text := root / "classes.txt").is_file():
        return [line.strip() for line in text.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    path = next((root / name for name in NAMES if (root / name).is_file()), None)
    if path is None:
        return []
    try:
        names = read_yaml(path)["names"]
        return [str(names[key]) for key in sorted(names)] if isinstance(names, dict) else [str(name) for name in names]
    except (ConfigError, KeyError, TypeError) as error:
        raise DataError(f"{path}: it holds no list `names` of classes ({error}). Add it.") from error


def _place(path: Path) -> str:
    """A text file's path without the folders `labels` and without suffix."""
    parts = path.with_suffix("").parts
    return PurePosixPath(*(part for part in parts if part != "labels")).as_posix()


def _objects(path: Path, image: Path, names: Sequence[str], skipped: Counter[str]) -> tuple[AnnotatedObject, ...]:
    info, objects = read_info(image), []
    with well_formed(path, "a text file of YOLO segmentation"):
        for line in filter(None, map(str.split, path.read_text(encoding="utf-8-sig").splitlines())):
            number, numbers = int(line[0]), np.array(line[1:], np.float64)
            if not 0 <= number < len(names):
                raise DataError(f"{path}: the class {number} is not known: there are {len(names)}, from 0 on.")
            if len(numbers) == _BOX:
                skipped["box"] += 1
                continue
            points = as_points(numbers) * (info.width_px, info.height_px)
            objects.append(AnnotatedObject(class_name=names[number], parts=((points,),)))
    return tuple(objects)
