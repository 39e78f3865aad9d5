"""Segments an image that is larger than memory: reads it by rows and writes results by rows."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.apps.segment.writers import MaskFormat, OutputFlags, probability_folders, to_16_bit
from lmsc_unet.core.pipeline import Sink
from lmsc_unet.core.storage import resolve_inside
from lmsc_unet.imageio import GeoTag, RowSource, write_png_rows
from lmsc_unet.inference.overlays import display_limits, draw_overlay
from lmsc_unet.inference.predictor import Predictor

Blocks = Iterator[NDArray[Any]]
_MASKS_AHEAD = 64  # row strips, 16 MB: one row of tiles is drawn while the next is in the network


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The summary of an image whose results are written."""

    size: tuple[int, int]
    """Height and width in pixels."""
    shares: dict[str, float]
    """The share of pixels per class name."""
    mask: str
    """Path of the mask in the results folder."""


def predict_rows(
    predictor: Predictor, source: RowSource, out: Path, name: str, wanted: OutputFlags, tags: Sequence[GeoTag] = ()
) -> Summary:
    """Segments an image while writing its files; the mask is moved into place last.

    Raises:
        DataError: the file is damaged or does not fit the model; none of its results remain.
        OutputError: a result cannot be written.
    """
    source, limits = predictor.survey(source)
    form = wanted.mask_format(predictor.spec, tags)
    mask, overlay, probabilities = _sinks(predictor, source, out, name, wanted, form)
    sinks = [*overlay, *probabilities, mask]
    counts = np.zeros(len(predictor.spec.class_names), np.int64)
    try:
        for band in predictor.bands(source, limits):
            counts += np.bincount(band.mask.ravel(), minlength=len(counts))
            for sink in (mask, *overlay):
                sink.add(band.mask)
            shown = band.probability[-len(probabilities) :]
            for sink, probability in zip(probabilities, shown, strict=False):
                sink.add(to_16_bit(probability))
        for sink in sinks:
            sink.close()
    except BaseException:
        for sink in sinks:
            with suppress(Exception):  # report the first error
                sink.abandon()
        raise
    shares = counts / (source.height_px * source.width_px)
    return Summary(
        size=(source.height_px, source.width_px),
        shares=dict(zip(predictor.spec.class_names, shares.tolist(), strict=True)),
        mask=form.file(name),
    )


def _sinks(
    predictor: Predictor, source: RowSource, out: Path, name: str, wanted: OutputFlags, form: MaskFormat
) -> tuple[Sink, list[Sink], list[Sink]]:
    """Sinks for the mask and, if wanted, for the overlay and the probabilities."""
    size_px = (source.height_px, source.width_px)

    def picture(file: str) -> Sink:
        path = resolve_inside(out, file)
        return Sink(lambda blocks: write_png_rows(path, blocks, *size_px))

    def overlay(file: str) -> Sink:
        path = resolve_inside(out, file)
        return Sink(lambda masks: write_png_rows(path, overlay_rows(masks, source), *size_px), _MASKS_AHEAD)

    folders = probability_folders(predictor.spec.num_logits) if wanted.probabilities else []
    return (
        Sink(lambda masks: form.write(out, name, masks, size_px), _MASKS_AHEAD),
        [overlay(f"overlays/{name}.png")] if wanted.overlays else [],
        [picture(f"{folder}/{name}.png") for folder in folders],
    )


def overlay_rows(masks: Blocks, source: RowSource) -> Blocks:
    """Draws row strips of a mask over the image, with the result of `draw_overlay` on the whole image.

    A border depends on the rows above and below: a row is drawn when the one below it is known.
    """
    limits, image, everything = display_limits(source), source.rolling(), slice(0, source.width_px)
    held, top, drawn = np.empty((0, source.width_px), np.uint8), 0, 0  # `held` starts at the row `top`
    for mask in masks:
        held = np.concatenate([held, mask])
        bottom = top + len(held)
        ready = bottom if bottom == source.height_px else bottom - 1
        if ready > drawn:
            pixels = image.window(slice(top, bottom), everything)
            yield draw_overlay(pixels, held, limits)[drawn - top : ready - top]
            held, top, drawn = held[max(ready - 1, top) - top :], max(ready - 1, top), ready
