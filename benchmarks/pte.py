"""Runs the tests of what ExecuTorch runs and writes how they ended; `--show` prints that: `make test-executorch`.

ExecuTorch brings 23 packages, so that it has an environment of its own and is no part of CI.
"""

import argparse
import json
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "benchmarks/results/pte.json"
WORDS = ["-q", "-m", "executorch", "-p", "no:cacheprovider", str(ROOT / "tests/export")]


class Outcomes:
    """Counts how tests ended, as pytest tells it."""

    def __init__(self) -> None:
        self.counts = {"passed": 0, "failed": 0, "skipped": 0}

    def pytest_runtest_logreport(self, report: Any) -> None:
        """One step of one test: its set-up, its call or what clears it away."""
        if report.when == "call" or report.outcome != "passed":
            self.counts[report.outcome] += 1


def main() -> int:
    """Runs the tests, or prints how the last ones ended."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--show", action="store_true", help="print the result that is there, and run nothing")
    if parser.parse_args().show:
        show(json.loads(RESULT.read_text()))
        return 0
    import pytest

    from lmsc_unet.core.provenance import provenance

    origin, outcomes, started_s = provenance(), Outcomes(), time.monotonic()
    exit_code = pytest.main(WORDS, plugins=[outcomes])
    result = {"executorch": version("executorch"), **outcomes.counts, "seconds": round(time.monotonic() - started_s)}
    RESULT.write_text(json.dumps(result | origin, indent=2) + "\n")
    show(result | origin)
    return int(exit_code or outcomes.counts["skipped"] > 0 or outcomes.counts["passed"] == 0)


def show(result: dict[str, Any]) -> None:
    """Prints a result as a sentence."""
    ended = ", ".join(f"{result[name]} {name}" for name in ("passed", "failed", "skipped"))
    print(
        f"`make test-executorch`, last run on {result['date'][:10]} at commit {result['commit']}: {ended}, in "
        f"{result['seconds']} s with executorch {result['executorch']} and torch {result['versions']['torch']} "
        f"({result['machine']['cpu']})."
    )


if __name__ == "__main__":
    sys.exit(main())
