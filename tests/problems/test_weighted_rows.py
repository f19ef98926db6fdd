"""One X under many weights against the Hessians of the problem, formed one by one."""

import numpy as np
import pytest

from mtlearn.inputs.tasks import TaskData
from mtlearn.losses import Logistic
from mtlearn.penalties.l21 import L21
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.forms import make_problem
from mtlearn.solvers.column_systems import Hessians
from mtlearn.solvers.face_system import face_system

from ..checks import STRICT

pytestmark = STRICT

N, D, T = 60, 90, 4
INTERCEPTS = {
    "none": Coupling(fit_intercept=False),
    "free": Coupling(),
    "pooled": Coupling(alpha_intercept=2.0),
    "one": Coupling(alpha_intercept=np.inf),
}


def model_of(coupling):
    """A model of more features than rows, rows that are far from centred under its weights."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(N, D)) + rng.normal(size=D)
    Y = (X[:, :T] + rng.normal(size=(N, T)) > 0.7).astype(float)
    weight = rng.gamma(2.0, size=(N, T))
    data = TaskData(X, Y, weight, None, np.arange(T), "columns")
    problem = make_problem(data, np.ones(T), coupling, loss=Logistic())
    return problem.model(problem.evaluate(0.1 * rng.normal(size=(D, T)), None))


@pytest.mark.parametrize("name", INTERCEPTS)
def test_squares_of_the_rows_are_the_hessians(name):
    model = model_of(INTERCEPTS[name])
    features, root = np.arange(5, 75), np.linspace(0.5, 2.0, D)
    A = model.weighted_rows().scaled(root, np.float64).take(features).thin()
    H = model.hessian(features) * root[features, None] * root[features]
    np.testing.assert_allclose(np.matmul(A.transpose(0, 2, 1), A), H, atol=1e-11 * np.abs(H).max())


@pytest.mark.parametrize("name", INTERCEPTS)
@pytest.mark.parametrize("alike", [True, False])
def test_the_system_of_a_face_is_that_of_full_hessians(name, alike):
    model, rng = model_of(INTERCEPTS[name]), np.random.default_rng(4)
    root = 1.0 / np.sqrt(model.hessian_diagonal().max(axis=1))
    Z = 2.0 * rng.normal(size=(D, T))
    M = L21(1.0).derivative(Z, 1.0)
    rows = np.flatnonzero(M.m.any(axis=1))
    assert len(rows) > N
    m, w, R = M.m[rows], M.w[rows], rng.normal(size=(len(rows), T))
    if not alike:
        m = m * rng.uniform(0.7, 1.0, size=m.shape)
    full = Hessians(model.scaled_hessian(rows, root[rows], np.dtype(float)))
    weighted = Hessians(weighted=model.weighted_rows().scaled(root, np.float64).take(rows))
    np.testing.assert_allclose(weighted.as_full(), full.as_full(), atol=1e-11)
    want, _ = face_system(full, m, w).solve(R, 1e-12)
    found, _ = face_system(weighted, m, w).solve(R, 1e-12)
    np.testing.assert_allclose(found, want, atol=1e-8 * np.abs(want).max())
