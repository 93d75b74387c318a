"""Sparse rows of probabilities against the dense matrix they stand for."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from mapa.dense import entropy, sparse
from vaelab.mapa.sparse import SparseRows

# Rows of one, four and three entries over five indices.
Q = np.array([[0, 0, 1, 0, 0], [0.5, 0.125, 0, 0.25, 0.125], [0, 0.2, 0, 0.3, 0.5]])


@pytest.fixture
def rows():
    return sparse(Q)


def test_samples_have_the_rows_frequencies(rows):
    torch.manual_seed(0)
    which = torch.tensor([2, 0, 1, 2])
    drawn = rows.sample(which, 20_000)
    assert drawn.shape == (20_000, 4)
    for place, row in enumerate(which.tolist()):
        counts = np.bincount(drawn[:, place].numpy(), minlength=5)
        has = Q[row] > 0
        assert counts[~has].sum() == 0
        # One entry alone has no freedom: its count is all.
        if has.sum() > 1:
            assert stats.chisquare(counts[has], 20_000 * Q[row][has]).pvalue > 1e-3


def test_draws_are_independent_of_each_other(rows):
    torch.manual_seed(0)
    drawn = rows.sample(torch.tensor([1, 1]), 20_000)
    assert float((drawn[:, 0] == drawn[:, 1]).double().mean()) == pytest.approx(
        float((Q[1] ** 2).sum()), abs=4 * math.sqrt(0.25 / 20_000)
    )


@pytest.mark.parametrize("number", [0.0, 1 - 2**-53])
def test_the_ends_of_the_unit_interval_draw_an_entry_with_mass(monkeypatch, number):
    # Entries without mass at both ends of every row; a thousand rows, for sums that round.
    weights = torch.tensor([0.0, 0.3, 0.0, 0.7, 0.0], dtype=torch.float64).repeat(1000, 1)
    rows = SparseRows.regular(torch.arange(5).repeat(1000, 1), weights, 5)
    monkeypatch.setattr(torch, "rand", lambda *shape, **kw: torch.full(shape, number, **kw))
    drawn = rows.sample(torch.arange(1000), 2)
    assert (drawn == (1 if number == 0 else 3)).all()


def test_log_weights_are_those_of_the_dense_matrix(rows):
    which = torch.tensor([1, 2, 0])
    columns = torch.arange(5)[:, None].expand(5, 3)
    found = rows.log_weight(which, columns)
    assert torch.equal(found.isinf(), torch.from_numpy(Q.T[:, [1, 2, 0]] == 0))
    torch.testing.assert_close(found.exp(), torch.from_numpy(Q.T[:, [1, 2, 0]]))


def test_padded_rows_are_the_dense_matrix(rows):
    which = torch.tensor([1, 0, 2, 1])
    columns, logs = rows.padded(which)
    assert columns.shape == logs.shape == (4, 4)
    dense = torch.zeros(4, 5, dtype=torch.float64).scatter_add_(1, columns, logs.exp())
    torch.testing.assert_close(dense, torch.from_numpy(Q[[1, 0, 2, 1]]))


def test_sums_are_those_of_the_dense_matrix(rows):
    torch.testing.assert_close(rows.entropy(), torch.from_numpy(entropy(Q)))
    torch.testing.assert_close(rows.column_sums(), torch.from_numpy(Q.sum(0)))
    assert np.array_equal(rows.matrix.todense(), Q)
    assert np.array_equal(rows.dense().numpy(), Q)
    assert len(rows) == 3
    assert rows.longest == 4


def test_regular_rows_may_come_in_any_order():
    columns = torch.tensor([[4, 0, 2], [1, 3, 0]])
    weights = torch.tensor([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]])
    rows = SparseRows.regular(columns, weights, 5)
    expected = torch.zeros(2, 5).scatter_(1, columns, weights).double()
    assert torch.equal(rows.dense(), expected)
    assert torch.equal(rows.columns, torch.tensor([0, 2, 4, 0, 1, 3]))
    logs = rows.log_weight(torch.arange(2), columns.T)
    torch.testing.assert_close(logs, weights.T.double().log())
