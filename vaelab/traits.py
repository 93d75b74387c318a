"""What components offer and need of each other, in words a user can read."""

from collections.abc import Callable, Mapping
from enum import Enum

from vaelab.errors import UserError


class Trait(Enum):
    """A property one component offers and another may need; the value completes "it needs ..."."""

    IMAGE = "image data (channels, height, width)"
    VECTOR = "vector data (one axis)"
    TOKENS = "token data (sentences)"
    BINARY = "data that are 0 or 1"
    UNIT_INTERVAL = "data in [0, 1]"
    FIXED = (
        "training data that do not change between epochs (dataset.binarise=fixed, where there is)"
    )
    LOCAL_POSTERIOR = "a posterior made only of per-example numbers (one latent level)"
    ANALYTIC_KL = "a prior with a closed-form KL divergence"
    OWN_PRIOR = "a prior that is not made of the encoder"
    STANDARD_PRIOR = "a standard normal prior"
    ENCODER = "an architecture with an encoder"
    SENTENCES = "an architecture for sentences"
    AMORTISED = "posteriors as the encoder gives them"
    LINEAR_BOUND = "the ELBO with a sampled KL divergence, no free bits and the whole gradient"
    MANY_SAMPLES = "a bound of importance weights with their plain gradient"
    TOP_POSTERIOR = "an encoder that draws the top level first"


# The group in which a need can be met, for the message that refuses a combination.
OFFERED_BY = {
    Trait.LOCAL_POSTERIOR: "architecture",
    Trait.ENCODER: "architecture",
    Trait.SENTENCES: "architecture",
    Trait.TOP_POSTERIOR: "architecture",
    Trait.AMORTISED: "trainer",
    Trait.ANALYTIC_KL: "prior",
    Trait.OWN_PRIOR: "prior",
    Trait.STANDARD_PRIOR: "prior",
    Trait.LINEAR_BOUND: "bound",
    Trait.MANY_SAMPLES: "bound",
}

Fits = Callable[[object], bool]
Alternatives = Callable[[str, Fits], list[str]]


def offers(component: object) -> frozenset[Trait]:
    """What a component offers with its settings; nothing if it does not say."""
    return getattr(component, "offers", frozenset())


def needs(component: object) -> frozenset[Trait]:
    """What a component needs with its settings; nothing if it does not say."""
    return getattr(component, "needs", frozenset())


def check(components: Mapping[str, object], alternatives: Alternatives | None = None) -> None:
    """Refuse components of which one needs what none offers.

    Args:
        components: by the setting that chose them, "prior=vamp".
        alternatives: options of a group whose component fits, to say what to choose instead.

    Raises:
        UserError: one sentence for every pair of settings in conflict.
    """
    offered = frozenset[Trait]().union(*map(offers, components.values()))
    faults = []
    for setting, component in components.items():
        unmet = sorted(needs(component) - offered, key=lambda trait: list(Trait).index(trait))
        by_group: dict[str, list[Trait]] = {}
        for trait in unmet:
            by_group.setdefault(OFFERED_BY.get(trait, "dataset"), []).append(trait)
        for group, traits in by_group.items():
            other = next((name for name in components if name.startswith(f"{group}=")), group)
            words = " and ".join(trait.value for trait in traits)
            fault = f"{setting} cannot be used with {other}: it needs {words}"
            remedies = [getattr(component, "instead", "")]
            if alternatives is not None:
                mine = setting.partition("=")[0]
                wanted = frozenset(traits)
                fitting = alternatives(group, lambda one, wanted=wanted: wanted <= offers(one))
                remedies.append(_choose(group, fitting, other))
                fitting = alternatives(mine, lambda one: needs(one) <= offered)
                remedies.append(_choose(mine, fitting, setting))
            remedies = [remedy for remedy in remedies if remedy]
            faults.append(f"{fault}; {', or '.join(remedies)}" if remedies else fault)
    if faults:
        raise UserError("; ".join(faults))


def _choose(group: str, fitting: list[str], current: str) -> str:
    """As "prior=standard, mog"; the current option fits where only its settings are in the way."""
    other = [name for name in fitting if f"{group}={name}" != current]
    if len(other) < len(fitting):
        return f"{current} with its default settings"
    return f"choose {group}={', '.join(other)}" if other else ""
