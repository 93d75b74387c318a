"""The training step against gradients taken by hand, and its bookkeeping."""

import dataclasses

import pytest
import torch
from small import config, make_task, splits

from vaelab.batch import Batch
from vaelab.batches import Blocks, draw_distinct
from vaelab.dataset.base import Split, Splits
from vaelab.progress import Clock
from vaelab.seeding import permutation, seed_noise

CPU = torch.device("cpu")


def copy_of(parameters):
    return [p.detach().clone() for p in parameters]


def sgd(*overrides):
    return config("optimizer=sgd", "optimizer.phi.lr=1.0", "optimizer.theta.lr=1.0", *overrides)


def expected_gradients(task, batch, beta):
    """Gradients of the negative ELBO written out, on the same noise."""
    x = batch.x
    q = task.vae.encoder(x).first
    z = q.mean + torch.exp(q.log_var / 2) * torch.randn(1, *q.mean.shape)
    log_px = torch.distributions.Bernoulli(logits=task.vae.decoder((z,)).logits).log_prob(x)
    log_q = torch.distributions.Normal(q.mean, torch.exp(q.log_var / 2)).log_prob(z).sum(-1)
    log_p = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(-1)
    loss = (beta * (log_q - log_p) - log_px.flatten(2).sum(-1)).mean()
    return torch.autograd.grad(loss, task.everything)


