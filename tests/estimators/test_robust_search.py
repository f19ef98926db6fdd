"""Whether there are outliers at all is part of what cross-validation chooses.

On these draws it is right; on one in ten or so, noise looks like an outlier in most folds.
"""

import warnings

import numpy as np
import pytest

from mtlearn import (
    GroupLassoRegressorCV,
    RobustTasksRegressorCV,
    TraceNormRegressorCV,
    collect_moments,
    fit_moments,
)
from mtlearn.selection.search import Line

ASKED = {"alphas": 8, "cv": 4, "shared_mean": False, "alpha_intercept": 0.0}
LIKE = {"low_rank": TraceNormRegressorCV, "group": GroupLassoRegressorCV}
T, ROWS, D = 10, 14, 6


def drawn(structure, seed, n_outliers=0):
    rng = np.random.default_rng(seed)
    W = rng.normal(size=(T, 1)) * rng.normal(size=D)
    if structure == "group":
        W = rng.normal(size=(T, D)) * (np.arange(D) < 2)
    W[:n_outliers] = 4 * rng.normal(size=(n_outliers, D))
    task, X = np.repeat(np.arange(T), ROWS), rng.normal(size=(T * ROWS, D))
    return X, (X * W[task]).sum(axis=1) + rng.normal(size=T * ROWS), task, W


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("structure", LIKE)
def test_without_outliers_it_is_the_model_of_what_tasks_share(structure, seed):
    X, y, task, _ = drawn(structure, seed)
    asked = ASKED | {"tol": 1e-9}  # a gap of 1e-6 would be a coefficient of 1e-3
    robust = RobustTasksRegressorCV(structure=structure, **asked)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # that there are none is an answer, and no fault
        robust.fit(X, y, task=task)
    plain = LIKE[structure](**asked).fit(X, y, task=task)
    assert np.isinf(robust.outlier_ratio_) and not len(robust.outlier_tasks_)
    assert robust.alpha_ == pytest.approx(plain.alpha_, rel=1e-9)
    np.testing.assert_allclose(robust.coef_, plain.coef_, atol=1e-6)
    np.testing.assert_allclose(robust.mse_path_, plain.mse_path_, rtol=1e-4)


@pytest.mark.parametrize("structure", LIKE)
def test_outliers_that_there_are_are_found(structure):
    X, y, task, W = drawn(structure, 0, n_outliers=2)
    robust = RobustTasksRegressorCV(structure=structure, **ASKED).fit(X, y, task=task)
    plain = LIKE[structure](**ASKED).fit(X, y, task=task)
    assert np.isfinite(robust.outlier_ratio_) and {0, 1} <= set(robust.outlier_tasks_)
    assert np.sum((robust.coef_ - W) ** 2) < np.sum((plain.coef_ - W) ** 2)
    assert robust.outlier_ratios_.tolist() == [np.inf, robust.outlier_ratio_]
    assert robust.outlier_ratio_scores_.shape == (2, *robust.mse_path_.shape)
    np.testing.assert_array_equal(robust.outlier_ratio_scores_[1], robust.mse_path_)


def test_a_ratio_that_is_given_is_not_searched():
    X, y, task, _ = drawn("group", 0)
    own = {"structure": "group", "outlier_ratio": 1.0, **ASKED}
    robust = RobustTasksRegressorCV(**own).fit(X, y, task=task)
    assert robust.outlier_ratio_ == 1.0 and not hasattr(robust, "outlier_ratios_")
    own["outlier_ratio"] = [1.0, np.inf]
    robust = RobustTasksRegressorCV(**own).fit(X, y, task=task)
    assert not hasattr(robust, "outlier_ratios_") and robust.mse_path_.shape[0] == 2
    alone = RobustTasksRegressorCV(**own | {"structure": None, "outlier_ratio": "auto"})
    assert not hasattr(alone.fit(X, y, task=task), "outlier_ratios_")


def test_moments_choose_alike():
    X, y, task, _ = drawn("low_rank", 1)
    model = RobustTasksRegressorCV(structure="low_rank", **ASKED | {"cv": None})
    model = fit_moments(model, collect_moments([(X, y, task)], n_folds=4))
    assert np.isinf(model.outlier_ratio_) and model.outlier_ratios_[0] == np.inf


def test_the_difference_that_counts_is_that_of_the_same_folds():
    """Folds of unlike difficulty: a difference that all of them show is no doubt."""
    hard = np.array([[1.0, 5.0, 9.0]])
    better, worse = Line(None, np.ones(1), hard), Line(None, np.ones(1), hard + [[0.1, 0.1, 0.2]])
    assert worse.is_worse(better) and not better.is_worse(worse) and not worse.is_worse(worse)
    unclear = Line(None, np.ones(1), hard + [[1.0, -0.9, 0.1]])
    assert not unclear.is_worse(better) and not better.is_worse(unclear)
    missing = Line(None, np.ones(1), hard + [[0.1, np.nan, 0.1]])  # a fold without rows
    assert missing.is_worse(better)
