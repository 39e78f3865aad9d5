"""GeoJSON as QuPath reads and writes it: a detection for each object, in pixels of the whole image.

Coordinates are corners of pixels: the first pixel reaches from 0 to 1.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO
from uuid import NAMESPACE_URL, uuid5

from lmsc_unet.apps.segment.objects.facts import AddObject, ImageFacts
from lmsc_unet.apps.segment.objects.image_object import ImageObject
from lmsc_unet.apps.segment.objects.measuring import Measurements
from lmsc_unet.apps.segment.objects.outline import PixelPolygon, Ring, polygons_of
from lmsc_unet.apps.segment.objects.table import channel_column, named_values
from lmsc_unet.inference.overlays import colour_of


@contextmanager
def geojson_writer(stream: TextIO, facts: ImageFacts) -> Iterator[AddObject]:
    """Writes a FeatureCollection, one line for each object."""
    separator = "\n"

    def add(shape: ImageObject, found: Measurements) -> None:
        nonlocal separator
        stream.write(separator + json.dumps(feature_of(shape, found, facts), ensure_ascii=False, allow_nan=False))
        separator = ",\n"

    stream.write('{"type": "FeatureCollection", "features": [')
    yield add
    stream.write("\n]}\n")


def feature_of(shape: ImageObject, found: Measurements, facts: ImageFacts) -> dict[str, Any]:
    """One object as a GeoJSON feature; the same object of the same image always has the same id."""
    polygons = [_coordinates(polygon) for polygon in polygons_of(shape)]
    is_one = len(polygons) == 1
    means = {channel_column(index): round(mean, 6) for index, mean in enumerate(found.means)}
    return {
        "type": "Feature",
        "id": str(uuid5(NAMESPACE_URL, f"{facts.name.encode(errors='backslashreplace').decode()}#{shape.label}")),
        "geometry": {
            "type": "Polygon" if is_one else "MultiPolygon",
            "coordinates": polygons[0] if is_one else polygons,
        },
        "properties": {
            "objectType": "detection",
            "name": str(shape.label),
            "classification": {"name": facts.class_names[shape.class_id], "color": list(colour_of(shape.class_id))},
            "measurements": named_values(found) | means,
        },
    }


def _coordinates(polygon: PixelPolygon) -> list[Ring]:
    """The closed rings of a polygon, the outer one first."""
    return [[*ring, ring[0]] for ring in (polygon.exterior, *polygon.holes)]
