"""Sparse group: joint selection of features, and of tasks within a feature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlearn.penalties.base import Differentiable, RowNorms
from mtlearn.penalties.derivative import RowDerivative
from mtlearn.penalties.l21 import row_norms, shrinkage_derivative


@dataclass(frozen=True)
class SparseGroup(RowNorms, Differentiable):
    """A mixture of the L2,1 norm and the sum of absolute values, ``l1_ratio`` = r.

    ::

        Omega(V)  = (1 - r) sum_j ‖v^j‖₂ + r ‖V‖₁
        Omega°(G) = max_j u_j, u_j the root of ‖soft(G^j, r u)‖₂ = (1 - r) u
        prox      = max(0, 1 - (1 - r) step alpha / ‖a^j‖₂) a^j,  a = soft(V, r step alpha),
                    soft(x, h) = sign(x) max(|x| - h, 0)
        its derivative: that of the L2,1 prox at a, on the entries where a is not 0

    Parameters
    ----------
    alpha : float
        Strength, >= 0.
    l1_ratio : float
        r, in [0, 1]: 0 is L2,1, 1 is the lasso.

    References
    ----------
    Simon, Friedman, Hastie and Tibshirani (2013). A sparse-group lasso. Journal of Computational
    and Graphical Statistics 22. Dual norm: Ndiaye, Fercoq, Gramfort and Salmon (2016). GAP safe
    screening rules for sparse-group lasso. NeurIPS.
    """

    l1_ratio: float

    def value(self, V: np.ndarray) -> float:
        groups, entries = row_norms(V).sum(), np.abs(V).sum()
        return self.alpha * float((1 - self.l1_ratio) * groups + self.l1_ratio * entries)

    def row_dual_norms(self, G: np.ndarray) -> np.ndarray:
        return dual_norms(G.astype(np.float64, copy=False), self.l1_ratio)

    def prox(self, V: np.ndarray, step: Any) -> np.ndarray:
        threshold = self.alpha * step
        A = soft(V, self.l1_ratio * threshold)
        norms = row_norms(A)[:, None]
        group = np.broadcast_to((1 - self.l1_ratio) * threshold, norms.shape)
        shrink = np.divide(group, norms, out=np.ones_like(norms), where=norms > group)
        return A * (1.0 - shrink)

    def derivative(self, Z: np.ndarray, step: Any) -> RowDerivative:
        threshold = self.alpha * step
        entry = np.broadcast_to(self.l1_ratio * threshold, (len(Z), 1))
        kept = (np.abs(Z) > entry) | (entry == 0)
        group = shrinkage_derivative(soft(Z, entry), (1 - self.l1_ratio) * threshold)
        return RowDerivative(kept * group.m, group.w)

    def to_kinks(self, V: np.ndarray, D: np.ndarray) -> np.ndarray:
        """V + D with entries that would change their sign at 0."""
        return np.where((V + D) * V < 0, 0.0, V + D)

    def parts(self, V: np.ndarray) -> dict[str, Any]:
        return {"support": V.any(axis=1)}


def soft(V: np.ndarray, threshold: Any) -> np.ndarray:
    return V - np.clip(V, -threshold, threshold)


def dual_norms(G: np.ndarray, r: float, charge: Any = 1.0) -> np.ndarray:
    """Per row the root u of ‖soft(g, r u)‖₂ = (1 - r) charge u, exact; charge is (d, 1) or one.

    With k entries above r u the equation is quadratic in u. Entry i (in descending order) is
    above where the left side at u = g_i / r is the smaller one. Sums are of the distances to the
    largest entry: at r near 1 the entries above are nearly equal and plain sums would cancel.
    """
    largest = np.abs(G).max(axis=1, keepdims=True)
    size = np.divide(np.abs(G), largest, out=np.ones(G.shape), where=largest > 0)
    size = np.sort(size, axis=1)[:, ::-1]
    below = 1.0 - size
    count, group = np.arange(1, G.shape[1] + 1), (1 - r) * charge
    first, second = np.cumsum(below, axis=1), np.cumsum(below**2, axis=1)
    excess = count * below**2 - 2 * below * first + second  # sum over j <= i of (g_j - g_i)²
    above = r**2 * excess < group**2 * size**2
    last = np.maximum(above.sum(axis=1, keepdims=True), 1) - 1
    k = last + 1.0
    e1, e2 = (np.take_along_axis(sums, last, axis=1) for sums in (first, second))
    g1, g2 = k - e1, k - 2 * e1 + e2
    root = np.sqrt(np.maximum(group**2 * g2 - r**2 * (k * e2 - e1**2), 0.0))
    return (largest * g2 / (r * g1 + root))[:, 0]
