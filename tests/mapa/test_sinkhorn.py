"""Rows and columns that sum to 1, against dense matrices."""

import numpy as np
import pytest
import torch

from mapa.dense import circle, sparse, squares
from vaelab.errors import UserError
from vaelab.mapa.kernel import of_themselves
from vaelab.mapa.neighbours import Neighbours
from vaelab.mapa.sinkhorn import balanced
from vaelab.mapa.sparse import SparseRows


def nearest(x, count, variance):
    near = of_themselves(Neighbours(x), count, "include", 1.0)
    logs = near.log_kernel(torch.tensor(variance, dtype=torch.float64))
    return SparseRows.regular(near.index, logs.exp(), near.size)


@pytest.mark.parametrize("count", [200, 15])
def test_rows_and_columns_sum_to_one_and_mirror_each_other(count):
    kernel = nearest(circle(200)[0], count, 0.02)
    rows, log_scale = balanced(kernel)
    q = rows.dense().numpy()
    np.testing.assert_allclose(q.sum(1), 1, rtol=0, atol=1e-8)
    np.testing.assert_allclose(q.sum(0), 1, rtol=0, atol=1e-8)
    np.testing.assert_allclose(q, q.T, rtol=0, atol=1e-14)
    # It is a scaling of the kernel, with each pair that either of the two keeps.
    a, dense = log_scale.exp().numpy(), kernel.dense().numpy()
    expected = a[:, None] * np.maximum(dense, dense.T) * a
    np.testing.assert_allclose(q, expected, rtol=1e-12)
    assert bool((rows.columns.diff()[rows.row_of.diff() == 0] > 0).all())


def test_it_is_what_alternate_normalisation_of_all_pairs_tends_to():
    x = circle(80)[0]
    rows, _ = balanced(nearest(x, 80, 0.02))
    q = np.exp(-squares(x, x) / (2 * 0.02))
    for _ in range(5000):
        q = q / q.sum(1, keepdims=True)
        q = q / q.sum(0, keepdims=True)
    np.testing.assert_allclose(rows.dense().numpy(), q, rtol=1e-7, atol=1e-12)


def test_two_by_two_in_closed_form():
    # a^2 + a b k = 1 and b^2 + a b k = 1: a = b, a^2 = 1 / (1 + k).
    rows, log_scale = balanced(sparse([[1.0, 0.25], [0.25, 1.0]]))
    torch.testing.assert_close(rows.dense()[0, 1].item(), 0.2, rtol=0, atol=1e-10)
    torch.testing.assert_close(log_scale.exp(), torch.full((2,), 0.8).double().sqrt())


@pytest.mark.parametrize(
    "kernel",
    [
        # An index without mass.
        [[1.0, 0.0], [0.0, 0.0]],
        # 0 has only 1, which is 2's only one too: their rows cannot both sum to 1.
        [[0.0, 1.0, 0.0], [1.0, 0.0, 1.0], [0.0, 1.0, 0.0]],
    ],
)
def test_a_kernel_that_no_scaling_balances_is_refused_in_a_line(kernel):
    with pytest.raises(UserError, match=r"^trainer\.normalise=sinkhorn: no scaling .*$") as caught:
        balanced(sparse(kernel))
    assert "\n" not in str(caught.value)
    assert "trainer.normalise=row" in str(caught.value)
