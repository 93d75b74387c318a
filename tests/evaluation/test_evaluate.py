"""A whole evaluation: closed forms, seeds, subsets, modes, and what a result says of itself."""

import json
import math
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from tests.evaluation.linear_gaussian import LinearGaussian
from vaelab.architecture.mlp import Mlp
from vaelab.dataset.base import Binarised, Split
from vaelab.errors import UserError
from vaelab.likelihood.bernoulli import Bernoulli
from vaelab.model import VAE
from vaelab.prior.vamp import Vamp
from vaelab.reporting.summary import number

NAMES = {"elbo", "nll", "reconstruction", "kl", "mi", "mi_full", "au", "ess", "inference_gap"}
NAMES |= {"iwae", "kl_qp"}


def run(evaluation, model, split, discrete=False):
    return evaluation(model.vae, model.posterior, split, "test", discrete)


def binary(n=60, components=7, event=(1, 4, 4)):
    torch.manual_seed(3)
    data = SimpleNamespace(offers=frozenset(), pseudo_inputs=(0.5, 0.3))
    prior = Vamp(event, data, components, "noise", None, None, True)
    parts = Mlp(event, Bernoulli(None), 2, [8], "he")
    vae = VAE(parts.encoder, parts.decoder, prior)
    split = Split(torch.randint(0, 256, (n, *event), dtype=torch.uint8), Binarised(255.0))
    return SimpleNamespace(vae=vae, posterior=lambda batch: vae.encoder(batch.x)), split


def test_metrics_equal_the_closed_forms(evaluation):
    model = LinearGaussian(shift=0.2, widen=1.4)
    split = model.split(3000)
    metrics = run(evaluation(samples=100), model, split).metrics
    assert set(metrics) == NAMES
    log_px = float(model.log_px(split.x).mean())
    # The data are shared: what is left is Monte-Carlo noise far below the spread over examples.
    assert metrics["nll"].value == pytest.approx(-log_px, abs=0.02)
    assert metrics["elbo"].value == pytest.approx(log_px - model.gap(), abs=0.02)
    assert metrics["kl"].value == pytest.approx(float(model.kl(split.x).mean()), abs=0.02)
    assert metrics["inference_gap"].value == pytest.approx(model.gap(), abs=0.02)
    assert metrics["nll"].se == pytest.approx(
        float(model.log_px(split.x).std()) / math.sqrt(3000), rel=0.05
    )
    assert metrics["nll"].samples == 100
    assert metrics["nll"].n == 3000
    assert metrics["au"].value == 2
    assert metrics["au"].extra == {"levels": [2], "dims": [2]}
    assert number(metrics["au"].as_dict()) == "2"
    assert metrics["au"].se is None


def test_mutual_information_of_the_aggregate(evaluation):
    # Means m of the exact posterior have variance 1 - v over p(x), so I = 1/2 sum log(1/v).
    model = LinearGaussian()
    metrics = run(evaluation(samples=1, mi_batch=20), model, model.split(4000)).metrics
    expected = -0.5 * float(model.variance.log().sum())
    assert abs(metrics["mi_full"].value - expected) < 4 * metrics["mi_full"].se
    assert metrics["mi"].value < metrics["mi_full"].value
    assert metrics["mi"].extra == {"batch": 20, "ceiling": pytest.approx(math.log(20))}
    assert metrics["mi_full"].extra == {"ceiling": pytest.approx(math.log(4000))}


def test_exact_posterior_has_full_effective_sample_size(evaluation):
    model = LinearGaussian()
    ess = run(evaluation(samples=30), model, model.split(40)).metrics["ess"]
    assert ess.value == pytest.approx(30)
    assert ess.extra == {"min": pytest.approx(30), "normalised": pytest.approx(1)}


def test_effective_sample_size_is_given_with_its_worst_case(evaluation):
    model = LinearGaussian(shift=0.3)
    result = run(evaluation(samples=30), model, model.split(40))
    ess, each = result.metrics["ess"], result.arrays["ess"]
    assert 1 <= ess.extra["min"] < ess.value < 30
    assert ess.extra == {"min": float(each.min()), "normalised": pytest.approx(ess.value / 30)}


def test_a_mixture_is_evaluated_in_float64_and_nothing_keeps_a_graph(evaluation):
    model, split = binary()
    seen, terms = [], model.vae.terms

    def spy(x, q, k, *, prior):
        seen.append((prior.weight.dtype, prior.weight.requires_grad, q.first.mean.requires_grad))
        return terms(x, q, k, prior=prior)

    model.vae.terms = spy
    run(evaluation(), model, split, True)
    assert set(seen) == {(torch.float64, False, False)}


@pytest.mark.parametrize("chunk", [2000, 70])
def test_same_seed_same_numbers(evaluation, chunk):
    model, split = binary()
    first = run(evaluation(chunk=chunk), model, split, True)
    torch.rand(3)
    second = run(evaluation(chunk=chunk), model, split, True)
    assert first.as_dict() == second.as_dict()
    for name, array in first.arrays.items():
        assert torch.equal(array, second.arrays[name])
    other = run(evaluation(chunk=chunk, seed=2), model, split, True)
    assert other.metrics["nll"].value != first.metrics["nll"].value


def test_chunks_change_only_the_noise(evaluation):
    model = LinearGaussian(shift=0.2, widen=1.4)
    split = model.split(300)
    values = [
        run(evaluation(samples=200, chunk=chunk), model, split).metrics["nll"].value
        for chunk in (10, 150, 7000)
    ]
    assert max(values) - min(values) < 0.01


