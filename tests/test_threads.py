"""Threads are covered with the settings they belong to; here what is done with tiny numbers."""

import platform
import subprocess
import sys

import pytest
import torch

from vaelab.threads import use

FAULTS = """
import resource, torch
from vaelab.threads import use
if {kept}: use(1)
x = torch.ones(10_000_000)
counts = []
for _ in range(16):
    y = torch.sigmoid(x)
    z = y * x
    del y, z
    counts.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
print(counts[-1] - counts[-5])
"""


def test_numbers_below_the_normal_range_are_zero_in_matrix_products_too():
    threads = torch.get_num_threads()
    tiny = torch.full((8, 8), 1e-20)
    assert float((tiny @ tiny).max()) > 0  # 8e-40, subnormal: what costs a CPU its speed
    try:
        use(1)
        assert torch.get_num_threads() == 1
        assert float((tiny @ tiny).abs().max()) == 0
        assert float((tiny @ (1e10 * tiny)).max()) > 0
    finally:
        torch.set_flush_denormal(False)
        torch.set_num_threads(threads)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only the GNU C library is told")
def test_memory_that_is_freed_is_kept_for_the_next_step():
    """Eight tensors of 40 MB in four steps; the first dozen steps find out what is needed."""
    found = {}
    for kept in (False, True):
        code = FAULTS.format(kept=kept)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        found[kept] = int(done.stdout)
    assert found[False] >= 8 * 19  # in huge pages of 2 MB; 78,000 in small ones
    assert found[True] < 20
