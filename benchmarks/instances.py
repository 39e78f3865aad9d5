"""Time and quality of masks decoded into instances, beside what image libraries offer for it.

    OMP_NUM_THREADS=1 python benchmarks/instances.py

Generated tissue of 512 x 512 px; the true mask is decoded, and the label image scored against the true objects. The
ways run in turns; the times are medians of the processor's, in milliseconds. A library that is not installed is left
out. Then a mask of 10,000 x 10,000 px is labelled in row strips, in a process of its own. Results go to
results/instances.json with the machine, the date and the commit.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from huge import cpu_name, git
from numpy.typing import NDArray
from rows import print_head, print_row

from lmsc_unet.inference.instances import INTERIOR, decode_instances, regions_of
from lmsc_unet.inference.label_rows import label_rows
from lmsc_unet.metrics.instances import count_instances, instance_scores, stack_instances
from lmsc_unet.synthetic.tissue.writer import draw_tissue

RESULTS = Path(__file__).parent / "results/instances.json"
Labels = NDArray[np.integer[Any]]
Way = Callable[[NDArray[np.bool_], NDArray[np.bool_]], Labels]
SIDE_PX, NUM_IMAGES, LARGE_PX = 512, 6, 10_000
SEED_DISTANCE_PX = 7


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--show", action="store_true", help="print what was found last, for the docs")
    parser.add_argument("--large", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.large:
        print(json.dumps(label_large()))
        return
    if given.show:
        show(json.loads(RESULTS.read_text(encoding="utf-8")))
        return
    found = measure(given.rounds)
    print(json.dumps(found, indent=2))
    RESULTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def show(found: Mapping[str, Any]) -> None:
    """The table of docs/log.md."""
    print_head("way", "ms", "PQ", num_words=1)
    for name, row in found["ways"].items():
        print_row(name, f"{row['ms']:.1f}", f"{row['pq']:.3f}")
    large = found["large"]
    print(
        f"\n{found['objects']:.0f} objects per image on average. {LARGE_PX:,} x {LARGE_PX:,} px with "
        f"{large['objects']:,} objects: {large['cpu_s']:.0f} s and {large['memory_mb']} MB, "
        f"{large['before_mb']} MB of them before it began. "
        f"({found['machine']['cpu']}, {found['date'][:10]}, commit {found['commit']}.)"
    )


def measure(rounds: int) -> dict[str, Any]:
    """All figures, by turns."""
    truths = tissues(NUM_IMAGES)
    cases = [(truth > 0, contours(truth)) for truth in truths]
    ways = dict(available())
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for mask, contour in cases:
            for name, way in ways.items():
                start_s = time.process_time()
                way(mask, contour)
                spent[name].append(1e3 * (time.process_time() - start_s))
    large = subprocess.run([sys.executable, __file__, "--large"], check=True, capture_output=True, text=True).stdout
    return {
        "command": " ".join(["python", "benchmarks/instances.py", *sys.argv[1:]]),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": git("rev-parse", "--short", "HEAD"),
        "machine": {"cpu": cpu_name(), "cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1)},
        "objects": statistics.mean(len(np.unique(truth)) - 1 for truth in truths),
        "ways": {
            name: {"ms": round(statistics.median(spent[name]), 2), "pq": quality(way, truths, cases)}
            for name, way in ways.items()
        },
        "large": json.loads(large),
    }


def tissues(number: int) -> list[Labels]:
    """Label images of tissue with many nuclei."""
    drawn = (draw_tissue(np.random.default_rng(seed), SIDE_PX).labels for seed in range(100))
    return [labels for labels in drawn if 150 <= labels.max() <= 280][:number]


def contours(labels: Labels) -> NDArray[np.bool_]:
    """The outer two pixels of each object."""
    padded = np.pad(labels, 2, mode="edge")
    moved = [padded[y : y + SIDE_PX, x : x + SIDE_PX] != labels for y in range(5) for x in range(5)]
    return (labels > 0) & np.any(moved, axis=0)


def quality(way: Way, truths: list[Labels], cases: list[tuple[NDArray[np.bool_], NDArray[np.bool_]]]) -> float:
    """PQ, the mean over the images."""
    counts = [count_instances(way(*case), truth) for case, truth in zip(cases, truths, strict=True)]
    return round(float(instance_scores(stack_instances(counts))["pq"].mean()), 4)


def available() -> Iterator[tuple[str, Way]]:
    """The ways whose libraries are installed."""
    yield "NumPy, shapes", lambda mask, _contour: decode_instances(mask * np.uint8(INTERIOR))
    yield "NumPy, contours", by_contours
    for name, libraries, way in (
        ("SciPy, components of interiors, nearest", ("scipy",), by_scipy),
        ("scikit-image, peaks and watershed", ("skimage",), by_skimage),
        ("mahotas, peaks and watershed", ("mahotas",), by_mahotas),
        ("edt + cc3d, components of high distances", ("edt", "cc3d"), by_edt),
    ):
        try:
            for library in libraries:
                __import__(library)
        except ImportError:
            continue
        yield name, way


def by_contours(mask: NDArray[np.bool_], contour: NDArray[np.bool_]) -> Labels:
    return decode_instances(regions_of(mask.astype(np.uint8), contour.astype(np.float32)))


def by_scipy(mask: NDArray[np.bool_], contour: NDArray[np.bool_]) -> Labels:
    from scipy import ndimage

    seeds, _ = ndimage.label(mask & ~contour)
    nearest = ndimage.distance_transform_edt(seeds == 0, return_distances=False, return_indices=True)
    return seeds[tuple(nearest)] * mask


def by_skimage(mask: NDArray[np.bool_], _contour: NDArray[np.bool_]) -> Labels:
    from scipy import ndimage
    from skimage.feature import peak_local_max
    from skimage.segmentation import watershed

    distance = ndimage.gaussian_filter(ndimage.distance_transform_edt(mask), 1)
    seeds = np.zeros(mask.shape, np.int32)
    peaks = peak_local_max(distance, min_distance=SEED_DISTANCE_PX, labels=mask.astype(np.int32), exclude_border=False)
    seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    return watershed(-distance, seeds, mask=mask)


def by_mahotas(mask: NDArray[np.bool_], _contour: NDArray[np.bool_]) -> Labels:
    import mahotas

    distance = mahotas.gaussian_filter(np.sqrt(mahotas.distance(mask)), 1)
    levels = (16 * distance).astype(np.int32)
    peaks = mahotas.regmax(levels, np.ones((2 * SEED_DISTANCE_PX + 1,) * 2, np.bool_)) & mask
    seeds, _ = mahotas.label(peaks, np.ones((3, 3), np.bool_))
    return mahotas.cwatershed(int(levels.max()) - levels, seeds) * mask


def by_edt(mask: NDArray[np.bool_], _contour: NDArray[np.bool_]) -> Labels:
    import cc3d
    import edt

    return cc3d.connected_components(edt.edt(mask, black_border=False) > SEED_DISTANCE_PX / 2, connectivity=8)


def label_large() -> dict[str, Any]:
    """One mask of 10,000 x 10,000 px, in strips as prediction hands them over."""
    part = np.tile((tissues(1)[0] > 0) * np.uint8(INTERIOR), (1, -(-LARGE_PX // SIDE_PX)))[:, :LARGE_PX]
    strips = (part[row % SIDE_PX : row % SIDE_PX + 16] for row in range(0, LARGE_PX, 16))
    before_mb, start_s, num_objects = memory_mb(), time.process_time(), 0
    for rows in label_rows(strips, LARGE_PX, LARGE_PX):
        num_objects = max(num_objects, int(rows.labels.max()))
    spent_s = time.process_time() - start_s
    return {
        "objects": num_objects,
        "cpu_s": round(spent_s, 1),
        "memory_mb": memory_mb(),
        "before_mb": before_mb,
    }


def memory_mb() -> int:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3)


if __name__ == "__main__":
    main()
