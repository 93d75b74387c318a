"""Only numpy arrays and plain containers come out of a pickle."""

import os
import pickle

import numpy as np
import pytest

from vaelab.dataset.restricted_pickle import load_arrays

ARRAY = np.arange(6, dtype=np.uint8).reshape(2, 3)


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4])
def test_arrays_in_containers_come_back(protocol):
    held = load_arrays(pickle.dumps({"a": [ARRAY, ARRAY * 0.5]}, protocol=protocol))
    assert (held["a"][0] == ARRAY).all()
    assert (held["a"][1] == ARRAY * 0.5).all()


def test_a_pickle_of_python_2_and_numpy_1_is_read():
    # Protocol 0 by hand: numpy.core.multiarray, Python 2's string for the bytes 1 and 200.
    text = (
        b"cnumpy.core.multiarray\n_reconstruct\np0\n(cnumpy\nndarray\np1\n(I0\ntS'b'\ntR"
        b"(I1\n(I2\ntcnumpy\ndtype\n(S'u1'\nI0\nI1\ntR(I3\nS'|'\nNNNI-1\nI-1\nI0\ntb"
        b"I00\nS'\\x01\\xc8'\ntb."
    )
    assert load_arrays(text).tolist() == [1, 200]


class Attack:
    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    "attack",
    [
        Attack(os.system, "touch owned"),
        Attack(eval, "1"),
        Attack(np.load, "x"),
        Attack(getattr, "x", "y"),
    ],
)
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_nothing_else_is_called(attack, protocol, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(pickle.UnpicklingError, match="it asks for"):
        load_arrays(pickle.dumps([ARRAY, attack], protocol=protocol))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("data", [b"", b"not a pickle", pickle.dumps(ARRAY)[:-20]])
def test_what_is_no_whole_pickle_is_refused(data):
    with pytest.raises(pickle.UnpicklingError):
        load_arrays(data)
