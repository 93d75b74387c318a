import pytest

from vaelab.report.legend import parts

LR = ["prior", "optimizer.phi.lr", "optimizer.theta.lr"]
PLACES = ["optimizer.phi", "optimizer.theta"]


@pytest.mark.parametrize(
    ("names", "values", "said"),
    [
        (["prior", "epochs"], ["vamp", "10"], ["vamp", "epochs 10"]),
        (["prior.components"], ["null"], [""]),
        (LR, ["vamp", "0.001", "0.0005"], ["vamp", "phi.lr 0.001", "theta.lr 0.0005"]),
        (LR, ["vamp", "0.0005", "0.0005"], ["vamp", "lr 0.0005", ""]),
        (LR, ["vamp", "null", "0.0005"], ["vamp", "", "theta.lr 0.0005"]),
        (["lr", "a.lr"], ["1", "2"], ["lr 1", "a.lr 2"]),
        (["a.x.lr", "b.x.lr"], ["1", "2"], ["a.x.lr 1", "b.x.lr 2"]),
        (["prior.init", "architecture.init"], ["x", "y"], ["prior.init x", "architecture.init y"]),
        (PLACES, ["adam", "sgd"], ["phi adam", "theta sgd"]),
        (PLACES, ["adam", "adam"], ["adam", ""]),
        (["prior.init", "prior.kind"], ["x", "y"], ["x", "y"]),
    ],
)
def test_settings_of_one_name_are_told_apart_or_said_once(names, values, said):
    settings = {name: value for name, value in zip(names, values, strict=True) if value != "null"}
    assert parts(names, settings, ["prior", *PLACES]) == said
