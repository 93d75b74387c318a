"""The presets of VampPrior's models differ in their architecture and in nothing else."""

import pytest

from vaelab.composing.compose import Composer
from vaelab.sweeps.plan import container


def resolved(preset):
    return container(Composer().cells([f"experiment=vampprior/{preset}"])[0])


@pytest.mark.parametrize("preset", ["hvae", "conv_hvae"])
def test_two_levels_are_optimised_as_one(preset):
    config, one = resolved(preset), resolved("vae")
    assert config["choices"].pop("architecture") == preset
    assert config["choices"].pop("experiment") == f"vampprior/{preset}"
    for name in ("architecture", "experiment"):
        one["choices"].pop(name)
    config.pop("architecture")
    one.pop("architecture")
    assert config == one
    # And that is what section 4 of our notes on the paper says.
    assert (one["epochs"], one["patience"], one["batch_size"]) == (2000, 50, 100)
    assert one["beta"]["warmup"] == 100
    for side in ("phi", "theta"):
        assert one["optimizer"][side]["_target_"].endswith("NormalisedAdam")
        assert one["optimizer"][side]["lr"] == 5e-4
