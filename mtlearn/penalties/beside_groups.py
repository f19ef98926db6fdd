"""What one more task is charged beside others that are held, by groups of features."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mtlearn.penalties.base import Differentiable, RowSeparable
from mtlearn.penalties.derivative import RowDerivative
from mtlearn.penalties.feature_groups import (
    Groups,
    SparseFeatureGroups,
    kept_share,
    shrinkage_derivative,
)
from mtlearn.penalties.sparse_group import soft


@dataclass(frozen=True, eq=False)
class BesideGroups(RowSeparable, Differentiable):
    """Omega([H, V]) - Omega([H, 0]) for the columns V (d, K) of a task, H held.

    With m_g = ‖H_g‖_F and r the l1_ratio, in each group::

        value   (1 - r) c_g (sqrt(m² + ‖V_g‖²) - m) + r ‖V_g‖₁
        dual    the dual norm of the group alone;
                m ((1 - r) c - sqrt((1 - r)² c² - ‖soft(G_g, r)‖²)) for feasible G
        prox    of steps s_j, a = soft(z, r s_j alpha), t_j = (1 - r) c s_j alpha:
                v^j = R / (R + t_j) a^j, R = sqrt(m² + ‖V_g‖²) the root of
                sum_{j in g} ‖a^j‖² / (R + t_j)² + m² / R² = 1

    Where other tasks use a group (m > 0) it is smooth at 0.

    Parameters
    ----------
    alpha : float
        Strength, > 0.
    norm : SparseFeatureGroups
        Of all tasks, of any strength.
    held : ndarray of shape (n_groups,)
        m.
    level : float or None
        a > 0 of a first row more, that of the level, which is charged a/2 ‖v‖².
    """

    norm: SparseFeatureGroups
    held: np.ndarray
    level: float | None = None

    @classmethod
    def of(
        cls, norm: SparseFeatureGroups, H: np.ndarray, level: float | None = None
    ) -> BesideGroups:
        """At the strength of the norm, beside columns H (d, C)."""
        return cls(norm.alpha, norm, norm.groups.norms(H), level)

    @property
    def first(self) -> int:
        """Rows before those of features."""
        return 0 if self.level is None else 1

    @property
    def _groups(self) -> Groups:
        """Of the level as well, which is alone and first."""
        groups = self.norm.groups
        if self.level is None:
            return groups
        label = np.concatenate([[len(groups.charge)], groups.label])
        return replace(groups, label=label, charge=np.append(groups.charge, 1.0))

    def value(self, V: np.ndarray) -> float:
        of_level = 0.5 * (self.level or 0.0) * float(np.vdot(V[: self.first], V[: self.first]))
        return of_level + self._of_deviations(V[self.first :])

    def _of_deviations(self, V: np.ndarray) -> float:
        groups, r = self.norm.groups, self.norm.l1_ratio
        square = groups.norms(V) ** 2
        sum_ = np.sqrt(self.held**2 + square) + self.held
        grown = np.divide(square, sum_, out=np.zeros_like(square), where=sum_ > 0)
        return self.alpha * float((1 - r) * (grown @ groups.charge) + r * np.abs(V).sum())

    def shared(self, V: np.ndarray) -> np.ndarray:
        """All of it: there is no specific part."""
        return V

    def inner(self, A: np.ndarray, B: np.ndarray) -> np.ndarray:
        return self._groups.inner(A, B)

    def prox(self, V: np.ndarray, step: Any) -> np.ndarray:
        step = np.broadcast_to(step, (len(V), 1))
        A, threshold, _ = self._of_features(V, step)
        kept = kept_share(A, threshold, self.norm.groups, self.held)[0][:, None]
        return np.concatenate([self._of_level(step) * V[: self.first], A * kept])

    def derivative(self, Z: np.ndarray, step: Any) -> RowDerivative:
        step = np.broadcast_to(step, (len(Z), 1))
        A, threshold, on = self._of_features(Z, step)
        m, w = shrinkage_derivative(A, threshold, self.norm.groups, self.held)
        m, first = np.broadcast_to(m, A.shape) * on, np.zeros_like(Z[: self.first])
        m = np.concatenate([self._of_level(step) + first, m])
        return RowDerivative(m, np.concatenate([first, w]), self._groups.label)

    def _of_level(self, step: np.ndarray) -> np.ndarray:
        return 1.0 / (1.0 + step[: self.first] * (self.level or 0.0))

    def _of_features(
        self, Z: np.ndarray, step: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Entries shrunk by the sum of absolute values, t (d,), and which of them are left."""
        r, groups, Z = self.norm.l1_ratio, self.norm.groups, Z[self.first :]
        lam = self.alpha * step[self.first :]
        on = (np.abs(Z) > r * lam) | (r * lam == 0)
        threshold = (1 - r) * groups.charge[groups.label] * lam[:, 0]
        return soft(Z, r * lam) if r else Z, threshold, on

    def dual_scale(self, G: np.ndarray) -> float:
        return self.norm.at(self.alpha).dual_scale(G[self.first :])

    def fenchel_gap(self, V: np.ndarray, sG: np.ndarray) -> float:
        gap = 0.0
        if self.level is not None:
            root = np.sqrt(self.level)
            apart = root * V[:1] - sG[:1] / root
            gap, V, sG = 0.5 * float(np.vdot(apart, apart)), V[1:], sG[1:]
        r, groups = self.norm.l1_ratio, self.norm.groups
        most = (1 - r) * groups.charge
        square = groups.norms(soft(sG / self.alpha, r)) ** 2
        below = most + np.sqrt(np.maximum(most**2 - square, 0.0))
        conjugate = np.divide(square, below, out=np.zeros_like(square), where=below > 0)
        charged = self.alpha * float(conjugate @ self.held)
        return gap + self._of_deviations(V) - float(np.vdot(V, sG)) + charged
