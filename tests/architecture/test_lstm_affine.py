"""The generator of the oracle's form against plain formulas, sums over all sentences, grids."""

import itertools
import math

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from tests.laws.components import ToyData, build, read, scramble
from vaelab.architecture.affine_sentences import AffineSentences
from vaelab.assemble import make_task, prepare
from vaelab.build import build as build_parts
from vaelab.build import construct
from vaelab.composing.compose import Composer
from vaelab.composing.validate import validate
from vaelab.dataset.oracle_text import OracleText
from vaelab.dataset.vocabulary import BOS, EOS, SPECIALS, Vocabulary
from vaelab.errors import UserError
from vaelab.likelihood.categorical import Categorical
from vaelab.stepwise import Stepwise
from vaelab.sweeps.plan import container
from vaelab.traits import Trait

TINY = {"embedding": 3, "hidden": [5, 4]}


def affine(data, **settings):
    provided = {"shape": data.shape, "likelihood": Categorical(data), "dataset": data}
    return build("architecture", "lstm_affine", provided, **settings)


def small(words=3, length=3, scale=0.7, **settings):
    """One that learns, of few words, in float64 and off its initial values."""
    torch.manual_seed(0)
    data = ToyData((length + 2,), (Trait.TOKENS,))
    data.vocabulary = Vocabulary([str(word) for word in range(words)])
    data.length = length
    built = affine(data, **{**TINY, **settings})
    for module in (built.encoder, built.decoder):
        scramble(module.double().eval(), scale)
    return built


def every(words, length):
    """All sentences, [words^length, length + 2]."""
    tokens = range(len(SPECIALS), len(SPECIALS) + words)
    rows = [[BOS, *row, EOS] for row in itertools.product(tokens, repeat=length)]
    return torch.tensor(rows)


def oracle(**settings):
    """(data, architecture whose decoder is their oracle, in float64)."""
    data = OracleText(20, 5, 6, vocabulary=30, length=5, seed=7)
    built = affine(data, generator="oracle", **settings)
    built.decoder.double()
    return data, built


def naive_log_prob(weights, words, z):
    """log p(words|z) of one sentence under numpy weights, a word at a time."""
    h, c, symbol, total = np.zeros(100), np.zeros(100), 0, 0.0
    for word in words:
        gates = weights.word @ weights.embedding[symbol] + weights.recurrent @ h + weights.bias
        i, f, g, o = gates.reshape(4, 100)
        c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
        h = np.tanh(c) / (1 + np.exp(-o))
        logits = weights.output @ h + weights.level + weights.topic @ z
        total += logits[word] - np.logaddexp.reduce(logits)
        symbol = word + 1
    return total


def test_settings_are_the_notes():
    cls, arguments = read("architecture", "lstm_affine")
    assert cls.__name__ == "LstmAffine"
    sizes = {"latent_dim": 2, "embedding": 100, "hidden": [100, 100]}
    assert arguments == {"generator": "learned", **sizes, "init_weights": 0.1}


