"""Everything that is wrong with a space, said before its first trial."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from vaelab.composing.compose import Composer
from vaelab.composing.identity import LEFT_OUT
from vaelab.errors import UserError
from vaelab.runs.job import Task
from vaelab.search.names import BOUND, PREFIX
from vaelab.search.runs import task_for
from vaelab.search.space import Choice, Parameter, grid, overrides
from vaelab.search.spec import Spec
from vaelab.sweeps.plan import check as build
from vaelab.traits import Trait, needs

if TYPE_CHECKING:  # takes seconds to import
    from vaelab.build import Parts

DATA = ("dataset", "likelihood", "max_examples")
OTHER_BOUND = ("bound", "bound.K", "bound.M", "bound.elbo_weight", "bound.share")
Chosen = dict[str, str]


def check(spec: Spec, composer: Composer) -> None:
    """Compose and build every value of every list, and three of every range.

    Raises:
        UserError: naming the file, the key and the value.
    """
    names(spec)
    if spec.sampler == "grid":
        grid(spec.space)
    criteria: dict[str, str] = {}
    for one in (None, *spec.space):
        for chosen in alone(spec, one):
            config = checked(spec, composer, one, chosen).config
            criteria.setdefault(criterion(config), ", ".join(overrides(spec.space, chosen)))
    if spec.metric == BOUND and len(criteria) > 1:
        named = " and ".join(
            f"{words or 'the others'} by {name}" for name, words in criteria.items()
        )
        raise UserError(
            f"{spec.path}: space: runs select epochs by different measures ({named}), which cannot "
            "be compared; set metric=valid/nll"
        )
    config = checked(spec, composer, None, first(spec)).config
    if fault := unmeasured(spec, config):
        raise UserError(f"metric={spec.metric}: {fault}")


def unmeasured(spec: Spec, config: dict) -> str:
    """Why runs of a config will not have the metric; empty if they will."""
    if spec.metric == BOUND:
        return ""
    name, evaluation = spec.metric.removeprefix(PREFIX), config["evaluation"]
    if "valid" not in evaluation.get("splits", ["valid"]):
        return f"evaluation.splits={evaluation['splits']} leaves validation data out; add valid"
    if name == "log_likelihood" and evaluation.get("marginal") is None:
        return "is not measured; set evaluation.marginal=auto, or metric=valid/nll"
    if name == "ppl" and Trait.SENTENCES not in needs(parts(config).dataset):
        return f"dataset={config['choices']['dataset']} has no tokens; set metric=valid/nll"
    return ""


def names(spec: Spec) -> None:
    """Refuse names that cannot be searched, or fixed.

    Raises:
        UserError: naming the key.
    """
    for name in (name for one in spec.space for name in one.settings):
        top, where = name.partition(".")[0], f"{spec.path}: space.{name}"
        if top == "seed":
            raise UserError(f"{where}: chance is not searched; `seeds` has those of every trial")
        if top in LEFT_OUT or top.startswith("hydra"):
            raise UserError(f"{where}: changes no model; put it under settings")
        if top == "experiment":
            raise UserError(f"{where}: may set anything; put it under settings, or name its groups")
        if name in DATA or top == "dataset":
            raise UserError(f"{where}: bounds on other data are neither better nor worse; fix it")
        if name in OTHER_BOUND and spec.metric == BOUND:
            raise UserError(
                f"{where}: a tighter bound is no better model; set metric=valid/nll or valid/elbo"
            )
    for name, text in spec.settings.items():
        if name in ("seed", "fresh"):
            other = "set seeds" if name == "seed" else "a search finds its runs by what they are"
            raise UserError(f"{name}={text}: {other}; leave it out")
        if name.startswith("hydra"):
            raise UserError(
                f"{name}={text}: trials follow each other; the same command in a second terminal "
                "or job works on the same study"
            )


def standing(spec: Spec, composer: Composer) -> Task:
    """The run that stands for a study; its parts are not made.

    Raises:
        UserError: a name cannot be searched, or what is wrong with the first value of something.
    """
    names(spec)
    try:
        return checked(spec, composer, None, first(spec), built=False)
    except UserError:
        check(spec, composer)  # which knows the key
        raise


def alone(spec: Spec, one: Parameter | None) -> Iterator[Chosen]:
    """Values of one parameter, with those of others that it depends on; None: no parameter."""
    if one is None:
        yield {}
        return
    before: Chosen = {}
    for name, texts in one.when:
        other = next(other for other in spec.space if other.name == name)
        before |= next(alone_with(spec, other, texts[0]))
    for value in one.domain.samples():
        yield before | {one.name: one.domain.text(value)}  # pyright: ignore[reportArgumentType]


def alone_with(spec: Spec, one: Parameter, text: str) -> Iterator[Chosen]:
    """One value of a parameter with what it depends on."""
    for chosen in alone(spec, one):
        yield chosen | {one.name: text}


def first(spec: Spec) -> Chosen:
    """The first value of everything that matters then: the trial that stands for the study."""
    chosen: Chosen = {}
    for one in spec.space:
        if one.active(chosen):
            chosen[one.name] = one.domain.text(one.domain.samples()[0])  # pyright: ignore
    return chosen


def checked(
    spec: Spec, composer: Composer, one: Parameter | None, chosen: Chosen, built: bool = True
) -> Task:
    """The run that values mean; a fault names where they are from.

    Args:
        spec: what is searched.
        composer: composes it.
        one: whose value is tried; None: all of them.
        chosen: values.
        built: whether its parts are made too, which takes seconds of imports.
    """
    words = overrides(spec.space, chosen)
    key = f"space.{one.name}: " if one is not None else "settings: " if not chosen else "space: "
    try:
        task = task_for(spec, composer, chosen, spec.seeds[0])
        if built:
            build([task])
        if spec.pruner != "none" and not single(task):
            raise UserError("runs of several processes cannot be pruned; set pruner=none")
    except UserError as error:
        raise UserError(f"{spec.path}: {key}{error}{hint(one, words, str(error))}") from error
    return task


def hint(one: Parameter | None, words: list[str], fault: str) -> str:
    """What the YAML can say to mend a fault."""
    if one is None:
        return ""
    if "must be a whole number" in fault and not isinstance(one.domain, Choice):
        return "; add int: true"
    if "no such setting of the" in fault and not one.when:
        return f"; add when: {{{one.settings[0].partition('.')[0]}: OPTION}}"
    return "" if any(word in fault for word in words) else f" (with {' '.join(words)})"


def single(task: Task) -> bool:
    """Whether one process trains it."""
    lightning = task.config["lightning"]
    devices = lightning["devices"]
    one = len(devices) == 1 if isinstance(devices, list) else str(devices) == "1"
    return one and lightning["num_nodes"] == 1


def criterion(config: dict) -> str:
    """The validation metric by which a run selects its epoch."""
    return parts(config).trainer.criterion


def parts(config: dict) -> "Parts":
    """What a config is made of."""
    from vaelab.build import build

    return build(config)
