"""Strategies that refine posteriors: who learns what, what is told, and what is refused."""

from dataclasses import replace

import pytest
import pytorch_lightning as pl
import torch
from small import config, make_task, train
from torch import nn
from torch.testing import assert_close
from torch.utils.data import DataLoader

from vaelab.batch import Batch
from vaelab.build import build
from vaelab.composing.compose import Composer
from vaelab.composing.validate import validate
from vaelab.distribution import DiagonalGaussian
from vaelab.errors import UserError
from vaelab.evaluation.gradients import gradient
from vaelab.evaluation.measure import measure
from vaelab.posterior import GaussianPosterior
from vaelab.refine.refinement import RefinedPosterior, Track
from vaelab.session import quiet_lightning
from vaelab.sweeps.plan import container

SHORT = ["trainer.steps=3", "trainer.step_size=0.05"]
STRATEGIES = ["savae", "svi", "vae_svi", "vae_svi_kl"]
EXACT = {"rtol": 1e-9, "atol": 1e-9}


def task_of(trainer, *words):
    return make_task(config(f"trainer={trainer}", *SHORT, *words)).double()


def batch_of(task):
    batch = task.batch_at(0)
    return batch._replace(x=batch.x.double())


def objective_of(task, batch, seed=4):
    torch.manual_seed(seed)
    return task.inference.objective(task, batch, task.bound)[0]


def by_hand(task, batch, seed=4):
    """lambda_0, lambda_K, and the losses at either, in the order in which noise is drawn."""
    torch.manual_seed(seed)
    vae, bound = task.vae, task.bound
    q = task.inference.posterior(task, batch)
    fixed = GaussianPosterior(q.first.mean.detach(), q.first.log_var.detach())
    at_last = bound(vae.terms(batch.x, fixed, 1), task.beta)
    start = vae.encoder(batch.x)
    return start, fixed, at_last, bound(vae.terms(batch.x, start, 1), task.beta)


def gradients(loss, parameters):
    return torch.autograd.grad(loss, parameters, retain_graph=True)


def test_vae_svi_gives_theta_the_last_posterior_and_phi_the_first():
    task = task_of("vae_svi", "prior=vamp", "prior.components=3")
    batch = batch_of(task)
    _, _, last, first = by_hand(task, batch)
    found = objective_of(task, batch)
    phi, theta = task.groups["phi"], task.groups["theta"]
    assert_close(found.value, last.value, rtol=0, atol=0)
    for one, other in zip(gradients(found.phi_loss, phi), gradients(first.phi_loss, phi),
                          strict=True):  # fmt: skip
        assert_close(one, other, **EXACT)
    for one, other in zip(gradients(found.theta_loss, theta), gradients(last.theta_loss, theta),
                          strict=True):  # fmt: skip
        assert_close(one, other, **EXACT)


def test_vae_svi_kl_pulls_the_encoder_to_the_last_posterior():
    task = task_of("vae_svi_kl")
    batch = batch_of(task)
    start, last, objective, _ = by_hand(task, batch)
    first = torch.distributions.Normal(start.first.mean, (0.5 * start.first.log_var).exp())
    second = torch.distributions.Normal(last.first.mean, (0.5 * last.first.log_var).exp())
    expected = torch.distributions.kl_divergence(first, second).sum(-1).mean()
    found = objective_of(task, batch)
    assert_close(found.phi_loss, expected)
    phi, theta = task.groups["phi"], task.groups["theta"]
    for one, other in zip(gradients(found.phi_loss, phi), gradients(expected, phi), strict=True):
        assert_close(one, other, **EXACT)
    assert_close(gradients(found.theta_loss, theta), gradients(objective.theta_loss, theta))


def test_svi_starts_at_the_prior_and_leaves_the_encoder_alone():
    task = make_task(config("trainer=svi", *SHORT, "clip_norm=5.0"))
    before = [p.detach().clone() for p in task.groups["phi"]]
    q = task.inference.posterior(task, task.batch_at(0))
    assert not q.start.first.mean.any()
    assert not q.start.first.log_var.any()
    for number in range(3):
        task.update(number)
    for parameter, old in zip(task.groups["phi"], before, strict=True):
        assert_close(parameter.detach(), old, rtol=0, atol=0)


def test_no_step_is_joint_training_bit_for_bit():
    joint, none = make_task(config()), make_task(config("trainer=savae", "trainer.steps=0"))
    for number in range(4):
        joint.update(number)
        none.update(number)
    for one, other in zip(joint.everything, none.everything, strict=True):
        assert torch.equal(one, other)


