"""Facts of scikit-learn's digits."""

from vaelab.dataset.source import Facts

FACTS = Facts(
    folder="digits",
    files=(),
    shape=(1, 8, 8),
    sizes={"": (1297, 250, 250)},
    terms="comes with scikit-learn (BSD-3-Clause; UCI repository)",
)
