"""MAPA as a strategy: what it trains, what is logged, what it refuses, and what it keeps."""

import math

import pytest
import torch
from small import config, make_task, train
from texts import text_config

from vaelab import assemble, checkpoint
from vaelab.build import build, construct
from vaelab.callback import history
from vaelab.composing.compose import Composer
from vaelab.composing.validate import validate
from vaelab.errors import UserError
from vaelab.evaluation.splits import evaluate_splits
from vaelab.mapa.posteriors import CellPosterior, MixturePosterior
from vaelab.mapa.recipe import fit as fit_recipe
from vaelab.posterior import GaussianPosterior
from vaelab.sweeps.plan import container

DATA = (
    "dataset=linear_gaussian", "dataset.dim=3", "dataset.latent_dim=2", "dataset.num_train=96",
    "dataset.num_valid=40", "dataset.num_test=40", "architecture.latent_dim=2", "beta=constant",
)  # fmt: skip


def mapa(*overrides):
    return config(*DATA, "trainer=mapa", *overrides)


def task_of(*overrides):
    settings = mapa(*overrides)
    return make_task(settings, build(settings).dataset.load())


def values(parameters):
    return [p.detach().clone() for p in parameters]


def same(before, after):
    return all(map(torch.equal, before, after))


def full_bound(task, batches):
    """Equation (7) from all pairs of an example and an index, with the objective's own noise."""
    tables, decoder = task.inference.tables, task.vae.decoder
    q, x, scale = tables.rows.dense(), tables.x.double(), decoder.likelihood.scale
    total = -float(torch.special.xlogy(q, q * len(x)).sum())
    for batch in batches:
        torch.manual_seed(7)
        z = tables.layout.sample(batch.index.expand(task.bound.num_samples, -1))
        with torch.no_grad():
            mean = decoder((z,)).mean.double()  # [S, B, D]
        squares = (x[None, :, None] - mean[:, None]).square().sum(-1).mean(0)  # n, m
        log_px = -0.5 * (squares / scale**2 + x.shape[1] * math.log(2 * math.pi * scale**2))
        total += float((q[:, batch.index] * log_px).sum())
    return total / len(x)


@pytest.mark.parametrize("normalise", ["row", "sinkhorn"])
def test_what_is_logged_is_the_whole_bound_with_its_constants(normalise):
    task = task_of(f"trainer.normalise={normalise}", "bound.num_samples=4")
    batches = [task.batch_at(step) for step in range(task.steps_per_epoch)]
    logged = []
    for batch in batches:
        torch.manual_seed(7)
        logged.append(task.inference.objective(task, batch, task.bound)[0].value)
    assert sorted(torch.cat([batch.index for batch in batches]).tolist()) == list(range(96))
    mean = float(torch.cat(logged).double().mean())
    assert mean == pytest.approx(full_bound(task, batches), rel=1e-5)


@pytest.mark.parametrize("objective", ["collapsed", "pairs", "iw"])
def test_the_decoder_alone_learns_and_the_encoder_is_never_used(objective):
    bound = ["bound=iwae", "bound.K=5"] if objective == "iw" else []
    task = task_of(f"trainer.objective={objective}", *bound)
    phi, theta = values(task.groups["phi"]), values(task.groups["theta"])
    for step in range(task.steps_per_epoch):
        task.update(step)
    assert same(phi, values(task.groups["phi"]))
    assert not same(theta, values(task.groups["theta"]))
    assert task.progress.encoder_passes == 0
    assert task.progress.decoder_passes == 96 * (5 if objective == "iw" else 1)


@pytest.mark.parametrize(
    ("words", "kind"),
    [([], "collapsed"), (["bound=miwae"], "iw"), (["trainer.layout=soft"], "pairs")],
)
def test_the_objective_is_what_the_parts_allow(words, kind):
    assert task_of(*words).inference.kind == kind


def test_collapsed_and_paired_objectives_have_the_same_mean():
    collapsed = task_of("bound.num_samples=3000")
    paired = task_of("trainer.objective=pairs", "bound.num_samples=3000")
    paired.vae.load_state_dict(collapsed.vae.state_dict())
    means = []
    for task in (collapsed, paired):
        batches = [task.batch_at(step) for step in range(task.steps_per_epoch)]
        found = [task.inference.objective(task, b, task.bound)[0].value for b in batches]
        means.append(float(torch.cat(found).mean()))
    assert means[0] == pytest.approx(means[1], abs=0.03)


