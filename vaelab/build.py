"""Build the objects that a validated config names, in the order in which they need each other."""

import importlib
import platform
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from inspect import signature
from typing import Any

import torch
from omegaconf import OmegaConf
from torch import Tensor
from torch.optim import Optimizer

from vaelab import distributed, partners, traits
from vaelab.architecture.committed_rate import CommittedRate
from vaelab.composing import groups
from vaelab.composing.settings import no_cores, shown
from vaelab.composing.validate import check_node
from vaelab.errors import UserError
from vaelab.traits import Trait


@dataclass(frozen=True)
class Parts:
    """Everything that is trained or trains. `optimizer` has "phi" and "theta": parameters -> it."""

    dataset: Any
    likelihood: Any
    architecture: Any
    prior: Any
    bound: Any
    beta: Any
    learning_rate: Any
    trainer: Any
    watch: Any
    optimizer: Mapping[str, Callable[[Iterable[Tensor]], Optimizer]]


def build(config: Mapping[str, Any], *, training: bool = True) -> Parts:
    """Construct all parts; no data are read. Weights come from torch's global generator.

    Args:
        config: validated.
        training: whether what stands in the way of training alone is refused too.

    Raises:
        UserError: a constructor refused its settings, or the parts do not go together.
    """
    provided: dict[str, Any] = {"epochs": config["epochs"]}

    def part(name: str) -> Any:
        return _named(name, config, lambda: construct(config[name], provided))

    dataset = part("dataset")
    provided |= {"dataset": dataset, "shape": dataset.shape}
    likelihood = part("likelihood")
    provided["likelihood"] = likelihood
    _check_data(config, dataset, provided)
    architecture = part("architecture")
    latent_dims = getattr(architecture, "latent_dims", ())
    provided["latent_dim"] = latent_dims[0] if latent_dims else 0
    provided["latent_dims"] = tuple(latent_dims)
    prior = part("prior")
    provided |= {"architecture": architecture, "bound": part("bound")}
    provided["run_epochs"] = config["epochs"]  # a trainer may have `epochs` of its own
    parts = Parts(
        dataset=dataset,
        likelihood=likelihood,
        architecture=architecture,
        prior=prior,
        bound=provided["bound"],
        beta=part("beta"),
        learning_rate=part("learning_rate"),
        trainer=part("trainer"),
        watch=part("watch"),
        optimizer={
            side: partial(load(node["_target_"]), **_arguments(node))
            for side, node in config["optimizer"].items()
        },
    )
    named = ("dataset", "likelihood", "architecture", "prior", "bound", "trainer", "watch")
    components = {f"{name}={_choice(config, name)}": getattr(parts, name) for name in named}
    if (rate := config["committed_rate"]) is not None:
        components[f"committed_rate={rate:g}"] = CommittedRate(rate)
    traits.check(components, partial(_fitting, provided))
    if parts.bound.changes:
        _check_never_compared(config, parts.learning_rate)
    if parts.trainer.head_start >= config["epochs"]:
        raise UserError(
            f"epochs={config['epochs']} with trainer={_choice(config, 'trainer')} and "
            f"trainer.epochs={parts.trainer.head_start}: nothing is left for the model itself; "
            "set more epochs"
        )
    if parts.trainer.unfinished and config["decoder_passes"] is not None:
        raise UserError(
            f"decoder_passes={config['decoder_passes']} cannot be used with "
            f"trainer={_choice(config, 'trainer')}, whose first {parts.trainer.unfinished} epochs "
            "only prepare the model that is kept; choose decoder_passes=null"
        )
    cut, whole = _cut(config, training)
    if cut and parts.bound.of_batch:
        raise UserError(
            f"{cut} cannot be used with free bits of a batch's mean, which is of the whole batch; "
            f"choose bound.free_bits_of=example or example_dimension, or {whole}"
        )
    if cut and training and parts.trainer.of_batch:
        raise UserError(
            f"{cut} cannot be used with trainer.inner_reduction=batch_mean, whose steps depend on "
            f"the whole batch; choose trainer.inner_reduction=per_example, or {whole}"
        )
    if training and parts.trainer.second_order and config["compile"]:
        raise UserError(
            "compile=true cannot be used with trainer.inner_grad=exact: torch cannot "
            "differentiate a compiled network twice; choose trainer.inner_grad=fd, or "
            "compile=false"
        )
    if config["compile"] and Trait.SENTENCES in traits.offers(architecture):
        raise UserError(
            f"compile=true cannot be used with architecture={_choice(config, 'architecture')}: "
            "an LSTM has kernels of its own, which torch.compile leaves as they are; choose "
            "compile=false"
        )
    for group, separate in (("bound", parts.bound.separate), ("trainer", parts.trainer.separate)):
        if separate:
            _check_apart(config, architecture, group)
    return parts


def construct(node: Mapping[str, Any], provided: Mapping[str, Any]) -> Any:
    """The object a node names: its arguments, and those of `provided` its constructor asks for."""
    target = load(node["_target_"])
    asked = {name: provided[name] for name in signature(target).parameters if name in provided}
    own = {
        key: construct(value, provided)
        if isinstance(value, Mapping) and "_target_" in value
        else value
        for key, value in _arguments(node).items()
    }
    return target(**asked | own)


def load(path: str) -> Any:
    """The class or function at a dotted path."""
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


def check_devices(config: Mapping[str, Any]) -> None:
    """Refuse a GPU that is not there, before training.

    Raises:
        UserError: CUDA or MPS is asked for and not visible.
    """
    asked, option = config["lightning"]["accelerator"], _choice(config, "lightning")
    if asked in ("gpu", "cuda") and not torch.cuda.is_available():
        if asked == "gpu" and torch.backends.mps.is_available():
            return
        raise UserError(f"lightning={option}: no CUDA device is visible; use lightning=cpu")
    if asked == "mps" and not torch.backends.mps.is_available():
        raise UserError(f"lightning={option}: no MPS device is visible; use lightning=cpu")


