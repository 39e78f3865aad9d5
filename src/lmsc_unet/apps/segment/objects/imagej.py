"""ImageJ's RoiSet.zip, by the library roifile: a traced region for each object, as from the wand tool."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from lmsc_unet.apps.segment.objects.facts import AddObject, ImageFacts
from lmsc_unet.apps.segment.objects.image_object import ImageObject
from lmsc_unet.apps.segment.objects.measuring import Measurements
from lmsc_unet.apps.segment.objects.outline import one_path, polygons_of
from lmsc_unet.errors import ConfigError


def check_roifile() -> None:
    """Raises ConfigError unless roifile is installed."""
    if find_spec("roifile") is None:
        raise ConfigError('--format imagej needs roifile. Run: pip install "lmsc-unet[imagej]"')


@contextmanager
def imagej_writer(path: Path, facts: ImageFacts) -> Iterator[AddObject]:
    """Writes a zip file; holes and pieces are joined to one path."""
    from roifile import ROI_TYPE, ImagejRoi

    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:

        def add(shape: ImageObject, _found: Measurements) -> None:
            name = f"{shape.label:04d}-{facts.class_names[shape.class_id]}"
            roi = ImagejRoi.frompoints(one_path(polygons_of(shape)), name=name)
            roi.roitype = ROI_TYPE.TRACED
            entry = zipfile.ZipInfo(f"{shape.label:04d}.roi")  # dated 1980: the same objects are the same bytes
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, roi.tobytes())

        yield add
