"""Has the posterior of a run collapsed? The rule of the warning in training, in words."""

from vaelab.collapse import GRACE, KL, collapsed
from vaelab.report.record import Record
from vaelab.report.shape import finite


def collapse(record: Record) -> str | None:
    """Why collapse is likely; "" where it is not; None where nothing says so.

    By the metrics that the table shows, or by the last epoch of a run without any.
    """
    row = record.history.at(None)
    kl, au = (metric(record, name, row) for name in ("kl", "au"))
    if kl is None or au is None or not record.units:
        return None
    return sentence(kl, au, record.epochs)


def sentence(kl: float, au: float, epochs: int) -> str:
    """The rule itself; `kl` in nats for each example."""
    if epochs <= GRACE or not collapsed(kl, au):
        return ""
    parts = [*(["no active unit"] if au == 0 else []), *([f"KL < {KL} nats"] if kl < KL else [])]
    return f"likely: {', '.join(parts)}"


def metric(record: Record, name: str, row: dict[str, float]) -> float | None:
    """Evaluated, or else validated."""
    if name in record.metrics:
        return finite(record.metrics[name].get("value"))
    return finite(row.get(f"val/{name}"))