def test_the_run_s_beta_in_training_and_one_elsewhere(monkeypatch):
    seen = []

    def refined(settings, vae, x, start, prior, beta, **_):
        seen.append(beta)
        return RefinedPosterior(
            start.first.mean, start.first.log_var, start, settings, Track(), True
        )

    monkeypatch.setattr("vaelab.trainer.refining.refined", refined)
    monkeypatch.setattr("vaelab.refine.refinement.refined", refined)
    task = task_of("savae", "beta=constant", "beta.value=0.25")
    batch = batch_of(task)
    task.inference.posterior(task, batch)
    task.eval()
    task.inference.posterior(task, batch)
    assert seen == [0.25, 1.0]


@pytest.mark.parametrize("trainer", STRATEGIES)
def test_validation_refines_although_it_takes_no_gradients(tmp_path, trainer):
    words = [f"trainer={trainer}", "trainer.steps=10", "trainer.step_size=0.02", "epochs=1"]
    settings = config(*words)
    task = train(tmp_path, settings)
    in_lightning = task.row["val/bound"]  # of the same weights: one epoch was trained
    task.eval()
    bounds = []
    for steps in (0, 10):
        task.progress.epoch = 0  # whose noise Lightning's validation had
        task.inference.settings = replace(task.inference.settings, steps=steps)
        with torch.no_grad():
            task.validation_step()
        bounds.append(task.row["val/bound"])
    assert bounds[1] > bounds[0] + 0.5
    assert in_lightning == pytest.approx(bounds[1], rel=1e-5)


class InTest(pl.LightningModule):
    """Lightning's own test hook around a task's validation."""

    def __init__(self, task):
        super().__init__()
        self.task = task

    def test_step(self, *_):
        self.task.validation_step()


@pytest.mark.parametrize("inference_mode", [False, True])
@pytest.mark.parametrize("trainer", STRATEGIES)
def test_refines_in_lightnings_test_too(trainer, inference_mode):
    prior = "mog" if trainer == "svi" else "vamp"
    task = task_of(trainer, f"prior={prior}", "prior.components=5").float()
    bounds = []
    for steps in (0, 10):
        task.inference.settings = replace(task.inference.settings, steps=steps, step_size=0.02)
        quiet = {"logger": False, "enable_progress_bar": False, "enable_checkpointing": False}
        lightning = pl.Trainer(accelerator="cpu", inference_mode=inference_mode, **quiet)
        with quiet_lightning():
            lightning.test(InTest(task), DataLoader([0]), verbose=False)
        bounds.append(task.row["val/bound"])
    assert bounds[1] > bounds[0] + 0.5


def test_what_an_epoch_tells_and_that_a_resumed_one_tells_it_too():
    task = make_task(config("trainer=savae", *SHORT, "trainer.clip=0.5"))
    task.update(0)
    state = task.inference.get_extra_state()
    task.update(1)
    row = task.inference.row(0)
    assert row["refine/gain"] > 0
    assert 0 < row["refine/clipped"] <= 1
    assert row["refine/norm_last"] < row["refine/norm_first"]
    again = make_task(config("trainer=savae", *SHORT, "trainer.clip=0.5"))
    again.update(0)
    again.inference.set_extra_state(state)
    again.update(1)
    assert again.inference.row(0) == row
    assert again.inference.row(0) == {}  # an epoch's numbers are told once


def test_steps_that_do_harm_are_named_once():
    task = make_task(config("trainer=savae", *SHORT, "trainer.step_size=0.3"))
    for _ in range(2):
        task.update(0)
        assert task.inference.row(0)["refine/gain"] < 0
        words = task.inference.observe({})
        assert words is None or words.startswith("refinement lowers the ELBO: choose trainer.step")
        task.inference.state["told"] = [*task.inference.state.get("told", []), words is not None]
    assert task.inference.state["told"] == [True, False]


def test_official_runs_tell_how_often_the_way_back_was_clipped():
    words = ["trainer.inner_grad=official", "trainer.inner_reduction=batch_mean"]
    words += ["trainer.clip=1e-3", "trainer.step_size=1"]
    task = make_task(config("trainer=savae", *SHORT, *words))
    task.update(0)
    assert task.inference.row(0)["refine/reverse_clipped"] == 1


def test_evaluation_reports_the_gap_between_the_encoder_and_what_it_becomes():
    task = make_task(config("trainer=savae", "trainer.steps=30", "trainer.step_size=0.02"))
    for number in range(4):
        task.update(number)
    found = measure(
        task.vae, lambda batch: task.inference.posterior(task, batch), task.splits.test, "test",
        seed=1, samples=500, examples=20, rows=2000, progress=lambda n: None,
    )  # fmt: skip
    gap = (found.scores.elbo - found.amortised).mean()
    assert gap > 6
    plain = measure(
        task.vae, lambda batch: task.vae.encoder(batch.x), task.splits.test, "test",
        seed=1, samples=500, examples=20, rows=2000, progress=lambda n: None,
    )  # fmt: skip
    assert plain.amortised is None
    # A sample's log-weight has a standard deviation of 22 nats here.
    assert_close(found.amortised.mean(), plain.scores.elbo.mean(), rtol=0, atol=3)


