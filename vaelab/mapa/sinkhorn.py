"""The doubly stochastic, symmetric normalisation: q_nm = a_n k_nm a_m, a <- sqrt(a / (K a)).

Under the true model the average posterior is the prior, so that every index has as much mass as any
other; rows that are normalised one by one break this by sampling noise.
"""

import numpy as np
import torch
from jaxtyping import Float
from scipy.sparse import csr_array
from torch import Tensor

from vaelab.errors import UserError
from vaelab.mapa.sparse import SparseRows

TOLERANCE = 1e-10
ITERATIONS = 10_000


def balanced(kernel: SparseRows) -> tuple[SparseRows, Float[Tensor, "N"]]:
    """Rows and columns that sum to 1, and log a.

    Args:
        kernel: unnormalised weights of N rows among N; made symmetric first, an entry and its
            mirror image taking the larger of their values.

    Raises:
        UserError: no such scaling was found.
    """
    size = kernel.size
    matrix = kernel.matrix
    matrix = csr_array(matrix.maximum(matrix.T))
    matrix.sort_indices()
    a = 1 / np.sqrt(np.maximum(matrix.sum(1), np.finfo(float).tiny))
    for _ in range(ITERATIONS):
        sums = a * (matrix @ a)
        if not np.all(np.isfinite(sums)) or np.any(sums <= 0):
            break
        if np.abs(sums - 1).max() < TOLERANCE:
            found = SparseRows(
                torch.from_numpy(matrix.indptr).long(),
                torch.from_numpy(matrix.indices).long(),
                torch.from_numpy(matrix.data * np.repeat(a, np.diff(matrix.indptr)))
                * torch.from_numpy(a)[torch.from_numpy(matrix.indices).long()],
                size,
            )
            return found, torch.from_numpy(np.log(a))
        a = a / np.sqrt(sums)
    raise UserError(
        "trainer.normalise=sinkhorn: no scaling makes rows and columns of this kernel sum to 1; "
        "choose trainer.normalise=row, trainer.self_term=include or a larger trainer.c"
    )
