"""Dense factors, and systems with them, in the precision of their matrix."""

from __future__ import annotations

import numpy as np
from scipy.linalg import get_blas_funcs, get_lapack_funcs


class SingularSystemError(ArithmeticError):
    """A system that has no solution in the precision it is solved in."""


def cholesky(A: np.ndarray) -> np.ndarray:
    """The lower factor of a symmetric matrix, which is overwritten."""
    L, info = get_lapack_funcs("potrf", (A,))(A.T, lower=1, clean=0, overwrite_a=1)
    if info:
        raise SingularSystemError
    return L


def solve_one(L: np.ndarray, r: np.ndarray) -> np.ndarray:
    """L'^-1 L^-1 r of one vector, for which LAPACK's potrs takes three times as long."""
    trsv = get_blas_funcs("trsv", (L,))
    return trsv(L, trsv(L, r, lower=1), lower=1, trans=1, overwrite_x=1)


def solve_all(L: np.ndarray, R: np.ndarray) -> np.ndarray:
    """L'^-1 L^-1 R of all columns at once."""
    return get_lapack_funcs("potrs", (L,))(L, R, lower=1)[0]


def reciprocals(a: np.ndarray, where: np.ndarray) -> np.ndarray:
    """1 / a, 0 elsewhere."""
    return np.divide(1.0, a, out=np.zeros_like(a), where=where)
