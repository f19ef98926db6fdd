"""Assertions and marks that several test files share."""

import cProfile
import os
import warnings
from contextlib import contextmanager

import numpy as np
import pytest
from scipy import sparse

from .reference import certificate, objective, solve_cvxpy

# An unasked warning (no convergence, unseen tasks, a division by zero) fails the test; that rows
# without a target are left out is what many of them are about, and few alphas are quick.
STRICT = [
    pytest.mark.filterwarnings("error::UserWarning"),
    pytest.mark.filterwarnings("error::RuntimeWarning"),
    pytest.mark.filterwarnings("ignore::mtlearn.exceptions.MissingTargetWarning"),
    pytest.mark.filterwarnings("ignore:the best alpha, .*, is the (smallest|largest) of those"),
]

posix = pytest.mark.skipif(os.name != "posix", reason="links, permissions and streams of Unix")


@contextmanager
def expected(*messages):
    """Warnings that a drawn problem may well deserve."""
    with warnings.catch_warnings():
        for message in messages:
            warnings.filterwarnings("ignore", message=f".*{message}")
        yield


INTERCEPTS = [
    {"alpha_intercept": 0.0},
    {"alpha_intercept": 0.3},
    {"alpha_intercept": np.inf},
    {"alpha_intercept": "auto"},
    {"fit_intercept": False},
]


def assert_certified(problem, fitted, gap=1e-9):
    """The gap recomputed from the rows is at most `gap`, and the free sums do vanish."""
    found = certificate(problem.entries, problem.model(fitted), problem.point(fitted))
    assert found.infeasibility < 1e-10
    assert -found.rounding <= found.gap <= gap + found.rounding
    return found


def assert_certificate_is_its_own(problem, fitted, gap=1e-9):
    """Certified, and `dual_gap_` is the gap that the rows give."""
    found = assert_certified(problem, fitted, gap)
    assert fitted.dual_gap_ >= 0
    assert found.gap == pytest.approx(fitted.dual_gap_, abs=1e-9 + found.rounding)
    return found


def assert_solves(problem, fitted, cvxpy_error=1e-8):
    """`fitted` is no worse than cvxpy's solution, certified, and holds nothing but coefficients."""
    model, point = problem.model(fitted), problem.point(fitted)
    theirs, _ = solve_cvxpy(problem.entries, model)
    ours = objective(problem.entries, model, point)
    assert ours <= theirs * (1 + 1e-9)
    assert theirs <= ours * (1 + cvxpy_error)
    assert_certificate_is_its_own(problem, fitted)


def as_array(attribute):
    """A fitted attribute, sparse ones full."""
    return attribute.toarray() if sparse.issparse(attribute) else np.asarray(attribute)


def count_calls(function, *args, **kwargs):
    """How many functions a call calls: as many for all numbers of rows, if it works on wholes."""
    with cProfile.Profile() as profile:
        function(*args, **kwargs)
    return sum(entry.callcount for entry in profile.getstats())
