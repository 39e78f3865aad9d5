"""A training on the processor keeps the memory that a step frees; a large image gives back what its rows took."""

import subprocess
import sys

import pytest

KEEPING = """
import platform, resource, sys
import torch
from lmsc_unet.core.memory import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        torch.ones(64 << 18)  # 64 MiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

if not keep_freed_memory():
    sys.exit(77)
faults()
print(faults())
"""


def test_freed_blocks_are_used_again_and_not_fetched_anew() -> None:
    done = subprocess.run([sys.executable, "-c", KEEPING], capture_output=True, text=True, check=False)
    if done.returncode == 77:
        pytest.skip("another C library than glibc")
    assert done.returncode == 0, done.stderr
    pages_of_ten_blocks = 10 * (64 << 20) // 4096
    assert int(done.stdout) < pages_of_ten_blocks / 100


RETURNING = """
import sys
import numpy as np
from lmsc_unet.core.memory import return_freed_memory

def held_mib():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 2**20

if not return_freed_memory():
    sys.exit(77)
first = np.ones(1 << 20)  # 8 MiB: once they are freed, glibc would take such from its heap
del first
before = held_mib()
blocks = [(np.ones(1 << 20), np.ones(1000)) for _ in range(8)]
kept = [small for _, small in blocks]  # each lies behind a large one in a heap
del blocks
print(held_mib() - before)
"""


def test_large_blocks_that_are_freed_are_the_systems_again() -> None:
    done = subprocess.run([sys.executable, "-c", RETURNING], capture_output=True, text=True, check=False)
    if done.returncode == 77:
        pytest.skip("another C library than glibc")
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 8