def test_the_oracle_s_log_prob_is_the_generator_s():
    data, built = oracle()
    words = data.draw()["words"][:4]
    ends = np.full((4, 1), BOS), np.full((4, 1), EOS)
    x = torch.from_numpy(np.hstack([ends[0], words + len(SPECIALS), ends[1]])).long()
    z = torch.randn(3, 4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    found = built.decoder((z,)).log_prob(x)
    for k, b in itertools.product(range(3), range(4)):
        expected = naive_log_prob(data.oracle, words[b], z[k, b].numpy())
        # The network's weights have been float32.
        assert float(found[k, b]) == pytest.approx(expected, abs=1e-4)
    with torch.no_grad():
        assert_close(built.decoder((z,)).log_prob(x), found)


def test_all_sentences_have_mass_one_and_no_other_has_any():
    built = small()
    x = every(3, 3)
    z = torch.randn(2, 1, 2).double().expand(-1, len(x), -1)
    mass = built.decoder((z,)).log_prob(x).exp().sum(1)
    assert_close(mass, torch.ones(2).double(), rtol=0, atol=1e-12)
    assert float(built.decoder((z,)).log_prob(x).detach().std()) > 0.3


def test_logits_are_affine_in_z_and_the_words_before_are_seen():
    built = small(words=4, length=2)
    x, z = every(4, 2), torch.randn(2, 1, 2).double()
    log_px = built.decoder((z.expand(-1, 16, -1),)).log_prob(x).detach().view(2, 4, 4)
    first = log_px.logsumexp(2)
    # The ratio of two first words' probabilities moves by (U_v - U_w) (z - z').
    rows = built.decoder.network.topic.weight.detach()
    moved = (first[0] - first[1]) - (first[0] - first[1]).mean()
    by = rows @ (z[0, 0] - z[1, 0])
    assert_close(moved, by - by.mean())
    second = log_px - first[..., None]
    assert float((second[0, 0] - second[0, 1]).abs().max()) > 0.01


def test_steps_add_up_to_the_teacher_forced_log_prob():
    built, x = small(), every(3, 3)[::3]
    z = torch.randn(2, 9, 2, dtype=torch.float64)
    model = built.decoder((z,))
    assert isinstance(model, Stepwise)
    state, rows, total = model.start(), x.repeat(2, 1), torch.zeros(18).double()
    for t in range(4):
        log_probs, state = model.step(rows[:, t], state)
        assert_close(log_probs.exp().sum(-1), torch.ones(18).double())
        total += log_probs.gather(1, rows[:, t + 1, None])[:, 0]
    assert_close(total.view(2, 9), model.log_prob(x))
    last, _ = model.step(torch.full((18,), EOS), state)  # asked, not heard
    assert bool((last.argmax(1) == EOS).all())


def test_draws_have_the_model_s_probabilities():
    built = small(scale=1.0)
    z = torch.randn(1, 1, 2).double().expand(2, 10_000, -1)
    torch.manual_seed(1)
    drawn = built.decoder((z,)).sample()
    assert drawn.shape == (2, 10_000, 5)
    x = every(3, 3)
    p = built.decoder((z[:1, :27],)).log_prob(x)[0].exp().detach()
    counts = (drawn.flatten(0, 1)[:, None] == x).all(-1).sum(0)
    assert int(counts.sum()) == 20_000
    error = (20_000 * p * (1 - p)).sqrt()
    assert float(((counts - 20_000 * p) / error).abs().max()) < 4.5


@pytest.mark.parametrize("held", [1, 20, 60, 400])
def test_in_pieces_where_no_gradient_is_needed(monkeypatch, held):
    built, x = small(), every(3, 3)[::4]
    z = torch.randn(5, len(x), 2, dtype=torch.float64)
    whole = built.decoder((z,)).log_prob(x).detach()
    monkeypatch.setattr("vaelab.architecture.affine_sentences.HELD", held)
    with torch.no_grad():
        assert_close(built.decoder((z,)).log_prob(x), whole)


class Through(torch.nn.Module):
    """The log-likelihood as a module, so that its weights can be exchanged."""

    def __init__(self, network, x):
        super().__init__()
        self.network, self.x = network, x

    def forward(self, z):
        return AffineSentences(self.network, z, self.x.shape[1] - 2).log_prob(self.x)


def test_it_may_be_differentiated_twice():
    built = small(words=4, length=2)
    module = Through(built.decoder.network, every(4, 2)[:3])
    named = dict(module.named_parameters())
    z = torch.randn(2, 3, 2).double().requires_grad_()

    def log_px(z, *weights):
        return torch.func.functional_call(module, dict(zip(named, weights, strict=True)), (z,))

    leaves = [one.detach().clone().requires_grad_() for one in named.values()]
    assert torch.autograd.gradgradcheck(log_px, (z, *leaves), fast_mode=True)


def task_of(*overrides):
    words = [
        "dataset=oracle_text", "architecture=lstm_affine", "batch_size=50", "lightning=cpu",
        "dataset.num_train=100", "dataset.num_valid=20", "dataset.num_test=60",
        "evaluation.autoregressive_samples=2000", "evaluation.splits=[test]",
    ]  # fmt: skip
    settings = validate(container(Composer().cells([*words, *overrides])[0]))
    torch.manual_seed(0)
    parts = build_parts(settings)
    splits = parts.dataset.load()
    prepare(settings, parts, splits)
    task = make_task(settings, parts, splits)
    task.configure_optimizers()
    return task, parts


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("VAELAB_CACHE", str(tmp_path))


@pytest.mark.parametrize("generator", ["oracle", "learned"])
def test_the_oracle_stays_and_all_else_learns(generator):
    task, _ = task_of(f"architecture.generator={generator}")
    before = {name: value.clone() for name, value in task.vae.state_dict().items()}
    for step in range(task.steps_per_epoch):
        task.update(step)
    for name, value in task.vae.state_dict().items():
        still = generator == "oracle" and name.startswith("decoder.")
        assert torch.equal(value, before[name]) == still, name
    assert len(task.groups["theta"]) == (0 if generator == "oracle" else 8)
    assert not any(p.grad is not None for p in task.vae.decoder.parameters() if not p.requires_grad)
    assert list(task.steppers) == (["phi"] if generator == "oracle" else ["phi", "theta"])


def nll_under_the_prior(samples, *overrides):
    """(task, NLL of every test sentence, their rows) with q = p(z)."""
    prior = ["trainer=svi", "trainer.steps=0", "architecture.generator=oracle"]
    task, _ = task_of(*prior, *overrides)
    evaluation = construct(EVALUATION | {"autoregressive_samples": samples}, {})
    posterior = lambda batch: task.inference.posterior(task, batch)  # noqa: E731
    found = evaluation(task.vae, posterior, task.splits.test, "test", discrete=True)
    assert float(found.metrics["kl"].value) == 0
    return task, found.arrays["nll"], found.arrays["index"]


EVALUATION = {
    "_target_": "vaelab.evaluation.evaluate.Evaluation", "samples": 1, "examples": None,
    "splits": ["test"], "seed": 1, "epoch": None, "chunk": 20_000, "block": 64, "mi_batch": 50,
    "au_threshold": 0.01, "autoregressive_samples": None, "autoregressive_examples": None,
    "per_example": False, "marginal": None,
}  # fmt: skip


def test_the_true_nll_is_the_integral_over_the_plane():
    task, found, index = nll_under_the_prior(1000, "dataset.vocabulary=30")
    side = torch.linspace(-5.5, 5.5, 111)
    z = torch.cartesian_prod(side, side)[:, None].expand(-1, len(index), -1)
    with torch.no_grad():
        log_px = task.vae.decoder((z,)).log_prob(task.splits.test[index]).double()
    log_pz = -0.5 * z.double().square().sum(-1) - math.log(2 * math.pi)
    expected = -(log_px + log_pz + 2 * math.log(0.1)).logsumexp(0)
    # The relative variance of each sentence's weights, by the same sum.
    spread = ((2 * (log_px + expected) + log_pz + 2 * math.log(0.1)).logsumexp(0).exp() - 1) / 1000
    score = ((expected - found).exp() - 1) / spread.sqrt()
    assert float(spread.max()) < 0.05  # so that a mean of the weights is nearly Gaussian
    assert float(score.abs().max()) < 4.5
    assert 0.6 < float(score.std()) < 1.4


def test_the_true_nll_is_in_the_range_of_random_oracles():
    """Section 3.3 of the notes: 18.3 to 21.3 nats of 34.5 that no model at all has."""
    _, found, _ = nll_under_the_prior(300, "dataset.num_test=200")
    assert 18.3 < float(found.mean()) < 21.3
    task, _ = task_of()
    x, z = task.splits.test[torch.arange(60)], torch.zeros(1, 60, 2)
    assert float(task.vae.decoder((z,)).log_prob(x).detach().mean()) == pytest.approx(
        -5 * math.log(1000), abs=0.1
    )


def test_half_precision_is_close_and_its_densities_are_float32():
    built, x = small(), every(3, 3)
    z = torch.randn(2, 27, 2)
    exact = built.decoder((z.double(),)).log_prob(x)
    built.decoder.float()
    with torch.autocast("cpu", torch.bfloat16):
        found = built.decoder((z,)).log_prob(x)
        assert built.decoder((z,)).sample().dtype == torch.int64
    assert found.dtype == torch.float32
    assert_close(found.double(), exact, rtol=0.02, atol=0.02)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["dataset=synthetic_text"], "generator=oracle needs data whose model is known"),
        (["architecture.latent_dim=3"], "generator=oracle needs the oracle's sizes: latent_dim=2"),
        (["architecture.hidden=[9,8]"], r"sizes: .* and hidden=\[\.\., 100\]"),
        (["architecture.init_weights=0"], "init_weights=0.0: must be more than 0"),
        (["dataset=text", "dataset.train=nowhere.txt"], "needs sentences that all have one length"),
    ],
)
def test_what_does_not_fit_is_refused(words, said, monkeypatch):
    monkeypatch.setattr("vaelab.dataset.text.Text.shape", (9,))
    monkeypatch.setattr("vaelab.dataset.text.Text.vocabulary", Vocabulary("ab"))
    data = [] if words[0].startswith("dataset=") else ["dataset=oracle_text"]
    plain = ["architecture=lstm_affine", "architecture.generator=oracle"]
    settings = validate(container(Composer().cells([*data, *plain, *words])[0]))
    with pytest.raises(UserError, match=said):
        build_parts(settings)