def test_binarisation_depends_on_the_seed_alone(evaluation):
    model, split = binary()
    seen = []
    encoder = model.posterior
    model.posterior = lambda batch: seen.append(batch) or encoder(batch)
    for settings in ({}, {"samples": 3, "chunk": 11}):
        run(evaluation(**settings), model, split, True)
    together = torch.cat([one.x for one in seen[1:]])
    assert torch.equal(seen[0].x, together)
    assert torch.equal(seen[0].index, torch.cat([one.index for one in seen[1:]]))
    assert set(seen[0].x.unique().tolist()) == {0.0, 1.0}


def test_the_subset_is_random_and_without_replacement(evaluation):
    model = LinearGaussian()
    split = model.split(1000)
    index = run(evaluation(examples=100), model, split).arrays["index"]
    assert len(index.unique()) == 100
    assert index.max() > 800
    assert not torch.equal(index.sort().values, torch.arange(100))
    again = run(evaluation(examples=100, samples=3), model, split).arrays["index"]
    assert torch.equal(index, again)
    other = run(evaluation(examples=100, seed=5), model, split).arrays["index"]
    assert not torch.equal(index.sort().values, other.sort().values)
    everything = run(evaluation(samples=1), model, split).arrays["index"]
    assert torch.equal(everything.sort().values, torch.arange(1000))
    # Batches of a test set sorted by class must not be classes.
    assert not torch.equal(everything, torch.arange(1000))


def test_rows_and_values_belong_together(evaluation):
    model = LinearGaussian()
    split = model.split(50)
    arrays = run(evaluation(examples=20, samples=2, chunk=7), model, split).arrays
    assert_close(arrays["nll"], -model.log_px(split.x[arrays["index"]]), rtol=0, atol=1e-9)


def test_each_example_is_encoded_once_and_the_prior_built_once(evaluation):
    model, split = binary(n=60, components=7)
    rows = []
    model.vae.encoder.register_forward_hook(lambda m, inputs, out: rows.append(len(inputs[0])))
    run(evaluation(samples=40, chunk=50), model, split, True)
    assert sum(rows) == 60 + 7
    assert rows.count(7) == 1


def test_bits_per_dimension(evaluation):
    model, split = binary()
    metrics = run(evaluation(), model, split, True).metrics
    assert set(metrics) == NAMES | {"bpd"}
    assert metrics["bpd"].value == pytest.approx(metrics["nll"].value / (16 * math.log(2)))
    assert metrics["bpd"].se == pytest.approx(metrics["nll"].se / (16 * math.log(2)))


def test_modes_and_generators_stay_and_dropout_is_off(evaluation):
    model, split = binary()
    frozen = model.vae.decoder.hidden.eval()
    model.vae.encoder.hidden.append(nn.Dropout(0.9))
    modes = []
    model.vae.decoder.register_forward_pre_hook(lambda m, _: modes.append(m.training))
    torch.manual_seed(11)
    expected = torch.rand(2)
    torch.manual_seed(11)
    first = run(evaluation(), model, split, True).as_dict()
    assert torch.equal(torch.rand(2), expected)
    assert modes
    assert not any(modes)
    assert model.vae.training
    assert model.vae.encoder.training
    assert not frozen.training
    assert model.vae.decoder.training
    model.vae.eval()
    assert run(evaluation(), model, split, True).as_dict() == first


def test_modes_are_restored_after_a_failure(evaluation):
    model, split = binary()

    def fails(batch):
        raise RuntimeError("no posterior")

    with pytest.raises(RuntimeError, match="no posterior"):
        evaluation()(model.vae, fails, split, "test", True)
    assert model.vae.training


def test_autoregressive_decoders_have_their_own_size(evaluation):
    model = LinearGaussian(shift=0.1)
    model.vae.decoder.autoregressive = True
    settings = {"autoregressive_samples": 6, "autoregressive_examples": 9}
    nll = run(evaluation(**settings), model, model.split(50)).metrics["nll"]
    assert (nll.samples, nll.n) == (6, 9)


def test_a_diverged_model_names_the_row(evaluation):
    model = LinearGaussian()
    split = model.split(30)
    split.x[17] = math.inf
    with pytest.raises(UserError, match="test row 17"):
        run(evaluation(), model, split)


def test_progress_counts_every_example(evaluation):
    model, done = LinearGaussian(), []
    evaluation(chunk=20)(model.vae, model.posterior, model.split(50), "test", False, done.append)
    assert done == [20, 20, 10]


def test_a_result_is_json(evaluation):
    model, split = binary()
    stored = json.loads(json.dumps(run(evaluation(), model, split, True).as_dict()))
    assert list(stored["nll"]) == ["value", "se", "estimator", "samples", "n"]
    assert stored["au"]["se"] is None
    assert stored["mi"]["batch"] == 60


@pytest.mark.parametrize(
    ("setting", "value"), [("samples", 0), ("examples", 1), ("chunk", 0), ("mi_batch", 1)]
)
def test_impossible_settings_are_refused(evaluation, setting, value):
    with pytest.raises(UserError, match=rf"evaluation\.{setting}={value}: must be at least"):
        evaluation(**{setting: value})


@pytest.mark.gpu
def test_the_model_s_device_is_where_it_happens(evaluation):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    model = LinearGaussian(dtype=torch.float32)
    model.vae.to("cuda")
    split = model.split(200)
    state = torch.cuda.get_rng_state()
    results = run(evaluation(samples=20), model, split)
    assert torch.equal(torch.cuda.get_rng_state(), state)
    arrays = results.arrays
    assert_close(arrays["nll"], -model.log_px(split.x[arrays["index"]]).double(), rtol=0, atol=1e-4)
    assert run(evaluation(samples=20), model, split).as_dict() == results.as_dict()
