"""Text files of YOLO segmentation: a line for each object, with its class from 0 and its outline from 0 to 1."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from lmsc_unet.apps.segment.objects.facts import AddObject, ImageFacts
from lmsc_unet.apps.segment.objects.image_object import ImageObject
from lmsc_unet.apps.segment.objects.measuring import Measurements
from lmsc_unet.apps.segment.objects.outline import one_path, polygons_of


@contextmanager
def yolo_writer(stream: TextIO, facts: ImageFacts) -> Iterator[AddObject]:
    """Writes the lines of one image; holes and pieces are joined to one path."""
    height_px, width_px = facts.size_px

    def add(shape: ImageObject, _found: Measurements) -> None:
        path = one_path(polygons_of(shape))
        numbers = " ".join(f"{x / width_px:.8g} {y / height_px:.8g}" for x, y in path)
        stream.write(f"{shape.class_id - 1} {numbers}\n")

    yield add


def names_yaml(class_names: Sequence[str]) -> str:
    """The text of data.yaml, which names the classes without the background."""
    import json  # JSON's text is YAML's too

    names = "".join(f"  {index}: {json.dumps(name)}\n" for index, name in enumerate(class_names[1:]))
    return f"names:\n{names}"
