"""FISTA on the loss itself, and fits that start with it or that keep a curvature."""

from itertools import islice

import numpy as np
import pytest

from mtlearn import GroupLassoClassifier
from mtlearn.inputs.tasks import TaskData
from mtlearn.losses import Logistic
from mtlearn.penalties.l1inf import L1Inf
from mtlearn.penalties.l21 import L21
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.forms import make_problem
from mtlearn.solvers import proximal_newton, tuning
from mtlearn.solvers.certificate import certify
from mtlearn.solvers.loss_fista import loss_fista

from ..checks import STRICT

pytestmark = STRICT


def drawn(n, d, T, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) + rng.normal(size=d)
    W = np.zeros((d, T))
    W[:8] = rng.normal(size=(8, T))
    return X, (X @ W + rng.normal(size=(n, T)) > 0).astype(float)


def problem_of(X, Y, **coupling):
    data = TaskData(X, Y, None, None, np.arange(Y.shape[1]), "columns")
    return make_problem(data, np.ones(Y.shape[1]), Coupling(**coupling), loss=Logistic())


@pytest.mark.parametrize("Penalty", [L21, L1Inf])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_it_finds_the_optimum_as_closely_as_single_precision_tells(Penalty, fit_intercept):
    problem = problem_of(*drawn(80, 30, 3), fit_intercept=fit_intercept)
    zero = problem.null()
    penalty = Penalty(0.1 * Penalty(1.0).dual_norm(zero.G))
    V, b, products = list(islice(loss_fista(problem, penalty, zero), 300))[-1]
    point = problem.point(V, None, b, zero.b0, problem.scores(V))
    assert products >= 1.0
    np.testing.assert_allclose(b, point.b, atol=1e-3)
    assert certify(problem, penalty, point).relative < 1e-4


@pytest.mark.parametrize("alpha_intercept", [1.0, np.inf])
def test_where_levels_meet_it_goes_down(alpha_intercept):
    problem = problem_of(*drawn(80, 30, 3), alpha_intercept=alpha_intercept)
    point = problem.null()
    penalty = L21(0.1 * L21(1.0).dual_norm(point.G))
    heights = [problem.value(point)]
    for _ in range(3):
        V, b, _ = list(islice(loss_fista(problem, penalty, point), 30))[-1]
        point = problem.point(V, None, b, point.b0, problem.scores(V))
        heights.append(problem.value(point) + penalty.value(V))
    assert (np.diff(heights) < 0).all()


def test_what_overflows_ends():
    problem = problem_of(*drawn(40, 10, 2))
    problem.rows.X[:] *= 1e30
    zero = problem.null()
    with np.errstate(all="ignore"):
        steps = list(islice(loss_fista(problem, L21(1e-3), zero), 50))
    assert len(steps) <= 50


def fit(X, Y, **parameters):
    alpha = 0.1 * GroupLassoClassifier(**parameters).alpha_max(X, Y)
    return GroupLassoClassifier(alpha=alpha, tol=1e-11, **parameters).fit(X, Y)


@pytest.mark.parametrize("parameters", [{}, {"norm": "linf"}, {"l1_ratio": 0.4}])
@pytest.mark.parametrize("shape", [(130, 300, 3), (300, 90, 3)])
def test_short_cuts_lead_to_the_same_fit(monkeypatch, parameters, shape):
    X, Y = drawn(*shape)
    found = fit(X, Y, **parameters)
    monkeypatch.setattr(proximal_newton.ProximalNewton, "_face_first", lambda *_: False)
    monkeypatch.setattr(tuning, "LASTS", 0.0)
    plain = fit(X, Y, **parameters)
    assert max(found.dual_gap_, plain.dual_gap_) <= 1e-11
    np.testing.assert_allclose(found.coef_, plain.coef_, atol=1e-7 * np.abs(plain.coef_).max())
