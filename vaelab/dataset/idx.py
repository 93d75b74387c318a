"""The idx format of the MNIST files: two zero bytes, element type, rank, sizes, then the bytes."""

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np

from vaelab.errors import UserError

_UBYTE = 0x08


def read_idx(path: Path) -> np.ndarray:
    """The unsigned bytes of an idx file, gzip-compressed or not, in their shape.

    Raises:
        UserError: it is not such a file, or not a whole one.
    """
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (EOFError, OSError, zlib.error) as error:
            raise UserError(f"{path} is truncated or damaged ({error})") from error
    if len(data) < 4 or data[:3] != bytes([0, 0, _UBYTE]):
        raise UserError(f"{path} is not an idx file of bytes (it starts with {data[:4].hex(' ')})")
    rank = data[3]
    start = 4 + 4 * rank
    shape = struct.unpack(f">{rank}I", data[4:start]) if len(data) >= start else ()
    if len(data) - start != int(np.prod(shape)):
        raise UserError(
            f"{path} is truncated or damaged: {len(data) - start:,} bytes for shape {shape}"
        )
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)
