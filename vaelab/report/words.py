"""How numbers of a report read, the same on every page."""

import math
from collections.abc import Mapping
from typing import Any

from vaelab.report.shape import finite

LEAST, MOST = 2, 6  # decimals


def decimals(error: float | None) -> int:
    """As many as two digits of an error need."""
    if not error or not math.isfinite(error):
        return LEAST
    return min(MOST, max(LEAST, 1 - math.floor(math.log10(error))))


def about(value: float, error: float | None, digits: int) -> str:
    """A value ± its error, or alone; a count has no decimals."""
    if isinstance(value, int):
        return str(value)
    if error is None or not math.isfinite(error):
        return f"{value:.{digits}f}"
    return f"{value:.{digits}f} ± {error:.{digits}f}"


def metric(name: str, found: Mapping[str, Any], units: int, digits: int | None = None) -> str:
    """A metric of one run; units of total, and information of its ceiling.

    With as many decimals as its own error supports, unless they are given.
    """
    value, error = found.get("value"), finite(found.get("se"))
    if value is None:
        return ""
    if name == "au" and units:
        return f"{value} of {units}"
    text = about(value, error, decimals(error) if digits is None else digits)
    ceiling = finite(found.get("ceiling"))
    return text if ceiling is None else f"{text} of {ceiling:.2f}"


def way(found: Mapping[str, Any], split: str) -> str:
    """Estimator, latents, examples: what it takes to judge a number."""
    parts = [str(found.get("estimator") or "estimator not recorded")]
    samples, n = found.get("samples"), found.get("n")
    if samples is not None and f"{samples} samples" not in parts[0]:
        parts.append(f"{samples} samples")
    return ", ".join([*parts, f"{split} split" if n is None else f"{n} {split} examples"])


def measured(found: Mapping[str, Any], split: str) -> str:
    """The same, and what is behind its value and its error."""
    parts, levels = [way(found, split)], found.get("levels") or []
    parts += [f"{' + '.join(map(str, levels))} of its levels"] if len(levels) > 1 else []
    parts += ["± is the standard error over them"] if finite(found.get("se")) else []
    return "; ".join(parts)


def spelt(name: str) -> str:
    """A metric's name in a heading."""
    capital = {"nll", "elbo", "kl", "mi", "au", "bpd", "ess", "iwae", "ppl"}
    return name.upper() if name in capital else name.replace("_", " ")
