"""Quantile regressions of one target at several strengths, inside the baselines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.linear_model import QuantileRegressor

from mtlearn.compare.loss_at_once import LossAtOnce
from mtlearn.losses.pinball import Pinball


class QuantileAtOnce(LossAtOnce):
    """``QuantileRegressor(alpha=alpha / √n, solver="highs")`` for each alpha.

    The penalty is scikit-learn's, alpha √n ‖w‖₁ beside the sum of the losses: what noise puts into
    a gradient grows like √n, in units of √(q (1 - q)) (Belloni and Chernozhukov, 2011, L1-penalized
    quantile regression in high-dimensional sparse models, Annals of Statistics 39).

    Parameters
    ----------
    quantile : float
        q, between 0 and 1.
    alphas : sequence of float
        Strengths.
    """

    def __init__(self, quantile: float = 0.5, alphas: Sequence[float] = (1.0,)) -> None:
        super().__init__(alphas, "l1")
        self.quantile = quantile

    def fit(self, X: Any, y: np.ndarray, sample_weight: np.ndarray | None = None) -> QuantileAtOnce:
        """Solve a linear program for each alpha, up to one that leaves no coefficient."""
        model = QuantileRegressor(quantile=self.quantile, solver="highs")
        coef, empty = np.zeros((len(self.alphas), X.shape[1] + 1)), None
        for i in np.argsort(self.alphas).tolist():
            if empty is None:
                alpha = self.alphas[i] / np.sqrt(len(y))
                model.set_params(alpha=alpha).fit(X, y, sample_weight=sample_weight)
                coef[i] = np.append(model.coef_, model.intercept_)
                empty = None if model.coef_.any() else coef[i]
            else:
                coef[i] = empty
        self.coef_, self.intercept_ = coef[:, :-1], coef[:, -1]
        return self

    def unit(self, y: np.ndarray) -> float:
        """The deviation of the slope of the loss, in whatever units the target is."""
        return float(np.sqrt(self.quantile * (1 - self.quantile)))

    @property
    def loss(self) -> Pinball:
        """The pinball loss."""
        return Pinball(self.quantile)
