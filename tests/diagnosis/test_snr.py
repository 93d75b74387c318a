"""Slopes of signal-to-noise ratios on the toy, and ratios of trained models' gradients."""

import json
import math
from dataclasses import fields

import numpy as np
import pytest
import torch
from small import make_task, splits

from tests.diagnosis.subjects import no_bar
from vaelab.composing import groups
from vaelab.composing.compose import Composer
from vaelab.composing.validate import validate
from vaelab.diagnosis.base import Loaded, Subject
from vaelab.diagnosis.make import build
from vaelab.diagnosis.settings import settle
from vaelab.diagnosis.snr_reach import keys
from vaelab.diagnosis.snr_sweep import Point, slope, slopes
from vaelab.errors import UserError
from vaelab.evaluation.moments import floor
from vaelab.evaluation.signal import Ratio
from vaelab.runs.run import Run
from vaelab.sweeps.plan import container

FEW = [
    "draws=400",
    "dims=10",
    "K=[4,16,64,256]",
    "M=[1,4,16]",
    "histogram_K=[]",
    "dreg_fit_from=64",
]


def snr(*texts, count=0):
    return build("snr", settle("snr", list(texts), groups.config_dir()), count)


def measured(folder, *texts, subjects=()):
    written = snr(*texts, count=len(subjects))(subjects, folder, no_bar)
    assert all(path.is_file() for path in written)
    return json.loads((folder / "snr.json").read_text())


def point(report, estimator, K, M=1, over="over_K"):
    (found,) = [
        one for one in report[over] if (one["estimator"], one["M"], one["K"]) == (estimator, M, K)
    ]
    return found


def law(xs, exponent, se=0.0):
    return [ratio(3.0 * x**exponent, se) for x in xs]


def ratio(snr, relative=0.0, signal="own", noise=None):
    noise = relative if noise is None else noise
    unsaid = {field.name: 0.0 if field.type is float else 0 for field in fields(Ratio)}
    words = {"direction": "", "quantiles": {}, "signal": signal}
    numbers = {"snr": snr, "se": relative * snr, "noise_se": noise * snr}
    return Ratio(**unsaid | words | numbers)


def test_the_slope_of_a_power_law_is_its_exponent():
    found = slope([1, 4, 64], law([1, 4, 64], -0.5))
    assert found.value == pytest.approx(-0.5)
    assert (found.se, found.over) == (0.0, (1, 64))


def test_the_slope_s_error_is_that_of_noisy_points():
    xs, noise = [1, 2, 4, 8, 16], 0.02
    generator = torch.Generator().manual_seed(0)
    found = []
    for _ in range(2000):
        factors = (1 + noise * torch.randn(5, generator=generator)).tolist()
        ratios = law(xs, 0.5, noise)
        moved = [
            ratio(one.snr * factor, noise) for one, factor in zip(ratios, factors, strict=True)
        ]
        found.append(slope(xs, moved).value)
    said = slope(xs, law(xs, 0.5, noise)).se
    assert said == pytest.approx(float(torch.tensor(found).std()), rel=0.1)


def test_a_signal_that_all_points_share_adds_no_error_to_a_slope():
    shared = [ratio(x**0.5, 0.3, "of K = 4", noise=0.01) for x in (1, 4, 16)]
    own = [ratio(x**0.5, 0.3, f"of K = {x}", noise=0.01) for x in (1, 4, 16)]
    assert slope([1, 4, 16], own).se == pytest.approx(30 * slope([1, 4, 16], shared).se)


def test_slopes_are_fitted_from_where_it_is_said():
    xs = [1, 4, 16, 64]
    bent = [ratio(max(x, 16) ** 0.5) for x in xs]
    points = [
        Point(estimator="iwae", M=1, K=x, phi=one, theta=one, extra={})
        for x, one in zip(xs, bent, strict=True)
    ]
    found = slopes(points, "K", {"phi_iwae_K": 16, "theta_iwae_K": 64})
    assert set(found) == {"phi_iwae_K"}  # one point has no slope
    assert found["phi_iwae_K"].value == pytest.approx(0.5)
    assert found["phi_iwae_K"].over == (16, 64)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    return measured(tmp_path_factory.mktemp("snr"), *FEW)


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("theta_iwae_K", 0.45, 0.55),
        ("phi_iwae_K", -0.55, -0.45),
        ("phi_dreg_K", 0.4, 0.55),
        ("phi_iwae_M", 0.45, 0.55),
        ("phi_piwae_M", 0.45, 0.55),
        ("theta_piwae_M", 0.45, 0.55),
        ("phi_elbo_K", 0.45, 0.55),
        ("phi_stl_K", 0.4, 0.55),
        ("phi_rws_K", 0.4, 0.65),
        ("phi_ciwae_K", 0.3, 0.55),
    ],
)
def test_slopes_on_the_toy(report, name, least, most):
    assert least < report["slopes"][name] < most
    assert report["fits"][name]["se"] < 0.05


