"""L2,1: joint selection of features."""

from __future__ import annotations

from typing import Any

import numpy as np

from mtlearn.penalties.base import Penalty


class L21(Penalty):
    """Sum over features of the Euclidean norm of their coefficients in all tasks.

    ::

        Omega(V)  = sum_j ‖v^j‖₂
        Omega°(G) = max_j ‖G^j‖₂
        prox      = max(0, 1 - step alpha / ‖v^j‖₂) v^j

    References
    ----------
    Yuan and Lin (2006). Model selection and estimation in regression with grouped variables.
    JRSS B 68. Obozinski, Taskar and Jordan (2010). Joint covariate selection and joint subspace
    selection for multiple classification problems. Statistics and Computing 20.
    """

    def value(self, V: np.ndarray) -> float:
        return self.alpha * float(row_norms(V).sum())

    def dual_norm(self, G: np.ndarray) -> float:
        return float(row_norms(G).max())

    def prox(self, V: np.ndarray, step: Any) -> np.ndarray:
        norms = row_norms(V)[:, None]
        threshold = np.broadcast_to(self.alpha * step, norms.shape)
        shrink = np.divide(threshold, norms, out=np.ones_like(norms), where=norms > threshold)
        return V * (1.0 - shrink)

    def parts(self, V: np.ndarray) -> dict[str, Any]:
        return {"support_": V.any(axis=1)}


def row_norms(V: np.ndarray) -> np.ndarray:
    return np.sqrt(np.einsum("jt,jt->j", V, V))
