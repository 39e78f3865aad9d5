"""The measured part of a bundled model's card, from result files alone.

    python benchmarks/model_card.py NAME                          # prints it; docs/models/NAME.md quotes it
    python benchmarks/model_card.py NAME --collect KIND=FILE...   # takes results into benchmarks/results/models/NAME
    python benchmarks/model_card.py NAME --scores LABEL           # weights/NAME.json for `lmsc models --bundled`

KIND is `run` (summary.json of the run folder), `parity`, `parity-int8` and `parity-openvino` (what `lmsc export` writes
beside a file), `benchmark` (benchmark.json of `lmsc benchmark --out`), or `LABEL-FILE` with the file `fp32`, `int8`,
`openvino` or `previous`: scores.json of `lmsc evaluate --out` on one set of images. Of absolute paths only the
last part is kept.
What the model is for, what it must not be used for, attributions and how the split was made stand around the
quotation, by hand.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lmsc_unet.inference.bundled import FOLDER, list_bundled

RESULTS = Path(__file__).parent / "results" / "models"
PRECISIONS = {"fp32": "float32", "int8": "INT8", "openvino": "INT8 for OpenVINO", "previous": "INT8, the model before"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("--collect", nargs="+", metavar="KIND=FILE")
    parser.add_argument("--scores", metavar="LABEL")
    options = parser.parse_args()
    folder = RESULTS / options.name
    if options.collect:
        for kind, _, file in (given.partition("=") for given in options.collect):
            folder.mkdir(parents=True, exist_ok=True)
            kept = without_places(json.loads(Path(file).read_text(encoding="utf-8")))
            (folder / f"{kind}.json").write_text(
                json.dumps(kept, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
            )
    elif options.scores:
        write_scores(options.name, options.scores, folder)
    else:
        print("\n".join(card(options.name, folder)))


def without_places(value: Any) -> Any:
    """Plain data with absolute paths cut to their last part, also within a command."""
    if isinstance(value, dict):
        return {key: without_places(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_places(item) for item in value]
    if isinstance(value, str):
        return " ".join(Path(word).name if word.startswith(("/", "../")) else word for word in value.split(" "))
    return value


def card(name: str, folder: Path) -> Iterator[str]:
    """The lines of the measured part."""
    yield from about_files(name)
    run = read(folder / "run.json")
    if run:
        made = f"commit {run['commit']}, {run['date'][:10]}"
        yield f"\nTrained by `{run['command']}` on {run['train_images']} images, {made}."
    labels = sorted({path.stem.rpartition("-")[0] for path in folder.glob("*-fp32.json")})
    if labels:
        yield "\n| images held out from training | number | precision | Dice per image | IoU per image | F1 pooled |"
        yield "|---|---:|---|---:|---:|---:|"
    for label in labels:
        for precision, long in PRECISIONS.items():
            report = read(folder / f"{label}-{precision}.json")
            if report:
                shares = " | ".join(share(report, score) for score in ("dc", "miou", "f1"))
                yield f"| {label} | {report['images']} | {long} | {shares} |"
    yield from about_parity(folder)
    yield from about_speed(folder)


def about_files(name: str) -> Iterator[str]:
    """What the files say of themselves."""
    yield "| file | MB | precision | trained on | licence | commit | made |\n|---|---:|---|---|---|---|---|"
    for one in list_bundled():
        if one.file.stem.removesuffix("-int8") == name:
            said = one.description
            cells = (one.file.name, f"{one.file.stat().st_size / 1e6:.2f}", said.precision, said.data, said.licence)
            yield f"| {' | '.join((*cells, said.commit, said.made[:10]))} |"


def about_parity(folder: Path) -> Iterator[str]:
    """How far the files are from the trained network, as their export found."""
    for kind, long in (("parity", "float32"), ("parity-int8", "INT8"), ("parity-openvino", "INT8 for OpenVINO")):
        found = read(folder / f"{kind}.json")
        if found:
            layers = f" In float32 stayed: {', '.join(found['float_layers'])}." if found["float_layers"] else ""
            scores = f"{found['scores_original']['miou']:.4f} -> {found['scores_exported']['miou']:.4f}"
            yield (
                f"\n{long} against PyTorch on {found['images']} images: {100 * found['other_class_share']:.3f} % of "
                f"the pixels of another class, IoU per image {scores}.{layers}"
            )


def about_speed(folder: Path) -> Iterator[str]:
    """The rows of the benchmark."""
    report = read(folder / "benchmark.json")
    if report:
        yield "\n| model | backend | precision | threads | ms per image | x U-Net in eager PyTorch |"
        yield "|---|---|---|---:|---:|---:|"
        for row in report["rows"]:
            fixed = f"| {row['model']} | {row['backend']} | {row['precision']} | {row['threads']} "
            yield f"{fixed}| {row['ms_median']:.1f} | {row['speedup_over_unet_eager']:.1f} |"
        origin, size_px = report["provenance"], report["plan"]["size_px"]
        made = f"{origin['date'][:10]}, commit {origin['commit']}"
        yield f"\n{size_px} px a side, {origin['machine']['cpu']}, {made}."


def write_scores(name: str, label: str, folder: Path) -> None:
    """Writes the scores of one set of images beside each bundled file of the model."""
    for one in list_bundled():
        precision = "int8" if one.file.stem.endswith("-int8") else "fp32"
        if one.file.stem.removesuffix("-int8") == name:
            paper = read(folder / f"{label}-{precision}.json")["paper"]
            scores = {"dice": round(paper["dc"], 4), "iou": round(paper["miou"], 4)}
            path = FOLDER / f"{one.file.stem}.json"
            path.write_text(json.dumps({"scores": scores}) + "\n", encoding="utf-8")
            print(path)


def read(path: Path) -> dict[str, Any]:
    """A JSON file; nothing where there is none."""
    if not path.is_file():
        return {}
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def share(report: dict[str, Any], score: str) -> str:
    """A score with its 95 % interval."""
    low, high = report["intervals"]["paper"][score]
    return f"{report['paper'][score]:.3f} ({low:.3f} to {high:.3f})"


if __name__ == "__main__":
    main()