def test_soft_codes_learn_with_the_decoder_and_are_kept(tmp_path):
    settings = mapa("trainer.layout=soft", "prior=vamp", "prior.components=7")
    data = build(settings).dataset.load()
    task = train(tmp_path, settings, data)
    begun = make_task(settings, data).inference
    assert not torch.equal(begun.code, task.inference.code)
    assert not torch.equal(begun.code_log_var, task.inference.code_log_var)
    loaded, _, _ = assemble.load_task(settings, tmp_path / "checkpoints/last.ckpt")
    assert torch.equal(loaded.inference.code, task.inference.code)
    q = loaded.inference.posterior(loaded.eval(), loaded.batch_at(0))
    assert isinstance(q, MixturePosterior)


def test_soft_codes_begin_in_the_cells():
    soft = task_of("trainer.layout=soft").inference
    mean, variance = soft.tables.layout.moments()
    assert torch.allclose(soft.code.double(), mean, atol=1e-6)
    assert torch.allclose(soft.code_log_var.exp().double(), variance, rtol=1e-4)


def test_a_prior_made_of_the_encoder_learns_with_soft_codes():
    task = task_of("trainer.layout=soft", "prior=vamp", "prior.components=7")
    phi = values(task.groups["phi"])
    task.update(0)
    assert not same(phi, values(task.groups["phi"]))
    assert task.progress.encoder_passes == 7  # the prior's alone


def test_the_encoder_learns_afterwards_under_a_frozen_model(tmp_path):
    kept = {}

    def watch(task):
        if task.progress.step == task.steps_per_epoch:
            parts = {name: values(group) for name, group in task.groups.items()}
            kept[task.progress.epoch] = (
                parts,
                type(task.inference.posterior(task, task.batch_at(0))),
            )

    settings = mapa("trainer.post_hoc_inference=2", "epochs=5")
    data = build(settings).dataset.load()
    seen = []
    original = assemble.make_task

    def make(*arguments):
        task = original(*arguments)
        task.after_update.append(watch)
        seen.append(task)
        return task

    assemble.make_task = make
    try:
        train(tmp_path, settings, data)
    finally:
        assemble.make_task = original
    assert same(kept[0][0]["phi"], kept[2][0]["phi"])
    assert not same(kept[1][0]["theta"], kept[2][0]["theta"])
    assert not same(kept[2][0]["phi"], kept[4][0]["phi"])
    assert same(kept[2][0]["theta"], kept[4][0]["theta"])
    assert [kept[epoch][1] for epoch in range(5)] == [CellPosterior] * 3 + [GaussianPosterior] * 2
    assert checkpoint.read(tmp_path / "checkpoints/best.ckpt")["progress"]["epoch"] > 3


def test_a_checkpoint_of_other_data_or_settings_is_refused(tmp_path):
    settings = mapa()
    train(tmp_path, settings, build(settings).dataset.load())
    other = mapa("dataset.seed=5")
    words = "training data or the settings of trainer=mapa"
    with pytest.raises(UserError, match=words):
        assemble.load_task(other, tmp_path / "checkpoints/last.ckpt")
    with pytest.raises(UserError, match=words):
        assemble.load_task(mapa("trainer.c=2"), tmp_path / "checkpoints/last.ckpt")


def test_a_model_is_evaluated_with_the_layout_it_was_trained_with(tmp_path, monkeypatch):
    settings = mapa()
    task = train(tmp_path, settings, build(settings).dataset.load())
    monkeypatch.setattr("vaelab.mapa.recipe.placed", None)  # is not called
    loaded, parts, epoch = assemble.load_task(settings, tmp_path / "checkpoints/last.ckpt")
    assert torch.equal(loaded.inference.tables.place, task.inference.tables.place)
    evaluation = construct(settings["evaluation"], {})
    stem = tmp_path / "some"
    found = evaluate_splits(loaded.eval(), evaluation, parts.dataset, False, epoch, stem).metrics
    assert "mi" not in found["test"]  # the posterior is no Gaussian
    assert found["test"]["elbo"]["value"] <= -found["test"]["nll"]["value"]


def test_any_model_is_evaluated_under_index_posteriors_and_the_other_way_round(tmp_path):
    data = build(mapa()).dataset.load()
    train(tmp_path / "joint", config(*DATA), data)
    train(tmp_path / "mapa", mapa("trainer.layout=soft"), data)
    for folder, settings in (("joint", mapa()), ("mapa", config(*DATA))):
        task, _, _ = assemble.load_task(settings, tmp_path / folder / "checkpoints/last.ckpt")
        q = task.inference.posterior(task.eval(), task.batch_at(0))
        assert q.rsample(3)[0].shape == (3, 32, 2)
        assert q.log_prob(q.rsample(3)).isfinite().all()


