"""Check a config against the signatures of the classes it names, before anything is built."""

import importlib
import inspect
import math
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, get_type_hints
from urllib.parse import urlsplit

from omegaconf import DictConfig, OmegaConf

from vaelab.composing import settings
from vaelab.composing.spelling import nearest
from vaelab.composing.typed import mismatch, settle
from vaelab.errors import UserError

COMPONENTS = (
    *("dataset", "likelihood", "architecture", "prior", "bound", "trainer", "beta"),
    *("learning_rate", "optimizer.phi", "optimizer.theta", "watch"),
)
PLAIN = ("lightning", "logger", "evaluation", "optimizer", "choices")
# What vaelab.build gives to constructors that have a parameter of this name; a part that is built
# later is given more.
_DATA = frozenset({"dataset", "shape"})
_ALL = _DATA | {"likelihood", "latent_dim"}
PROVIDED = {
    "dataset": frozenset(),
    "likelihood": _DATA,
    "architecture": _DATA | {"likelihood"},
    "bound": _ALL | {"epochs"},
    "learning_rate": _ALL | {"epochs"},
    "trainer": _ALL | {"architecture", "bound", "run_epochs"},
    "watch": _ALL | {"latent_dims"},
    "optimizer": frozenset({"params"}),
    "logger": frozenset({"save_dir", "logged"}),
    "evaluation": frozenset(),
    "diagnosis": frozenset(),
}
# Of loggers, the extra that brings what they import.
EXTRAS = {
    "TensorBoard": ("tensorboard", ("tensorboard",)),
    "Mlflow": ("mlflow", ("mlflow", "sqlalchemy", "alembic")),
}
EXTRAS |= {"TensorBoardLogger": EXTRAS["TensorBoard"], "MLFlowLogger": EXTRAS["Mlflow"]}


def validate(config: DictConfig | Mapping[str, Any]) -> dict[str, Any]:
    """The config as a plain dict, every value in the type that its owner declares.

    Raises:
        UserError: all faults, in one line.
    """
    plain = _plain(config)
    settled, faults = check_settings(plain)
    if faults:  # the quick ones first: what follows imports torch
        raise UserError("; ".join(faults))
    for name in COMPONENTS:
        holder, key = _holder(settled, name)
        node = holder.get(key)
        if not isinstance(node, dict) or "_target_" not in node:
            faults.append(f"{name}: no option is chosen")
            continue
        holder[key] = check_node(name, node, faults)
    for name, node in settled.items():
        if name in COMPONENTS or not isinstance(node, dict):
            continue
        if "_target_" in node:
            settled[name] = check_node(name, node, faults)
        elif name == "logger":
            settled[name] = {key: _logger(key, one, faults) for key, one in node.items()}
    if faults:
        raise UserError("; ".join(dict.fromkeys(faults)))
    return settled


