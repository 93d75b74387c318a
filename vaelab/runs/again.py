"""The settings of a finished run with some of them changed, for what is done with it afterwards."""

from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from vaelab.composing.complaints import in_one_line
from vaelab.composing.compose import Composer, dotted
from vaelab.composing.spelling import nearest
from vaelab.composing.validate import validate
from vaelab.errors import UserError
from vaelab.runs import own_files
from vaelab.runs.run import Run
from vaelab.threads import choose, use

TRAINED = ("architecture", "prior", "likelihood", "optimizer", "beta", "experiment")
WITHOUT_EFFECT = ("epochs", "patience", "clip_norm", "clip_scope", "micro_batches", "fresh")
WITHOUT_EFFECT += ("decoder_passes", "output_dir", "logger", "learning_rate", "snapshots", "watch")


def settings_for(run: Run, texts: list[str], evaluation: str = "paper") -> dict[str, Any]:
    """The run's own config with overrides; whole groups are taken anew, single values set on top.

    Raises:
        UserError: an override is wrong, or would change what was trained; or the user's own data
            are others now.
    """
    stored = OmegaConf.create(run.config)
    composer = Composer()
    read = composer.reader.read(texts)
    for text in read:
        refuse(text)
    chosen = [text for text in read if composer.chooses(text)]
    if not any(text.startswith("evaluation=") for text in chosen):
        chosen.append(f"evaluation={evaluation}")
    fresh = composer.compose(chosen)
    with in_one_line(composer, chosen):
        for text in chosen:
            group = text.partition("=")[0]
            stored[group] = fresh[group]
            stored.choices[group] = text.partition("=")[2]
        known = list(dotted(stored))
        for override in OverridesParser.create().parse_overrides(
            [text for text in read if text not in chosen]
        ):
            name = override.key_or_group
            if name not in known:
                raise UserError(f"{name}: no such setting of this run{nearest(name, known, False)}")
            OmegaConf.update(stored, name, override.value(), merge=False)
        OmegaConf.resolve(stored)
    assert isinstance(stored, DictConfig)
    config = validate(stored)
    own_files.check(run, config)
    prepare(config)
    return config


def prepare(config: dict[str, Any]) -> None:
    """Refuse what cannot be built and set the number of threads; imports torch."""
    from vaelab.build import build, check_devices

    check_devices(config)
    build(config, training=False)
    use(choose(config["threads"]))


def refuse(text: str) -> None:
    """Refuse what belongs to the trained model or means nothing after training."""
    name = text.partition("=")[0].rpartition("@")[2]
    top = name.partition(".")[0]
    if top in TRAINED:
        raise UserError(f"{text}: {top} belongs to the trained model; train another run with it")
    if top in WITHOUT_EFFECT or top.startswith("hydra"):
        raise UserError(f"{text}: only training uses this; leave it out")
