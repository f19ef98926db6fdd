"""L2,1: joint selection of features."""

from __future__ import annotations

from typing import Any

import numpy as np

from mtlearn.penalties.base import Differentiable, InvariantInTasks, RowNorms
from mtlearn.penalties.derivative import RowDerivative


class L21(RowNorms, Differentiable, InvariantInTasks):
    """Sum over features of the Euclidean norm of their coefficients in all tasks.

    ::

        Omega(V)  = sum_j ‖v^j‖₂
        Omega°(G) = max_j ‖G^j‖₂
        prox      = max(0, 1 - step alpha / ‖v^j‖₂) v^j
        its derivative in a row that survives, t = step alpha / ‖v^j‖₂, u = v^j / ‖v^j‖₂:
                    (1 - t) I + t u u';  0 in the others

    References
    ----------
    Yuan and Lin (2006). Model selection and estimation in regression with grouped variables.
    JRSS B 68. Obozinski, Taskar and Jordan (2010). Joint covariate selection and joint subspace
    selection for multiple classification problems. Statistics and Computing 20.
    """

    def value(self, V: np.ndarray) -> float:
        return self.alpha * float(row_norms(V).sum())

    def row_dual_norms(self, G: np.ndarray) -> np.ndarray:
        return row_norms(G)

    def prox(self, V: np.ndarray, step: Any) -> np.ndarray:
        norms = row_norms(V)[:, None]
        threshold = self.alpha * step
        shrink = np.divide(threshold, norms, out=np.ones_like(norms), where=norms > threshold)
        return V * (1.0 - shrink)

    def derivative(self, Z: np.ndarray, step: Any) -> RowDerivative:
        return shrinkage_derivative(Z, self.alpha * step)

    def parts(self, V: np.ndarray) -> dict[str, Any]:
        return {"support": V.any(axis=1)}


def row_norms(V: np.ndarray) -> np.ndarray:
    return np.sqrt(np.einsum("jt,jt->j", V, V))


def shrinkage_derivative(Z: np.ndarray, threshold: Any) -> RowDerivative:
    """Of ``max(0, 1 - threshold / ‖z^j‖) z^j``; the identity where the threshold is 0."""
    norms = row_norms(Z)[:, None]
    taken = np.divide(threshold, norms, out=np.ones_like(norms), where=norms > threshold)
    taken *= np.not_equal(threshold, 0)
    kept = taken < 1
    if Z.shape[1] == 1:  # all of it is along z: I
        return RowDerivative(kept.astype(Z.dtype), np.zeros_like(Z))
    size = np.divide(np.sqrt(taken), norms, out=np.zeros_like(norms), where=kept & (norms > 0))
    return RowDerivative(1.0 - taken, size * Z)
