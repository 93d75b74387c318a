"""Threads are covered with the settings they belong to; here what is done with tiny numbers."""

import torch

from vaelab.threads import use


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
