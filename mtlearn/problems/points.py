"""What a problem makes of coefficients: points, with all that solvers ask of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtlearn.problems.coupling import whole


@dataclass(frozen=True)
class Point:
    """Coefficients, and what the smooth part of the objective says about them."""

    V: np.ndarray  # (d, C) deviations
    mean: np.ndarray | None  # (d, K) w_0 of each class
    b0: np.ndarray  # (K,)
    SW: np.ndarray  # (d, C) columns S_t w_t
    error: np.ndarray  # (C,) e_t
    G: np.ndarray  # (d, C) minus the gradient with respect to V

    @property
    def W(self) -> np.ndarray:
        return whole(self.V, self.mean)


@dataclass(frozen=True)
class ScorePoint:
    """Coefficients, scores without intercepts, and the gradient, all consistent.

    ``XW`` is (n, k); ``b`` the intercepts (C,), for features as the problem holds them; ``R`` the
    weighted residuals (n, k); ``G`` minus the gradient with respect to V, (d, C).
    """

    V: np.ndarray
    mean: np.ndarray | None
    b0: np.ndarray
    b: np.ndarray
    XW: np.ndarray
    data_value: float
    R: np.ndarray
    G: np.ndarray

    @property
    def W(self) -> np.ndarray:
        return whole(self.V, self.mean)