def test_what_is_known_before_training_is_said_and_kept():
    settings = mapa()
    parts = build(settings)
    (said,) = assemble.prepare(settings, parts, parts.dataset.load())
    facts = parts.trainer.facts
    assert f"constant KL {facts['kl']:.3f} nats" in said
    assert "96 examples over 96 neighbours" in said
    rows = parts.trainer.tables.rows.dense()
    entropy = -torch.special.xlogy(rows, rows).sum(1)
    assert facts["kl"] == pytest.approx(math.log(96) - float(entropy.mean()), abs=1e-9)
    assert facts["perplexity_50"] == pytest.approx(float(entropy.exp().quantile(0.5)), rel=1e-9)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["prior=mog"], "trainer=mapa cannot be used with prior=mog: it needs a standard normal"),
        (["bound=dreg"], "trainer=mapa cannot be used with bound=dreg"),
        (["bound.kl=analytic"], "trainer=mapa cannot be used with bound=elbo"),
        (["bound.free_bits=0.1"], "trainer=mapa cannot be used with bound=elbo"),
        (["trainer.objective=iw"], "trainer=mapa cannot be used with bound=elbo"),
        (["trainer.objective=pairs", "bound=iwae"], "trainer=mapa cannot be used with bound=iwae"),
        (["trainer.objective=collapsed", "trainer.layout=soft"], "trainer.objective=collapsed"),
        (["trainer.layout=path"], "trainer.layout=path cannot be used with arch.*latent_dim=2"),
        (["architecture.latent_dim=4"], "trainer=mapa cannot be used with .*latent_dim=4: "),
        (["trainer.width=per_row"], "trainer.width=per_row cannot be used with trainer.sigma2"),
        (["trainer.post_hoc_inference=3"], "trainer.post_hoc_inference=3: .* epochs=3"),
        (
            ["trainer.post_hoc_inference=1", "trainer.layout=soft", "prior=vamp"],
            "trainer=mapa cannot be used with prior=vamp: .*not made of the encoder",
        ),
        (["trainer.c=0"], "trainer.c=0: must be above 0"),
        (["committed_rate=0.5"], "committed_rate=0.5 cannot be used with trainer=mapa"),
    ],
)
def test_refuses_what_does_not_go_together(words, message):
    with pytest.raises(UserError, match=message) as caught:
        build(mapa(*words))
    assert "\n" not in str(caught.value)


def test_refuses_data_that_change():
    with pytest.raises(UserError, match=r"dataset=digits: .*dataset\.binarise=fixed"):
        build(config("trainer=mapa"))
    build(config("trainer=mapa", "dataset.binarise=fixed"))


def test_refuses_sentences():
    with pytest.raises(UserError, match="trainer=mapa cannot be used with a dataset of sentences"):
        build(text_config("trainer=mapa"))


def test_an_autoregressive_decoder_is_trained_by_pairs():
    words = ["dataset.binarise=fixed", "architecture=resnet_pixelcnn", "trainer=mapa"]

    def trainer(*more):
        return build(validate(container(Composer().cells([*words, *more])[0]))).trainer

    assert trainer().kind == "pairs"
    with pytest.raises(UserError, match="objective=collapsed cannot be used with an autoregr"):
        trainer("trainer.objective=collapsed")


def test_epochs_are_selected_by_the_likelihood_of_validation_data(tmp_path):
    """Under a linear decoder it is known; the bound is a nat below and is not looked at."""
    settings = mapa("architecture=vector_mlp", "architecture.latent_dim=2")
    data = build(settings).dataset.load()
    task = train(tmp_path, settings, data)
    rows = history.read(tmp_path / "metrics.csv")
    likelihoods = [row["val/log_likelihood"] for row in rows]
    last = checkpoint.read(tmp_path / "checkpoints/last.ckpt")
    assert last["callbacks"]["Selection"]["best"] == pytest.approx(max(likelihoods), rel=1e-6)
    assert all(row["val/bound"] < row["val/log_likelihood"] for row in rows)
    x, decoder = data.valid.x.double(), task.vae.double().eval().decoder
    z = torch.randn(100_000, 1, 2, dtype=torch.float64)
    with torch.no_grad():
        observed = decoder((z,))
        each = torch.stack([observed.log_prob(one[None])[:, 0].logsumexp(0) for one in x])
    expected = float(each.mean()) - math.log(100_000)
    assert likelihoods[-1] == pytest.approx(expected, abs=0.05)


def test_importance_weights_agree_with_quadrature(monkeypatch):
    task = task_of("architecture=vector_mlp", "architecture.latent_dim=2")
    with torch.no_grad():
        task.validation_step()
        exact = task.row["val/log_likelihood"]
        monkeypatch.setattr("vaelab.evaluation.selecting.INTERVALS", {})
        monkeypatch.setattr("vaelab.evaluation.selecting.SAMPLES", 20_000)
        task.validation_step()
    assert task.row["val/log_likelihood"] == pytest.approx(exact, abs=0.02)


