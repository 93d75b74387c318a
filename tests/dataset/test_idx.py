"""The idx format."""

import gzip

import numpy as np
import pytest

from vaelab.dataset.idx import read_idx
from vaelab.errors import UserError

# By hand: two zero bytes, 08 for bytes, rank 2, sizes 2 and 3, six values.
BYTES = bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6])


@pytest.mark.parametrize("data", [BYTES, gzip.compress(BYTES, mtime=0)], ids=["plain", "gzip"])
def test_sizes_are_big_endian_and_the_last_axis_runs_fastest(tmp_path, data):
    (tmp_path / "x").write_bytes(data)
    assert (read_idx(tmp_path / "x") == np.array([[1, 2, 3], [4, 5, 6]])).all()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (BYTES[:-1], "x is truncated or damaged: 5 bytes for shape"),
        (BYTES + b"1", "x is truncated or damaged: 7 bytes for shape"),
        (BYTES[:9], "truncated or damaged"),
        (b"", "not an idx file"),
        (b"<html>", "not an idx file of bytes"),
        (gzip.compress(BYTES, mtime=0)[:-9], "truncated or damaged"),
        (
            gzip.compress(BYTES, mtime=0)[:12] + b"!" + gzip.compress(BYTES, mtime=0)[13:],
            "truncated or damaged",
        ),
        (BYTES[:2] + b"\x0d" + BYTES[3:], "not an idx file of bytes"),
    ],
)
def test_what_is_no_whole_idx_file_is_refused(tmp_path, data, message):
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(UserError, match=message):
        read_idx(tmp_path / "x")
