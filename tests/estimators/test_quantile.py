"""Quantiles: certified as they are, cvxpy's, scikit-learn's, and weighted quantiles of a column."""

from dataclasses import replace

import numpy as np
import pytest

from mtlearn import (
    DirtyRegressor,
    GroupLassoRegressor,
    MeanRegularizedRegressor,
    RobustTasksRegressor,
    TaskRelationshipsRegressor,
    TraceNormRegressor,
)

from ..checks import STRICT
from ..generators import make
from ..reference import objective, solve_cvxpy

pytestmark = STRICT

FAMILIES = [
    MeanRegularizedRegressor,
    GroupLassoRegressor,
    TraceNormRegressor,
    DirtyRegressor,
    RobustTasksRegressor,
    TaskRelationshipsRegressor,
]
WAYS = ["columns", "holes", "frame", "beside", "one"]
INTERCEPTS = [
    {"alpha_intercept": 0.3},
    {"alpha_intercept": np.inf},
    {"fit_intercept": False},
    {"alpha_intercept": 0.0},
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("family", FAMILIES)
def test_the_fit_is_certified_and_cvxpys(family, way):
    seed = 5 * WAYS.index(way) + FAMILIES.index(family)
    problem = make(seed, way, weights="rows", d=4, rows=(5, 18))
    asked = INTERCEPTS[seed % 4] | {"loss": "quantile", "quantile": 0.7}
    tol = 1e-9 if family is MeanRegularizedRegressor else 1e-7
    fitted = problem.fit(family, alpha=0.05, tol=tol, **asked)
    assert fitted.dual_gap_ <= tol
    model = replace(problem.model(fitted), loss="pinball")
    ours = objective(problem.entries, model, problem.point(fitted))
    theirs, _ = solve_cvxpy(problem.entries, model)
    assert ours <= theirs * (1 + tol)
    assert theirs <= ours * (1 + 1e-6)
