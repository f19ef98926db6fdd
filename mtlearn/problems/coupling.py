"""What ties the columns of coefficients together besides the penalty: a shared mean and intercepts.

A column belongs to a task and, with more than two classes, to a class; each class has a w_0 and a
b_0 of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Coupling:
    """What ties the tasks together besides the penalty on V.

    Attributes
    ----------
    alpha_intercept : float
        Strength a that pulls the intercepts (at the mean of all rows: the levels) to b_0; 0 leaves
        them free, inf makes them one.
    fit_intercept : bool
        False: every intercept is zero.
    alpha_mean : float or None
        Ridge on the shared mean w_0; None (or inf) where the model has no shared mean.
    mean_unit : ndarray of shape (d,) or None
        Units of w_0 where its ridge differs by feature: what is charged is ‖mean_unit * w_0‖².
    fixed : ndarray of bool, of shape (d,), or None
        Features that all tasks have from w_0 alone, without deviations.
    """

    alpha_intercept: float = 0.0
    fit_intercept: bool = True
    alpha_mean: float | None = None
    mean_unit: np.ndarray | None = field(default=None, compare=False)
    fixed: np.ndarray | None = field(default=None, compare=False)

    def ridge(self, n_tasks: int) -> Any:
        """What w_0 (d, K) is charged by feature: a number, or (d, 1)."""
        alpha = (self.alpha_mean or 0.0) * n_tasks
        return alpha if self.mean_unit is None else alpha * self.mean_unit[:, None] ** 2

    def ridge_of_features(self, n_tasks: int) -> Any:
        """The same along a diagonal: a number, or (d,)."""
        ridge = self.ridge(n_tasks)
        return ridge if self.mean_unit is None else ridge[:, 0]

    def charge(self, mean: np.ndarray, n_tasks: int) -> float:
        """What w_0 (d, K) is charged in all."""
        own = mean if self.mean_unit is None else self.mean_unit[:, None] * mean
        return 0.5 * (self.alpha_mean or 0.0) * n_tasks * float(np.vdot(own, own))

    def own(self, G: np.ndarray) -> np.ndarray:
        """What belongs to deviations, (d, ...), in place: nothing where there are none."""
        if self.fixed is not None:
            G[self.fixed] = 0.0
        return G

    @property
    def has_mean(self) -> bool:
        return self.alpha_mean is not None and bool(np.isfinite(self.alpha_mean))


def spread(per_class: np.ndarray, n_columns: int) -> np.ndarray:
    """What belongs to a class, (..., K), in every column of that class, (..., C)."""
    if per_class.shape == (1,):
        return np.full(n_columns, per_class[0])
    if per_class.shape[-1] == 1:
        return np.broadcast_to(per_class, (*per_class.shape[:-1], n_columns))
    return np.tile(per_class, n_columns // per_class.shape[-1])


def gather(columns: np.ndarray, n_classes: int) -> np.ndarray:
    """Sums over the columns of each class: (..., C) to (..., K)."""
    return columns.reshape(*columns.shape[:-1], -1, n_classes).sum(axis=-2)


def whole(V: np.ndarray, mean: np.ndarray | None) -> np.ndarray:
    """Coefficients w_0 + v_t of every column, (d, C), with or without w_0 (d, K)."""
    if mean is None:
        return V
    return V + (mean if mean.shape[1] == 1 else spread(mean, V.shape[1]))
