"""Problems without intercepts, of which nothing is centred, against those of centred moments."""

from dataclasses import replace

import numpy as np
import pytest

from mtlearn import GroupLassoRegressor
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.design import DesignProblem
from mtlearn.problems.moment import MomentProblem
from mtlearn.problems.moments import Moments
from mtlearn.problems.rows import Rows

from ..checks import STRICT
from ..generators import make
from .test_moments import data_of

pytestmark = STRICT
ALONE = Coupling(0.0, False)
OMEGA = np.array([1.0, 0.5, 2.0, 1.0])


def drawn(weights, constant=False):
    data = data_of(make(8, "columns", weights=weights, d=6, rows=(3, 11)))
    y = data.y + 5.0
    if constant:
        y[:, 1] = 3.0
    return replace(data, X=data.X + 2.0, y=y)


def problems(weights, scale=False, **more):
    """On moments and on rows about zero, and on moments about the means."""
    data = drawn(weights, **more)
    yield MomentProblem.about_zero(data, OMEGA, ALONE, scale)
    yield DesignProblem.of_tasks(data, OMEGA, ALONE, scale, rows=Rows(data, None, False))
    yield MomentProblem.of_tasks(Moments.of_data(data), OMEGA, ALONE, scale)


@pytest.mark.parametrize("weights", [None, "rows"])
@pytest.mark.parametrize("scale", [False, True])
@pytest.mark.parametrize("constant", [False, True])
def test_everything_that_a_solver_asks_is_the_same(weights, scale, constant):
    rng = np.random.default_rng(0)
    V, rows = rng.standard_normal((6, 4)), np.array([4, 0, 2])
    *ours, truth = problems(weights, scale, constant=constant)
    there = truth.settle(V)
    for problem in ours:
        here = problem.settle(V)
        np.testing.assert_allclose(here.G, there.G, rtol=1e-9, atol=1e-9)
        assert problem.value(here) == pytest.approx(truth.value(there), rel=1e-11)
        assert problem.null_value == pytest.approx(truth.null_value, rel=1e-12)
        gaps = (
            p.loss_gap(q, 0.7) + p.intercept_gap(q, 0.7)
            for p, q in ((problem, here), (truth, there))
        )
        assert next(gaps) == pytest.approx(next(gaps), rel=1e-10)
        np.testing.assert_allclose(problem.hessian_diagonal(), truth.hessian_diagonal(), rtol=1e-11)
        np.testing.assert_allclose(problem.hessian(rows), truth.hessian(rows), rtol=1e-11)
        np.testing.assert_allclose(problem.target_scale, truth.target_scale, rtol=1e-12)
        for one, other in zip(problem.target_deviation(), truth.target_deviation(), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-13)
        part, its = problem.restricted(rows), truth.restricted(rows)
        some = V[rows]
        np.testing.assert_allclose(part.settle(some).G, its.settle(some).G, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("n, d", [(30, 4), (6, 90)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_fit_leaves_the_rows_of_the_user_as_they_are(n, d, order):
    rng = np.random.default_rng(1)
    X = np.asarray(rng.standard_normal((n, d)) + 3, order=order)
    Y = rng.standard_normal((n, 5)) + 1
    before = X.copy(), Y.copy()
    model = GroupLassoRegressor(fit_intercept=False)
    model.set_params(alpha=0.1 * model.alpha_max(X, Y)).fit(X, Y)
    assert (X == before[0]).all() and (Y == before[1]).all()
    assert (model.intercept_ == 0).all()
