"""Prints how ONNX Runtime's static quantiser and NNCF compare on one trained network, from results/int8.json.

`python benchmarks/int8.py RUN --data DATA` measures it anew, where openvino and nncf are installed: both quantise the
same graph on the same crops; accuracy is of the images that the run held out, speed of one crop, by turns.
"""

import argparse
import json
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results" / "int8.json"
RUNTIMES = ("onnxruntime", "openvino")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, nargs="?")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--crops", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    if options.run is not None:
        result = measure(options)
        options.out.write_text(json.dumps(result, indent=2) + "\n")
    print_table(json.loads(options.out.read_text()))


def print_table(result: dict[str, Any]) -> None:
    print("| quantised by | run by | pixels of another class | mean IoU | times as fast as float32 there |")
    print("|---|---|---:|---:|---:|")
    in_float = {row["runtime"]: row["ms"] for row in result["rows"] if row["quantiser"] == "float32"}
    for row in result["rows"]:
        cells = (row["quantiser"], row["runtime"], f"{100 * row['other_class_share']:.2f} %", f"{row['miou']:.4f}")
        print("| " + " | ".join((*cells, f"{in_float[row['runtime']] / row['ms']:.2f}")) + " |")


def measure(options: argparse.Namespace) -> dict[str, Any]:
    import openvino as ov

    from lmsc_unet.core.provenance import provenance
    from lmsc_unet.core.timing import time_by_turns
    from lmsc_unet.evaluation.parity import compare_networks, scores
    from lmsc_unet.export.formats import write_ir
    from lmsc_unet.export.graph import to_graph
    from lmsc_unet.export.saving import write_model
    from lmsc_unet.inference.backends import open_network
    from lmsc_unet.inference.metadata import Description
    from lmsc_unet.inference.runtime import Runtime
    from lmsc_unet.quantization.calibration import draw_crops, find_parts
    from lmsc_unet.quantization.quantizer import Quantizer
    from lmsc_unet.training.load_model import as_network, open_trained_run

    source = open_trained_run(options.run)
    parts = find_parts(options.data, source)
    crops = draw_crops([sample.image for sample in parts.train], source.spec, options.crops)
    description = Description(spec=source.spec)
    graph = to_graph(source.network, source.spec)
    found, rows = {}, []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "work").mkdir()
        write_model(graph, description, folder / "float32.onnx")
        by_ort = Quantizer(graph, crops, folder / "work", is_for_openvino=True).quantise()
        write_model(by_ort, replace(description, precision="int8"), folder / "ONNX Runtime.onnx")
        write_model(by_nncf(graph, crops), replace(description, precision="int8"), folder / "NNCF on ONNX.onnx")
        write_ir(graph, description, folder / "float32.xml")
        model = by_nncf(ov.Core().read_model(folder / "float32.xml"), crops)
        model.set_rt_info("", ["none"])
        ov.save_model(model, folder / "NNCF on OpenVINO.xml", compress_to_fp16=False)
        for runtime in RUNTIMES:
            for path in sorted([*folder.glob("*.onnx"), *folder.glob("NNCF on*.xml")]):
                if path.suffix == ".onnx" or runtime == "openvino":
                    found[path.stem, runtime] = open_network(path, description, Runtime(backend=runtime, threads=1))
        times = time_by_turns([partial(run, network, crops[0]) for network in found.values()], options.rounds)
        original = as_network(source.network)
        for ((quantiser, runtime), network), taken in zip(found.items(), times, strict=True):
            parity = compare_networks(original, network, source.spec, parts.held_out, parts.label_map)
            rows.append(
                {
                    "quantiser": quantiser,
                    "runtime": runtime,
                    "other_class_share": parity.difference.flipped_share,
                    "mean_difference": parity.difference.mean,
                    "miou": scores(parity.exported)["miou"],
                    "miou_pytorch": scores(parity.original)["miou"],
                    "ms": taken.median_ms,
                    "ms_p5": taken.p5_ms,
                }
            )
    order = sorted(rows, key=lambda row: (RUNTIMES.index(row["runtime"]), row["quantiser"] != "float32"))
    return {
        "model": source.spec.name,
        "images": len(parts.held_out),
        "crops": options.crops,
        "provenance": provenance(),
        "rows": order,
    }


def by_nncf(model: Any, crops: Any) -> Any:
    import nncf

    return nncf.quantize(model, nncf.Dataset(crops, lambda crop: {"image": crop}), subset_size=len(crops))


def run(network: Any, pixels: Any) -> None:
    network(pixels)


if __name__ == "__main__":
    main()
