"""Any combination works or is refused before training: it runs here and the bound rises."""

import itertools

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from small import config, make_task, splits
from texts import text_config, text_splits

from vaelab import assemble
from vaelab.build import build
from vaelab.composing import groups
from vaelab.composing.compose import Composer
from vaelab.composing.validate import validate
from vaelab.dataset.base import Binarised, Split, Splits
from vaelab.errors import UserError
from vaelab.sweeps.plan import container

BOUNDS = {
    "elbo": [],
    "analytic": ["bound.kl=analytic"],
    "free bits": ["bound.free_bits=0.1"],
    "path": ["bound.log_qz=path"],
    "samples": ["bound.num_samples=3"],
    "iwae": ["bound=iwae", "bound.K=3"],
    "miwae": ["bound=miwae", "bound.M=2", "bound.K=3"],
    "piwae": ["bound=piwae", "bound.M=2", "bound.K=3"],
    "ciwae": ["bound=ciwae", "bound.K=3"],
    "stl": ["bound=stl", "bound.M=2", "bound.K=3"],
    "dreg": ["bound=dreg", "bound.M=2", "bound.K=3"],
    "rws": ["bound=rws", "bound.K=3"],
}
CLOSED_FORM = ("analytic", "free bits")  # need the closed-form KL divergence
OWN_PRIOR = ("rws",)  # need a prior that is not made of the encoder
SIZES = {"vamp": ["prior.components=7"], "vamp_data": ["prior.components=7"],
         "mog": ["prior.components=7"]}  # fmt: skip


def options(group):
    return sorted(groups.options(group, groups.config_dir()))


def validation_bound(task):
    with torch.no_grad():
        task.validation_step()
    return task.row["val/bound"]


def rises(task, updates=40):
    task.progress.epoch = task.inference.head_start  # before, beta is 0
    task.eval()
    before = validation_bound(task)
    task.train()
    for number in range(updates):
        task.update(number % task.steps_per_epoch)
    task.eval()
    return validation_bound(task) > before + 1


def distinct(group):
    """The first option of each class; others differ from it in their settings alone."""
    folder = groups.config_dir() / group
    found = {
        OmegaConf.load(folder / f"{one}.yaml")["_target_"]: one for one in options(group)[::-1]
    }
    return sorted(found.values())


TRAINERS = distinct("trainer")
# The others are joined with everything else, but not in all products: these take a minute.
WHOLE = ["aggressive", "joint"]
ONCE = [one for one in TRAINERS if one not in WHOLE]
SHORT = {"aggressive": ["trainer.max_inner_steps=3"], "pretrain": ["trainer.epochs=1"]}
SHORT |= {one: ["trainer.steps=2"] for one in ("savae", "svi", "vae_svi", "vae_svi_kl")}
SHORT["mapa"] = ["trainer.layout=soft", "dataset.binarise=fixed"]  # any prior, any decoder
REFINED = ("savae", "svi", "vae_svi", "vae_svi_kl", "mapa")  # one level only


@pytest.mark.parametrize(
    ("prior", "trainer", "bound"),
    [
        *itertools.product(options("prior"), WHOLE, BOUNDS),
        *((prior, trainer, "elbo") for prior in options("prior") for trainer in ONCE),
        *(("vamp", "savae", bound) for bound in ("iwae", "miwae", "piwae", "dreg", "rws")),
        *(("standard", "savae", bound) for bound in ("analytic", "free bits", "rws")),
        ("standard", "vae_svi", "piwae"),
    ],
)
def test_prior_trainer_and_bound(prior, trainer, bound):
    short = SHORT.get(trainer, [])
    settings = config(
        f"prior={prior}", *SIZES.get(prior, []), f"trainer={trainer}", *short, *BOUNDS[bound],
        "optimizer.phi.lr=0.003", "optimizer.theta.lr=0.003",
    )  # fmt: skip
    made_of_encoder = prior.startswith("vamp")
    if (bound in CLOSED_FORM and prior != "standard") or (bound in OWN_PRIOR and made_of_encoder):
        with pytest.raises(UserError, match=f"prior={prior}: it needs .* choose prior=.*standard"):
            make_task(settings)
    elif trainer == "svi" and made_of_encoder:
        with pytest.raises(UserError, match=f"^trainer=svi cannot be used with prior={prior}"):
            make_task(settings)
    else:
        assert rises(make_task(settings))


