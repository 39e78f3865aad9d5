"""Writes sets of scenes, as recordings with annotations or images with masks, in several processes."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.config import to_yaml
from lmsc_unet.core.ranges import check_number
from lmsc_unet.core.stopping import shielded_children
from lmsc_unet.core.storage import cannot_write, make_folder, replacing, write_text
from lmsc_unet.errors import ConfigError, OutputError
from lmsc_unet.imageio import write_png
from lmsc_unet.signals.annotations import NAMESPACE, to_annotation, write_metadata
from lmsc_unet.signals.boxes import boxes_xyxy_px, draw_mask
from lmsc_unet.signals.noise import NoiseFloor, above_floor_db, to_picture
from lmsc_unet.signals.recording.datatypes import encode, parse_datatype
from lmsc_unet.signals.settings import SETTINGS_FILE, SpectrogramSettings, Stft
from lmsc_unet.signals.stft import Grid, power_rows
from lmsc_unet.synthetic.radio.scene import PICTURE_SAMPLES, Scene, SceneOptions, draw_scene, render

BOXES_FILE = "boxes.csv"
_SIDE_PX = 256
_SHOWN = SpectrogramSettings(stft=Stft(nfft=_SIDE_PX, hop=_SIDE_PX))
_PEAK = 0.9
_BOX_FIELDS = ("picture", "template", "frames_per_row", "label", "snr_db", "left_px", "top_px", "right_px", "bottom_px")


def write_scenes(
    folder: Path, options: SceneOptions, *, count: int, datatype: str = "ci16_le", processes: int = 1
) -> Iterator[Scene]:
    """Writes scenes as SigMF recordings; yields each scene once it is written.

    Raises:
        OutputError: the folder is not empty.
        DataError: the datatype is not a SigMF datatype.
    """
    if not parse_datatype(datatype).is_complex:
        raise ConfigError(f"datatype is {datatype}; scenes have signals on both sides of 0 Hz, so it must be complex.")
    _check_numbers(count, processes)
    _fresh_folder(folder, ())
    yield from _in_parallel(partial(_write_recording, folder, options, datatype), count, processes)


def write_pictures(folder: Path, options: SceneOptions, *, count: int, processes: int = 1) -> Iterator[Scene]:
    """Writes scenes as 256 x 256 spectrograms and masks (images/, masks/), with every box in boxes.csv.

    spectrogram.yaml records how the images were made, so that a model trained on them can search recordings.

    Samples are not stored: 4000 images take about 200 MB, their recordings 20 GB.

    Raises:
        ConfigError: the scenes' length is not a multiple of 65,536 samples.
        OutputError: the folder is not empty.
    """
    if options.samples is not None and options.samples % PICTURE_SAMPLES:
        raise ConfigError(f"samples is {options.samples}; for pictures it must be a multiple of {PICTURE_SAMPLES}.")
    _check_numbers(count, processes)
    _fresh_folder(folder, ("images", "masks"))
    write_text(folder / SETTINGS_FILE, to_yaml(_SHOWN))
    add_rows(folder / BOXES_FILE, [_BOX_FIELDS])
    for scene in _in_parallel(partial(_write_picture, folder, options), count, processes):
        add_rows(folder / BOXES_FILE, _box_rows(scene))
        yield scene


def add_rows(path: Path, rows: Iterable[Sequence[object]]) -> None:
    """Appends rows to a table and flushes them, so that a stop or a kill leaves only complete scenes.

    Raises:
        OutputError: the disk is full.
    """
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    try:
        with path.open("a", newline="", encoding="utf-8") as file:
            file.write(text.getvalue())
    except OSError as error:
        raise cannot_write(path, error) from error


def picture_and_mask(scene: Scene) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A scene's spectrogram "256 256" and its mask of 0 and 1."""
    grid = picture_grid(scene)
    power = np.concatenate(list(power_rows([render(scene)], grid.stft)))
    picture = to_picture(above_floor_db(power, NoiseFloor().update(power)), _SHOWN.shown)
    return picture, draw_mask(scene.boxes, grid, num_rows=len(power))


def picture_grid(scene: Scene) -> Grid:
    """The grid of the whole scene in 256 rows and 256 columns."""
    stft = replace(_SHOWN.stft, frames_per_row=max(1, scene.num_samples // PICTURE_SAMPLES))
    return Grid(stft=stft, sample_rate_hz=scene.options.sample_rate_hz)


def scene_name(scene: Scene) -> str:
    """A scene's file name from seed, number and template; different seeds never share a name."""
    return f"scene-{scene.options.seed}-{scene.index:05d}-tmpl{scene.template:02d}"


def _check_numbers(count: int, processes: int) -> None:
    check_number("count", count, 1, 10_000_000)
    check_number("processes", processes, 1, 256)


def _in_parallel(write: Callable[[int], Scene], count: int, processes: int) -> Iterator[Scene]:
    if processes == 1:
        yield from map(write, range(count))
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        with shielded_children():
            scenes = pool.map(write, range(count), chunksize=8)
        yield from scenes


def _write_recording(folder: Path, options: SceneOptions, datatype: str, index: int) -> Scene:
    scene = draw_scene(index, options)
    layout = parse_datatype(datatype)
    samples = render(scene)
    if layout.component.kind != "f":
        samples *= np.float32(_PEAK / np.abs(samples.view(np.float32)).max())
    data = folder / f"{scene_name(scene)}.sigmf-data"
    with replacing(data) as temporary, temporary.open("wb") as file:  # numpy's tofile reports no reason for errors
        file.write(encode(samples, layout).view(np.uint8).data)
    write_metadata(data.with_suffix(".sigmf-meta"), _metadata(scene, datatype))
    return scene


def _metadata(scene: Scene, datatype: str) -> dict[str, object]:
    boxes = sorted(scene.boxes, key=lambda box: box.start_sample)
    return {
        "global": {
            "core:datatype": datatype,
            "core:sample_rate": scene.options.sample_rate_hz,
            "core:version": "1.2.0",
            "core:num_channels": 1,
            "core:description": f"Generated: template {scene.template}, seed {scene.options.seed}, scene {scene.index}",
            "core:recorder": "lmsc scenes",
            "core:extensions": [dict(NAMESPACE)],
            "lmsc:template": scene.template,
        },
        "captures": [{"core:sample_start": 0}],
        "annotations": [to_annotation(box, seed=scene_name(scene)) for box in boxes],
    }


def _write_picture(folder: Path, options: SceneOptions, index: int) -> Scene:
    scene = draw_scene(index, options)
    picture, mask = picture_and_mask(scene)
    for kind, pixels in (("images", picture), ("masks", mask * np.uint8(255))):
        write_png(folder / kind / f"{scene_name(scene)}.png", pixels)
    return scene


def _box_rows(scene: Scene) -> Iterator[Sequence[object]]:
    grid = picture_grid(scene)
    for box, edges in zip(scene.boxes, boxes_xyxy_px(scene.boxes, grid), strict=True):
        frames, snr_db = grid.stft.frames_per_row, f"{box.snr_db:.2f}"
        pixels = [f"{edge:.3f}" for edge in edges]
        yield (scene_name(scene), scene.template, frames, box.label, snr_db, *pixels)


def _fresh_folder(folder: Path, below: tuple[str, ...]) -> None:
    make_folder(folder)
    if any(folder.iterdir()):
        raise OutputError(f"{folder}: the folder is not empty. Name a new one; nothing is overwritten.")
    for name in below:
        make_folder(folder / name)
