"""What a project's labelling interface asks for: which tool, which labels, on which image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from xml.etree import ElementTree

from lmsc_unet.errors import DataError

BRUSH, POLYGON = "brushlabels", "polygonlabels"
TOOLS: Mapping[str, str] = MappingProxyType({"BrushLabels": BRUSH, "PolygonLabels": POLYGON})
"""A tag of the interface -> the type of its regions."""
_MOST_CHARACTERS = 1 << 18


@dataclass(frozen=True, kw_only=True)
class Labelling:
    """One tool of a project, its labels, and the image that it draws on."""

    kind: str
    """The type of its regions."""
    from_name: str
    """The tool's name."""
    to_name: str
    """The image's name."""
    image_key: str
    """The field of a task's data that says where the image is."""
    labels: tuple[str, ...]
    """What regions can be labelled."""

    def label_of(self, class_id: int, class_names: Sequence[str]) -> str | None:
        """The label of a class: of the same name, or the only one for the only foreground; None if there is none."""
        same = (label for label in self.labels if label.casefold() == class_names[class_id].casefold())
        only = self.labels[0] if len(self.labels) == 1 and len(class_names) == 2 else None
        return next(same, only)

    def class_of(self, label: str, class_names: Sequence[str]) -> int | None:
        """The class of a label, by the same rule."""
        numbers = range(1, len(class_names))
        return next((number for number in numbers if self.label_of(number, class_names) == label), None)


def read_label_config(text: str) -> Labelling:
    """The first tool of an interface that draws masks.

    Raises:
        DataError: there is none, or the interface cannot be read.
    """
    if len(text) > _MOST_CHARACTERS or "<!" in text.replace("<!--", ""):
        raise DataError("The labelling interface is too long or has declarations. Send a plain one.")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise DataError(
            f"The labelling interface is no XML ({error}). Correct it in the project's settings."
        ) from error
    images = {tag.get("name"): tag.get("value", "") for tag in root.iter("Image")}
    for tag in root.iter():
        kind, image = TOOLS.get(tag.tag), images.get(tag.get("toName"))
        labels = tuple(filter(None, (label.get("value") for label in tag.iter("Label"))))
        if kind is not None and image is not None and image.startswith("$") and labels:
            return Labelling(
                kind=kind,
                from_name=tag.get("name", ""),
                to_name=tag.get("toName", ""),
                image_key=image[1:],
                labels=labels,
            )
    raise DataError(
        'The labelling interface has no BrushLabels or PolygonLabels with a Label on an Image with value="$...". Add '
        "one in the project's settings."
    )