def test_the_plug_in_ratio_stays_at_the_floor_and_the_other_goes_below(report):
    last = point(report, "iwae", 256)["phi"]
    assert last["floor"] == report["floor"] == floor(400)
    assert last["plug_in"] == pytest.approx(floor(400), rel=0.5)
    assert last["snr"] < floor(400) / 4
    assert last["signal"] == "mean of 400 DReG draws, K = 256"
    assert point(report, "stl", 4)["phi"]["signal"] == "mean of the same draws"


def test_measured_expectations_are_the_closed_forms(report):
    elbo = point(report, "elbo", 256)
    for name in ("phi_over_exact", "theta_over_exact"):
        assert elbo[name]["value"] == pytest.approx(1.0, abs=4 * elbo[name]["se"])
    dreg = point(report, "dreg", 256)["phi_over_large_K"]
    assert dreg["value"] == pytest.approx(1.0, abs=4 * dreg["se"] + 0.005)
    forms = report["closed_forms"]
    assert forms["elbo"] == pytest.approx(forms["log_px"] - forms["kl"])


def test_directional_ratios_follow_the_same_law(report):
    first, last = (point(report, "dreg", K)["phi"] for K in (64, 256))
    assert math.log(last["dsnr"] / first["dsnr"]) / math.log(4) == pytest.approx(0.5, abs=0.1)


def test_same_seed_same_numbers_and_histograms(tmp_path):
    few = ["draws=40", "K=[2,4]", "M=[1,2]", "estimators=[iwae]", "grouped=[dreg]"]
    few += ["histogram_K=[1,5]"]
    one, two = (tmp_path / name for name in ("a", "b"))
    one.mkdir(), two.mkdir()
    first, again = measured(one, *few), measured(two, *few)
    assert {**first, "git_commit": None} == {**again, "git_commit": None}
    other = measured(tmp_path, *few, "seed=2")
    assert other["slopes"] != first["slopes"]
    drawn = np.load(one / "histograms.npz")
    assert {name: len(drawn[name]) for name in drawn} == {
        "phi_1": 40, "theta_1": 40, "phi_5": 40, "theta_5": 40
    }  # fmt: skip
    assert drawn["theta_5"].std() < drawn["theta_1"].std()


@pytest.mark.slow
def test_the_laws_and_the_page_s_numbers_at_full_size(tmp_path):
    report = measured(tmp_path, "draws=4000", "estimators=[elbo,iwae,dreg]", "histogram_K=[]")
    slopes = report["slopes"]
    assert slopes["theta_iwae_K"] == pytest.approx(0.5, abs=0.05)
    assert slopes["phi_iwae_K"] == pytest.approx(-0.5, abs=0.05)
    assert slopes["phi_dreg_K"] > 0.4
    assert report["fits"]["phi_dreg_K"]["from_to"] == [64, 1024]
    assert slopes["phi_iwae_M"] == pytest.approx(0.5, abs=0.05)
    # Measured once in numpy, at another x: orders and ratios, not digits.
    assert point(report, "iwae", 1024)["phi"]["snr"] == pytest.approx(0.00174, rel=1.0)
    assert point(report, "dreg", 1024)["phi"]["snr"] == pytest.approx(2.336, rel=1.0)
    assert point(report, "iwae", 1024)["theta"]["snr"] == pytest.approx(14.2, rel=0.3)


class Task(Subject):
    """A subject that is a small task, as its run would be loaded."""

    def __init__(self, *overrides):
        super().__init__("small", Run(groups.config_dir()), {})
        settings = validate(container(Composer().cells([*overrides, "lightning=cpu"])[0]))
        task = make_task(settings, splits())
        object.__setattr__(self, "task", task)

    def load(self, epoch=None):
        task = self.task
        return Loaded(
            task.vae,
            lambda batch: task.inference.posterior(task, batch),
            task.bound,
            task.splits,
            {},
            epoch or 3,
            ["stand-in"],
        )


SHORT = ["draws=40", "K=[1,4]", "M=[1,4]", "examples=5", "weights=6", "fit_from=1"]
MODELS = {
    "one level": ("architecture.latent_dim=3", "architecture.hidden=[12]"),
    "made of the encoder": (
        "architecture.latent_dim=3", "architecture.hidden=[12]", "prior=vamp", "prior.components=4",
    ),
    "two levels": ("architecture=hvae", "architecture.latent_dims=[3,2]", "architecture.width=8"),
    "bottom up": (
        "architecture=tanh_hvae", "architecture.latent_dims=[2,3]",
        "architecture.hidden=[8]", "architecture.hidden_above=[8]",
    ),
}  # fmt: skip


