"""From a point of a problem in chunks to intercepts and coefficients of the user."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np

from mtlearn.passes.on_chunk import Lines
from mtlearn.passes.points import PassPoint
from mtlearn.passes.start import WithoutFeatures
from mtlearn.problems.base import Problem
from mtlearn.problems.coupling import gather
from mtlearn.solvers.proximal_newton import Minimum


class PassAnswers(Problem):
    """A loss on rows in chunks, as far as answers go.

    Attributes
    ----------
    start : WithoutFeatures
    free : bool
        Whether intercepts are free.
    """

    start: WithoutFeatures
    free: bool

    @abstractmethod
    def model(self, point: Any) -> Any:
        """The quadratic model around a point."""

    @abstractmethod
    def _lines(self, place: Any) -> Lines:
        """Coefficients and intercepts of all columns at a place."""

    @abstractmethod
    def _settled(
        self,
        V: np.ndarray,
        mean: np.ndarray | None,
        best: Callable[[Any], Any],
        start: Minimum | None = None,
    ) -> PassPoint:
        """The point of this V, whose intercepts are at their best for what ``best`` leaves."""

    def own_coefficients(self, point: Any) -> np.ndarray:
        return point.own

    def _own_given(self, point: Any, mean: np.ndarray) -> np.ndarray:
        own = self._given(point, mean).own
        assert own is not None
        return own

    def _given(self, point: Any, mean: np.ndarray) -> PassPoint:
        """Intercepts, and what columns have of their own, for w_0 alone."""
        if "given" not in point.known:
            if self.own is not None:
                mean = mean.copy()
                mean[self.own.features] = 0.0
            zero = np.zeros((self.n_features, self.n_columns))
            model = self.model(point)
            start = Minimum.at(model, model.evaluate(zero, mean))
            point.known["given"] = self._settled(
                zero, mean, lambda model: model.evaluate(zero, mean), start
            )
        return point.known["given"]

    def intercepts(self, point: Any) -> np.ndarray:
        return point.b

    def _given_intercepts(self, point: Any, W: np.ndarray) -> np.ndarray:
        return point.b - self.center @ W

    def _mean_intercepts(self, point: Any, mean: np.ndarray) -> np.ndarray:
        if not self.free:
            return point.b0 - self.center @ mean
        best = self._given(point, mean)
        return gather(best.b - self.center @ self._lines(best).W, self.n_classes) / self.n_tasks

    def target_deviation(self) -> tuple[np.ndarray, np.ndarray]:
        q = self.start.q.ravel()
        deviation = np.sqrt(np.maximum(self.start.q_squares.ravel() - q**2, 0.0))
        return deviation, deviation > 0
