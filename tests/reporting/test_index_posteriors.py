"""Heights of what is drawn: a histogram is a density, and stays to be seen under any other."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from vaelab.reporting.index_posteriors import HIGHEST, Placed, _line


@pytest.mark.parametrize(("peak", "top"), [(0.1, 1.0), (2.0, 2.0), (50.0, HIGHEST)])
def test_weights_become_a_density_that_is_always_seen(peak, top):
    z = np.linspace(0, 2, 101)
    codes = np.linspace(0.25, 1.25, 5000)[:, None]  # uniform over a width of 1: density 1
    axes = Figure().subplots()
    _line(axes, Placed((z,), peak * np.exp(-(z**2)), None, codes, np.full(5000, 1 / 5000)))
    (bars,) = axes.patches
    values = bars.get_data().values
    edges = bars.get_data().edges
    assert float((values * np.diff(edges)).sum()) == pytest.approx(1)
    assert np.median(values[values > 0]) == pytest.approx(1, rel=0.01)
    assert axes.get_ylim()[1] == pytest.approx(1.05 * top, rel=0.02)
