"""QuPath's GeoJSON: one file per image, named as the image."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lmsc_unet.datasets.convert.annotation_set import (
    AnnotatedImage,
    AnnotationSet,
    ImageFinder,
    class_names_of,
    read_json,
    well_formed,
)
from lmsc_unet.datasets.convert.drawing import AnnotatedObject, Part, as_points

UNCLASSIFIED = "object"
"""The class of objects without classification."""


def is_geojson(content: Any) -> bool:
    """Whether JSON is GeoJSON: a collection, a list of features, or one."""
    first = content[0] if isinstance(content, list) and content else content
    return isinstance(first, dict) and first.get("type") in ("FeatureCollection", "Feature")


def read_qupath(files: Sequence[Path], finder: ImageFinder, classes: Sequence[str]) -> AnnotationSet:
    """The annotations and detections of all files.

    Raises:
        DataError: a file is broken, an image is missing, or a class is not known.
    """
    images, skipped = [], Counter[str]()
    for path in files:
        with well_formed(path, "QuPath's GeoJSON"):
            content = read_json(path)
            features = content["features"] if isinstance(content, dict) and "features" in content else content
            features = features if isinstance(features, list) else [features]
            objects = [found for feature in features if (found := _object(feature, skipped))]
            image = finder.find_named(Path(path.name.removesuffix(".gz")).stem)
            if image is not None:
                images.append(AnnotatedImage(path=image, name=finder.name_of(image), objects=tuple(objects)))
    finder.check(files[0].parent)
    names = sorted({one.class_name for image in images for one in image.objects})
    return AnnotationSet(images=tuple(images), class_names=class_names_of(names, classes), skipped=skipped)


def _object(feature: dict[str, Any], skipped: Counter[str]) -> AnnotatedObject | None:
    geometry = feature["geometry"]
    kind = str(geometry["type"])
    if kind not in ("Polygon", "MultiPolygon"):
        skipped[kind] += 1
        return None
    polygons = [geometry["coordinates"]] if kind == "Polygon" else geometry["coordinates"]
    parts: list[Part] = [tuple(as_points([point[:2] for point in ring]) for ring in rings) for rings in polygons]
    classification = (feature.get("properties") or {}).get("classification") or {}
    names = classification.get("names")
    name = classification.get("name") or (": ".join(names) if names else UNCLASSIFIED)
    return AnnotatedObject(class_name=str(name), parts=tuple(parts))
