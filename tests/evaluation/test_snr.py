"""evaluation=snr: the numbers are those of the gradients, and the batch stays as it is."""

import pytest
import torch

from tests.architecture.texts import small
from tests.evaluation.conftest import SETTINGS
from tests.evaluation.linear_gaussian import LinearGaussian
from vaelab.bound.elbo import Elbo
from vaelab.bound.miwae import Miwae
from vaelab.dataset.tokens import token_split
from vaelab.dataset.vocabulary import BOS, EOS, Vocabulary
from vaelab.errors import UserError
from vaelab.evaluation.evaluate import Evaluation
from vaelab.evaluation.snr import Snr
from vaelab.model import VAE
from vaelab.prior.standard import Standard
from vaelab.runs.evaluated import reported

MODEL = LinearGaussian(shift=0.4, widen=1.5)


def evaluation(**settings):
    return Snr(**{"draws": 600, "examples": 4, "weights": 20, "splits": ["train"], "seed": 2,
                  "epoch": None} | settings)  # fmt: skip


def evaluate(bound, beta=1.0, **settings):
    made, split = evaluation(**settings), MODEL.split(30)
    results = made(MODEL.vae, MODEL.posterior, split, "train", False, bound=bound, beta=beta)
    return {name: metric.as_dict() for name, metric in results.metrics.items()}


def test_theta_s_signal_and_noise_at_one_sample():
    # d log p(x|z) / dW is (x - W z) z^T / scale^2, by hand from draws of q of our own.
    found = evaluate(Elbo(num_samples=1, kl="sampled", free_bits=0.0, log_qz="total"))
    split, made = MODEL.split(30), evaluation()
    index = made(
        MODEL.vae, MODEL.posterior, split, "train", False,
        bound=Miwae(M=1, K=1), beta=1.0,
    ).arrays["index"]  # fmt: skip
    x = split[index]
    with torch.no_grad():
        q = MODEL.vae.encoder(x).first
        z = q.mean + (0.5 * q.log_var).exp() * torch.randn(
            40_000, *q.mean.shape, generator=torch.Generator().manual_seed(0), dtype=x.dtype
        )
        weight = MODEL.vae.decoder.weight
        rows = torch.einsum("rbd,rbl->rdl", x - z @ weight.T, z).flatten(1)
    expected = float((rows.mean(0).abs() / rows.std(0)).mean())
    assert found["snr_theta"]["value"] == pytest.approx(expected, abs=4 * found["snr_theta"]["se"])
    assert found["snr_theta"]["weights"] == rows.shape[1]  # fewer than 20 a tensor: all


def test_samples_outside_the_logarithm_raise_the_ratio_as_their_root():
    one, nine = evaluate(Miwae(M=1, K=1)), evaluate(Miwae(M=9, K=1))
    for name in ("snr_phi", "snr_theta", "dsnr_phi", "dsnr_theta"):
        error = 4 * (nine[name]["se"] + 3 * one[name]["se"])
        if name.startswith("snr"):  # whose floor is a part of the small one
            error += 3 * one[name]["floor"] / 2
        assert abs(nine[name]["value"] - 3 * one[name]["value"]) < error


def test_beta_is_the_one_given():
    # At beta = 0 the prior and q count for nothing: another gradient of phi.
    at_one, at_zero = (evaluate(Miwae(M=1, K=1), beta) for beta in (1.0, 0.0))
    assert at_one["snr_phi"]["value"] != at_zero["snr_phi"]["value"]
    assert at_zero["snr_phi"]["estimator"].endswith("beta = 0")


@pytest.mark.parametrize("dropout", [0.5, 0.0])
def test_without_a_latent_theta_alone_has_a_ratio(dropout):
    # Its log p(x) is exact: only dropout makes its gradient vary.
    built = small("lstm_lm", dropout_in=dropout, dropout_out=dropout)
    vae = VAE(built.encoder, built.decoder, Standard(0))
    split = token_split([[BOS, 4 + n % 7, 5, EOS] for n in range(12)], Vocabulary([*"abcdefg"]), 4)
    made, bound = evaluation(draws=20), Elbo(1, "sampled", 0.0, "total")

    def evaluated():
        return made(vae, lambda b: vae.encoder(b.x), split, "train", True, bound=bound, beta=1.0)

    if dropout:
        metrics = evaluated().metrics
        assert set(metrics) == {"snr_theta", "dsnr_theta"}
        assert metrics["snr_theta"].value > 0
        assert metrics["snr_theta"].extra["varying"] > 0
    else:
        with pytest.raises(UserError, match=r"its gradient has no noise.*one draw is all of it"):
            evaluated()


def test_same_seed_same_numbers():
    bound = Miwae(M=1, K=2)
    assert evaluate(bound, draws=40) == evaluate(bound, draws=40)
    assert evaluate(bound, draws=40) != evaluate(bound, draws=40, seed=3)


@pytest.mark.parametrize("setting", ["draws", "examples", "weights", "epoch"])
def test_settings_out_of_range_are_refused(setting):
    with pytest.raises(UserError, match=f"evaluation.{setting}=0: must be at least"):
        evaluation(**{setting: 0})


def test_a_table_shows_the_test_data_or_the_first_split_there_is():
    splits = {"a": ["valid", "test"], "b": ["train"], "c": ["valid", "train"]}
    found = {name: reported({"evaluation": {"splits": some}}) for name, some in splits.items()}
    assert found == {"a": "test", "b": "train", "c": "valid"}


def test_work_of_both_kinds_of_evaluation():
    assert evaluation(draws=50, examples=20).rows(False, 10_000, 64) == 3 * 50 * 64 * 20
    usual = Evaluation(**SETTINGS | {"samples": 7, "examples": 50, "autoregressive_samples": 3,
                                     "autoregressive_examples": None})  # fmt: skip
    assert usual.rows(False, 40, 64) == 7 * 40
    assert usual.rows(False, 400, 64) == 7 * 50
    assert usual.rows(True, 400, 64) == 3 * 400
