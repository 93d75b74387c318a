"""The claim of MAPA is tested fairly, and the table of LiBI says what the notes on it say."""

import re
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize

from vaelab.composing import groups
from vaelab.composing.compose import Composer
from vaelab.reproduce import budget, spec
from vaelab.reproduce.cells import plan_cells
from vaelab.reproduce.cost import is_cost
from vaelab.reproduce.listing import extent

CONFIGS = groups.config_dir()
NOTES = Path(__file__).resolve().parents[3] / "shared" / "papers" / "mapa.md"
WAYS = ["mapa", "vae", "iwae", "aggressive"]
CLAIM = spec.find("claim", "mapa", CONFIGS)
LIBI = {cell.name: cell for cell in spec.find("table", "libi_2019", CONFIGS).cells}


def test_every_way_has_the_same_data_network_and_decoder_passes():
    cells = [cell for cell in CLAIM.cells if cell.row.name == "circle"][: len(WAYS)]
    assert [cell.column.name for cell in cells] == WAYS
    planned = plan_cells(cells, budget.find("full", CONFIGS), [1, 4], [], Composer())
    own = {"trainer", "bound", "choices"}
    first = planned[0].tasks[0].config
    for one in planned:
        assert (one.refused, one.marks) == (None, ("2 of 5 seeds",))
        for task, seed in zip(one.tasks, (1, 4), strict=True):
            config = task.config
            assert config["seed"] == config["dataset"]["seed"] == seed
            assert config["decoder_passes"] == 2_000_000
            assert config["learning_rate"]["_target_"].endswith(".Cosine")
            assert (config["select"], config["patience"]) == ("last", None)
            # The budget ends it: even one pass for each of 2,000 examples makes an epoch.
            assert config["epochs"] * 2000 > config["decoder_passes"]
            same = {k: v for k, v in config.items() if k not in own | {"seed", "dataset"}}
            assert same == {k: first[k] for k in same}
    ways = [one.tasks[0].config for one in planned]
    assert [one["choices"]["trainer"] for one in ways] == ["mapa", "joint", "joint", "aggressive"]
    assert [one["bound"].get("K") for one in ways] == [None, None, 5, None]


def test_what_is_shown_of_each_way_is_of_its_own_runs():
    assert extent(CLAIM) == "110 cells in 100 runs"
    assert list(CLAIM.rows) == ["figure8", "circle", "abs", "clusters", "spiral_dots"]
    of_ways = {tuple(cell.overrides) for cell in CLAIM.cells if cell.column.name in WAYS}
    for cell in CLAIM.cells:
        assert cell.seeds == [1, 2, 3, 4, 5]
        way = cell.column.name.partition("_")[0]
        way = "mapa" if way == "truth" else way
        named = {"vae": "joint", "iwae": "iwae"}.get(way, way)
        assert any(text.endswith(f"={named}") for text in cell.overrides), cell.name
        assert tuple(cell.overrides) in of_ways
        assert f"experiment=mapa/{cell.row.name}" in cell.overrides
    costs = {cell.metric for cell in CLAIM.cells if is_cost(cell.metric)}
    passes = {"cost.decoder_passes", "cost.encoder_passes"}
    assert costs == passes | {"cost.training_seconds", "cost.precomputation_seconds"}


def test_nothing_on_the_claims_page_is_called_the_papers():
    assert CLAIM.source.startswith("derived from the abstract of 2403.08941")
    text = " ".join([*CLAIM.notes, *(cell.column.label for cell in CLAIM.cells)])
    assert "nothing on this page is the paper's" in text
    assert "figure=mapa_posterior" in text  # where the abstract's first claim is looked at
    assert CLAIM.diagnosis.name == "computation"


def test_figures_of_libi_are_those_of_the_notes():
    if not NOTES.is_file():
        pytest.skip("the notes on the paper are not at hand")
    text = NOTES.read_text(encoding="utf-8").split("| method | LinearJTEx |", 1)[1]
    rows = ["vae", "beta_vae", "annealed", "lagging", "libi"]
    columns = ["linear_jtex", "cubic_jtex", "gaussian4", "mobius"]
    for row, line in zip(rows, text.splitlines()[2:], strict=False):
        for column, noted in zip(columns, line.strip("|").split("|")[1:], strict=True):
            value, sd = re.fullmatch(r"(-?[\d.]+)(?: \(([\d.]+)\))? /.*", noted.strip()).groups()
            cell = LIBI[f"{row}/{column}"]
            assert cell.published == float(value), cell.name
            assert cell.published_sd == (float(sd) if sd else None), cell.name


def mean_field_optimum(beta):
    """log p(x) of the best triangular model under E log p(x|z) - beta KL(q || p), q mean-field.

    Divided by beta this is the ELBO of noise beta times as large.
    """
    mixing, noise = np.array([[0.75, 0.25], [1.5, -1.0]]), 0.004
    truth = mixing @ mixing.T + 0.01 * np.eye(2)

    def log_px(covariance):
        logs = 2 * np.log(2 * np.pi) + np.log(np.linalg.det(covariance))
        return -0.5 * (logs + np.trace(np.linalg.solve(covariance, truth)))

    def lower(flat):
        return np.array([[flat[0], 0.0], [flat[1], flat[2]]])

    def loss(flat):
        weight = lower(flat)
        precision = np.eye(2) + weight.T @ weight / (beta * noise)
        off = 0.5 * (np.log(np.diag(precision)).sum() - np.log(np.linalg.det(precision)))
        return off - log_px(weight @ weight.T + beta * noise * np.eye(2))

    starts = np.random.RandomState(0).standard_normal((8, 3))
    best = min((minimize(loss, one, method="BFGS") for one in starts), key=lambda one: one.fun)
    weight = lower(best.x)
    return log_px(weight @ weight.T + noise * np.eye(2))


def test_the_bands_of_linear_jtex_hold_the_known_optimum_whatever_beta_is_and_no_better_model():
    found = [mean_field_optimum(beta) for beta in (0.1, 0.5, 1.0, 4.0)]
    assert found == pytest.approx([-3.1330, -3.1329, -3.1328, -3.1325], abs=5e-5)
    banded = [cell for cell in LIBI.values() if cell.band]
    assert [cell.name for cell in banded] == [
        f"{row}/linear_jtex" for row in ("vae", "beta_vae", "annealed", "lagging")
    ]
    for cell in banded:
        low, high = (cell.published + end for end in cell.band)
        assert low < min(found)
        assert max(found) < high < -2.99  # LiBI's, and above it the truth's
        # Two standard errors of the difference of two means over five sets of 500 points, whose
        # log p(x) has a standard deviation of about 1.
        assert cell.band[1] == pytest.approx(2 * np.sqrt(2 / (5 * 500)), abs=0.005)
        assert len(cell.seeds) == 5
