"""The model of a choice: its gradient and curvature are those of the loss, all else at its best."""

import numpy as np
import pytest

from mtlearn.inputs.tasks import TaskData
from mtlearn.losses import Softmax
from mtlearn.problems.coupling import Coupling, whole
from mtlearn.problems.forms import make_problem
from mtlearn.problems.joint_model import JointModel, by_task, second_derivatives
from mtlearn.problems.label_curvature import FLATTEST

from ..checks import STRICT

pytestmark = STRICT
K, T, D, N = 3, 4, 4, 120
FIXED = np.array([False, True, False, False])
COUPLINGS = {
    "none": Coupling(0.0, False, None),
    "free": Coupling(0.0, True, None),
    "pulled": Coupling(0.7, True, None),
    "one": Coupling(np.inf, True, None),
    "mean": Coupling(0.0, True, 0.3),
    "mean, pulled": Coupling(0.7, True, 0.3),
    "free mean": Coupling(0.7, True, 0.0),
    "mean alone": Coupling(0.7, True, 0.3, fixed=FIXED),
}
every_coupling = pytest.mark.parametrize("name", COUPLINGS)


def drawn(name, sparse=False):
    rng = np.random.default_rng(3)
    X, y = 2.0 + rng.normal(size=(N, D)), np.eye(K)[rng.integers(K, size=N)]
    if sparse:
        from scipy.sparse import csr_matrix

        X = csr_matrix(X * (rng.random(X.shape) < 0.5))
    data = TaskData(X, y, rng.uniform(0.5, 2.0, N), np.arange(N) % T, np.arange(T), "labels")
    problem = make_problem(data, np.ones(T), COUPLINGS[name], loss=Softmax())
    V = problem.coupling.own(0.4 * rng.normal(size=(D, T * K)))
    mean = 0.3 * rng.normal(size=(D, K)) if problem.coupling.has_mean else None
    return problem, problem.evaluate(V, mean), rng


@pytest.mark.parametrize("sparse", [False, True])
@every_coupling
def test_second_derivatives_are_differences_of_gradients(name, sparse):
    problem, point, rng = drawn(name, sparse)
    A, C, B = second_derivatives(problem, point, 0.0)
    step, h = rng.normal(size=(D, T * K)), 1e-5
    for dW, db in ((step, np.zeros(T * K)), (np.zeros_like(step), rng.normal(size=T * K))):
        ends = []
        for s in (h, -h):
            F = problem.scores(whole(point.V, point.mean) + s * dW)
            F = F + problem.rows.per_row(point.b + s * db)
            R = problem.c * problem.loss.residual(F, problem.Y)
            ends.append((problem.gradient_of_residuals(R), problem.rows.sums(R)))
        x, y = by_task(dW, T).reshape(T, -1), db.reshape(T, K)
        in_x = np.einsum("tij,tj->ti", A, x) + np.einsum("tij,tj->ti", C, y)
        in_b = np.einsum("tij,ti->tj", C, x) + np.einsum("tij,tj->ti", B, y)
        bent = (ends[1][0] - ends[0][0]) / (2 * h)
        np.testing.assert_allclose(in_x, by_task(bent, T).reshape(T, -1), atol=1e-8)
        np.testing.assert_allclose(in_b.ravel(), (ends[1][1] - ends[0][1]) / (2 * h), atol=1e-8)


def settled(problem, V, point):
    """w_0 and intercepts at their best for V: Newton's method, till all gradients vanish."""
    for _ in range(12):
        mean, b, b0 = JointModel(problem, point, FLATTEST).rest(V)
        point = problem.point(V, mean, b, b0, problem.scores(whole(V, mean)))
    if point.mean is not None:
        left = problem.mean_gradient(point) - problem.coupling.ridge(T) * point.mean
        assert np.abs(left).max() < 1e-12
    return point


@every_coupling
def test_what_is_eliminated_is_at_its_best(name):
    problem, start, rng = drawn(name)
    here, step, h = (
        settled(problem, start.V, start),
        problem.coupling.own(rng.normal(size=(D, T * K))),
        1e-5,
    )
    model = JointModel(problem, here, FLATTEST)
    np.testing.assert_allclose(model.G, here.G, atol=1e-12)
    ends = [settled(problem, here.V + s * step, here) for s in (h, -h)]
    bent = (ends[1].G - ends[0].G) / (2 * h)
    np.testing.assert_allclose(model.curvature_times(step), bent, atol=1e-8)
    there = model.settle(here.V + h * step)
    np.testing.assert_allclose(there.G, ends[0].G, atol=1e-8)
    rise = problem.value(ends[0]) - problem.value(here)
    assert model.value(there) - problem.value(here) == pytest.approx(rise, abs=1e-11)
    # from anywhere, the gradient of the model is that of its own minimum over the rest
    away = JointModel(problem, start, FLATTEST)
    mean, _, _ = away.rest(start.V)
    if mean is not None:
        assert np.abs(mean - start.mean).max() > 1e-3
        assert np.abs(away.G - start.G).max() > 1e-3


def test_a_constant_of_all_classes_is_next_to_free():
    problem, point, rng = drawn("mean, pulled")
    model = JointModel(problem, point, FLATTEST)
    constant = np.repeat(rng.normal(size=(D, T)), K, axis=1)
    bent = np.abs(model.curvature_times(constant)).max()
    assert bent < 1e-7 * np.abs(model.curvature_times(rng.normal(size=(D, T * K)))).max()


@every_coupling
def test_the_gap_is_no_less_than_what_is_left(name):
    problem, point, _ = drawn(name)
    model = JointModel(problem, point, 1e-6)
    columns = np.eye(D * T * K).reshape(-1, D, T * K)
    H = np.stack([model.curvature_times(one).ravel() for one in columns])
    np.testing.assert_allclose(H, H.T, atol=1e-12)
    values = np.linalg.eigvalsh(H)
    assert values[0] > -1e-12 * values[-1]
    # at s = 0 the bound is that of the model without a penalty
    g = point.V * 0 + model.G
    left = 0.5 * g.ravel() @ np.linalg.pinv(H, rcond=1e-11) @ g.ravel()
    assert model.loss_gap(model.settle(point.V), 0.0) >= left * (1 - 1e-9)
    assert model.loss_gap(model.settle(point.V), 1.0) == 0.0
