"""The amat text of binary images: one row a line, "0" and "1" between single spaces."""

import hashlib

import numpy as np

_ZERO, _ONE = b"01"
_BLANK = np.zeros(256, dtype=bool)
_BLANK[list(b" \t\r\n")] = True


def parse_amat(text: bytes, width: int) -> np.ndarray:
    """The rows as uint8 [N, width], by operations on whole byte arrays.

    Raises:
        ValueError: there is something else than 0, 1 and white space, or an incomplete row.
    """
    data = np.frombuffer(text, np.uint8)
    line = 2 * width
    if len(data) % line == 0 and bool((data[line - 1 :: line] == ord("\n")).all()):
        pixels = data[::2]  # the exact layout: every second byte is a digit
    else:
        pixels = data[~_BLANK[data]]
    if pixels.size == 0 or pixels.size % width:
        raise ValueError(f"{pixels.size:,} values do not make rows of {width}")
    if int(pixels.min()) < _ZERO or int(pixels.max()) > _ONE:
        raise ValueError("it holds values other than 0 and 1")
    return (pixels - _ZERO).reshape(-1, width)


def amat_checksum(rows: np.ndarray) -> str:
    """The "sha256:HEX" of the text these rows make: "0 1 ... 0", a line end after each."""
    text = np.full((len(rows), 2 * rows.shape[1]), ord(" "), np.uint8)
    text[:, ::2] = rows + _ZERO
    text[:, -1] = ord("\n")
    return f"sha256:{hashlib.sha256(text.data).hexdigest()}"
