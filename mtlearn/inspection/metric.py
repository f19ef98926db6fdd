"""Deviations of tasks measured by what they do to predictions: second moments and distances."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from mtlearn.estimators.errors_of_fit import errors_of_fit
from mtlearn.estimators.linear import loss_of_fit
from mtlearn.estimators.mean_regularized import MeanRegularized
from mtlearn.inspection.fitted import FittedTasks

FREE = 1.0  # variance over that of the noise of what nothing pulls together


def second_moment(X: Any, center: np.ndarray | None = None) -> np.ndarray:
    """(1/n) sum_i (x_i - c)(x_i - c)' of dense or sparse rows, about ``center`` or their mean."""
    n = X.shape[0]
    mean = np.asarray(X.mean(axis=0), dtype=float).ravel()
    if sparse.issparse(X):
        raw = (X.T @ X).toarray() / n
        centred = raw - np.outer(mean, mean)
    else:
        away = np.asarray(X, dtype=float) - mean
        centred = away.T @ away / n
    if center is None:
        return centred
    return centred + np.outer(mean - center, mean - center)


def metric_of(fitted: FittedTasks, X: Any | None) -> np.ndarray:
    """M (d + 1, d + 1) with D'MD the mean square of D = (level, slopes) over rows of X.

    Levels are those at x̄. Without rows, the identity: of columns that are standardised and
    uncorrelated.
    """
    d = len(fitted.features)
    M = np.eye(d + 1)
    if X is not None:
        mean = np.asarray(X.mean(axis=0), dtype=float).ravel() - fitted.center
        M[1:, 1:] = second_moment(X, fitted.center)
        M[0, 1:] = M[1:, 0] = mean
    if not fitted.stacked:  # levels of several targets are their own affair
        M[0], M[:, 0] = 0.0, 0.0
        if X is not None:
            M[1:, 1:] = second_moment(X)
    return M


def lines(fitted: FittedTasks) -> np.ndarray:
    """Deviations (T, K, d + 1) of (level at x̄, slopes) from the shared model.

    Of several targets whose units differ (``scale_targets``) in the standard deviation of each.
    """
    level = fitted.level - fitted.shared_level
    found = np.concatenate([level[:, :, None], fitted.deviation], axis=2)
    return found / fitted.target_scale[:, None, None]


def expected_square(fitted: FittedTasks, M: np.ndarray) -> np.ndarray | None:
    """E D_t'MD_t (T,) of tasks that differ as the model takes them to; None where it does not say.

    If true deviations are N(0, Σ) and task t has n_t rows of second moment M and noise of variance
    σ², what a model of quadratic penalty finds of them has the covariance (Laird and Ware, 1982)

        A_t = Σ - (Σ⁻¹ + n_t M / σ²)⁻¹,        E D_t'MD_t = tr(M A_t),

    little for a task of few rows, which is pulled to the shared model. Random slopes estimate Σ and
    σ²; of mean-regularised models they are the strengths: Σ/σ² = diag(T/(N alpha_intercept), T/(N
    alpha), …). Labels count as the curvature of the logistic loss at even odds, σ² = 4. The other
    penalties are no normal distributions. Only ratios between tasks are used.
    """
    relative = _relative_variances(fitted)
    if relative is None or np.isnan(fitted.n_rows).any():
        return None
    if not fitted.stacked:
        relative[:, 0], relative[:, :, 0] = 0.0, 0.0
    n, found = fitted.n_rows, np.zeros((len(fitted.n_rows), len(relative)))
    root, vectors = np.linalg.eigh(M)
    half = vectors * np.sqrt(np.maximum(root, 0.0))  # M = half half'
    for k, R in enumerate(relative):  # one a class
        # tr(M A_t) with the eigenvalues e of M^½ R M^½: sum n e² / (1 + n e)
        e = np.maximum(np.linalg.eigvalsh(half.T @ R @ half), 0.0)
        found[:, k] = np.sum(n[:, None] * e**2 / (1 + n[:, None] * e), axis=1)
    return found.mean(axis=1)


def _relative_variances(fitted: FittedTasks) -> np.ndarray | None:
    """Σ/σ² of (level, slopes), (K, d + 1, d + 1) or of one for all classes."""
    model, d = fitted.model, len(fitted.features)
    known = vars(model)
    labels = 0.25 if hasattr(model, "classes_") else 1.0
    if getattr(loss_of_fit(model), "_is_joint", False):
        labels = 1.0 / len(model.classes_)  # of what tells classes apart
    numbers = {"covariance_", "noise_std_"} <= known.keys()
    if not numbers and getattr(loss_of_fit(model), "loss", None) in ("poisson", "quantile"):
        return None  # a label counts as its mean, or as the density around a quantile
    if "covariance_" in known:
        noise = 1.0
        if numbers:
            noise = float(np.mean(errors_of_fit(model).variance)) or np.finfo(float).tiny
        Sigma = known["covariance_"].reshape(-1, d + 1, d + 1)
        Sigma = np.where(np.isfinite(Sigma), Sigma, FREE)
        return Sigma * labels / noise
    if isinstance(model, MeanRegularized) and model.feature_weight is None:
        alpha = known.get("alpha_", getattr(model, "alpha", None))
        strengths = np.array([known["alpha_intercept_"], *np.full(d, alpha)])
        with np.errstate(divide="ignore"):
            variances = labels * known.get("data_scale_", np.nan) / strengths
        return np.diag(np.where(strengths > 0, variances, FREE))[None]
    return None