def test_joint_step_is_gradient_descent_on_the_negative_elbo():
    task = make_task(sgd("beta=constant", "beta.value=0.7"))
    batch = task.batch_at(0)
    before = copy_of(task.everything)
    seed_noise(CPU, 5)
    expected = expected_gradients(task, batch, 0.7)
    seed_noise(CPU, 5)
    task.descend(batch, "phi", "theta")
    for old, new, gradient in zip(before, task.everything, expected, strict=True):
        torch.testing.assert_close(new, old - gradient, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("group", ["phi", "theta"])
@pytest.mark.parametrize("clip", ["null", "5.0"])
def test_one_sided_step_leaves_the_other_side_bitwise_alone(group, clip):
    task = make_task(config(f"clip_norm={clip}", "prior=vamp", "prior.components=7"))
    other = {"phi": "theta", "theta": "phi"}[group]
    moved, still = copy_of(task.groups[group]), copy_of(task.groups[other])
    task.descend(task.batch_at(0), group)
    assert all(torch.equal(a, b) for a, b in zip(still, task.groups[other], strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(moved, task.groups[group], strict=True))


def test_groups_are_disjoint_and_pseudo_inputs_are_theta():
    task = make_task(config("prior=vamp", "prior.components=7"))
    phi, theta = ({id(p) for p in task.groups[name]} for name in ("phi", "theta"))
    assert not phi & theta
    assert phi | theta == {id(p) for p in task.vae.parameters()}
    assert id(task.vae.prior.u) in theta


@pytest.mark.parametrize("scope", ["all", "stepped"])
def test_clip_scope_says_whose_norm_counts(scope):
    task = make_task(sgd("clip_norm=0.5", f"clip_scope={scope}"))
    batch = task.batch_at(0)
    before = copy_of(task.groups["phi"])
    seed_noise(CPU, 5)
    gradients = expected_gradients(task, batch, task.beta)
    seed_noise(CPU, 5)
    task.descend(batch, "phi")
    phi = gradients[: len(before)]
    counted = gradients if scope == "all" else phi
    factor = 0.5 / torch.cat([g.flatten() for g in counted]).norm()
    assert factor < 1
    for old, new, gradient in zip(before, task.groups["phi"], phi, strict=True):
        torch.testing.assert_close(new, old - factor * gradient, atol=1e-4, rtol=1e-3)


@pytest.fixture
def no_noise(monkeypatch):
    zeros = lambda *shape, **kw: torch.zeros(*shape, **kw)  # noqa: E731
    monkeypatch.setattr("vaelab.distribution.torch.randn", zeros)


def test_micro_batches_give_the_whole_batchs_step(no_noise):
    whole, cut = make_task(sgd()), make_task(sgd("micro_batches=3"))
    x = (torch.rand(32, 1, 8, 8) < 0.5).float()
    batch = Batch(x, torch.arange(32))  # 11 + 11 + 10 rows: shares must be weighted
    first, second = (task.descend(batch, "phi", "theta") for task in (whole, cut))
    torch.testing.assert_close(first.value, second.value)
    torch.testing.assert_close(first.loss, second.loss)
    for a, b in zip(whole.everything, cut.everything, strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)


def test_bf16_forward_sees_weights_changed_within_one_training_step(no_noise):
    """Autocast caches cast weights until it is left; inner loops must not meet the stale ones."""
    task = make_task(sgd("precision=bf16-mixed", "optimizer.phi.lr=0.01"))
    batch = task.batch_at(0)
    with torch.autocast("cpu", enabled=False):
        first = task.descend(batch, "phi").loss
        second = task.descend(batch, "phi").loss
    assert second < first


def test_an_epoch_sees_every_example_once_in_an_order_of_its_own():
    task = make_task(config())
    seen = {}
    for epoch in (0, 1):
        task.progress.epoch = epoch
        batches = [task.batch_at(step).index for step in range(task.steps_per_epoch)]
        assert [len(b) for b in batches] == [32, 32, 32, 4]
        seen[epoch] = torch.cat(batches)
        assert torch.equal(seen[epoch].sort().values, torch.arange(100))
    assert not torch.equal(seen[0], seen[1])
    assert torch.equal(seen[0], permutation(100, task.recipe.seed, "order", 0))


def test_random_batches_are_distinct_rows_and_new_each_time():
    task = make_task(config())
    first, second = task.random_batch(), task.random_batch()
    assert len(first.x) == 32
    assert len(first.index.unique()) == 32
    assert not torch.equal(first.index, second.index)


@pytest.mark.parametrize(("size", "count"), [(1000, 20), (30, 20)])
def test_draw_distinct_is_uniform(size, count):
    draws = [draw_distinct(size, count, seed) for seed in range(3000)]
    assert all(len(set(d.tolist())) == count for d in draws)
    counts = torch.bincount(torch.cat(draws), minlength=size).double()
    p = count / size
    z = (counts - 3000 * p) / (3000 * p * (1 - p)) ** 0.5
    # Chi-square per degree of freedom: 1 with standard deviation sqrt(2 / size).
    assert abs(z.square().mean() - 1) < 4 * (2 / size) ** 0.5
    assert z.abs().max() < 5
    assert torch.equal(draws[7], draw_distinct(size, count, 7))


def test_training_row_is_the_mean_over_examples_at_beta_one():
    """Short last batch included, and free of beta: sums over examples, not means of means."""
    task = make_task(config("beta=constant", "beta.value=0.1"))
    values, log_px, kl = [], [], []
    original = task.inference.update

    def spy(learner, batch):
        descent = original(learner, batch)
        values.append(descent.value)
        log_px.append(descent.log_px)
        kl.append(descent.kl)
        return descent

    task.inference.update = spy
    for step in range(task.steps_per_epoch):
        task.update(step)
    row = task.train_row()
    assert row["train/bound"] == pytest.approx(torch.cat(values).mean().item(), rel=1e-5)
    elbo = torch.cat(log_px).mean() - torch.cat(kl).mean()
    assert row["train/elbo"] == pytest.approx(elbo.item(), rel=1e-5)
    assert row["train/bound"] == pytest.approx(row["train/elbo"], rel=1e-5)
    assert row["beta"] == 0.1


def test_the_same_update_draws_the_same_noise_whatever_came_before():
    one, two = make_task(config()), make_task(config())
    torch.rand(17)
    one.update(0)
    torch.rand(5)
    two.update(0)
    for a, b in zip(one.everything, two.everything, strict=True):
        assert torch.equal(a, b)


def test_passes_and_updates_are_counted():
    task = make_task(config("prior=vamp", "prior.components=7", "bound.num_samples=3"))
    task.update(0)
    progress = task.progress
    assert (progress.updates, progress.step) == (1, 1)
    assert (progress.encoder_updates, progress.decoder_updates) == (1, 1)
    assert (progress.encoder_passes, progress.decoder_passes) == (32 + 7, 96)


def test_validation_metrics_do_not_depend_on_the_training_beta():
    rows = []
    for beta in ("0.1", "1.0"):
        task = make_task(config("beta=constant", f"beta.value={beta}"))
        with torch.no_grad():
            task.validation_step()
        rows.append({k: v for k, v in task.row.items() if k.startswith("val/")})
    assert rows[0] == rows[1]
    assert rows[0]["val/bound"] == pytest.approx(rows[0]["val/elbo"], rel=1e-6)


def test_validation_counts_active_units():
    task = make_task(config())
    with torch.no_grad():
        x = task.splits.valid.x
        data = Splits(task.splits.train, Split(x), task.splits.test)  # grey, no draws
        task.splits = data
        variance = task.vae.encoder(x).first.mean.var(0)
        task.vae.encoder.mean.weight[0] *= 0.01 / variance[0].sqrt() / 2
        task.vae.encoder.mean.bias[0] = 3.0
        expected = (task.vae.encoder(x).first.mean.var(0) >= 0.01).sum()
        task.validation_step()
    assert task.row["val/au"] == expected == 2


def test_blocks_cover_what_is_left_of_an_epoch():
    task = make_task(config())
    assert [step for block in Blocks(task) for step in block] == [0, 1, 2, 3]
    task.progress.step = 3
    assert [step for block in Blocks(task) for step in block] == [3]
    task.progress.step = 4
    assert list(Blocks(task)) == [range(4, 4)]  # nothing left, but what comes after a block


def test_blocks_last_about_a_quarter_of_a_second():
    task = make_task(config())
    task.progress = dataclasses.replace(task.progress, updates=100, seconds=1.0)
    assert Blocks(task).size() == 25


def test_clock_compares_with_the_first_timed_steps():
    clock = Clock()
    for _ in range(30):
        clock.add(0.01)
    assert clock.slowdown() == pytest.approx(1.0)
    for _ in range(60):
        clock.add(0.2)
    assert clock.slowdown() == pytest.approx(20.0)


def test_splits_go_to_the_device_whole():
    data = splits().to("cpu")
    assert len(data.train) == 100
