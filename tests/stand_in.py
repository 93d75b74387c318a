"""Stand-ins for every group and for training, so that the command line is tested alone and fast.

A subprocess gets them through `sitecustomize` in a folder on PYTHONPATH (`environment`).
"""

import os
import shutil
import signal
import sys
import time
import types
from pathlib import Path
from typing import Literal

HERE = Path(__file__).resolve().parent
MOUNT = "defaults:\n- /likelihood@_global_.likelihood:"
GROUPS = {
    "dataset/digits": f"_target_: stand_in.Digits\n{MOUNT} bernoulli\n- _self_",
    "dataset/grey": f"_target_: stand_in.Grey\n{MOUNT} gaussian\n- _self_",
    "likelihood/bernoulli": "_target_: stand_in.Bernoulli\nclamp: null",
    "likelihood/gaussian": "_target_: stand_in.Gaussian\nscale: 1.0",
    "architecture/mlp": "_target_: stand_in.Mlp\nhidden: 64\nsizes: [8, 8]\nlatent: 2",
    "architecture/hvae": "_target_: stand_in.Hvae\nlatent: 2",
    "prior/standard": "_target_: stand_in.Standard",
    "prior/vamp": "_target_: stand_in.Vamp\ncomponents: 500\ninit: data\nscale: 2.0",
    "prior/mog": "_target_: stand_in.Mog\ncomponents: 10",
    "bound/elbo": "_target_: stand_in.Elbo\nnum_samples: 1\nkl: sampled",
    "trainer/joint": "_target_: stand_in.Joint",
    "trainer/savae": "_target_: stand_in.Savae\nsteps: 20",
    "schedule/linear": "_target_: stand_in.Linear\nepochs: 10",
    "schedule/constant": "_target_: stand_in.Constant\nvalue: 1.0",
    "learning_rate/constant": "_target_: stand_in.Steady",
    "watch/none": "_target_: stand_in.Unwatched",
    "optimizer/adam": "_target_: stand_in.Adam\nlr: 0.001\nbetas: [0.9, 0.999]",
    "optimizer/sgd": "_target_: stand_in.Sgd\nlr: 0.1",
    "evaluation/quick": "samples: 100",
    "evaluation/paper": "samples: 5000",
    "experiment/first/row": "# @package _global_\ndefaults:\n- override /prior: vamp\n"
    "- override /optimizer@optimizer.phi: sgd\nepochs: 7\nprior:\n  components: 1000\n"
    "optimizer:\n  phi:\n    lr: 0.5",
}


class Digits:
    shape = (1, 8, 8)
    labels = ()

    def __init__(self) -> None:
        from vaelab.traits import Trait

        self.offers = frozenset({Trait.IMAGE, Trait.BINARY})


class Grey(Digits):
    pass


class Bernoulli:
    def __init__(self, clamp: float | None) -> None:
        self.clamp = clamp


class Gaussian:
    def __init__(self, scale: float) -> None:
        self.scale = scale


class Mlp:
    def __init__(
        self, shape: tuple[int, ...], hidden: int, sizes: tuple[int, ...], latent: int
    ) -> None:
        from vaelab.traits import Trait

        if hidden < 1:
            raise ValueError(f"hidden must be at least 1 (got {hidden})")
        assert isinstance(sizes, tuple)
        self.shape = shape
        self.latent_dims = (latent,)
        self.offers = frozenset({Trait.LOCAL_POSTERIOR})


class Hvae:
    offers = frozenset()

    def __init__(self, latent: int) -> None:
        self.latent_dims = (latent, latent)


class Standard:
    def __init__(self, latent_dim: int) -> None:
        from vaelab.traits import Trait

        self.offers = frozenset({Trait.ANALYTIC_KL})


class Vamp:
    def __init__(
        self,
        latent_dim: int,
        components: int,
        init: Literal["data", "random"] | None,
        scale: float,
    ) -> None:
        self.components = components


class Mog:
    def __init__(self, latent_dim: int, components: int) -> None:
        self.components = components


