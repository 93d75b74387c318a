"""The settings of a diagnosis: those of its YAML, with what was typed set on top."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from vaelab.composing import groups
from vaelab.composing.compose import dotted
from vaelab.composing.spelling import nearest
from vaelab.composing.validate import check_node
from vaelab.errors import UserError

GROUP = "diagnosis"


def find(name: str, *folders: Path) -> Path:
    """The YAML of a diagnosis.

    Raises:
        UserError: there is none of this name.
    """
    known = groups.options(GROUP, *folders)
    if name not in known:
        raise UserError(f"{name}: no such diagnosis{nearest(name, list(known))}")
    return known[name]


def settle(name: str, texts: Sequence[str], *folders: Path) -> dict[str, Any]:
    """Every argument of a diagnosis, checked against its class's signature.

    Args:
        name: of the diagnosis.
        texts: NAME=VALUE; the last word on a name counts.
        folders: ours and the user's, with a `diagnosis` group.

    Raises:
        UserError: a setting does not exist or has a wrong type.
    """
    node = OmegaConf.load(find(name, *folders))
    assert isinstance(node, DictConfig)
    known = list(dotted(node))
    for text in texts:
        key, value = _read(text)
        if key not in known:
            raise UserError(f"{key}: no such setting of {name}{nearest(key, known)}")
        OmegaConf.update(node, key, value, merge=False)
    plain = OmegaConf.to_container(node, resolve=True)
    faults: list[str] = []
    settled = check_node(GROUP, plain, faults)  # pyright: ignore[reportArgumentType]
    if faults:
        raise UserError("; ".join(fault.removeprefix(f"{GROUP}.") for fault in faults))
    return settled


def _read(text: str) -> tuple[str, Any]:
    """Name and value of one word, as Hydra's command line reads them."""
    try:
        override = OverridesParser.create().parse_override(text)
    except HydraException as error:
        raise UserError(f"{text}: cannot be read; write NAME=VALUE") from error
    if override.is_sweep_override():
        raise UserError(f"{text}: several values are a list, as in NAME=[1,2]")
    return override.key_or_group, override.value()