TWO_LEVELS = {
    "hvae": ["architecture.latent_dims=[3,2]", "architecture.width=12"],
    "conv_hvae": ["architecture.latent_dims=[3,2]", "architecture.width=12",
                  "architecture.channels=4"],
    "pixel_hvae": ["architecture.latent_dims=[3,2]", "architecture.width=12",
                   "architecture.channels=4", "architecture.layers=2"],
    "tanh_hvae": ["architecture.latent_dims=[2,3]", "architecture.hidden=[12]",
                  "architecture.hidden_above=[8]"],
}  # fmt: skip
CONVOLUTIONAL = ("conv_hvae", "pixel_hvae")
BOTTOM_UP = ("tanh_hvae",)  # have no q(z_top|x) for a VampPrior to be made of
# Two priors for the fast ones; each prior, trainer and bound at least once for all.
TWO_LEVEL_PARTS = [
    *(("hvae", *parts) for parts in itertools.product(("standard", "vamp"), WHOLE, BOUNDS)),
    *(("hvae", prior, trainer, "elbo") for prior in options("prior") for trainer in TRAINERS),
    *(("tanh_hvae", "standard", *parts) for parts in itertools.product(WHOLE, BOUNDS)),
    *(("tanh_hvae", prior, "joint", "elbo") for prior in options("prior")),
    *((slow, prior, "joint", "elbo") for slow in CONVOLUTIONAL for prior in options("prior")),
    *((slow, "vamp", trainer, "elbo") for slow in CONVOLUTIONAL for trainer in WHOLE),
    *((slow, "vamp", "joint", bound) for slow in CONVOLUTIONAL for bound in BOUNDS),
]


def halves():
    """Images whose left is mostly 0 and whose right is mostly 1.

    On noise there is little to gain: a PixelCNN starts at its entropy, IWAE just below it.
    """
    left = torch.arange(8).expand(8, 8) < 4
    x = torch.where(left, 0.1, 0.9).expand(200, 1, 8, 8).contiguous()
    return Splits(*(Split(part, Binarised()) for part in x.split([100, 50, 50])))


def two_level_config(option, *overrides):
    words = [f"architecture={option}", *TWO_LEVELS[option], "batch_size=32", "lightning=cpu"]
    rates = ["optimizer.phi.lr=0.01", "optimizer.theta.lr=0.01"]
    return validate(container(Composer().cells([*words, *rates, *overrides])[0]))


@pytest.mark.parametrize(
    ("architecture", "prior", "trainer", "bound"), list(dict.fromkeys(TWO_LEVEL_PARTS))
)
def test_two_levels_with_prior_trainer_and_bound(architecture, prior, trainer, bound):
    short = SHORT.get(trainer, [])
    settings = two_level_config(
        architecture, f"prior={prior}", *SIZES.get(prior, []), f"trainer={trainer}", *short,
        *BOUNDS[bound], "beta=constant",
    )  # fmt: skip
    if trainer in REFINED:
        with pytest.raises(UserError, match=f"trainer={trainer} cannot be used with arch"):
            make_task(settings)
    elif architecture in BOTTOM_UP and prior.startswith("vamp"):
        words = f"^prior={prior} cannot be used with architecture={architecture}"
        with pytest.raises(UserError, match=words):
            make_task(settings)
    elif bound in OWN_PRIOR and prior.startswith("vamp"):
        with pytest.raises(UserError, match=f"^bound={bound} cannot be used with prior={prior}"):
            make_task(settings)
    elif bound in CLOSED_FORM:
        words = rf"^bound=elbo cannot be used with architecture={architecture}: .*one latent level"
        with pytest.raises(UserError, match=words):
            make_task(settings)
    else:
        data = halves() if architecture in CONVOLUTIONAL else splits()
        assert rises(make_task(settings, data), updates=10 if trainer == "aggressive" else 20)