def check_chosen_gpus(config: Mapping[str, Any]) -> None:
    """Refuse to train on GPUs that `lightning.devices` chooses where there are none.

    Raises:
        UserError: a CPU would be taken, of which there is but a number.
    """
    lightning = config["lightning"]
    if lightning["accelerator"] != "auto" or not no_cores({**lightning, "accelerator": "cpu"}):
        return
    if not (torch.cuda.is_available() or torch.backends.mps.is_available()):
        raise UserError(
            f"lightning.devices={shown(lightning['devices'])}: no GPU is visible; name how many "
            "processes the CPU is to have, as in 2"
        )


def device(config: Mapping[str, Any]) -> torch.device:
    """Where one process evaluates: the first GPU that is asked for, where there is one."""
    asked = config.get("lightning", {})
    if asked.get("accelerator", "auto") in ("cpu", "mps") or not torch.cuda.is_available():
        return torch.device("cpu")
    devices = asked.get("devices")
    if isinstance(devices, str) and "," in devices:  # Lightning's way to write a list
        devices = [int(one) for one in devices.split(",") if one.strip()]
    return torch.device("cuda", devices[0] if isinstance(devices, list | tuple) else 0)


def own_device(config: Mapping[str, Any]) -> torch.device:
    """Where this process evaluates after training: of several, each on the GPU it trained on."""
    place = device(config)
    if place.type == "cuda" and distributed.world_size() > 1:
        return torch.device("cuda", torch.cuda.current_device())
    return place


def device_name(config: Mapping[str, Any]) -> str:
    """What it is trained on, in words."""
    if config["lightning"]["accelerator"] in ("auto", "gpu", "cuda") and torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"cpu ({platform.processor() or platform.machine()})"


def _named(name: str, config: Mapping[str, Any], make: Callable[[], Any]) -> Any:
    """Call `make`; what a constructor refuses is the user's to mend and names the option."""
    try:
        return make()
    except ValueError as error:
        raise UserError(f"{name}={_choice(config, name)}: {error}") from error


def _choice(config: Mapping[str, Any], name: str) -> str:
    return str(config.get("choices", {}).get(name, "own"))


def _cut(config: Mapping[str, Any], training: bool) -> tuple[str, str]:
    """The setting that cuts batches, and that which leaves them whole; empty where none does."""
    if (pieces := config["micro_batches"]) > 1:
        return f"micro_batches={pieces}", "micro_batches=1"
    if training and partners.several(lightning := config["lightning"]):
        if (nodes := lightning["num_nodes"]) > 1:
            return f"lightning.num_nodes={nodes}", "one node and one device"
        return f"lightning.devices={lightning['devices']}", "lightning.devices=1"
    return "", ""


def _check_data(config: Mapping[str, Any], dataset: Any, provided: Mapping[str, Any]) -> None:
    """Refuse an architecture that is not for such data before it is built.

    A network for images would make an output of every word at every place of a sentence.
    """
    architecture = load(config["architecture"]["_target_"])
    if _by_class(architecture):
        named = {"dataset": dataset, "architecture": architecture}
        components = {f"{name}={_choice(config, name)}": one for name, one in named.items()}
        traits.check(components, partial(_fitting, provided))


def _by_class(target: Any) -> bool:
    """Whether what it offers and needs can be read without building it."""
    return all(isinstance(getattr(target, name, None), frozenset) for name in ("offers", "needs"))


def _check_never_compared(config: Mapping[str, Any], learning_rate: Any) -> None:
    """Refuse settings that compare epochs where the bound changes during training."""
    compared = [f"select={config['select']}"] if config["select"] == "best" else []
    if config["patience"] is not None:
        compared.append(f"patience={config['patience']}")
    if learning_rate.state:  # it learns from validation
        compared.append(f"learning_rate={_choice(config, 'learning_rate')}")
    if compared:
        raise UserError(
            f"bound={_choice(config, 'bound')} cannot be used with {' and '.join(compared)}: its "
            "values before and after the change are not comparable; set select=last patience=null"
            + (" learning_rate=constant" if learning_rate.state else "")
        )


def _check_apart(config: Mapping[str, Any], architecture: Any, group: str) -> None:
    """Refuse two objectives for parameters that encoder and decoder share."""
    of_encoder = {id(parameter) for parameter in architecture.encoder.parameters()}
    if any(id(parameter) in of_encoder for parameter in architecture.decoder.parameters()):
        raise UserError(
            f"{group}={_choice(config, group)} gives encoder and decoder different objectives, and "
            f"architecture={_choice(config, 'architecture')} shares parameters between them; "
            f"choose {'bound=iwae or bound=miwae' if group == 'bound' else 'trainer=savae'}"
        )


def _arguments(node: Mapping[str, Any]) -> dict[str, Any]:
    return {str(key): value for key, value in node.items() if key != "_target_"}


def _fitting(provided: Mapping[str, Any], group: str, fits: Callable[[Any], bool]) -> list[str]:
    """Options of a group that would do, found by building them; used only to word a refusal."""
    found = []
    for option, path in groups.options(group, groups.config_dir()).items():
        node = OmegaConf.load(path)
        try:
            given = OmegaConf.to_container(node, resolve=True)
            given.pop("defaults", None)  # pyright: ignore
            node = check_node(group, given, [])  # pyright: ignore[reportArgumentType]
            target = load(node["_target_"])
            if fits(target if _by_class(target) else construct(node, provided)):
                found.append(option)
        except Exception:
            continue
    return found