def check_settings(plain: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Top-level settings and `lightning`, settled; and their faults. Imports no component."""
    scalars = {key: value for key, value in plain.items() if not isinstance(value, dict)}
    settled, faults = settings.check(settings.Settings, scalars)
    known = {*settled, *(field for field in settings.Settings.__dataclass_fields__)}
    for key in scalars:
        if key in known:
            continue
        if key in (*COMPONENTS, *PLAIN):
            faults.append(f"{key}={settings.shown(scalars[key])}: must be the name of an option")
        else:
            faults.append(f"{key}: no such setting{nearest(key, sorted(known), False)}")
    nodes = {key: dict(value) for key, value in plain.items() if isinstance(value, dict)}
    for key, node in nodes.items():
        if key not in (*COMPONENTS, *PLAIN) and "_target_" not in node:
            faults.append(f"{key}: no such setting{nearest(key, [*COMPONENTS, *known], False)}")
    if fault := settings.unkept(settled, nodes.get("evaluation", {}).get("epoch")):
        faults.append(fault)
    lightning, wrong = settings.check(settings.Lightning, nodes.get("lightning", {}), "lightning.")
    faults += wrong
    return {**settled, **nodes, "lightning": lightning}, faults


def check_node(name: str, node: dict[str, Any], faults: list[str]) -> dict[str, Any]:
    """One component's arguments, settled to its constructor's annotations; faults are appended."""
    target = load_target(name, str(node["_target_"]), faults)
    if target is None:
        return node
    signature = inspect.signature(target).parameters
    hints = type_hints(target)
    given = provided(name.partition(".")[0])
    open_ended = any(one.kind is one.VAR_KEYWORD for one in signature.values())
    settled = {"_target_": node["_target_"]}
    for key, value in node.items():
        if key == "_target_":
            continue
        full, known = f"{name}.{key}", [one for one in signature if one not in given]
        if key not in signature and not open_ended:
            owner = target.__name__
            faults.append(f"{full}: {owner} has no such setting{nearest(key, known)}")
        elif isinstance(value, dict) and "_target_" in value:
            settled[key] = check_node(full, value, faults)
        else:
            annotation = hints.get(key, Any)
            if fault := mismatch(value, annotation):
                faults.append(f"{full}={settings.shown(value)}: {fault}")
            elif isinstance(value, float) and math.isnan(value):
                faults.append(f"{full}=nan: must be a number")
            settled[key] = settle(value, annotation)
    for key, one in signature.items():
        starred = one.kind in (one.VAR_KEYWORD, one.VAR_POSITIONAL)
        if one.default is one.empty and not starred and key not in node and key not in given:
            faults.append(f"{name}.{key}: must be given; {target.__name__} has no default for it")
    return settled


def provided(component: str) -> frozenset[str]:
    """Parameters that a component's constructor need not be given in YAML."""
    return PROVIDED.get(component, _ALL)


def load_target(name: str, path: str, faults: list[str]) -> Any:
    """The class or function at a dotted path, or None with a fault."""
    module, _, attribute = path.rpartition(".")
    try:
        target = getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        faults.append(f"{name}: {path} cannot be imported: there is no module {error.name}")
    except (ImportError, ValueError) as error:
        faults.append(f"{name}: {path} cannot be imported: {error}")
    except AttributeError:
        faults.append(f"{name}: module {module} has no {attribute}")
    else:
        if callable(target):
            return target
        faults.append(f"{name}: {path} is not a class or a function")
    return None


def type_hints(target: Any) -> dict[str, Any]:
    """Annotations of a constructor or a function; none where they cannot be read."""
    try:
        return get_type_hints(target.__init__ if inspect.isclass(target) else target)
    except (NameError, TypeError):
        return {}


def _logger(key: str, node: Any, faults: list[str]) -> Any:
    if not isinstance(node, dict) or "_target_" not in node:
        faults.append(f"logger.{key}: must be the settings of a logger, with its _target_")
        return node
    extra, packages = EXTRAS.get(str(node["_target_"]).rpartition(".")[2], ("", ()))
    if missing := [one for one in packages if find_spec(one) is None]:
        needs = f"needs {' and '.join(missing)}"
        faults.append(f"logger={key}: {needs}; pip install 'vaelab[{extra}]'")
        return node
    for name, value in node.items():
        if isinstance(value, str) and urlsplit(value).password:
            faults.append(
                f"logger.{key}.{name}: the password in it would stand in the run's folder; leave "
                "it out and set an environment variable, as MLFLOW_TRACKING_PASSWORD"
            )
    return check_node(f"logger.{key}", node, faults)


def _plain(config: DictConfig | Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(config, DictConfig):
        return dict(config)
    missing = sorted(OmegaConf.missing_keys(config))
    if missing:
        names = ", ".join(missing)
        raise UserError(f"{missing[0]}: must be given, as in {missing[0]}=VALUE ({names})")
    return OmegaConf.to_container(config, resolve=True)  # pyright: ignore


def _holder(config: dict[str, Any], name: str) -> tuple[dict[str, Any], str]:
    """The mapping that holds a node, copied, and the node's key in it."""
    parent, _, key = name.rpartition(".")
    if not parent:
        return config, key
    config[parent] = dict(config.get(parent) or {})
    return config[parent], key