@pytest.mark.parametrize(
    ("schedule", "optimizer"),
    list(itertools.product(options("schedule"), options("optimizer"))),
)
def test_schedule_and_optimizer(schedule, optimizer):
    rate = "0.01" if optimizer == "sgd" else "0.003"
    task = make_task(
        config(f"beta={schedule}", f"optimizer={optimizer}", f"optimizer.phi.lr={rate}",
               f"optimizer.theta.lr={rate}", "clip_norm=5.0")
    )  # fmt: skip
    assert rises(task)


@pytest.mark.parametrize("prior", options("prior"))
@pytest.mark.parametrize("kind", ["vectors", "grey", "colour", "learned scale"])
def test_own_data_of_every_kind(tmp_path, prior, kind):
    generator = np.random.default_rng(0)
    shape = {"vectors": (60, 5), "grey": (60, 9, 7), "colour": (60, 3, 8, 8)}.get(kind, (60, 5))
    x = generator.normal(size=shape) if len(shape) == 2 else generator.random(shape)
    np.savez(tmp_path / "own.npz", x_train=x.astype("float32"))
    likelihood = {"vectors": ["likelihood=gaussian"], "learned scale": [
        "likelihood=gaussian", "likelihood.scale=null"]}.get(kind, [])  # fmt: skip
    settings = config(
        "dataset=npz", f"dataset.file={tmp_path / 'own.npz'}", *likelihood, f"prior={prior}",
        *SIZES.get(prior, []), "batch_size=16", "optimizer.phi.lr=0.003",
        "optimizer.theta.lr=0.003",
    )  # fmt: skip
    from vaelab.build import build

    data = build(settings).dataset.load()
    task = make_task(settings, data)
    task.vae.prior.prepare(data.train)
    assert rises(task, updates=60)


@pytest.mark.parametrize("trainer", ["joint", "savae"])
def test_half_precision_trains_too(trainer):
    rates = ["optimizer.phi.lr=0.003", "optimizer.theta.lr=0.003"]
    words = [f"trainer={trainer}", *SHORT.get(trainer, [])]
    settings = config("precision=bf16-mixed", "prior=vamp", "prior.components=7", *rates, *words)
    assert rises(make_task(settings, splits()))


@pytest.mark.parametrize("architecture", TWO_LEVELS)
@pytest.mark.parametrize("bound", ["elbo", "path", "samples", "piwae"])
def test_half_precision_trains_two_levels_too(architecture, bound):
    prior = "mog" if architecture in BOTTOM_UP else "vamp"
    half = ["precision=bf16-mixed", f"prior={prior}", "prior.components=7"]
    settings = two_level_config(architecture, *half, *BOUNDS[bound])
    data = halves() if architecture in CONVOLUTIONAL else splits()
    assert rises(make_task(settings, data), updates=20)


TEXT_PRIORS = [one for one in options("prior") if one != "vamp"]  # refused: test_text_training
TEXT_PARTS = [
    *((prior, trainer, "elbo") for prior in TEXT_PRIORS for trainer in WHOLE),
    *(("standard", trainer, "elbo") for trainer in ONCE if trainer != "mapa"),  # refused
    ("vamp_data", "savae", "elbo"),
    *(("standard", "joint", bound) for bound in BOUNDS),
    ("vamp_data", "aggressive", "dreg"),
]


@pytest.mark.parametrize(("prior", "trainer", "bound"), list(dict.fromkeys(TEXT_PARTS)))
def test_sentences_with_prior_trainer_and_bound(prior, trainer, bound):
    settings = text_config(
        f"prior={prior}", *SIZES.get(prior, []), f"trainer={trainer}", *SHORT.get(trainer, []),
        *BOUNDS[bound], "beta=constant", "optimizer.phi.lr=0.02", "optimizer.theta.lr=0.02",
    )  # fmt: skip
    parts, data = build(settings), text_splits()
    assemble.prepare(settings, parts, data)  # sentences of a prior are there before the task is
    task = assemble.make_task(settings, parts, data)
    task.configure_optimizers()
    assert rises(task)
