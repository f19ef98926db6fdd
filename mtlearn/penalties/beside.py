"""What one more task is charged beside others that are held, by a sum over features."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mtlearn.penalties.base import Differentiable, RowNorms, RowSeparable
from mtlearn.penalties.derivative import RowDerivative
from mtlearn.penalties.dirty import Dirty, levels, within
from mtlearn.penalties.l1inf import L1Inf
from mtlearn.penalties.l21 import row_norms
from mtlearn.penalties.sparse_group import SparseGroup, soft

HALVINGS = 60  # of an interval, to its last digit
STEPS = 60  # of Newton's method on a scalar, more than it ever takes


@dataclass(frozen=True, eq=False)
class Beside(RowSeparable, Differentiable):
    """Omega([H, V]) - Omega([H, 0]) for the columns V (d, K) of a task, H held.

    H is the shared part of the others in a dirty model, all of their deviations otherwise, and
    m^j = ‖h^j‖_q. In each row, with r the l1_ratio and rho the specific ratio (0 and inf where a
    family has none)::

        l2      (1 - r) (sqrt(m² + ‖v‖²) - m) + r ‖v‖₁      dirty: min over b + s = v of that of b
        linf    max(m, max |v_k|) - m                         plus rho ‖s‖₁
        dual    the dual norm of the row alone; l2  m ((1 - r) - sqrt((1 - r)² - ‖soft(g, r)‖²)),
                linf  m ‖g‖₁ for feasible g
        prox    v = z - g, t = step alpha: of z, or of soft(z, r t) with t (1 - r) for t,
            l2      g = clip(theta z, ±rho t), theta (1 + m / sqrt(t² - ‖g‖²)) = 1
            linf    g = sign(z) clip(|z| - max(tau, m), 0, rho t), tau that of the dirty penalty

    Where other tasks use a feature (m > 0) it is charged little at first: l2 is smooth at 0, and
    linf charges nothing up to m.

    Parameters
    ----------
    alpha : float
        Strength, > 0.
    norm : L21, SparseGroup, L1Inf or Dirty
        Of all tasks, of any strength.
    held : ndarray of shape (d, 1)
        m.
    level : float or None
        a > 0 of a first row more, that of the level, which is charged a/2 ‖v‖².
    """

    norm: RowNorms
    held: np.ndarray
    level: float | None = None

    @classmethod
    def of(cls, norm: RowNorms, H: np.ndarray, level: float | None = None) -> Beside:
        """At the strength of the norm, beside columns H (d, C)."""
        beside = cls(norm.alpha, norm, np.zeros((len(H), 1)), level)
        m = np.abs(H).max(axis=1, initial=0.0) if beside.by_largest else row_norms(H)
        return replace(beside, held=m[:, None])

    @property
    def share(self) -> float:
        """r."""
        return self.norm.l1_ratio if isinstance(self.norm, SparseGroup) else 0.0

    @property
    def ratio(self) -> float:
        """rho, no larger than makes a difference."""
        return self.norm.ratio if isinstance(self.norm, Dirty) else 1.0

    @property
    def by_largest(self) -> bool:
        """Whether q is inf."""
        norm = self.norm
        return isinstance(norm, L1Inf) or (isinstance(norm, Dirty) and norm.norm == "linf")

    @property
    def first(self) -> int:
        """Rows before those of features."""
        return 0 if self.level is None else 1

    def value(self, V: np.ndarray) -> float:
        of_level = 0.5 * (self.level or 0.0) * float(np.vdot(V[: self.first], V[: self.first]))
        return of_level + self._of_deviations(V[self.first :])

    def _of_deviations(self, V: np.ndarray) -> float:
        B, m = self.shared(V), self.held
        if self.by_largest:
            rows = np.maximum(np.abs(B).max(axis=1, keepdims=True) - m, 0.0)
        else:
            square = np.einsum("jk,jk->j", B, B)[:, None]
            sum_ = np.sqrt(m**2 + square) + m
            rows = np.divide(square, sum_, out=np.zeros_like(m), where=sum_ > 0)
        entries = self.share * np.abs(V).sum() + self.ratio * np.abs(V - B).sum()
        return self.alpha * float((1 - self.share) * rows.sum() + entries)

    def shared(self, V: np.ndarray) -> np.ndarray:
        """b of the cheapest split of each row, the rest being specific."""
        if self.ratio >= 1.0:
            return V
        m, rho, K = self.held, self.ratio, V.shape[1]
        if self.by_largest:
            inside = np.abs(Dirty(1.0, "linf", rho).shared(V)).max(axis=1, keepdims=True)
            return within(V, np.maximum(inside, m))
        size = -np.sort(-np.abs(V), axis=1)
        beta = np.full_like(m, np.inf)
        for k in range(1, K + 1):  # entries above beta: K is 1, or the number of classes
            room = 1.0 - k * rho**2
            tail = m**2 + np.einsum("jk,jk->j", size[:, k:], size[:, k:])[:, None]
            here = np.sqrt(tail / room) * rho if room > 0 else np.full_like(m, np.inf)
            beta = np.where(size[:, k - 1 : k] > here, here, beta)
        return within(V, beta)

    def prox(self, V: np.ndarray, step: Any) -> np.ndarray:
        return self._shrunk(V, step)[0]

    def derivative(self, Z: np.ndarray, step: Any) -> RowDerivative:
        return RowDerivative(*self._shrunk(Z, step)[1:])

    def dual_scale(self, G: np.ndarray) -> float:
        return self.norm.at(self.alpha).dual_scale(G[self.first :])

    def fenchel_gap(self, V: np.ndarray, sG: np.ndarray) -> float:
        gap = 0.0
        if self.level is not None:
            root = np.sqrt(self.level)
            apart = root * V[:1] - sG[:1] / root
            gap, V, sG = 0.5 * float(np.vdot(apart, apart)), V[1:], sG[1:]
        g = sG / self.alpha
        if self.by_largest:
            conjugate = float(np.abs(g).sum(axis=1) @ self.held[:, 0])
        else:
            most = 1 - self.share
            square = np.einsum("jk,jk->j", *[soft(g, self.share)] * 2)
            root_of = np.sqrt(np.maximum(most**2 - square, 0.0))
            conjugate = float((square / (most + root_of)) @ self.held[:, 0]) if most else 0.0
        return gap + self._of_deviations(V) - float(np.vdot(V, sG)) + self.alpha * conjugate

    def _shrunk(self, Z: np.ndarray, step: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The prox, and its derivative as a :class:`RowDerivative` has it."""
        step = np.broadcast_to(step, (len(Z), 1))
        found = self._of_features(Z[self.first :], self.alpha * step[self.first :])
        if self.level is None:
            return found
        kept = 1.0 / (1.0 + step[:1] * self.level)
        first = kept * Z[:1], np.broadcast_to(kept, Z[:1].shape), np.zeros_like(Z[:1])
        V, m, w = (np.concatenate(pair) for pair in zip(first, found, strict=True))
        return V, m, w

    def _of_features(
        self, Z: np.ndarray, t: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        entry = self.share * t
        kept = (np.abs(Z) > entry) | (entry == 0)
        A = soft(Z, entry) if self.share else Z
        t = (1 - self.share) * t
        V, m, w = (self._by_largest if self.by_largest else self._by_length)(A, t)
        if Z.shape[1] == 1:  # all of it is along z
            m, w = m + w**2, np.zeros_like(w)
        return V, kept * m, w

    def _by_largest(self, A: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, ...]:
        cap, size, m = self.ratio * t, np.abs(A), self.held
        tau = levels(A, cap, t)
        moves, tau = tau > m, np.maximum(tau, m)
        V = np.sign(A) * np.where(size <= tau + cap, np.minimum(size, tau), size - cap)
        free = (size > tau) & (size < tau + cap)
        gone = (tau == 0) & (size <= cap) & (t > 0)
        count = np.maximum(free.sum(axis=1, keepdims=True), 1)
        w = (free & moves) * np.sign(A) / np.sqrt(count)
        return V, (~free & ~gone).astype(float), w

    def _by_length(self, A: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, ...]:
        cap, n = self.ratio * t, row_norms(A)[:, None]
        length = _lengths(n, t, self.held)
        left = np.divide(length, n, out=np.zeros_like(n), where=n > 0)  # 1 - theta
        V = A * left
        if self.ratio < 1.0 and A.shape[1] == 1:
            V = A - within(A - V, cap)
        elif self.ratio < 1.0:
            theta = _thetas(A, t, cap, self.held)
            left, V = 1.0 - theta, A - within(theta * A, cap)
        theta = 1.0 - left
        clipped = theta * np.abs(A) > cap if self.ratio < 1.0 else np.zeros(A.shape, dtype=bool)
        free, g = np.where(clipped, 0.0, A), A - V
        room = np.maximum(t**2 - np.einsum("jk,jk->j", g, g)[:, None], 0.0)
        along = theta**2 * left * np.einsum("jk,jk->j", free, free)[:, None]
        size = theta**3 * left
        size = np.divide(size, room + along, out=np.zeros_like(size), where=(size > 0) & (n > 0))
        return V, np.where(clipped, 1.0, left), np.sqrt(size) * free


def _lengths(n: np.ndarray, t: np.ndarray, m: np.ndarray) -> np.ndarray:
    """rho >= 0 with rho + t rho / sqrt(m² + rho²) = n: Newton from the left, of a concave left."""
    with np.errstate(divide="ignore", invalid="ignore"):
        start = np.where(m > 0, n * m / (m + t), 0.0)
    rho = np.maximum(np.maximum(n - t, start), 0.0)
    for _ in range(STEPS):
        root = np.hypot(m, rho)
        safe = np.where(root > 0, root, 1.0)
        slope = 1.0 + t * (m / safe) ** 2 / safe
        step = np.where(root > 0, (n - rho - t * rho / safe) / slope, 0.0)
        rho = rho + np.maximum(step, 0.0)
        if (step <= 1e-16 * n).all():
            break
    return rho


def _thetas(A: np.ndarray, t: np.ndarray, cap: np.ndarray, m: np.ndarray) -> np.ndarray:
    """theta <= 1 with theta (1 + m / sqrt(t² - ‖clip(theta a, ±cap)‖²)) = 1."""

    def beyond(theta: np.ndarray) -> np.ndarray:
        g = within(theta * A, cap)
        room = t**2 - np.einsum("jk,jk->j", g, g)[:, None]
        root = np.sqrt(np.maximum(room, 0.0))
        return (theta * m > (1.0 - theta) * root) | (room < 0)

    low, high = np.zeros_like(t), np.ones_like(t)
    high_is = ~beyond(high)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        over = beyond(middle)
        low, high = np.where(over, low, middle), np.where(over, middle, high)
    return np.where(high_is, 1.0, low)
