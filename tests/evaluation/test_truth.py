"""The data's own density beside the model's, on the same examples."""

import json
import math
from types import SimpleNamespace

import pytest
import torch
from rich.console import Console
from small import config

from tests.evaluation.test_marginal import AUTO, learned, run
from vaelab import fit
from vaelab.evaluation.run import evaluate_run
from vaelab.evaluation.truth import beside_truth
from vaelab.reproduce.collect import pick
from vaelab.runs.again import settings_for
from vaelab.runs.run import Run


def compared(evaluation, data=None, **settings):
    model, own, split = learned(count=60, latent_dim=1)
    model.vae.decoder.weight.data.mul_(0.8)
    results = run(evaluation(samples=2, **settings), model, split)
    return beside_truth(results, own if data is None else data, split), own, split


def test_the_truth_is_that_of_the_examples_and_the_gap_is_paired(evaluation):
    results, data, split = compared(evaluation, examples=30, **AUTO)
    x = split[results.arrays["index"]]
    true = data.log_marginal(x)
    below = true - results.arrays["log_likelihood"]
    metrics = results.metrics
    assert metrics["log_likelihood_true"].value == pytest.approx(float(true.mean()))
    assert metrics["log_likelihood_true"].n == 30
    gap = metrics["log_likelihood_gap"]
    assert gap.value == pytest.approx(float(below.mean()))
    assert gap.value == pytest.approx(
        metrics["log_likelihood_true"].value - metrics["log_likelihood"].value
    )
    assert gap.se == pytest.approx(float(below.std()) / math.sqrt(30))
    # What the examples share cancels: the two alone are known far less well than their difference.
    assert gap.se < 0.5 * metrics["log_likelihood"].se


def test_a_model_that_is_the_truth_has_no_gap(evaluation):
    model, data, split = learned(latent_dim=1)
    results = beside_truth(run(evaluation(samples=2, **AUTO), model, split), data, split)
    assert results.metrics["log_likelihood_gap"].value == pytest.approx(0, abs=1e-8)


def test_there_is_nothing_beside_what_was_not_asked_for_or_is_not_known(evaluation):
    results, *_ = compared(evaluation)
    assert not [name for name in results.metrics if name.startswith("log_likelihood")]
    results, *_ = compared(evaluation, data=SimpleNamespace(), **AUTO)
    assert [one for one in results.metrics if one.startswith("log_l")] == ["log_likelihood"]


def test_log_likelihoods_stand_together_at_the_end(evaluation):
    results, *_ = compared(evaluation, **AUTO)
    names = ["log_likelihood", "log_likelihood_true", "log_likelihood_gap"]
    assert list(results.as_dict())[-3:] == names
    assert torch.isfinite(results.arrays["log_likelihood"]).all()


def test_a_run_and_its_later_evaluation_have_it(tmp_path):
    small = ["dataset=linear_gaussian", "dataset.num_train=60", "dataset.num_test=40",
             "architecture.latent_dim=1", "epochs=1", "evaluation=density",
             "evaluation.splits=[test]", "evaluation.marginal=21"]  # fmt: skip
    settings, trained = config(*small), Run(tmp_path)
    trained.write_config(settings, [])
    fit.fit(settings, trained, Console(quiet=True))
    trained.update(status="complete")
    own = trained.read()["metrics"]["test"]
    names = ("log_likelihood", "log_likelihood_true", "log_likelihood_gap")
    learned, true, gap = (pick(own, name)[0] for name in names)
    assert gap == pytest.approx(true - learned)
    assert gap > 0.1
    assert own["log_likelihood"]["n"] == 20  # what small runs are limited to
    words = ["evaluation=density", "evaluation.samples=4", "evaluation.examples=20"]
    again = settings_for(trained, [*words, "evaluation.marginal=81", "lightning=cpu"])
    later = json.loads(evaluate_run(trained, again).read_text())["metrics"]["test"]
    assert later["log_likelihood_true"]["value"] == true
    assert later["log_likelihood"]["estimator"] == "quadrature, 81 points"
