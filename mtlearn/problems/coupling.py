"""What ties the columns of coefficients together besides the penalty: a shared mean and intercepts.

A column belongs to a task and, with more than two classes, to a class; each class has a w_0 and a
b_0 of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

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
    """

    alpha_intercept: float = 0.0
    fit_intercept: bool = True
    alpha_mean: float | None = None

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