def test_the_model_trains_the_same_whether_or_not_an_encoder_comes_after_it():
    words = ["trainer.layout=soft", "epochs=5"]
    alone, followed = task_of(*words), task_of(*words, "trainer.post_hoc_inference=2")
    for task in (alone, followed):
        for step in range(task.steps_per_epoch):
            task.update(step)
    assert alone.beta == followed.beta == 1
    assert same(values(alone.groups["theta"]), values(followed.groups["theta"]))
    assert alone.progress.encoder_updates == 0


def test_the_encoder_learns_although_the_rate_has_come_down(tmp_path):
    words = ["trainer.post_hoc_inference=20", "epochs=60", "learning_rate=cosine"]
    words += ["architecture=vector_mlp", "architecture.latent_dim=2", "optimizer.phi.lr=0.02"]
    words += ["optimizer.theta.lr=0.02"]
    settings = mapa(*words)
    train(tmp_path, settings, build(settings).dataset.load())
    rows = history.read(tmp_path / "metrics.csv")
    assert rows[-1]["val/elbo"] > rows[40]["val/elbo"] + 0.5
    assert rows[-1]["val/au"] >= 1


def test_everything_before_training_is_computed_once(tmp_path, monkeypatch):
    calls = []
    original = fit_recipe

    def counted(*arguments):
        calls.append(arguments)
        return original(*arguments)

    monkeypatch.setattr("vaelab.mapa.tables.fit", counted)
    settings = mapa()
    train(tmp_path, settings, build(settings).dataset.load())
    assert len(calls) == 1


def test_refuses_fewer_examples_than_dimensions():
    settings = mapa("dataset.num_train=2")
    with pytest.raises(UserError, match=r"2 training examples and architecture\.latent_dim=2"):
        make_task(settings, build(settings).dataset.load())


def test_refuses_a_budget_that_may_end_before_the_encoder_begins():
    with pytest.raises(UserError, match="decoder_passes=100 cannot be used with trainer=mapa"):
        build(mapa("trainer.post_hoc_inference=1", "decoder_passes=100"))


def test_a_learnt_noise_is_warned_of():
    settings = mapa("likelihood.scale=null")
    parts = build(settings)
    said = assemble.prepare(settings, parts, parts.dataset.load())
    assert any("scale is learnt" in one for one in said)


def test_watching_how_an_encoder_lags_is_refused(tmp_path):
    settings = mapa("watch=posterior_lag", "architecture.latent_dim=1")
    data = build(settings).dataset.load()
    with pytest.raises(UserError, match="watch=posterior_lag cannot be used with trainer=mapa"):
        train(tmp_path, settings, data)
    assert not (tmp_path / "checkpoints/last.ckpt").exists()  # nothing was trained


def test_the_bound_is_below_log_p_x_at_every_example_of_a_trained_model(tmp_path):
    settings = mapa("dataset.latent_dim=1", "architecture.latent_dim=1", "epochs=30",
                    "optimizer.theta.lr=0.02")  # fmt: skip
    data = build(settings).dataset.load()
    task = train(tmp_path, settings, data)
    tables, decoder = task.inference.tables, task.vae.double().eval().decoder
    x, q, size = data.train.x.double(), tables.rows.dense(), len(data.train)
    # Equal steps of prior mass: 200 in each cell, which are consecutive in one dimension.
    u = (torch.arange(size * 200, dtype=torch.float64) + 0.5) / (size * 200)
    with torch.no_grad():
        each = torch.stack([decoder_log(decoder, u, one) for one in x])  # n, points
    in_cells = each.unflatten(1, (size, 200)).mean(2)[:, tables.place]  # n, m
    bound = (q * in_cells).sum(1) - torch.special.xlogy(q, q * size).sum(1)
    exact = each.logsumexp(1) - math.log(size * 200)
    assert (bound < exact).all()
    assert float((exact - bound).mean()) < 2  # and near it: a model was learnt


def decoder_log(decoder, u, x):
    return decoder((torch.special.ndtri(u)[:, None, None],)).log_prob(x[None])[:, 0]


@pytest.mark.slow
def test_on_the_circle_it_is_no_worse_than_the_vae_after_as_many_decoder_passes(tmp_path):
    found = {}
    for trainer in ("mapa", "joint"):
        words = ["experiment=mapa/circle", f"trainer={trainer}", "lightning=cpu"]
        settings = validate(container(Composer().cells(words)[0]))
        parts = build(settings)
        task = train(tmp_path / trainer, settings, parts.dataset.load())
        task.eval()
        evaluation = construct(settings["evaluation"], {})
        stem = tmp_path / f"{trainer}-evaluation"
        epoch = task.progress.epoch
        metrics = evaluate_splits(task, evaluation, parts.dataset, False, epoch, stem).metrics
        found[trainer] = metrics["test"]["log_likelihood"]["value"], task.progress.decoder_passes
    assert found["mapa"][1] == found["joint"][1]
    assert found["mapa"][0] >= found["joint"][0]
