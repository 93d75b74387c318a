"""Sentences through training and evaluation: units, perplexity, models without a latent."""

import math

import pytest
import torch
from small import make_task
from texts import SMALL, sentences, text_config, text_splits

from vaelab.batch import Batch
from vaelab.build import build, construct
from vaelab.composing.compose import Composer
from vaelab.composing.validate import validate
from vaelab.errors import UserError
from vaelab.evaluation.metrics import perplexity
from vaelab.evaluation.mutual_information import paired_information
from vaelab.sweeps.plan import container
from vaelab.validation import Validation

LM = ("architecture=lstm_lm", "architecture.embedding=8", "architecture.hidden=12")


def no_latent_config(*overrides):
    kept = [word for word in SMALL if not word.startswith("architecture")]
    return validate(container(Composer().cells([*kept, *LM, *overrides])[0]))


def evaluated(task, split, **changed):
    settings = {
        **text_config()["evaluation"], "autoregressive_examples": None, "mi_batch": 8, **changed,
    }  # fmt: skip
    evaluation = construct(settings, {})
    posterior = lambda batch: task.inference.posterior(task, batch)  # noqa: E731
    return evaluation(task.vae.eval(), posterior, split, "test", True)


def test_batches_count_predicted_tokens():
    task = make_task(text_config(), text_splits())
    batch = task.batch_at(0)
    assert batch.x.dtype == torch.int64
    assert batch.units == len(batch.x) * (batch.x.shape[1] - 1)
    assert not (batch.x == 0).any()  # batches of one length have no padding
    assert Batch(torch.zeros(5, 2), torch.arange(5)).units == 5


def test_the_inner_loop_compares_losses_by_token():
    """Long sentences cost more: by sentence, a window of them would look like a worse one."""
    task = make_task(text_config("trainer=aggressive_text"), text_splits())
    seen, ratios = [], []
    descend, ratio = task.descend, task.ratio_over_ranks

    def noted(batch, *groups):
        descent = descend(batch, *groups)
        if groups == ("phi",):
            seen.append((float(descent.loss) * len(batch.x), batch.x[:, 1:].numel()))
        return descent

    def noted_ratio(total, count):
        ratios.append(ratio(total, count))
        return ratios[-1]

    task.descend, task.ratio_over_ranks = noted, noted_ratio
    task.update(0)
    assert len(seen) in (30, 45, 60, 75, 90, 99)
    for number, found in enumerate(ratios):
        losses, tokens = zip(*seen[15 * number : 15 * (number + 1)], strict=True)
        assert found == pytest.approx(sum(losses) / sum(tokens), rel=1e-5)


def test_perplexity_by_hand():
    nll, tokens = torch.tensor([10.0, 30.0]), torch.tensor([5, 10])
    found = perplexity(nll, tokens, 3)
    assert found.value == pytest.approx(math.exp(40 / 15))
    assert found.extra["tokens"] == 15


@pytest.mark.parametrize(
    ("nll", "per_sentence", "ppl"), [(326.7, 79.8673, 59.77), (357.03, 96.656, 40.20)]
)
def test_perplexity_as_the_papers_count_it(nll, per_sentence, ppl):
    """Yahoo's and Yelp's: notes 1901.05534, section 10.6."""
    tokens = torch.full((10_000,), per_sentence, dtype=torch.float64)
    found = perplexity(torch.full((10_000,), nll, dtype=torch.float64), tokens, 500)
    assert found.value == pytest.approx(ppl, abs=0.005)
    assert found.se == pytest.approx(0, abs=1e-9)


def test_one_sentence_has_a_perplexity_without_a_standard_error():
    found = perplexity(torch.tensor([10.0]), torch.tensor([5]), 3)
    assert found.value == pytest.approx(math.exp(2))
    assert found.se is None


def test_standard_error_of_a_perplexity_is_its_spread_over_splits():
    torch.manual_seed(0)
    tokens = torch.randint(3, 20, (4000, 100)).double()
    nll = 2.5 * tokens + 3 * torch.randn(4000, 100).double()
    found = [perplexity(n, t, 1) for n, t in zip(nll, tokens, strict=True)]
    spread = torch.tensor([one.value for one in found]).std().item()
    stated = sum(one.se for one in found) / len(found)
    assert stated == pytest.approx(spread, rel=0.05)


