"""Labels name what differs, and nothing else."""

import pytest

from vaelab.diagnosis.labels import distinguish
from vaelab.files import write_yaml
from vaelab.runs.run import Run

BASE = {"seed": 1, "epochs": 3, "threads": 1, "output_dir": "a", "dataset": {"_target_": "Digits"}}
ELBO = {"bound": {"_target_": "Elbo", "num_samples": 1}, "choices": {"bound": "elbo"}}


def iwae(k, **more):
    return {"bound": {"_target_": "Iwae", "K": k}, "choices": {"bound": "iwae"}} | more


@pytest.fixture
def labelled(tmp_path):
    def make(*configs):
        runs = []
        for number, own in enumerate(configs):
            folder = tmp_path / str(number) / f"seed{own.get('seed', 1)}"
            write_yaml(folder / "config.yaml", BASE | own)
            runs.append(Run(folder))
        return distinguish(runs)

    return make


def test_options_and_the_settings_that_set_runs_of_one_option_apart(labelled):
    assert labelled(ELBO, iwae(5), iwae(50)) == [
        "bound=elbo",
        "bound=iwae, K=5",
        "bound=iwae, K=50",
    ]
    assert labelled(ELBO, iwae(5)) == ["bound=elbo", "bound=iwae"]
    assert labelled(iwae(5), iwae(5, epochs=9)) == ["epochs=3", "epochs=9"]


def test_where_it_was_done_is_no_difference_and_seeds_are(labelled):
    one, other = {"seed": 1}, {"seed": 2, "threads": 8, "output_dir": "b", "lightning": {"x": 1}}
    assert labelled(ELBO | one, ELBO | other) == ["seed=1", "seed=2"]


def test_runs_of_one_config_are_told_apart_by_their_folders(labelled):
    assert labelled(ELBO) == ["seed1"]
    assert labelled(ELBO, ELBO, iwae(5)) == [
        "bound=elbo seed1 (1)",
        "bound=elbo seed1 (2)",
        "bound=iwae",
    ]
