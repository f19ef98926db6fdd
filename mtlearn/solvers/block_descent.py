"""Block coordinate descent for the L2,1 norm on one Hessian that all tasks share.

scikit-learn's, on a Cholesky factor of the Hessian in place of the rows of X.
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import enet_path

SWEEPS = 20
RIDGE = 1e-9  # of the diagonal, that a factor of a singular Hessian needs


def block_descent(H: np.ndarray, G: np.ndarray, V: np.ndarray, alpha: float) -> np.ndarray:
    """Sweeps from V (k, C) over the features with Hessian H (k, k), G minus the gradient at V.

    Raises
    ------
    LinAlgError
        If H has no Cholesky factor, also with a little added to its diagonal.
    """
    ridge = RIDGE * np.diagonal(H)
    R = cholesky(H + np.diag(ridge), check_finite=False)
    X = np.asfortranarray(R)
    Y = np.asfortranarray(solve_triangular(R, H @ V + G, trans="T", check_finite=False))
    start = np.asfortranarray(V.T)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = enet_path(
            X,
            Y,
            l1_ratio=1.0,
            alphas=[alpha / len(H)],
            coef_init=start,
            tol=0.0,
            max_iter=SWEEPS,
            check_input=False,
        )
    return found[1][:, :, 0].T