def test_evaluation_counts_each_sentence_once_and_padding_nowhere():
    task = make_task(text_config(), text_splits())
    split = sentences(40, 5)
    results = evaluated(task, split)
    assert sorted(results.arrays["index"].tolist()) == list(range(40))
    ppl, nll = results.metrics["ppl"], results.metrics["nll"]
    tokens = int((split.x != 0).sum()) - 40
    assert ppl.extra["tokens"] == tokens
    assert ppl.value == pytest.approx(math.exp(40 * nll.value / tokens))
    assert "bpd" not in results.metrics


def test_validation_by_the_whole_mixture():
    """val/mi_full has every example in the mixture, as the evaluation's mi_full."""
    words = ("trainer=aggressive_text", "trainer.mixture=full", "trainer.start=-9")
    task = make_task(text_config(*words), text_splits())
    task.eval()
    kept = []
    terms = task.vae.terms

    def noted(*args, **kwargs):
        kept.append((args[1].first, found := terms(*args, **kwargs)))
        return found

    task.vae.terms = noted
    with torch.no_grad():
        task.validation_step()
    mean = torch.cat([first.mean for first, _ in kept])
    log_var = torch.cat([first.log_var for first, _ in kept])
    z = torch.cat([found.z[0][0] for _, found in kept])
    expected = paired_information(type(kept[0][0])(mean, log_var), z).mean()
    assert task.row["val/mi_full"] == pytest.approx(float(expected), rel=1e-6)
    assert len(mean) == 50
    sizes = [len(batch) for batch in text_splits().valid.batches(8)]
    ceiling = sum(n * math.log(n) for n in sizes) / 50
    assert task.row["val/mi_ceiling"] == pytest.approx(ceiling)
    # What ends the phase is this number and no other.
    task.inference.state["reference_mi"] = task.row["val/mi_full"] + 1e-6
    assert task.inference.observe({"mi": 99.0, "mi_full": task.row["val/mi_full"]}) is not None


def test_far_apart_posteriors_reach_the_ceiling_and_never_pass_it():
    """By batches of the validation split: log B; 0 for the prior itself."""
    task = make_task(text_config(), text_splits())
    task.eval()
    validation = Validation(task.vae, task.bound)
    split = text_splits().valid
    with torch.no_grad():
        for rows in split.batches(8):
            batch = task.feed.read(split, rows)
            q = task.vae.encoder(batch.x)
            q.first.mean[:, 0] = 1000.0 * torch.arange(len(rows))
            validation.add(batch, q)
    metrics = validation.metrics()
    assert metrics["val/mi"] < metrics["val/mi_ceiling"] + 0.5  # the entropy's sample noise
    assert metrics["val/mi"] == pytest.approx(metrics["val/mi_ceiling"], abs=0.5)


def test_a_model_without_a_latent_trains_and_is_evaluated_exactly():
    task = make_task(no_latent_config("optimizer.theta.lr=0.05"), text_splits())
    split = task.splits.test
    x = split[torch.arange(len(split))]

    def exact():
        task.eval()
        with torch.no_grad():
            return -task.vae.decoder((torch.zeros(1, len(x), 0),)).log_prob(x)[0]

    before = exact().mean()
    task.train()
    for step in range(task.steps_per_epoch):
        task.update(step)
    after = exact()
    assert after.mean() < before - 1
    results = evaluated(task, split, autoregressive_samples=50)
    assert set(results.metrics) == {"nll", "ppl"}
    nll = results.metrics["nll"]
    assert (nll.estimator, nll.samples) == ("exact", None)
    assert nll.value == pytest.approx(float(after.mean()), rel=1e-5)
    assert task.progress.encoder_updates == task.steps_per_epoch  # nothing to step: no optimiser
    assert set(task.steppers) == {"theta"}
    with torch.no_grad():
        task.validation_step()
    assert task.row["val/kl"] == task.row["val/mi"] == task.row["val/au"] == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("architecture=mlp", "dataset=synthetic_text cannot be used with architecture=mlp"),
        ("architecture=lstm_small prior=vamp", "is no sentence; choose prior=vamp_data"),
    ],
)
def test_what_cannot_read_sentences_is_refused(words, message):
    settings = validate(container(Composer().cells(["dataset=synthetic_text", *words.split()])[0]))
    with pytest.raises(UserError, match=message):
        build(settings)


def test_a_mixture_of_nothing_is_refused():
    with pytest.raises(UserError, match=r"^prior=mog: there is no latent .* prior=standard"):
        build(no_latent_config("prior=mog"))


@pytest.mark.parametrize("words", ["trainer=aggressive", "committed_rate=1"])
def test_what_needs_a_latent_is_refused_without_one(words):
    with pytest.raises(UserError, match=f"^{words}.* cannot be used with architecture=lstm_lm"):
        build(no_latent_config(words))
