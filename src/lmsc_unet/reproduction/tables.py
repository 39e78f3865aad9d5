"""Sections of results.json as text tables: our numbers beside the paper's."""

from collections.abc import Mapping
from typing import Any

from lmsc_unet.core.tables import Table
from lmsc_unet.evaluation.report import interval, share
from lmsc_unet.reproduction.statistics import printed_differences

PAPER_COLUMNS = (("acc", "accuracy"), ("miou", "mIoU"), ("f1", "F1"), ("dc", "DC"))
OTHERS = (
    ("pooled", "iou", "IoU pooled"),
    ("per_image", "dice_all_classes", "Dice per image, both classes"),
    ("per_image", "iou_all_classes", "IoU per image, both classes"),
    ("per_image", "precision", "precision per image"),
    ("per_image", "recall", "recall per image"),
)
GAP = "gap"


def score_tables(section: Mapping[str, Any]) -> list[Table]:
    """The paper's averages, the others, images without foreground if there are any, and the pairs."""
    tables = [_paper_table(section), _intervals_table(section), _others_table(section)]
    tables += [_empty_table(section)] if any(row["empty"] for row in section["rows"]) else []
    return [*tables, pairs_table(section)] if section["pairs"] else tables


def _paper_table(section: Mapping[str, Any]) -> Table:
    has_paper = any(row["paper"] for row in section["rows"])
    headings = [text for _, label in PAPER_COLUMNS for text in ((label, "paper") if has_paper else (label,))]
    rows = []
    for row in section["rows"]:
        cells = [row["title"]]
        for key, _ in PAPER_COLUMNS:
            cells.append(_mean(row, "paper", key))
            cells += [share(row["paper"][key] if row["paper"] else None)] if has_paper else []
        rows.append((*cells, _folds(row)))
    beside = ", beside what the paper prints" if has_paper else ""
    title = f"By the paper's averages: mean ± standard deviation over folds{beside}"
    return Table(title=title, headings=("model", *headings, "folds"), rows=tuple(rows))


def _intervals_table(section: Mapping[str, Any]) -> Table:
    rows = tuple((row["title"], *(_ends(row, key) for key, _ in PAPER_COLUMNS)) for row in section["rows"])
    title = "95 % bootstrap intervals over the images of all folds"
    return Table(title=title, headings=("model", *(label for _, label in PAPER_COLUMNS)), rows=rows)


def _others_table(section: Mapping[str, Any]) -> Table:
    rows = tuple((row["title"], *(_mean(row, average, key) for average, key, _ in OTHERS)) for row in section["rows"])
    return Table(title="By other averages", headings=("model", *(label for *_, label in OTHERS)), rows=rows)


def _empty_table(section: Mapping[str, Any]) -> Table:
    rows = tuple(
        (row["title"], str(row["empty"]["images"]), str(row["empty"]["marked"]), share(row["empty"]["miou_others"]))
        for row in section["rows"]
        if row["empty"]
    )
    title = "Images without foreground: where something is marked they count as 0 in mIoU and DC, the others not at all"
    headings = ("model", "images", "something marked", "mIoU of the images with foreground")
    return Table(title=title, headings=headings, rows=rows)


def pairs_table(section: Mapping[str, Any]) -> Table:
    """Every pair of rows: the difference of IoU on the same images beside the paper's, and its significance."""
    printed = printed_differences(section)
    rows = tuple(
        (
            f"{pair['second']} less {pair['first']}",
            *((_signed(printed.get((pair["first"], pair["second"]))),) if printed else ()),
            _signed(pair["difference"]),
            f"{pair['low']:+.4f} to {pair['high']:+.4f}",
            _p(pair["p"]),
            _p(pair["p_holm"]),
            "yes" if pair["is_real"] else "no",
        )
        for pair in section["pairs"]
    )
    title = (
        "Pairs on the same images: foreground IoU per image (1 where an empty image was left empty), Wilcoxon's "
        "signed-rank test, Holm's correction"
    )
    paper = ("paper",) if printed else ()
    return Table(title=title, headings=("pair", *paper, "here", "95 % interval", "p", "p, Holm", "real"), rows=rows)


def cost_table(section: Mapping[str, Any]) -> Table:
    """Table 1."""
    backends = list(section["rows"][0]["ms"])
    headings = ["model", "parameters", "paper M", "GMACs exact", "GMACs paper's counter", "paper", "MiB", "paper MB"]
    headings += [*(f"ms, {backend}" for backend in backends), "paper ms, V100"]
    rows = []
    for row in section["rows"]:
        paper = row["paper"]
        cells = [row["title"], f"{row['parameters']:,}", f"{paper['parameters_m']:g}"]
        cells += [f"{row['macs_exact'] / 1e9:.3f}", f"{row['macs_paper_counter'] / 1e9:.3f}", f"{paper['macs_g']:g}"]
        cells += [f"{row['state_mib']:.3f}", f"{paper['size_mb']:g}"]
        cells += [f"{row['ms'][backend]['median']:.1f}" for backend in backends]
        rows.append((*cells, f"{paper['ms']:g}"))
    return Table(title="Operations are of one image of 256 x 256 px", headings=tuple(headings), rows=tuple(rows))


def peer_table(section: Mapping[str, Any]) -> Table:
    """Costs and mIoU of every network, the fastest first."""
    rows = tuple(
        (
            row["title"],
            f"{row['parameters'] / 1e6:.2f}",
            f"{row['macs_exact'] / 1e9:.2f}",
            f"{row['ms']['median']:.1f}",
            _mean(row, "paper", "miou"),
        )
        for row in sorted(section["rows"], key=lambda row: row["ms"]["median"])
    )
    headings = ("model", "parameters M", "GMACs", "ms", "mIoU")
    side_px = section["size_px"]
    return Table(title=f"Costs of one image of {side_px} x {side_px} px, and mIoU", headings=headings, rows=rows)


def runs_table(section: Mapping[str, Any]) -> Table:
    """The folder and duration of every run of a section."""
    runs = [run for row in section["rows"] for run in row["runs"]]
    rows = tuple(
        (
            run["title"],
            f"`{run['folder']}`",
            str(run["seed"]),
            str(run["epochs"]),
            run["scored"],
            str(run["images"]),
            f"{run['trained_s'] / 60:.1f}",
            str(run["commit"]),
        )
        for run in runs
    )
    headings = ("run", "folder", "seed", "epochs", "scored", "images", "minutes", "commit")
    return Table(title="Runs", headings=headings, rows=rows)


def _mean(row: Mapping[str, Any], average: str, key: str) -> str:
    if not row["scores"]:
        return GAP
    found = row["scores"][average][key]
    spread = f" ± {found['std']:.4f}" if found["std"] is not None else ""
    return share(found["mean"]) + spread


def _ends(row: Mapping[str, Any], key: str) -> str:
    if not row["scores"]:
        return GAP
    found = row["scores"]["paper"][key]
    return interval(None if found["low"] is None else (found["low"], found["high"]))


def _folds(row: Mapping[str, Any]) -> str:
    done = len(row["runs"])
    return str(done) if done == row["folds"] else f"{done} of {row['folds']}"


def _signed(value: float | None) -> str:
    return "-" if value is None else f"{value:+.4f}"


def _p(value: float) -> str:
    return f"{value:.4f}" if value >= 0.0001 else "< 0.0001"
