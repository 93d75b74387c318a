"""What is made of training data: facts, warnings, and what they do not depend on."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from mapa.dense import circle, entropy, posterior, recipe, squares
from vaelab.dataset.gaussian4 import Gaussian4
from vaelab.errors import UserError
from vaelab.mapa.neighbours import Neighbours
from vaelab.mapa.recipe import fingerprint, fit


def fitted(x, **settings):
    return fit(recipe(**settings), Neighbours(x))


@pytest.mark.parametrize("term", ["include", "exclude", "expected"])
def test_facts_are_those_of_all_pairs(term):
    x = circle(150)[0]
    found = fitted(x, c=2.0, sigma2=0.02, self_term=term)
    q = posterior(x.numpy(), 0.04, term, 2.0)
    np.testing.assert_allclose(found.rows.dense().numpy(), q, rtol=1e-9, atol=1e-15)
    perplexity, facts = np.exp(entropy(q)), found.facts
    for level in (5, 50, 95):
        expected = np.quantile(perplexity, level / 100)
        assert facts[f"perplexity_{level}"] == pytest.approx(expected, rel=1e-9)
    assert facts["kl"] == pytest.approx(math.log(150) - entropy(q).mean(), abs=1e-12)
    assert facts["column_sum_sd"] == pytest.approx(q.sum(0).std(ddof=1), rel=1e-9)
    assert facts["width"] == pytest.approx(0.2)
    assert facts["examples"] == 150
    assert facts["neighbours"] == (149 if term == "exclude" else 150)
    assert facts["dropped_95"] == 0
    assert found.warnings == []


def test_neighbours_are_added_until_the_others_have_next_to_nothing():
    x = circle(900)[0]
    assert fitted(x, sigma2=0.001, embedding="pca").facts["neighbours"] == 200
    wide = fitted(x, sigma2=0.1).facts
    assert wide["neighbours"] == 400
    assert wide["dropped_95"] < 0.01
    all_of_them = fitted(x, sigma2=10.0).facts
    assert all_of_them["neighbours"] == 900


def test_what_few_neighbours_leave_out_is_warned_of():
    x = circle(300)[0]
    found = fitted(x, k=5)
    (said,) = found.warnings
    assert found.facts["neighbours"] == 5
    assert said.startswith(f"up to {found.facts['dropped_95']:.0%} of an example's mass is beyond")
    q = posterior(x.numpy(), 0.01)
    lost = np.sort(q, 1)[:, :-5].sum(1)
    assert found.facts["dropped_95"] >= np.quantile(lost, 0.95) > 0.1
    # No other has more than the fifth.
    kernel = np.sort(np.exp(-squares(x, x) / 0.02), 1)[:, ::-1]
    rest = 295 * kernel[:, 4]
    bound = rest / (kernel[:, :5].sum(1) + rest)
    assert found.facts["dropped_95"] == pytest.approx(np.quantile(bound, 0.95), rel=1e-9)


def test_data_finer_than_their_number_resolves_are_warned_of():
    x = Gaussian4(num_valid=1, num_test=1).load().train.x
    found = fitted(x, latent_dim=2, sigma2=1e-6, layout="kd")
    (said,) = found.warnings
    assert said.startswith("resolution limited: a twentieth of the 500 examples")
    assert found.facts["perplexity_5"] == pytest.approx(1, abs=0.01)
    # Each explains itself: nothing of log N is saved.
    assert found.facts["kl"] == pytest.approx(math.log(500), abs=0.01)


def test_columns_sum_to_one_where_that_is_asked():
    found = fitted(circle(300)[0], normalise="sinkhorn")
    torch.testing.assert_close(
        found.rows.column_sums(), torch.ones(300).double(), rtol=0, atol=1e-8
    )
    assert found.facts["column_sum_sd"] < 1e-8
    assert float(found.log_scale.std()) > 0.01
    by_rows = fitted(circle(300)[0])
    assert by_rows.facts["column_sum_sd"] > 0.1
    assert float(by_rows.log_scale.abs().max()) == 0


@pytest.mark.parametrize("normalise", ["row", "sinkhorn"])
@pytest.mark.parametrize(("layout", "embedding"), [("path", None), ("kd", "isomap"), ("kd", "pca")])
def test_the_same_data_give_the_same(normalise, layout, embedding):
    x = circle(250)[0]
    one, other = (
        fitted(x, normalise=normalise, layout=layout, embedding=embedding) for _ in range(2)
    )
    assert torch.equal(one.place, other.place)
    assert torch.equal(one.rows.weights, other.rows.weights)
    assert torch.equal(one.rows.columns, other.rows.columns)
    assert one.facts == other.facts


def test_the_index_posterior_does_not_see_codes():
    """Whatever the latent's dimension, layout or cells: which z an index has is another matter."""
    x = torch.cat([circle(250)[0], torch.randn(250, 1)], 1)
    one = fitted(x)
    for other in (
        fitted(x, layout="kd", embedding="pca"),
        fitted(x, layout="path", landmarks=7),
        fitted(x, layout="kd", latent_dim=3),
    ):
        assert not torch.equal(one.place, other.place)
        assert torch.equal(one.rows.weights, other.rows.weights)
        assert torch.equal(one.rows.columns, other.rows.columns)
        assert one.facts == other.facts


