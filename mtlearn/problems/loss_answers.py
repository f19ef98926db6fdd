"""From a point of a loss on rows to intercepts and coefficients of the user."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np

from mtlearn.problems.base import Problem
from mtlearn.problems.coupling import gather, spread
from mtlearn.problems.intercepts import Intercepts, Levels
from mtlearn.problems.points import ScorePoint
from mtlearn.problems.rows import Rows


class LossAnswers(Problem):
    """A loss on rows, as far as answers go.

    Attributes
    ----------
    free : bool
        Whether intercepts are free.
    """

    free: bool
    _given: Rows
    _intercepts: Intercepts

    @abstractmethod
    def _scores_alike(self, mean: np.ndarray) -> np.ndarray:
        """x·w_0 on every row, (n, k), of w_0 (d, K)."""

    def own_scores(self, own: Any) -> np.ndarray:
        """What columns have of their own on every row, (n, k), of coefficients (k, C)."""
        assert self._intercepts.features is not None
        return self._intercepts.features.scores(own)

    def intercepts(self, point: ScorePoint) -> np.ndarray:
        """Intercepts of the columns in features as the rows are held, (C,)."""
        return point.b

    def own_coefficients(self, point: ScorePoint) -> np.ndarray:
        return point.own

    def _own_given(self, point: ScorePoint, mean: np.ndarray) -> np.ndarray:
        return self._best_given(point, mean).own

    def _best_given(self, point: ScorePoint, mean: np.ndarray) -> Levels:
        """Intercepts, and what columns have of their own, for w_0 alone."""
        if self.own is not None:
            mean = mean.copy()
            mean[self.own.features] = 0.0
        XW = self._scores_alike(mean)
        if point.own is not None:
            XW = XW + self.own_scores(point.own)
        return self._intercepts.best(XW, point.b, point.b0, own=point.own)

    def _given_intercepts(self, point: ScorePoint, W: np.ndarray) -> np.ndarray:
        return self._moved(W, point.b)

    def _mean_intercepts(self, point: ScorePoint, mean: np.ndarray) -> np.ndarray:
        if not self.free:
            return point.b0 - self.center @ mean
        best = self._best_given(point, mean)
        W = np.array(spread(mean, self.n_columns))
        if self.own is not None:
            W[self.own.features] = best.own
        return gather(self._moved(W, best.b), self.n_classes) / self.n_tasks

    def _moved(self, W: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Intercepts for features as given, of those for the features of ``rows``."""
        if not self.free:
            return b - self.center @ W
        middles = self._given.middles(W.shape[1] // self._given.n_blocks)
        return b - np.einsum("jc,jc->c", np.broadcast_to(middles, W.shape), W)
