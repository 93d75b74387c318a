"""Lagging inference's toy: joint training leaves the encoder behind, aggressive training does not.

1901.05534, figure 2; notes, section 10.9. One latent dimension, sentences of a random LSTM.
"""

import numpy as np
import pytest
from small import train

from vaelab.assemble import load_splits
from vaelab.build import build
from vaelab.composing.compose import Composer
from vaelab.composing.validate import validate
from vaelab.sweeps.plan import container
from vaelab.watch import records

UPDATES = 200  # the second panel's
TOY = (
    "experiment=lagging/synthetic", f"max_examples={16 * UPDATES}", "epochs=1", "lightning=cpu",
    f"watch.updates=[{UPDATES}]", "watch.epochs=false",
)  # fmt: skip
AGGRESSIVE = (
    "trainer=aggressive", "trainer.window=15", "trainer.patience=1", "trainer.compare=previous",
    "trainer.start=-1",
)  # fmt: skip


def means(folder, *overrides):
    """Of p(z|x) and of q(z|x), of 500 training sentences after the updates."""
    settings = validate(container(Composer().cells([*TOY, *overrides])[0]))
    train(folder, settings, load_splits(settings, build(settings)))
    found = records.read(records.path_of(folder, "posterior_lag"))
    assert found is not None
    assert found["update"].tolist() == [UPDATES]
    assert found["model"].shape == (1, 500)
    return found["model"][0], found["encoder"][0]


@pytest.mark.slow
def test_joint_training_spreads_the_true_posterior_and_not_the_encoder(tmp_path):
    model, encoder = means(tmp_path)
    assert model.std() > 10 * encoder.std()


@pytest.mark.slow
def test_the_inner_loop_keeps_the_encoder_at_the_true_posterior(tmp_path):
    model, encoder = means(tmp_path, *AGGRESSIVE)
    assert np.corrcoef(model, encoder)[0, 1] > 0.9
