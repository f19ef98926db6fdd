"""Dirty model: coefficients that all tasks share the support of, plus a few of a task's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlearn.penalties.base import Differentiable, RowNorms
from mtlearn.penalties.derivative import RowDerivative
from mtlearn.penalties.l1inf import moved_level
from mtlearn.penalties.l21 import row_norms


@dataclass(frozen=True)
class Dirty(RowNorms, Differentiable):
    """The cheapest split of V into a shared part B and a specific part S.

    ::

        Omega(V)  = min over B + S = V of  sum_j ‖b^j‖_q + rho ‖S‖₁
        Omega°(G) = max(max_j ‖G^j‖_q*, max |G| / rho),   q* = 2 for l2, 1 for linf
        prox      = v minus its projection g on {‖g‖_q* <= lam, |g_t| <= rho lam}, in each row,
                    lam = step alpha:
                    g = clip(v, ±rho lam) where that has ‖g‖_q* <= lam (then B = 0), else
            l2      g = clip(theta v, ±rho lam), theta such that ‖g‖₂ = lam
            linf    g = sign(v) clip(|v| - tau, 0, rho lam), tau such that ‖g‖₁ = lam
        its derivative in a row with B = 0: 1 on clipped entries, 0 on the others; else
            l2      1 on clipped entries, (1 - theta) I + theta u u' on the others, u their
                    direction
            linf    s s'/k on the k entries with 0 < |v| - tau < rho lam (s their signs), 1 on
                    the others
        split     b = clip(v, -beta, beta), the rest is specific, in each row:
            l2      beta² = rho² (sum of squares of the entries up to beta) / (1 - k rho²),
                    k the number above beta
            linf    beta = the ceil(1/rho)-th largest |v_t|, 0 if there are fewer

    The l2 split is the stationarity of b: ``|b_t| = rho ‖b‖`` where the specific part is not 0.
    Among equally cheap splits it is the one with the smallest ‖S‖₁. No entry of g exceeds
    ‖g‖_q*, so rho >= 1 gives the group penalty alone, S = 0; for rho below 1/√C (l2) or 1/C
    (linf) B = 0, a lasso with strength rho alpha. See :func:`useful_ratios`.

    Parameters
    ----------
    alpha : float
        Strength, >= 0.
    norm : {"l2", "linf"}
        Norm q of a row of B.
    specific_ratio : float
        rho, > 0; ``inf`` is allowed: no specific part.

    References
    ----------
    Jalali, Ravikumar, Sanghavi and Ruan (2010). A dirty model for multi-task learning. NeurIPS.
    """

    norm: str
    specific_ratio: float

    @property
    def ratio(self) -> float:
        """rho, no larger than makes a difference."""
        return min(float(self.specific_ratio), 1.0)

    def value(self, V: np.ndarray) -> float:
        B = self.shared(V)
        rows = row_norms(B) if self.norm == "l2" else np.abs(B).max(axis=1)
        return self.alpha * float(rows.sum() + self.ratio * np.abs(V - B).sum())

    def row_dual_norms(self, G: np.ndarray) -> np.ndarray:
        rows = row_norms(G) if self.norm == "l2" else np.abs(G).sum(axis=1)
        return np.maximum(rows, np.abs(G).max(axis=1) / self.ratio)

    def prox(self, V: np.ndarray, step: Any) -> np.ndarray:
        lam = np.broadcast_to(self.alpha * step, (len(V), 1))
        cap = self.ratio * lam
        if self.norm == "l2":
            return V - within(scales(V, self.ratio, lam) * V, cap)
        size, tau = np.abs(V), levels(V, cap, lam)
        # Entries cut to tau are equal to the last bit: the split of the result depends on it.
        return np.sign(V) * np.where(size <= tau + cap, np.minimum(size, tau), size - cap)

    def derivative(self, Z: np.ndarray, step: Any) -> RowDerivative:
        lam = np.broadcast_to(self.alpha * step, (len(Z), 1))
        size, cap = np.abs(Z), self.ratio * lam
        if self.norm == "l2":
            theta = scales(Z, self.ratio, lam)
            clipped = (theta * size > cap) | (lam == 0)
            free = np.where(clipped, 0.0, Z)
            norms = row_norms(free)[:, None]
            along = np.divide(np.sqrt(theta), norms, out=np.zeros_like(theta), where=norms > 0)
            along[theta == 1] = 0.0  # B = 0: what is not clipped stays 0
            return RowDerivative(np.where(clipped, 1.0, 1.0 - theta), along * free)
        tau = levels(Z, cap, lam)
        free = (size > tau) & (size < tau + cap) & (tau > 0)
        zero = (tau == 0) & (size <= cap) & (lam > 0)
        count = np.maximum(free.sum(axis=1, keepdims=True), 1)
        return RowDerivative((~free & ~zero).astype(float), free * np.sign(Z) / np.sqrt(count))

    def to_kinks(self, V: np.ndarray, D: np.ndarray) -> np.ndarray:
        """V + D with specific entries that would pass those of B at them, for linf others too."""
        B, ahead = self.shared(V), V + D
        specific, level = V != B, np.abs(B).max(axis=1, keepdims=True)
        if self.norm == "l2":
            b = np.where(specific, 0.0, V)
            square = np.einsum("jc,jc->j", b, b)[:, None]
            grown = 1.0 + np.einsum("jc,jc->j", b, D)[:, None] / np.where(square > 0, square, 1.0)
            level = np.where(square > 0, level * np.maximum(grown, 0.0), 0.0)
            inside = ahead
        else:
            level = moved_level(V, D, level)
            inside = np.clip(ahead, -level, level)
        outside = np.sign(V) * np.maximum(np.sign(V) * ahead, level)
        return np.where(specific, outside, inside)

    def parts(self, V: np.ndarray) -> dict[str, Any]:
        B = self.shared(V)
        return {"shared": B, "specific": V - B, "support": V.any(axis=1)}

    def shared(self, V: np.ndarray) -> np.ndarray:
        """B of the cheapest split of V."""
        if self.norm == "l2":
            k, tail = saturated(V, self.ratio)
            room = np.maximum(1.0 - k * self.ratio**2, 0.0)
            beta = np.full_like(tail, np.inf)  # nothing is specific where k = 0
            np.divide(self.ratio * tail, np.sqrt(room), out=beta, where=(k > 0) & (room > 0))
        else:
            place = V.shape[1] - int(np.ceil((1 - ROUNDING) / self.ratio))
            beta = ascending(V)[:, place : place + 1] if place >= 0 else np.zeros((len(V), 1))
        return within(V, beta)


# Sums of C squares are equal within this: what is a tie in exact arithmetic is kept one.
ROUNDING = 1e-14


def within(V: np.ndarray, bound: np.ndarray) -> np.ndarray:
    """V clipped to ±bound, for which ``clip`` takes three times as long."""
    V = np.minimum(V, bound)
    return np.maximum(V, -bound, out=V)


def ascending(V: np.ndarray) -> np.ndarray:
    size = np.abs(V)
    size.sort(axis=1)
    return size


def saturated(V: np.ndarray, ratio: float) -> tuple[np.ndarray, np.ndarray]:
    """How many entries of a row are clipped once ‖g‖₂ binds, and ‖the others‖₂.

    clip(theta v, ±rho lam) has norm lam. At the theta that brings the i-th largest to its bound,
    rho lam / u_i, the norm is rho lam sqrt(i + sum_{t > i} u_t² / u_i²): entry i is clipped where
    this is less than lam, whatever lam is. (d, 1) each.
    """
    size, C = ascending(V), V.shape[1]
    largest = size[:, -1:].copy()
    size /= np.where(largest > 0, largest, 1.0)
    size *= size
    sums = np.zeros((len(V), C + 1))  # of the i smallest
    np.cumsum(size, axis=1, out=sums[:, 1:])
    size *= np.arange(C, 0, -1) - (1 - ROUNDING) / ratio**2
    size += sums[:, :-1]
    k = np.count_nonzero(size < 0, axis=1)[:, None]
    return k, largest * np.sqrt(np.take_along_axis(sums, C - k, axis=1))


def scales(V: np.ndarray, ratio: float, lam: np.ndarray) -> np.ndarray:
    """theta <= 1 of the l2 projection clip(theta v, ±ratio lam), (d, 1); 1 where B = 0."""
    k, tail = saturated(V, ratio)
    left = lam * np.sqrt(np.maximum(1.0 - k * ratio**2, 0.0))
    return np.minimum(np.divide(left, tail, out=np.ones_like(tail), where=tail > 0), 1.0)


def levels(V: np.ndarray, cap: np.ndarray, lam: np.ndarray) -> np.ndarray:
    """tau >= 0 of the linf projection sign(v) clip(|v| - tau, 0, cap), (d, 1); 0 where B = 0.

    The sum of clip(|v_t| - tau, 0, cap) is linear in tau between the 2C kinks |v_t| and
    |v_t| - cap; going down from the largest kink it rises to lam, and tau is where it gets there.
    """
    size, C = np.abs(V), V.shape[1]
    below = np.concatenate([-size, cap - size], axis=1)  # minus the kinks
    # Which of the two a kink is goes along in its last bit: to sort is far quicker than to argsort.
    bits = below.view(np.int64)
    bits[:, :C] &= -2
    bits[:, C:] |= 1
    below.sort(axis=1)
    slope = 1.0 - 2.0 * (bits & 1)
    offset = slope * below
    np.cumsum(slope, axis=1, out=slope)
    np.cumsum(offset, axis=1, out=offset)
    sums = slope * below
    sums -= offset
    last = np.maximum((sums <= lam).sum(axis=1, keepdims=True), 1) - 1
    slope, offset, below = (np.take_along_axis(a, last, axis=1) for a in (slope, offset, below))
    tau = np.divide(-offset - lam, slope, out=-below, where=slope > 0)
    return np.maximum(np.minimum(tau, -below), 0.0)


def useful_ratios(
    norm: str, n_columns: int, shared_mean: bool, n_classes: int = 1
) -> tuple[float, float] | None:
    """The open interval of rho where both parts of the split can be other than 0.

    Below it B = 0, above it S = 0. With a shared mean the rows of the dual point sum to 0 over
    the tasks (of every class), which narrows it: the ends are the largest ``‖g‖_q*`` of a
    row with entries up to 1, inverted, and the largest entry of a row with ``‖g‖_q* = 1``.

    Parameters
    ----------
    norm : {"l2", "linf"}
    n_columns : int
        C = tasks × classes.
    shared_mean : bool
        Whether the model has a shared w_0.
    n_classes : int, default=1
        Columns per task, each class with a mean of its own.

    Returns
    -------
    (low, high) or None
        None where the interval is empty; then S = 0.

    Examples
    --------
    >>> from mtlearn.penalties.dirty import useful_ratios
    >>> useful_ratios("linf", 4, shared_mean=False)
    (0.25, 1.0)
    >>> useful_ratios("l2", 2, shared_mean=True) is None
    True
    """
    n_tasks = n_columns // n_classes
    entries = 2 * (n_tasks // 2) * n_classes if shared_mean else n_columns
    if entries == 0:
        return None
    # Squares compare exactly where an interval is empty.
    low, high = 1.0 / entries, 1.0
    if shared_mean:
        high = 1.0 - 1.0 / n_tasks if norm == "l2" else 0.5
    if low >= high:
        return None
    return (float(np.sqrt(low)), float(np.sqrt(high))) if norm == "l2" else (low, high)


def auto_ratio(norm: str, n_columns: int, shared_mean: bool, n_classes: int = 1) -> float:
    """``specific_ratio="auto"``: the geometric mean of the useful range; inf (S = 0) without."""
    ends = useful_ratios(norm, n_columns, shared_mean, n_classes)
    return float(np.inf) if ends is None else float(np.sqrt(ends[0] * ends[1]))
