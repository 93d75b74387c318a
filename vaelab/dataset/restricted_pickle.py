"""Unpickling that can only rebuild numpy arrays: a pickle from the net can otherwise run code."""

import codecs
import io
import pickle

import numpy as np
from numpy._core.multiarray import _reconstruct

_ALLOWED = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,  # written by numpy 1
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("_codecs", "encode"): codecs.encode,  # how protocols below 3 write Python 3's bytes
}


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> object:
        """The few callables that array reconstruction needs."""
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}") from None


def load_arrays(data: bytes) -> object:
    """Containers and numpy arrays of a pickle, Python 2's strings read as latin-1.

    Raises:
        pickle.UnpicklingError: it asks for anything else, or is not a whole pickle.
    """
    try:
        return _ArrayUnpickler(io.BytesIO(data), encoding="latin1").load()
    except (EOFError, ValueError, TypeError, IndexError, KeyError, AttributeError) as error:
        raise pickle.UnpicklingError(f"it is not a whole pickle ({error})") from error
