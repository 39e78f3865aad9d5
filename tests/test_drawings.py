"""What is drawn stands where its numbers say: decoded pixels and axes, whatever the fonts and zlib."""
# T6

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from lmsc_unet.benchmark import rows as benchmark_rows
from lmsc_unet.benchmark.rows import BenchmarkRow
from lmsc_unet.datasets.labels import LabelMap
from lmsc_unet.datasets.sample import Sample
from lmsc_unet.evaluation import box_report
from lmsc_unet.evaluation.detection import BoxScores
from lmsc_unet.imageio import read_image, write_png
from lmsc_unet.metrics.matching import DetectionCounts
from lmsc_unet.reproduction import figures as reproduced
from lmsc_unet.training import pictures
from lmsc_unet.training.checkpoint_callback import write_metrics


def places_of(picture: np.ndarray, rgb: tuple[float, ...]) -> np.ndarray:
    """Row and column of every pixel of a colour, nearly."""
    wanted = np.array(rgb) * (255 if max(rgb) <= 1 else 1)
    return np.argwhere(np.abs(picture[..., :3].astype(float) - wanted).max(axis=2) < 12)


def rises(places: np.ndarray) -> bool:
    """Whether a line goes up to the right, as a picture counts its rows from above."""
    middle = np.median(places[:, 1])
    left, right = places[places[:, 1] < middle], places[places[:, 1] >= middle]
    return bool(left[:, 0].mean() > right[:, 0].mean() + 10)


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that are saved, as they were drawn."""
    kept: list[Figure] = []
    save: Callable[..., None] = pictures.save

    def keep(figure: Figure, path: Path, dpi: int) -> None:
        kept.append(figure)
        save(figure, path, dpi)

    monkeypatch.setattr(pictures, "save", keep)
    return kept


def metrics(num_epochs: int) -> list[dict[str, float | None]]:
    """A loss that falls and a score that rises."""
    shares = np.linspace(0.1, 0.9, num_epochs)
    return [
        {"epoch": n + 1, "train_loss": 1 - s, "val_loss": 1 - s / 2, "train_dice": s, "val_dice": s / 2}
        for n, s in enumerate(shares)
    ]


@pytest.mark.parametrize("num_epochs", [2, 3, 40])
def test_curves_fall_and_rise_over_whole_epochs(num_epochs: int, tmp_path: Path, figures: list[Figure]) -> None:
    pictures.draw_curves(metrics(num_epochs), tmp_path / "a.png")
    drawn = read_image(tmp_path / "a.png")
    halves = np.split(drawn[: len(drawn) - len(drawn) % 2], [drawn.shape[1] // 2], axis=1)
    for half, is_rising in zip(halves, (False, True), strict=True):
        for colour in pictures.COLOURS[:2]:
            assert rises(places_of(half, colour)) == is_rising
    for axis in figures[0].axes:
        assert all(float(tick).is_integer() for tick in axis.get_xticks())


@pytest.mark.parametrize(("names", "shown"), [(("ground", "cell", "rim"), True), (("ground", "cell"), False)])
def test_several_classes_have_a_legend(names: tuple[str, ...], shown: bool, tmp_path: Path, figures: Any) -> None:
    write_png(tmp_path / "image.png", np.zeros((20, 20, 3), np.uint8))
    mask = np.zeros((20, 20), np.uint8)
    mask[:10], mask[10:, 10:] = 1, len(names) - 1
    write_png(tmp_path / "mask.png", mask)
    label_map = LabelMap(kind="classes", class_names=names)
    predictor: Any = SimpleNamespace(predict=lambda _: SimpleNamespace(mask=mask))
    sample = Sample(name="a", image=tmp_path / "image.png", mask=tmp_path / "mask.png")
    pictures.draw_predictions(predictor, [sample], label_map, tmp_path / "a.png")
    legends = [[text.get_text() for text in legend.get_texts()] for legend in figures[0].legends]
    assert legends == ([list(names[1:])] if shown else [])  # the ground is dark
    third = places_of(read_image(tmp_path / "a.png"), tuple(pictures.class_colours(3)[2]))
    assert (len(third) > 100) == shown  # in the panels and in the legend


def counts_of(tp: int) -> DetectionCounts:
    return DetectionCounts(tp=tp, fp=10 - tp, fn=10 - tp)


def test_the_better_detector_is_drawn_higher() -> None:
    lines = [
        BoxScores(detector=name, by="snr_db", group=group, counts=counts_of(tp), map_50=0, map_50_95=0)
        for name, tp in (("energy", 2), ("model", 9))
        for group in ("0 to 10", "10 to 20")
    ]
    drawn = box_report.draw_boxes(lines)[box_report.MARGIN_PX :]
    worse, better = (places_of(drawn, colour)[:, 0] for colour in box_report.COLOURS[:2])
    assert np.median(better) < np.median(worse) - 100


def test_the_faster_model_is_drawn_left_and_the_more_accurate_above(tmp_path: Path) -> None:
    rows = [(row("slow", 80.0), 0.9), (row("quick", 5.0), 0.8)]
    benchmark_rows.draw(rows, tmp_path / "a.png")
    drawn = read_image(tmp_path / "a.png")
    slow, quick = (places_of(drawn, pictures.COLOURS[place]).max(axis=0) for place in (0, 1))
    assert quick[1] < slow[1]
    assert quick[0] > slow[0]


def row(model: str, ms: float) -> BenchmarkRow:
    return BenchmarkRow(
        model=model,
        backend="torch",
        precision="fp32",
        batch=1,
        threads=1,
        ms_median=ms,
        ms_p5=ms,
        ms_p95=ms,
        images_per_s=1e3 / ms,
        peak_rss_mib=None,
        file_mib=1.0,
        cold_start_s=None,
        speedup_over_unet_eager=1.0,
    )


def test_the_strongest_channels_are_shown_in_one_scale() -> None:
    maps = np.stack([np.full((4, 4), value, np.float32) for value in (1, 5, 3, 0, 2, 4)])
    shown = reproduced.strongest(maps)
    assert shown[:, 0, 0].tolist() == [2.5, 5, 4, 3, 2]  # the average, then the strongest four
    figure = reproduced._draw_features(np.zeros((4, 4, 3), np.uint8), {"a": shown, "b": shown / 2})
    images = [axis.images[0] for axis in figure.axes if axis.images and axis.images[0].get_array().ndim == 2]
    assert len(images) == 10
    assert {image.norm.vmax for image in images} == {5}


def test_the_band_of_a_curve_reaches_from_the_worst_fold_to_the_best(tmp_path: Path) -> None:
    folds = []
    for number, scale in enumerate((0.5, 1.0)):
        rows = [{**one, "train_dice": scale * (one["train_dice"] or 0)} for one in metrics(5)]
        write_metrics(tmp_path / f"{number}/metrics.csv", rows)
        folds.append(SimpleNamespace(job=SimpleNamespace(folder=tmp_path / str(number))))
    outcome: Any = SimpleNamespace(scored=folds)
    axis = Figure().subplots()
    reproduced._draw_curves(axis, outcome, "dice")
    band = axis.collections[0].get_paths()[0].vertices
    at_the_end = band[band[:, 0] == 5, 1]
    assert (at_the_end.min(), at_the_end.max()) == pytest.approx((0.45, 0.9))
    assert axis.lines[0].get_ydata()[-1] == pytest.approx(0.675)