class Elbo:
    changes = separate = of_batch = False

    def __init__(self, num_samples: int, kl: Literal["sampled", "analytic"]) -> None:
        from vaelab.traits import Trait

        self.needs = frozenset({Trait.ANALYTIC_KL} if kl == "analytic" else ())


class Joint:
    head_start = unfinished = 0
    separate = of_batch = second_order = False


class Savae(Joint):
    def __init__(self, steps: int) -> None:
        from vaelab.traits import Trait

        self.needs = frozenset({Trait.LOCAL_POSTERIOR})


class Linear:
    def __init__(self, epochs: int) -> None:
        self.epochs = epochs


class Constant:
    def __init__(self, value: float) -> None:
        self.value = value


class Unwatched:
    pass


class Steady:
    pass


class Adam:
    def __init__(self, params: object, lr: float, betas: tuple[float, float]) -> None:
        self.lr = lr


class Sgd:
    def __init__(self, params: object, lr: float) -> None:
        self.lr = lr


def fit(config, run, console=None, label="") -> None:
    """Count epochs slowly; a file a start and one an epoch let tests count them."""
    run.checkpoints.mkdir(exist_ok=True)
    with (run.folder / "starts").open("a") as starts:
        starts.write(f"{os.getpid()}\n")
    if config["clip_norm"] == 666:
        raise RuntimeError("the loss is not a number")
    if config["clip_norm"] == 999:
        os.kill(os.getpid(), signal.SIGKILL)
    done = run.checkpoints / "last.ckpt"
    first = int(done.read_text()) if done.is_file() else 0
    for epoch in range(first, config["epochs"]):
        time.sleep(float(os.environ.get("STAND_IN_SECONDS", "0")))
        done.write_text(str(epoch + 1))
        with (run.folder / "epochs").open("a") as epochs:
            epochs.write(f"{epoch + 1}\n")
    value = {"value": -90.5, "se": 0.25, "estimator": "importance", "samples": 100, "n": 7}
    run.update(metrics={"test": {"nll": value}}, training={"epochs": config["epochs"]})


def write(folder: Path) -> Path:
    """A folder of configs: our own train.yaml, lightning and logger, and the stand-ins."""
    ours = HERE.parent / "configs"
    configs = folder / "configs"
    for name in ("lightning", "logger", "budget"):
        shutil.copytree(ours / name, configs / name)
    shutil.copy(ours / "train.yaml", configs)
    for name, text in GROUPS.items():
        path = configs / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        directive, _, rest = text.partition("\n")
        head = (
            f"{directive}\n# The {name}\n{rest}" if directive[0] == "#" else f"# The {name}\n{text}"
        )
        path.write_text(head + "\n")
    (folder / "sitecustomize.py").write_text("import stand_in\nstand_in.install()\n")
    return configs


def environment(folder: Path, **variables: str) -> dict[str, str]:
    """Variables that make a Python process use what `write` wrote."""
    path = os.pathsep.join([str(folder), str(HERE), str(HERE.parent)])
    return {
        **os.environ,
        "PYTHONPATH": path,
        "STAND_IN": str(folder / "configs"),
        "OMP_NUM_THREADS": "1",
        **variables,
    }


def install() -> None:
    """Put the stand-ins in place in this process, torch's included: importing it takes seconds."""
    names = ("torch", "torch.optim", "torch.nn", "torch.distributed")
    torch, optim, nn, distributed = (types.ModuleType(name) for name in names)
    vars(torch).update(
        Tensor=object,
        device=object,
        optim=optim,
        nn=nn,
        distributed=distributed,
        set_num_threads=lambda number: None,
        set_flush_denormal=lambda mode: None,
    )
    vars(torch)["cuda"] = types.SimpleNamespace(is_available=lambda: False)
    vars(optim).update(Optimizer=object)
    vars(nn).update(Module=object, Parameter=object)
    vars(distributed).update(is_available=lambda: False)
    sys.modules |= dict(zip(names, (torch, optim, nn, distributed), strict=True))
    from vaelab.composing import groups

    groups.config_dir = lambda: Path(os.environ["STAND_IN"])
    module = types.ModuleType("vaelab.fit")
    vars(module)["fit"] = fit
    sys.modules["vaelab.fit"] = module
