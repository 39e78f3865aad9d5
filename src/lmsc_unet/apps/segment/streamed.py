"""Segments an image that is larger than memory: reads it by rows and writes results by rows."""

from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.apps.segment.label_files import LabelFile, LabelSpool, label_files, write_labels
from lmsc_unet.apps.segment.objects.collecting import class_objects, labelled_objects, with_pixels
from lmsc_unet.apps.segment.objects.facts import ImageFacts
from lmsc_unet.apps.segment.objects.object_files import write_objects
from lmsc_unet.apps.segment.writers import OutputFlags, Summary, probability_folders, to_16_bit
from lmsc_unet.core.pipeline import Sink
from lmsc_unet.core.storage import resolve_inside
from lmsc_unet.imageio import GeoTag, PixelSize, RowSource, write_png_rows
from lmsc_unet.inference.instances import Regions
from lmsc_unet.inference.label_rows import label_rows
from lmsc_unet.inference.overlays import display_limits, draw_overlay
from lmsc_unet.inference.predictor import Prediction, Predictor

Blocks = Iterator[NDArray[Any]]
Shown = tuple[NDArray[np.uint8], NDArray[np.integer[Any]]]
"""Row strips "h W" of a mask, and of the objects or classes whose borders are drawn."""
_MASKS_AHEAD = 64  # row strips, 16 MB: one row of tiles is drawn while the next is in the network


def predict_rows(
    predictor: Predictor,
    source: RowSource,
    out: Path,
    name: str,
    wanted: OutputFlags,
    tags: Sequence[GeoTag] = (),
    pixel: PixelSize | None = None,
) -> Summary:
    """Segments an image while writing its files; the mask is moved into place last.

    Raises:
        DataError: the file is damaged or does not fit the model; none of its results remain.
        OutputError: a result cannot be written.
    """
    source, limits = predictor.survey(source)
    sinks = _Sinks(predictor, source, out, name, wanted, tags, pixel)
    counts = np.zeros(len(predictor.spec.class_names), np.int64)
    try:
        for band in predictor.bands(source, limits):
            counts += np.bincount(band.mask.ravel(), minlength=len(counts))
            sinks.add(band)
        sinks.close()
    except BaseException:
        sinks.abandon()
        raise
    shares = counts / (source.height_px * source.width_px)
    return Summary(
        size=(source.height_px, source.width_px),
        shares=dict(zip(predictor.spec.class_names, shares.tolist(), strict=True)),
        mask=sinks.form.file(name),
        labels=sinks.written,
    )


class _Sinks:
    """What writes the files of one image, each in its own thread: labels, overlay, probabilities, and the mask."""

    def __init__(
        self,
        predictor: Predictor,
        source: RowSource,
        out: Path,
        name: str,
        wanted: OutputFlags,
        tags: Sequence[GeoTag],
        pixel: PixelSize | None,
    ) -> None:
        size_px = (source.height_px, source.width_px)
        facts = ImageFacts(
            name=name,
            size_px=size_px,
            num_channels=source.channels,
            class_names=predictor.spec.class_names,
            pixel=pixel,
        )
        self.form = wanted.mask_format(predictor.spec, tags)
        self.written: LabelFile | None = None
        """The label image, once all sinks are closed."""

        def picture(file: str) -> Sink[NDArray[Any]]:
            path = resolve_inside(out, file)
            return Sink(lambda blocks: write_png_rows(path, blocks, *size_px))

        def overlay(file: str) -> Sink[Shown]:
            path = resolve_inside(out, file)
            return Sink(lambda shown: write_png_rows(path, overlay_rows(shown, source), *size_px), _MASKS_AHEAD)

        def write_instances(regions: Iterator[Regions]) -> None:
            spool = LabelSpool(resolve_inside(out, label_files(name)[0]).parent)
            with closing(spool):
                for rows in label_rows(regions, *size_px):
                    spool.add(rows.labels)
                    for sink in self._overlays:
                        sink.add((rows.mask.view(np.uint8), rows.labels))
                found = labelled_objects(with_pixels(spool.blocks(), source), spool.last_blocks)
                write_objects(out, found, facts, wanted.formats)
                self.written = write_labels(out, name, spool.blocks(), spool.num_instances, size_px, tags)

        def write_components(masks: Iterator[NDArray[np.uint8]]) -> None:
            write_objects(out, class_objects(with_pixels(masks, source)), facts, wanted.formats)

        folders = probability_folders(predictor.spec.num_logits) if wanted.probabilities else []
        self._mask: Sink[NDArray[Any]] = Sink(lambda masks: self.form.write(out, name, masks, size_px), _MASKS_AHEAD)
        self._overlays = [overlay(f"overlays/{name}.png")] if wanted.overlays else []
        self._probabilities = [picture(f"{folder}/{name}.png") for folder in folders]
        self._labels = [Sink(write_instances, _MASKS_AHEAD)] if wanted.instances else []
        has_components = wanted.has_objects and not wanted.instances
        self._components = [Sink(write_components, _MASKS_AHEAD)] if has_components else []

    def add(self, band: Prediction) -> None:
        """Hands over a row strip."""
        self._mask.add(band.mask)
        for labels in self._labels:
            labels.add(band.regions)
        if not self._labels:
            for overlay in self._overlays:
                overlay.add((band.mask, band.mask))
        for components in self._components:
            components.add(band.mask)
        shown = band.probability[-len(self._probabilities) :]
        for sink, probability in zip(self._probabilities, shown, strict=False):
            sink.add(to_16_bit(probability))

    def close(self) -> None:
        """Waits until everything is written, the mask last."""
        for sink in self._all:
            sink.close()

    def abandon(self) -> None:
        """Stops writing and leaves nothing of the files."""
        for sink in self._all:
            with suppress(Exception):  # report the first error
                sink.abandon()

    @property
    def _all(self) -> list[Sink[Any]]:
        return [*self._labels, *self._components, *self._overlays, *self._probabilities, self._mask]


def overlay_rows(shown: Iterator[Shown], source: RowSource) -> Blocks:
    """Draws row strips of a mask over the image, with the result of `draw_overlay` on the whole image.

    A border depends on the rows above and below: a row is drawn when the one below it is known.
    """
    limits, image, everything = display_limits(source), source.rolling(), slice(0, source.width_px)
    empty = np.empty((0, source.width_px), np.uint8)
    mask, objects, top, drawn = empty, empty, 0, 0  # both start at the row `top`
    for strip in shown:
        mask, objects = np.concatenate([mask, strip[0]]), np.concatenate([objects, strip[1]])
        bottom = top + len(mask)
        ready = bottom if bottom == source.height_px else bottom - 1
        if ready > drawn:
            pixels = image.window(slice(top, bottom), everything)
            yield draw_overlay(pixels, mask, limits, objects)[drawn - top : ready - top]
            start = max(ready - 1, top)
            mask, objects, top, drawn = mask[start - top :], objects[start - top :], start, ready