@pytest.mark.parametrize("model", MODELS)
def test_a_trained_model(tmp_path, model):
    subject = Task(*MODELS[model])
    report = measured(tmp_path, *SHORT, "epoch=5", subjects=[subject])
    assert (report["epoch"], report["labels"], report["draws"]) == (5, ["stand-in"], 40)
    assert len(set(report["examples"])) == 5
    assert {"phi_elbo_K", "theta_iwae_M", "phi_piwae_M"} <= set(report["slopes"])
    one = point(report, "iwae", 4)
    groups_of = subject.task.groups
    for group in ("phi", "theta"):
        total = sum(p.numel() for p in groups_of[group])
        assert one[group]["varying"] + one[group]["constant"] == total
        assert 0 < one[group]["weights"] <= 6 * len(groups_of[group])
    # Four times the samples outside the logarithm: twice the ratio, beyond the floor's part.
    low, high = (point(report, "elbo", K)["theta"]["snr"] for K in (1, 4))
    assert 1.3 < high / low < 2.6


def test_what_an_estimator_needs_is_asked_of_the_prior(tmp_path):
    subject = Task(*MODELS["made of the encoder"])
    with pytest.raises(UserError, match="rws needs a prior that is not made of the encoder"):
        measured(tmp_path, *SHORT, "estimators=[rws]", subjects=[subject])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("variance=0.25", "must be above 1/4"),
        ("draws=5", "draws=5: must be at least 20"),
        ("K=[4,4]", "K=.4, 4.: name one at least, and each once"),
        ("M=[]", "M=..: name one at least"),
        ("perturbation=-1", "perturbation=-1: must be at least 0"),
        ("seed=-1", "seed=-1: must be at least 0"),
        ("draws=x", "^draws=x: must be"),
        ("K=[0,4]", "K=0: must be at least 1"),
        ("estimators=[iwea]", "iwea: no such estimator; did you mean iwae"),
        ("elbo_weight=2", "must lie between 0 and 1"),
        ("weights=0", "weights=0: must be at least 1"),
    ],
)
def test_wrong_settings_are_refused_before_anything_is_drawn(text, message):
    with pytest.raises(UserError, match=message):
        snr(text)


def test_rws_is_left_out_where_it_has_no_signal_and_ciwae_where_there_are_groups():
    over_K, over_M = keys(["rws", "iwae"], [1], [1, 4]), keys(["ciwae", "dreg"], [1, 4], [4])
    assert over_K == [("rws", 1, 4), ("iwae", 1, 1), ("iwae", 1, 4)]
    assert over_M == [("ciwae", 1, 4), ("dreg", 1, 4), ("dreg", 4, 4)]


def test_the_summary_says_every_slope_and_the_floor(tmp_path):
    few = ["draws=40", "K=[4,16]", "M=[1,4]", "estimators=[iwae]", "grouped=[dreg]"]
    made = snr(*few, "histogram_K=[]", "dims=3")
    made([], tmp_path, no_bar)
    report = json.loads((tmp_path / "snr.json").read_text())
    first, *lines = made.summary(tmp_path)
    assert first.endswith(f"floor of plain ratios {floor(40):.2g}")
    said = {tuple(line.split()[:2]): line for line in lines}
    assert len(lines) == len(report["slopes"]) == 4
    assert f"over K {report['slopes']['phi_iwae_K']:+.3f}" in said["iwae", "phi"]
    assert said["dreg", "theta"].endswith("(M = 1 to 4)")


REQUIRED = {"theta_iwae_K", "phi_iwae_K", "phi_dreg_K", "phi_iwae_M"}


def test_the_toy_and_a_run_have_the_slopes_that_are_asked_for_by_default(tmp_path):
    few = ["draws=20", "K=[1,8,64]", "histogram_K=[]"]
    assert set(measured(tmp_path, *few, "dims=3")["slopes"]) >= REQUIRED
    (tmp_path / "run").mkdir()
    subject = Task(*MODELS["one level"])
    report = measured(tmp_path / "run", "draws=20", "examples=3", subjects=[subject])
    assert set(report["slopes"]) >= REQUIRED
    assert report["fits"]["phi_dreg_K"]["from_to"] == [8, 64]


def test_a_toy_far_from_its_optimum_has_a_report_that_is_json(tmp_path):
    few = ["draws=20", "K=[1,4]", "M=[1,4]", "histogram_K=[]"]
    measured(tmp_path, *few, "perturbation=3")
    text = (tmp_path / "snr.json").read_text()
    assert "NaN" not in text
    assert "Infinity" not in text