@pytest.mark.parametrize("normalise", ["row", "sinkhorn"])
def test_renaming_examples_renames_indices(normalise):
    x = circle(120)[0]
    order = torch.randperm(120, generator=torch.Generator().manual_seed(0))
    q = fitted(x, normalise=normalise).rows.dense()
    renamed = fitted(x[order], normalise=normalise).rows.dense()
    torch.testing.assert_close(renamed, q[order][:, order], rtol=1e-8, atol=1e-12)


def test_the_width_may_come_from_the_data():
    x = torch.cat([circle(400, noise=0)[0], torch.zeros(400, 3)], 1)
    x = x + 0.03 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
    found = fitted(x, c=2.0, sigma2="local_pca").facts["width"]
    # The trailing four of five directions: noise, and what the circle bends within 30 of 400.
    assert found == pytest.approx(2**0.5 * 0.03, rel=0.15)
    facts = fitted(x, sigma2="perplexity", perplexity=20.0).facts
    assert facts["perplexity_50"] == pytest.approx(20, rel=0.01)
    rows = fitted(x, sigma2="perplexity", perplexity=20.0, per_row=True)
    assert rows.variance.shape == (400,)
    torch.testing.assert_close(rows.rows.entropy().exp(), torch.full((400,), 20.0).double())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"k": 41}, r"^trainer\.k=41: must be 1 to 40, the training examples$"),
        ({"sigma2": "perplexity", "perplexity": 40.0}, r"^trainer\.perplexity=40: .* 40$"),
        ({"sigma2": "perplexity", "k": 9}, r"^trainer\.perplexity=30: must be below .* 9$"),
        ({"sigma2": "local_pca", "latent_dim": 2, "layout": "kd"}, r"^trainer\.sigma2=local_pca "),
    ],
)
def test_settings_that_do_not_fit_the_data_are_refused_in_a_line(settings, message):
    with pytest.raises(UserError, match=message) as caught:
        fitted(circle(40)[0], **settings)
    assert "\n" not in str(caught.value)


def test_a_fingerprint_tells_data_and_settings_apart():
    x = circle(40)[0]
    one = fingerprint(recipe(), "raw", 50, x)
    assert one == fingerprint(recipe(), "raw", 50, x.clone())
    changed = x.clone()
    changed[7, 1] += 1e-6
    others = [
        fingerprint(recipe(), "raw", 50, changed),
        fingerprint(recipe(), "raw", 50, x.flip(0)),
        fingerprint(recipe(), "pca", 50, x),
        fingerprint(recipe(), "pca", 40, x),
        fingerprint(replace(recipe(), c=2.0), "raw", 50, x),
        fingerprint(replace(recipe(), landmarks=30), "raw", 50, x),
    ]
    assert len({one, *others}) == 7
