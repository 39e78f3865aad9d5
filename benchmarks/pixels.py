"""What models meet pixels by, beside OpenCV: resizing, PNG and TIFF, components, windows, transforms, overlays.

    OMP_NUM_THREADS=1 python benchmarks/pixels.py --out benchmarks/results/pixels.json

The bare package does without OpenCV. Both run on one thread and by turns, round by round; what is compared is the
median of the processor's time over the rounds, not the clock's, so that a busy machine tells the same.
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from lmsc_unet.imageio import read_image, resize, resize_mask, write_png
from lmsc_unet.inference.overlays import FILL_SHARE, borders, draw_overlay, to_display
from lmsc_unet.signals.detection.components import find_runs
from lmsc_unet.signals.morphology import closed, window_means

Work = Callable[[], object]
Row = tuple[str, Work, Work]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--quote", type=Path, help="print the table of a finished measurement")
    arguments = parser.parse_args()
    if arguments.quote:
        print(quotation(json.loads(arguments.quote.read_text(encoding="utf-8"))))
        return
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        rows = [measure(*row, arguments.rounds) for row in [*resizing(), *files(Path(folder)), *planes(), *pictures()]]
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    result = {
        "machine": platform.processor() or platform.machine(),
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit.stdout.strip(),
        "versions": {"numpy": np.__version__, "cv2": cv2.__version__},
        "import_cv2_ms": import_ms("cv2") - import_ms("numpy"),
        "import_predictor_ms": import_ms("lmsc_unet.inference.predictor"),
        "rows": rows,
    }
    print(json.dumps(result, indent=1))
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def quotation(result: dict[str, Any]) -> str:
    """A finished measurement as a Markdown table."""
    lines = ["| | ours (ms) | OpenCV (ms) | ours / OpenCV |", "|---|---|---|---|"]
    for row in result["rows"]:
        ours_ms, opencv_ms = row["ours_ms"], row["opencv_ms"]
        lines.append(f"| {row['what']} | {ours_ms:.3g} | {opencv_ms:.3g} | {ours_ms / opencv_ms:.1f} |")
    versions, machine = result["versions"], f"{result['machine']}, one thread"
    note = (
        f"Medians of the processor's time by turns; NumPy {versions['numpy']}, OpenCV {versions['cv2']}, {machine}, "
        f"{result['date']}, commit {result['commit']}. `import cv2` takes {result['import_cv2_ms']} ms more than NumPy "
        f"alone; what predicts takes {result['import_predictor_ms']} ms in all, without it."
    )
    lines += ["", note]
    return "\n".join(lines)


def measure(name: str, ours: Work, opencv: Work, rounds: int) -> dict[str, Any]:
    """Milliseconds of processor time of both."""
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds + 1):
        for work, found in zip((ours, opencv), taken, strict=True):
            start = time.process_time()
            work()
            found.append(1e3 * (time.process_time() - start))
    ours_ms, opencv_ms = (statistics.median(found[1:]) for found in taken)
    return {"what": name, "ours_ms": round(ours_ms, 3), "opencv_ms": round(opencv_ms, 3)}


def resizing() -> Iterator[Row]:
    for name, shape, after in (
        ("8-bit colour 512 x 512 to a half", (512, 512, 3), (256, 256)),
        ("8-bit colour 2000 x 2000 to a half", (2000, 2000, 3), (1000, 1000)),
        ("8-bit colour 1000 x 1000 to 256 x 256", (1000, 1000, 3), (256, 256)),
        ("float32 500 x 500 to 1000 x 1000", (500, 500, 1), (1000, 1000)),
    ):
        image = noise(*shape) if shape[2] == 3 else np.random.default_rng(0).random(shape, dtype=np.float32)
        yield (
            f"resize {name}",
            lambda image=image, after=after: resize(image, *after),
            lambda image=image, after=after: cv2.resize(image, after[::-1], interpolation=cv2.INTER_LINEAR),
        )
    mask = discs(1000)
    yield (
        "resize a mask 1000 x 1000 to a half",
        lambda: resize_mask(mask, 500, 500),
        lambda: cv2.resize(mask, (500, 500), interpolation=cv2.INTER_NEAREST_EXACT),
    )


def files(folder: Path) -> Iterator[Row]:
    deep = noise(1000, 1000, 3).astype(np.uint16) * np.uint16(257)
    kinds = {"a mask": discs(1000), "8-bit colour": noise(1000, 1000, 3), "16-bit colour": deep}
    for name, array in kinds.items():
        yield (
            f"write PNG, {name} 1000 x 1000",
            lambda array=array: write_png(folder / "ours.png", array),
            lambda array=array: cv2.imwrite(str(folder / "cv2.png"), array),
        )
    for ending in ("png", "tif"):
        path = folder / f"deep.{ending}"
        cv2.imwrite(str(path), deep)
        yield (
            f"read {'PNG' if ending == 'png' else 'TIFF with LZW'}, 16-bit colour 1000 x 1000",
            lambda path=path: read_image(path),
            lambda path=path: cv2.imread(str(path), cv2.IMREAD_UNCHANGED),
        )


def planes() -> Iterator[Row]:
    for rows in (256, 4096):
        mask, power = boxes(rows), np.random.default_rng(0).standard_exponential((rows, 256), dtype=np.float32)
        kernel = np.ones((5, 3), np.uint8)
        yield (
            f"components of {rows} x 256",
            lambda mask=mask: numbered(mask),
            lambda mask=mask: cv2.connectedComponentsWithStats(mask, connectivity=8),
        )
        yield (
            f"means over 5 x 5 of {rows} x 256",
            lambda power=power: window_means(power, 5, 5),
            lambda power=power: cv2.blur(power, (5, 5), borderType=cv2.BORDER_REFLECT),
        )
        yield (
            f"closing by 5 x 3 of {rows} x 256",
            lambda mask=mask: closed(mask, 5, 3),
            lambda mask=mask, kernel=kernel: cv2.morphologyEx(mask, cv2.MORPH_CLOSE, kernel),
        )
    frames = np.random.default_rng(0).standard_normal((128, 512), dtype=np.float32)
    ours, theirs = np.empty((128, 256), np.complex64), np.empty((128, 256, 2), np.float32)
    yield (
        "128 transforms of 256 samples",
        lambda: np.fft.fft(frames.view(np.complex64), out=ours),
        lambda: cv2.dft(frames.reshape(128, 256, 2), dst=theirs, flags=cv2.DFT_ROWS | cv2.DFT_COMPLEX_OUTPUT),
    )


def pictures() -> Iterator[Row]:
    image, mask = noise(1000, 1000, 3), discs(1000) // 255
    table = np.array([(0, 0, 0), (240, 228, 66)], np.uint8)

    def by_opencv() -> None:
        drawn, colours = to_display(image), table[mask]
        tinted = cv2.addWeighted(drawn, 1 - FILL_SHARE, colours, FILL_SHARE, 0)
        np.copyto(drawn, tinted, where=(mask > 0)[:, :, np.newaxis])
        np.copyto(drawn, colours, where=borders(mask)[:, :, np.newaxis])

    yield "overlay of 1000 x 1000", lambda: draw_overlay(image, mask), by_opencv


def numbered(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    runs = find_runs(mask)
    return runs.paint(runs.labels.astype(np.int32)), runs.limits()


def noise(*shape: int) -> np.ndarray:
    """Smooth with some grain, as photographs are."""
    rng = np.random.default_rng(0)
    smooth = cv2.GaussianBlur(rng.standard_normal(shape, dtype=np.float32), (0, 0), 8) * 600 + 128
    return np.clip(smooth + rng.normal(0, 3, smooth.shape), 0, 255).astype(np.uint8).reshape(shape)


def discs(side_px: int) -> np.ndarray:
    mask = np.zeros((side_px, side_px), np.uint8)
    for x, y, radius in np.random.default_rng(0).integers((0, 0, 5), (side_px, side_px, 30), (200, 3)).tolist():
        cv2.circle(mask, (x, y), radius, 255, -1)
    return mask


def boxes(rows: int) -> np.ndarray:
    """As signals lie in a mask, some with specks around them."""
    rng = np.random.default_rng(0)
    mask = (rng.random((rows, 256)) < 0.002).astype(np.uint8)
    for _ in range(rows // 32):
        top, left = rng.integers(0, rows), rng.integers(0, 256)
        mask[top : top + rng.integers(3, 60), left : left + rng.integers(3, 30)] = 1
    return mask


def import_ms(module: str) -> int:
    """Processor time of an interpreter that imports a module and ends, the least of five."""
    code = f"import time; import {module}; print(time.process_time())"
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(5)]
    return round(1e3 * min(float(run.stdout) for run in runs))


if __name__ == "__main__":
    main()
