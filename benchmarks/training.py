"""Images per second of `lmsc train` against a plain float32 loop with the same network, loss and data.

Both run in turn on the same machine; the median of the ratios is what counts, since machines are shared and noisy.
The plain loop is what one writes first: float32, default memory layout, the same crops and the same AdamW.

    python benchmarks/training.py [--rounds 5] [--images 24] [--out benchmarks/results/training.json]
"""

import argparse
import json
import statistics
import tempfile
from pathlib import Path
from typing import Any


def main() -> None:
    """Prints a line a round and writes the medians with the machine and the commit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--images", type=int, default=30)
    parser.add_argument("--model", default="lmsc-unet")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "training.json")
    parser.add_argument("--show", action="store_true", help="print the result that is there, and measure nothing")
    options = parser.parse_args()
    if options.show:
        show(json.loads(options.out.read_text()))
        return
    result = measure(options)
    options.out.parent.mkdir(exist_ok=True)
    options.out.write_text(json.dumps(result, indent=2) + "\n")


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """The rounds, their medians, the machine and the commit; prints a line a round."""
    from loops import lmsc_train, plain_loop

    from lmsc_unet.core.provenance import provenance
    from lmsc_unet.synthetic.tissue.writer import write_nuclei
    from lmsc_unet.training.config import TrainConfig
    from lmsc_unet.training.fit import resolve_precision
    from lmsc_unet.training.prepare import prepare_data

    config = TrainConfig(model=options.model, epochs=2, validate_every=2, precision=resolve_precision("auto"))
    rounds: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        write_nuclei(Path(folder), count=options.images, size_px=256, seed=0)
        prepared = prepare_data(Path(folder), config)
        for number in range(options.rounds):
            ours, plain = lmsc_train(prepared, config), plain_loop(prepared, config)
            rounds.append({"lmsc_train": ours, "plain_float32": plain, "ratio": ours / plain})
            print(f"round {number + 1}: lmsc train {ours:.2f}, plain {plain:.2f} images/s, ratio {ours / plain:.2f}")
    medians = {name: round(statistics.median(row[name] for row in rounds), 3) for name in rounds[0]}
    print(f"median: {medians}")
    result = {"model": options.model, "precision": config.precision, "median": medians, "rounds": rounds}
    return result | provenance()


def show(result: dict[str, Any]) -> None:
    """Prints a result as a Markdown table."""
    median, machine = result["median"], result["machine"]
    print("| lmsc train, images/s | plain float32, images/s | ratio |\n|---:|---:|---:|")
    print(f"| {median['lmsc_train']:.2f} | {median['plain_float32']:.2f} | {median['ratio']:.2f} |")
    where = f"{machine['cpu']}, {machine['threads']} threads, {result['precision']}"
    made = f"{len(result['rounds'])} rounds, {result['date'][:10]}, commit {result['commit']}"
    print(f"\n{result['model']}, {made}, {where}.")


if __name__ == "__main__":
    main()
