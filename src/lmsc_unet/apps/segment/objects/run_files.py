"""The files of a whole run, put together from those of its images: regions.csv, summary.csv, coco.json, ..."""

import csv
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path, PurePath
from statistics import median
from typing import Any

from lmsc_unet.apps.segment.objects.object_files import PER_IMAGE, TABLE
from lmsc_unet.apps.segment.objects.table import COLUMNS, MEASURED, channel_column
from lmsc_unet.apps.segment.objects.yolo import names_yaml
from lmsc_unet.core.storage import replacing, resolve_inside, write_text
from lmsc_unet.errors import ConfigError
from lmsc_unet.imageio import PixelSize

REGIONS, SUMMARY, COCO, YOLO, PARQUET = "regions.csv", "summary.csv", "coco.json", "yolo/data.yaml", "regions.parquet"
RUN_FILES = (REGIONS, SUMMARY, COCO, YOLO, PARQUET)
"""The files of a whole run in a results folder."""
_SUMMARY_COLUMNS = (
    *("image", "class", "objects", "area_px", "mean_area_px", "median_area_px"),
    *("area_um2", "mean_area_um2", "median_area_um2", "objects_per_mm2"),
)
_TEXT = ("image", "class")
_UM2_PER_MM2 = 1e6


@dataclass(frozen=True, kw_only=True)
class ImageResult:
    """An image whose files are written."""

    name: str
    """Its name in the results."""
    path: PurePath
    """The image itself."""
    size_px: tuple[int, int]
    """Height and width."""
    pixel: PixelSize | None
    """The size of its pixels, if known."""

    @property
    def file_name(self) -> str:
        """Its name with the suffix of its file."""
        return self.name if self.name.endswith(self.path.suffix) else self.name + self.path.suffix


def check_parquet() -> None:
    """Raises ConfigError unless pyarrow is installed."""
    if find_spec("pyarrow") is None:
        raise ConfigError('--format parquet needs pyarrow. Run: pip install "lmsc-unet[parquet]"')


def write_run_files(
    out: Path, images: Sequence[ImageResult], class_names: Sequence[str], formats: Collection[str]
) -> None:
    """Writes the files of the run, replacing those of an earlier one.

    Raises:
        OutputError: the disk is full, or files of images were removed meanwhile.
    """
    _write_tables(out, images, class_names)
    if "coco" in formats:
        _write_coco(out, images, class_names)
    if "yolo" in formats:
        write_text(resolve_inside(out, YOLO), names_yaml(class_names))
    if "parquet" in formats:
        _write_parquet(out)


def _write_tables(out: Path, images: Sequence[ImageResult], class_names: Sequence[str]) -> None:
    """The table of all objects, and a line per image and class."""
    headers = (_rows(out / TABLE.file(image.name, image.size_px)) for image in images)
    num_columns = max((len(next(rows)) for rows in headers), default=len(COLUMNS))
    place, area = COLUMNS.index("class"), COLUMNS.index("area_px")
    with (
        replacing(resolve_inside(out, REGIONS)) as regions,
        replacing(resolve_inside(out, SUMMARY)) as summary,
        regions.open("w", encoding="utf-8", newline="") as regions_stream,
        summary.open("w", encoding="utf-8", newline="", errors="backslashreplace") as summary_stream,
    ):
        writer, summaries = (csv.writer(one, lineterminator="\n") for one in (regions_stream, summary_stream))
        writer.writerow([*COLUMNS, *(channel_column(index) for index in range(num_columns - len(COLUMNS)))])
        summaries.writerow(_SUMMARY_COLUMNS)
        for image in images:
            areas_px: dict[str, list[int]] = {name: [] for name in class_names[1:]}
            rows = _rows(out / TABLE.file(image.name, image.size_px))
            next(rows)
            for row in rows:
                writer.writerow([*row, *[""] * (num_columns - len(row))])
                areas_px[row[place]].append(int(row[area]))
            summaries.writerows(_summary(image, name, areas) for name, areas in areas_px.items())


def _rows(path: Path) -> Iterator[list[str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        yield from csv.reader(stream)


def _summary(image: ImageResult, class_name: str, areas_px: list[int]) -> list[str | int | float]:
    """A line of the summary; what is not known or not defined is empty."""
    sizes: list[str | float] = [round(sum(areas_px) / len(areas_px), 6), median(areas_px)] if areas_px else ["", ""]
    line: list[str | int | float] = [image.name, class_name, len(areas_px), sum(areas_px), *sizes]
    if image.pixel is None:
        return [*line, "", "", "", ""]
    pixel_um2 = image.pixel.area_um2
    image_mm2 = image.size_px[0] * image.size_px[1] * pixel_um2 / _UM2_PER_MM2
    in_um2 = [round(size * pixel_um2, 6) if not isinstance(size, str) else size for size in sizes]
    return [*line, round(sum(areas_px) * pixel_um2, 6), *in_um2, round(len(areas_px) / image_mm2, 6)]


def _write_coco(out: Path, images: Sequence[ImageResult], class_names: Sequence[str]) -> None:
    listed = [
        {"id": number, "file_name": image.file_name, "width": image.size_px[1], "height": image.size_px[0]}
        for number, image in enumerate(images, start=1)
    ]
    categories = [{"id": class_id, "name": name} for class_id, name in enumerate(class_names) if class_id]
    with (
        replacing(resolve_inside(out, COCO)) as path,
        path.open("w", encoding="utf-8", errors="backslashreplace") as stream,
    ):
        stream.write(f'{{"images": {json.dumps(listed, ensure_ascii=False)},\n')
        stream.write(f'"categories": {json.dumps(categories, ensure_ascii=False)},\n"annotations": [')
        stream.writelines(_annotations(out, images))
        stream.write("\n]}\n")


def _annotations(out: Path, images: Iterable[ImageResult]) -> Iterator[str]:
    number = 0
    for image_id, image in enumerate(images, start=1):
        with (out / PER_IMAGE["coco"].file(image.name, image.size_px)).open(encoding="utf-8") as lines:
            for line in lines:
                separator, number = "," if number else "", number + 1
                yield f'{separator}\n{{"id": {number}, "image_id": {image_id}, {line.rstrip()[1:]}'


def _write_parquet(out: Path) -> None:
    """The table of all objects in Parquet's format."""
    import pyarrow
    from pyarrow import csv as arrow_csv
    from pyarrow import parquet

    types: dict[str, Any] = dict.fromkeys(MEASURED, pyarrow.float64()) | dict.fromkeys(_TEXT, pyarrow.string())
    with (out / REGIONS).open(encoding="utf-8", newline="") as stream:
        header = next(csv.reader(stream))
    types |= {name: pyarrow.float64() for name in header if name not in COLUMNS}
    types |= {name: pyarrow.int64() for name in header if name == "label" or name in _WHOLE}
    with replacing(resolve_inside(out, PARQUET)) as path:
        parse = arrow_csv.ParseOptions(newlines_in_values=True)
        convert = arrow_csv.ConvertOptions(column_types=types)
        with (
            arrow_csv.open_csv(out / REGIONS, parse_options=parse, convert_options=convert) as batches,
            parquet.ParquetWriter(path, batches.schema) as writer,
        ):
            for batch in batches:
                writer.write_batch(batch)


_WHOLE = ("area_px", "left_px", "top_px", "width_px", "height_px")
