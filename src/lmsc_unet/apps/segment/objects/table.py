"""The table of objects: one line for each, with its measurements."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import TextIO

from lmsc_unet.apps.segment.objects.facts import AddObject, ImageFacts
from lmsc_unet.apps.segment.objects.image_object import ImageObject
from lmsc_unet.apps.segment.objects.measuring import Measurements

MEASURED = tuple(field.name for field in fields(Measurements) if field.name != "means")
COLUMNS = ("image", "label", "class", *MEASURED)
"""The columns that every table has; those of channels follow."""
_DIGITS = 6


@contextmanager
def table_writer(stream: TextIO, facts: ImageFacts) -> Iterator[AddObject]:
    """Writes a CSV table."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*COLUMNS, *(channel_column(index) for index in range(facts.num_channels))])

    def add(shape: ImageObject, found: Measurements) -> None:
        values = named_values(found)
        cells = [values.get(name, "") for name in MEASURED]
        means = [round(mean, _DIGITS) for mean in found.means]
        writer.writerow([facts.name, shape.label, facts.class_names[shape.class_id], *cells, *means])

    yield add


def channel_column(index: int) -> str:
    """The column of a channel's mean value; channels count from 1."""
    return f"mean_channel_{index + 1}"


def named_values(found: Measurements) -> dict[str, int | float]:
    """The measurements that are defined, without those of channels, rounded to six decimals."""
    values = ((name, getattr(found, name)) for name in MEASURED)
    return {name: round(value, _DIGITS) for name, value in values if value is not None}