def test_steps_on_the_batch_s_mean_are_training_s_in_evaluation_too(monkeypatch):
    words = ["trainer.inner_reduction=batch_mean", "trainer.step_size=2", "batch_size=16"]
    task = task_of("savae", *words)
    monkeypatch.setattr(DiagonalGaussian, "rsample", lambda self, k: self.mean.expand(k, -1, -1))
    task.eval()
    x, index = task.splits.train.x[:48].double().round(), torch.arange(48)
    with torch.no_grad():
        whole = task.inference.posterior(task, Batch(x, index))
        parts = [
            task.inference.posterior(task, Batch(x[rows], index[rows])) for rows in index.chunk(3)
        ]
        # However many are asked for, one alone too.
        fewer = [task.inference.posterior(task, Batch(x[:n], index[:n])) for n in (1, 3, 17)]
    found = [
        torch.cat([q.first.mean for q in parts]),
        torch.cat([q.start.first.mean for q in parts]),
    ]
    assert_close(whole.first.mean, found[0], **EXACT)
    assert_close(whole.start.first.mean, found[1], **EXACT)
    assert_close(whole.track.path[-1][0], found[0], **EXACT)
    for q in fewer:
        assert_close(q.first.mean, found[0][: len(q.first.mean)], **EXACT)


@pytest.mark.parametrize(("trainer", "moves"), [("joint", 1), ("savae", 1), ("vae_svi", 1)])
def test_batch_norm_moves_once_an_update(trainer, moves):
    words = [f"trainer={trainer}", *(SHORT if trainer != "joint" else [])]
    sizes = ["architecture=resnet_pixelcnn", "architecture.channels=4",
             "architecture.kernels=[3,3,3,3]", "lightning=cpu"]  # fmt: skip
    task = make_task(validate(container(Composer().cells([*sizes, *words])[0])))
    task.update(0)
    norms = [m for m in task.vae.decoder.modules() if isinstance(m, nn.BatchNorm2d)]
    assert {int(norm.num_batches_tracked) for norm in norms} == {moves}


@pytest.mark.parametrize(
    ("trainer", "passes"),
    [("joint", 2), ("savae", 8), ("svi", 5), ("vae_svi", 7), ("vae_svi_kl", 5)],
)
def test_passes_are_counted(trainer, passes):
    words = [f"trainer={trainer}", *(SHORT if trainer != "joint" else []), "bound.num_samples=2"]
    task = make_task(config(*words))
    seen = []
    task.vae.decoder.register_forward_hook(lambda _, args, __: seen.append(args[0][0].shape[0]))
    task.update(0)
    rows = len(task.batch_at(0).x)
    assert sum(seen) == passes
    assert task.progress.decoder_passes == passes * rows
    assert task.progress.encoder_passes == (0 if trainer == "svi" else rows)


def test_signal_to_noise_ratios_of_refined_posteriors_are_refused():
    task = make_task(config("trainer=savae", *SHORT))
    with pytest.raises(UserError, match=r"^signal-to-noise .* evaluate it with trainer=joint$"):
        gradient(
            task.vae, lambda batch: task.inference.posterior(task, batch), task.batch_at(0),
            task.bound, 1.0, task.groups,
        )  # fmt: skip


def test_a_compiled_run_may_be_evaluated_with_refinement():
    build(config("trainer=savae", "compile=true"), training=False)


def test_nothing_that_learns_is_no_error():
    task = make_task(config("trainer=svi", *SHORT))
    for parameter in task.groups["theta"]:
        parameter.requires_grad_(False)
    task.groups = task.vae.parameter_groups()
    task.update(0)


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["trainer=savae", "architecture=hvae", "architecture.latent_dims=[3,2]"],
         "^trainer=savae cannot be used with architecture=hvae: it needs .*one latent level"),
        (["trainer=svi", "prior=vamp"], "^trainer=svi cannot be used with prior=vamp: "),
        (["trainer=savae", "committed_rate=1", "bound.kl=analytic"],
         "^committed_rate=1 cannot be used with trainer=savae: .* choose trainer="),
        (["trainer=savae", "compile=true"],
         "^compile=true cannot be used with trainer.inner_grad=exact: .*inner_grad=fd"),
        (["trainer=vae_svi", "trainer.inner_reduction=batch_mean", "micro_batches=2"],
         "^micro_batches=2 cannot be used with trainer.inner_reduction=batch_mean"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(words, fault):
    # Not `config`, whose sizes of the small network other architectures do not have.
    settings = validate(container(Composer().cells(words)[0]))
    with pytest.raises(UserError, match=fault):
        build(settings)
