"""How random slopes answer for counts: expected ones, over what is not known of coefficients."""

from __future__ import annotations

from typing import Any

import numpy as np

from mtlearn.estimators.linear import NumberAnswers, loss_of_fit
from mtlearn.estimators.uncertain_scores import mean_scores, score_variance

LARGEST = 700.0  # logarithm of a prediction


class CountAnswers(NumberAnswers):
    """Numbers as predictions, or under ``loss="poisson"`` counts."""

    average_counts: bool

    @property
    def _counts(self) -> bool:
        """Whether the fit was one of counts."""
        return loss_of_fit(self).loss == "poisson"

    def _answer(self, X: Any, codes: np.ndarray | None) -> np.ndarray:
        if not (self._counts and self.average_counts):
            return super()._answer(X, codes)
        self._check_covariances("average_counts=True")
        return self._expected(X, codes, score_variance(self, X, codes))

    def _expected(self, X: Any, codes: np.ndarray | None, variance: np.ndarray) -> np.ndarray:
        """exp(m + s²/2), the mean of the exponential of scores of this mean and variance."""
        scores = mean_scores(self, X, codes)
        scores = scores if codes is None else scores[:, 0]
        return np.exp(np.minimum(scores + variance / 2, LARGEST))

    def _deviation(self, X: Any, codes: np.ndarray | None, variance: np.ndarray) -> np.ndarray:
        """Of a new count at an exposure of one: Poisson's, and that of its mean."""
        mu = self._expected(X, codes, variance)
        with np.errstate(over="ignore"):
            return np.sqrt(mu) * np.sqrt(1 + mu * np.expm1(variance))

    def _check_covariances(self, asked: str) -> None:
        if not hasattr(self, "coef_covariance_"):
            raise ValueError(
                f"{asked} needs coef_covariance_, which store_covariance=False leaves out. "
                "Fit with store_covariance=True."
            )
