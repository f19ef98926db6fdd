"""Means and variances of the scores of random slopes, over what is not known of coefficients."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from mtlearn.problems.uncertainty import prediction_variance


def mean_scores(model: Any, X: Any, codes: np.ndarray | None) -> np.ndarray:
    """Scores of each row by its own task, (n, K), or by every task, (n, T).

    Those at the modes of the coefficients, and what the means are off these (``coef_skew_``, and of
    counts ``mean_coef_skew_``).
    """
    modes = model._linear_tasks()
    T, K, d = modes.coef.shape
    skew = model.coef_skew_.reshape(T, K, d + 1)
    at_zero = np.append(1.0, -model.center_)
    intercept = modes.intercept + skew @ at_zero
    means = replace(modes, coef=modes.coef + skew[:, :, 1:], intercept=intercept)
    if hasattr(model, "mean_coef_skew_"):
        shared = model.mean_coef_skew_.reshape(1, d + 1)
        means = replace(
            means,
            shared_coef=means.mean_coef + shared[:, 1:],
            shared_intercept=means.mean_intercept + shared @ at_zero,
        )
    return means.scores(X, codes)


def score_variance(model: Any, X: Any, codes: np.ndarray | None, n_columns: int = 1) -> np.ndarray:
    """Of what is not known of the scores: (n,) or (n, T); of K > 1 columns a task (n, K)."""
    K, p = n_columns, len(model.center_) + 1
    own = model.coef_covariance_.reshape(-1, K, p, p)
    shared = model.mean_coef_covariance_.reshape(K, p, p)
    # Levels over one X are free, and there are no strangers.
    spread = model.covariance_.reshape(K, p, p) if codes is not None else np.zeros((K, p, p))
    each = [
        prediction_variance(X, codes, model.center_, own[:, k], shared[k] + spread[k])
        for k in range(K)
    ]
    return each[0] if K == 1 else np.stack(each, axis=1)
