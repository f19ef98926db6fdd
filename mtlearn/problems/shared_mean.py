"""The shared mean of a squared-loss problem, at its best for deviations that are given."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np

from mtlearn.problems.coupling import gather, spread
from mtlearn.problems.scatter import Scatters
from mtlearn.problems.shared import shared_by_products, shared_system

LARGEST_MEAN = 5000  # features up to which the d × d system of a shared mean is formed


class SharedMean(Scatters):
    """What w_0 is for the targets that V leaves, from products with the scatters."""

    n_features: int
    n_classes: int
    kappa: np.ndarray
    x_mean: np.ndarray
    pooled: bool
    _mean_system: list[Any] | None

    @abstractmethod
    def _x_times(self, W: np.ndarray) -> np.ndarray:
        """x̄_t·w_t for every task."""

    def mean_system(self, point: Any = None) -> list[Any]:
        """Hessians of the smooth part in (w_0, b_0) of each class, factored; made once."""
        if self._mean_system is None:
            system = shared_by_products if self.n_features > LARGEST_MEAN else shared_system
            self._mean_system = [system(self, k) for k in range(self.n_classes)]
        return self._mean_system

    def _with_mean(
        self, V: np.ndarray, xy: np.ndarray, y_mean: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The best w_0 of each class, (d, K), for what V leaves of these targets; and S (V + w_0).

        ``xy`` (d, C) and ``y_mean`` (C,) are the cross products and means of the targets.
        """
        SV = self.scatter_times(V) if V.any() else np.zeros_like(V)
        mean = self._best_mean(gather(xy - SV, self.n_classes), y_mean - self._x_times(V))
        return mean, SV + self.scatter_times(spread(mean, self.n_columns))

    def _best_mean(self, xy: np.ndarray, y_mean: np.ndarray) -> np.ndarray:
        """The same from the sums of the cross products over the columns of each class, (d, K)."""
        right = xy + gather((self.kappa * y_mean) * self.x_mean, self.n_classes)
        if self.pooled:
            right = np.vstack([right, gather(self.kappa * y_mean, self.n_classes)])
        systems = zip(self.mean_system(), right.T, strict=True)
        return np.stack([A.solve(r)[: self.n_features] for A, r in systems], axis=1)
