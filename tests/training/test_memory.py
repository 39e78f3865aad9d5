"""A training on the processor keeps the memory that a step frees."""

import subprocess
import sys

import pytest

PROGRAM = """
import platform, resource, sys
import torch
from lmsc_unet.training.memory import keep_freed_memory

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
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    if done.returncode == 77:
        pytest.skip("another C library than glibc")
    assert done.returncode == 0, done.stderr
    pages_of_ten_blocks = 10 * (64 << 20) // 4096
    assert int(done.stdout) < pages_of_ten_blocks / 100
