"""How fast `lmsc serve` answers over loopback, beside the bare network in the same interleaved rounds.

    python benchmarks/serve.py [--model nuclei] [--side-px 512] [--rounds 5] [--seconds 2]
    python benchmarks/serve.py --minutes 10      # a soak of 4 clients that prints the server's memory
    python benchmarks/serve.py --show

In each round the bare network runs for some seconds with batches of 1, 2 and 4 images, then each server (one worker
with all threads; two workers with one thread each) answers 1, 4 and 16 clients that send the next image when they have
the mask of the last one. Ratios are of the same round, so that a slow phase of the machine affects both sides.
"""

import argparse
import http.client
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from rows import print_head, print_row

RESULT = Path(__file__).parent / "results" / "serve.json"
CLIENTS = (1, 4, 16)
BATCHES = (1, 2, 4)
SERVERS = {"1 worker, all threads": ("1", "2"), "2 workers, 1 thread": ("2", "1")}
"""Name -> workers and threads."""
SOAK_CLIENTS, SOAK_EVERY_S = 4, 15.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="nuclei")
    parser.add_argument("--side-px", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--minutes", type=float, default=0.0)
    parser.add_argument("--out", type=Path, default=RESULT)
    parser.add_argument("--show", action="store_true", help="print the result that is there, and measure nothing")
    given = parser.parse_args()
    if not given.show:
        result = json.loads(given.out.read_text()) if given.out.is_file() else {}
        result |= soak(given) if given.minutes else measure(given)
        given.out.write_text(json.dumps(result, indent=2) + "\n")
    show(json.loads(given.out.read_text()))


def measure(given: argparse.Namespace) -> dict[str, Any]:
    """Images per second and latencies of all rounds."""
    from lmsc_unet.core.provenance import provenance
    from lmsc_unet.inference.loading import load

    image = picture(given.side_px)
    network = load(given.model).network
    rng = np.random.default_rng(0)
    pixels = rng.normal(size=(max(BATCHES), 3, given.side_px, given.side_px)).astype(np.float32)
    rates: dict[str, list[float]] = {}
    latencies_ms: dict[str, list[float]] = {}
    with ExitStack() as stack:
        ports = {name: stack.enter_context(server(given.model, *how))[0] for name, how in SERVERS.items()}
        for number in range(given.rounds + 1):  # the first is not counted
            for batch in BATCHES:
                rate = rate_of_network(network, pixels[:batch], given.seconds)
                rates.setdefault(f"network, batch {batch}", []).append(rate)
            for name, port in ports.items():
                for clients in CLIENTS:
                    rate, taken_ms = ask(port, image, clients, given.seconds)
                    rates.setdefault(f"{name}, {clients}", []).append(rate)
                    latencies_ms.setdefault(f"{name}, {clients}", []).extend(taken_ms if number else [])
    bare = rates["network, batch 1"][1:]
    rows = [
        {
            "what": name,
            "images_per_s": round(statistics.median(found[1:]), 2),
            "of_bare_network": round(statistics.median(a / b for a, b in zip(found[1:], bare, strict=True)), 3),
            **{
                f"p{share}_ms": round(float(np.percentile(latencies_ms[name], share)), 1)
                for share in (50, 95, 99)
                if name in latencies_ms
            },
        }
        for name, found in rates.items()
    ]
    about = {"model": given.model, "side_px": given.side_px, "rounds": given.rounds, "seconds": given.seconds}
    return {**about, "load_average": os.getloadavg()[0], "rows": rows, "provenance": provenance()}


def soak(given: argparse.Namespace) -> dict[str, Any]:
    """The server's memory under load over minutes."""
    from lmsc_unet.core.provenance import provenance

    image, rows, until_s = picture(given.side_px), [], time.monotonic() + 60 * given.minutes
    with server(given.model, *SERVERS["2 workers, 1 thread"]) as (port, process):
        started_s, num_answers = time.monotonic(), 0
        while time.monotonic() < until_s:
            rows.append({"minutes": round((time.monotonic() - started_s) / 60, 2), "rss_mib": rss_mib(process.pid)})
            print(f"{rows[-1]['minutes']:6.2f} min  {rows[-1]['rss_mib']:7.1f} MiB  {num_answers} answers", flush=True)
            seconds = min(SOAK_EVERY_S, max(until_s - time.monotonic(), 1))
            num_answers += len(ask(port, image, SOAK_CLIENTS, seconds)[1])
        rows.append({"minutes": round((time.monotonic() - started_s) / 60, 2), "rss_mib": rss_mib(process.pid)})
    found = {"clients": SOAK_CLIENTS, "side_px": given.side_px, "answers": num_answers, "memory": rows}
    return {"soak": {**found, "provenance": provenance()}}


def picture(side_px: int) -> bytes:
    """A PNG of generated tissue."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["data", "nuclei", folder + "/data", "--count", "1", "--size-px", str(side_px), "--seed", "0"]
        subprocess.run([sys.executable, "-m", "lmsc_unet.cli", *words], check=True, stdout=subprocess.DEVNULL)
        return next(Path(folder, "data/images").iterdir()).read_bytes()


@contextmanager
def server(model: str, workers: str, threads: str) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """A server as a process of its own, and its port."""
    words = ["serve", "--model", model, "--port", "0", "--queue", "64", "--workers", workers, "--threads", threads]
    with subprocess.Popen(
        [sys.executable, "-m", "lmsc_unet.cli", *words], stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        found = re.search(r":(\d+);", line)
        if found is None:
            raise SystemExit(line + process.stderr.read())
        yield int(found[1]), process
        process.terminate()


def ask(port: int, image: bytes, clients: int, seconds: float) -> tuple[float, list[float]]:
    """Answers per second to clients that ask for some seconds, and the milliseconds of each; all are awaited."""
    taken_ms: list[float] = []
    begun_s = time.perf_counter()
    until_s = begun_s + seconds

    def one() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        headers = {"Content-Type": "image/png", "Accept": "image/png"}
        while (started_s := time.perf_counter()) < until_s:
            connection.request("POST", "/v1/segment", image, headers)
            response = connection.getresponse()
            body = response.read()
            if response.status != 200:
                raise SystemExit(body.decode())
            taken_ms.append(1000 * (time.perf_counter() - started_s))
        connection.close()

    threads = [threading.Thread(target=one) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(taken_ms) / (time.perf_counter() - begun_s), taken_ms


def rate_of_network(network: Any, pixels: Any, seconds: float) -> float:
    """Images per second of the network alone."""
    started_s, number = time.perf_counter(), 0
    while time.perf_counter() - started_s < seconds:
        network(pixels)
        number += len(pixels)
    return number / (time.perf_counter() - started_s)


def rss_mib(pid: int) -> float:
    """A process's memory."""
    text = Path(f"/proc/{pid}/status").read_text()
    return round(int(re.search(r"VmRSS:\s+(\d+)", text)[1]) / 1024, 1)


def show(result: dict[str, Any]) -> None:
    """Prints a result as Markdown tables."""
    print_head("", "images/s", "of the bare network", "p50, ms", "p95, ms", "p99, ms")
    for row in result["rows"]:
        times = (f"{row[key]:.0f}" if key in row else "" for key in ("p50_ms", "p95_ms", "p99_ms"))
        what = re.sub(r"^(\d worker.*), (\d+)$", r"server of \1: \2 clients", row["what"])
        print_row(what.replace(": 1 clients", ": 1 client"), row["images_per_s"], row["of_bare_network"], *times)
    origin = result["provenance"]
    machine = (
        f"{origin['machine']['cpu']}, {origin['machine']['cores']} cores, load average {result['load_average']:.1f}"
    )
    rounds = f"{result['rounds']} rounds of {result['seconds']:g} s"
    about = f"{result['model']}, images of {result['side_px']} px a side, {rounds}"
    print(f"\n{about}, {machine}, {origin['date'][:10]}, commit {origin['commit']}.")
    if "soak" in result:
        found = result["soak"]
        first, last = found["memory"][1], found["memory"][-1]
        load = f"{found['answers']} answers to {found['clients']} clients"
        grown = f"{first['rss_mib']:.0f} to {last['rss_mib']:.0f} MiB, after the first {60 * first['minutes']:.0f} s"
        print(f"\nOver {last['minutes']:.0f} minutes and {load} the server's memory went from {grown}.")


if __name__ == "__main__":
    main()
