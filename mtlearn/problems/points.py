"""What a problem makes of coefficients: points, with all that solvers ask of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from mtlearn.losses.base import Expansion
from mtlearn.problems.coupling import whole


class _Coefficients:
    """What follows from the deviations and the shared mean alone."""

    V: np.ndarray
    mean: np.ndarray | None

    @property
    def W(self) -> np.ndarray:
        return whole(self.V, self.mean)

    @cached_property
    def active(self) -> Any:
        """Which features have a deviation, (d,)."""
        return self.V.any(axis=1)


@dataclass(frozen=True)
class Point(_Coefficients):
    """Coefficients, and what the smooth part of the objective says about them."""

    V: np.ndarray  # (d, C) deviations
    mean: np.ndarray | None  # (d, K) w_0 of each class
    b0: np.ndarray  # (K,)
    SW: np.ndarray  # (d, C) columns S_t w_t
    error: np.ndarray  # (C,) e_t
    G: np.ndarray  # (d, C) minus the gradient with respect to V
    known: dict[Any, Any] = field(default_factory=dict, compare=False)  # what was asked already


@dataclass(frozen=True)
class ScorePoint(_Coefficients):
    """Coefficients, scores without intercepts, and the gradient, all consistent.

    ``XW`` is (n, k), with what columns have of their own; ``b`` the intercepts (C,), for features
    as the problem holds them; ``around`` the loss around the scores, (n, k) each; ``R`` the
    weighted residuals (n, k); ``G`` minus the gradient with respect to V, (d, C).
    """

    V: np.ndarray
    mean: np.ndarray | None
    b0: np.ndarray
    b: np.ndarray
    XW: np.ndarray
    data_value: float
    around: Expansion
    R: np.ndarray
    G: np.ndarray
    own: np.ndarray | None = None  # (k, C) of features that nothing is charged for
    known: dict[float, float] = field(default_factory=dict, compare=False)  # gaps of the loss


class Lifted:
    """A point of a restricted problem as one of the whole: all other deviations are zero.

    What is as large as all deviations is made when it is asked for; the rest is the point's own.

    Parameters
    ----------
    point : Point or ScorePoint
    part : Problem
        Restricted, with its ``features``.
    whole : Restrictable
    """

    def __init__(self, point: Any, part: Any, whole: Any):
        self.point, self.part, self.whole = point, part, whole

    def __getattr__(self, name: str) -> Any:
        return getattr(self.point, name)

    @property
    def features(self) -> np.ndarray:
        return self.part.features

    @cached_property
    def V(self) -> np.ndarray:
        V = np.zeros((self.whole.n_features, self.point.V.shape[1]))
        V[self.features] = self.point.V
        return V

    @property
    def W(self) -> np.ndarray:
        return self.V

    @cached_property
    def G(self) -> np.ndarray:
        return self.whole.gradient_at(self.part, self.point)

    @cached_property
    def SW(self) -> np.ndarray:
        return self.whole.scatter_times(self.V)
