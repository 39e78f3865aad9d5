"""An image that is larger than memory: read by rows, and its results written by rows as they are finished."""

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
_MASKS_AHEAD = 64  # bands, 16 MB: a row of tiles is finished at once, and is drawn while the next is in the network


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What is left to be told of an image whose results are written."""

    size: tuple[int, int]
    """Height and width in pixels."""
    shares: dict[str, float]
    """The share of pixels of each class, by name."""
    mask: str
    """Where the mask lies, below the results folder."""


def predict_rows(
    predictor: Predictor, source: RowSource, out: Path, name: str, wanted: OutputFlags, tags: Sequence[GeoTag] = ()
) -> Summary:
    """Segments an image and writes its files at the same time; the mask takes its name last.

    Raises:
        DataError: the file is damaged, or does not fit the model; nothing is left of its results.
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
            with suppress(Exception):  # the error that ended it is the one to tell
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
    """For the mask, the overlay and the probabilities; the last two where they are wanted."""
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
    """Bands of a mask drawn over the image, as `draw_overlay` draws the whole.

    A border shows where the row above or below is of another class: a row is drawn when the one below it is known.
    """
    limits, image, everything = display_limits(source), source.rolling(), slice(0, source.width_px)
    held, top, drawn = np.empty((0, source.width_px), np.uint8), 0, 0  # `held` begins at the row `top`
    for mask in masks:
        held = np.concatenate([held, mask])
        bottom = top + len(held)
        ready = bottom if bottom == source.height_px else bottom - 1
        if ready > drawn:
            pixels = image.window(slice(top, bottom), everything)
            yield draw_overlay(pixels, held, limits)[drawn - top : ready - top]
            held, top, drawn = held[max(ready - 1, top) - top :], max(ready - 1, top), ready
