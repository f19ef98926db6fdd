"""Weights of features in the logistic likelihood: what it measures stays in the user's units."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import optimize

from mtlearn import GroupLassoClassifier, MeanRegularizedClassifier

from ...checks import STRICT
from .dense_laplace import draw_labels
from .test_common import with_variances

pytestmark = STRICT

inf = np.inf
RIDGE = 0.03


def labels():
    """Rows of tasks that differ in the level and one slope, in columns of one scale."""
    rows = draw_labels(1, n_tasks=12, sd=(1.5, 1.5, 0.0), rows=(8, 16))
    return replace(rows, X=rows.X / [1, 30])


def best_of_the_dense_likelihood(rows, weights):
    """Variances of levels and slopes: whole matrices, and SciPy's optimiser."""
    charged = np.r_[1.0, 1 / np.array(weights) ** 2]
    k = 1 + bool(np.isfinite(weights).any())

    def value(roots):
        variances = np.r_[roots**2, 0.0][:2]
        return rows.laplace(with_variances(rows, *variances) * charged, ridge=RIDGE)

    how = {"method": "Nelder-Mead", "options": {"xatol": 1e-6, "fatol": 1e-11}}
    found = [optimize.minimize(value, start * np.ones(k), **how) for start in (1.0, 3.0)]
    return np.r_[min(found, key=lambda one: one.fun).x ** 2, 0.0][:2]


@pytest.mark.parametrize(
    "weights", [[1.0, 1.0], [1.0, 20.0], [1.0, 1e9], [1.0, inf], [inf, inf], [3.0, inf]]
)
def test_strengths_are_the_best_of_the_dense_likelihood(weights):
    rows = labels()
    model = MeanRegularizedClassifier("auto", feature_weight=weights, alpha_mean=RIDGE)
    model.fit(rows.X, rows.y, task=rows.task)
    variances = best_of_the_dense_likelihood(rows, weights)
    assert variances[0] > 0.1
    per_noise = rows.n_tasks / len(rows.y)
    assert per_noise / model.alpha_intercept_ == pytest.approx(variances[0], rel=1e-5)
    assert per_noise / model.alpha_ == pytest.approx(variances[1], rel=1e-5)


def test_without_a_shared_mean_a_fixed_feature_is_one_that_is_left_out():
    rows = labels()
    model = GroupLassoClassifier(0.1, feature_weight=[1, inf]).fit(rows.X, rows.y, task=rows.task)
    without = GroupLassoClassifier(0.1).fit(rows.X[:, :1], rows.y, task=rows.task)
    assert model.alpha_intercept_ == pytest.approx(without.alpha_intercept_, rel=1e-7)
