"""Assertions that several test files share."""

import numpy as np
import pytest

from .reference import certificate, objective, solve_cvxpy

# An unasked warning (no convergence, unseen tasks, a division by zero) fails the test.
STRICT = [
    pytest.mark.filterwarnings("error::UserWarning"),
    pytest.mark.filterwarnings("error::RuntimeWarning"),
]

INTERCEPTS = [
    {"alpha_intercept": 0.0},
    {"alpha_intercept": 0.3},
    {"alpha_intercept": np.inf},
    {"alpha_intercept": "auto"},
    {"fit_intercept": False},
]


def assert_certified(problem, family, fitted, gap=1e-9):
    """The gap recomputed from the rows is at most `gap`, and the free sums do vanish."""
    found = certificate(problem.entries, problem.model(family, fitted), problem.point(fitted))
    assert found.infeasibility < 1e-10
    assert -found.rounding <= found.gap <= gap + found.rounding
    return found


def assert_solves(problem, family, fitted):
    """`fitted` is no worse than cvxpy's solution, certified, and holds nothing but coefficients."""
    model, point = problem.model(family, fitted), problem.point(fitted)
    theirs, _ = solve_cvxpy(problem.entries, model)
    ours = objective(problem.entries, model, point)
    assert ours <= theirs * (1 + 1e-9)
    assert theirs <= ours * (1 + 1e-8)
    found = assert_certified(problem, family, fitted)
    assert fitted.dual_gap_ >= 0
    assert found.gap == pytest.approx(fitted.dual_gap_, abs=1e-9)
