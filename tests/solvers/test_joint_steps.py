"""Constants that all classes share, where they are charged least; the decrement of a free w_0."""

import cvxpy as cp
import numpy as np
import pytest

from mtlearn.inputs.tasks import TaskData
from mtlearn.losses import Softmax
from mtlearn.penalties.l1inf import L1Inf
from mtlearn.penalties.l21 import L21
from mtlearn.penalties.sparse_group import SparseGroup
from mtlearn.penalties.trace_norm import TraceNorm
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.forms import make_problem
from mtlearn.solvers.joint_steps import with_best_constants

K = 3


def drawn(seed=0, d=4, T=3):
    rng = np.random.default_rng(seed)
    V = rng.normal(size=(d, T * K)) + 2.0 * np.repeat(rng.normal(size=(d, T)), K, axis=1)
    V[0] = 0.0
    return V, rng.normal(size=(d, K))


@pytest.mark.parametrize("penalty", [L21(0.3), TraceNorm(0.3)])
def test_of_euclidean_norms_classes_add_up_to_zero(penalty):
    V, mean = drawn()
    best, own = with_best_constants(penalty, V, mean, K)
    np.testing.assert_allclose(best.reshape(4, 3, K).sum(axis=2), 0.0, atol=1e-14)
    np.testing.assert_allclose(own.sum(axis=1), 0.0, atol=1e-14)
    moved = (V - best).reshape(4, 3, K)
    np.testing.assert_allclose(moved, np.broadcast_to(moved[:, :, :1], moved.shape), atol=1e-14)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", ["l1", "mixed", "linf"])
def test_of_other_norms_they_are_next_to_the_least(name, seed):
    V, _ = drawn(seed)
    C = cp.Variable((4, 3))
    W = V + C @ np.kron(np.eye(3), np.ones((1, K)))
    penalty, charge = {
        "l1": (SparseGroup(0.3, 1.0), cp.sum(cp.abs(W))),
        "mixed": (
            SparseGroup(0.3, 0.4),
            0.6 * cp.sum(cp.norm(W, 2, axis=1)) + 0.4 * cp.sum(cp.abs(W)),
        ),
        "linf": (L1Inf(0.3), cp.sum(cp.max(cp.abs(W), axis=1))),
    }[name]
    least = 0.3 * cp.Problem(cp.Minimize(charge)).solve(solver=cp.CLARABEL)
    best, _ = with_best_constants(penalty, V, None, K)
    assert least * (1 - 1e-7) <= penalty.value(best) <= least * 1.001
    again, _ = with_best_constants(penalty, best, None, K)
    assert penalty.value(again) <= penalty.value(best)


@pytest.mark.parametrize("levels", [0.0, 0.7, np.inf])
def test_the_decrement_of_a_free_mean_is_that_of_the_hessian(levels):
    rng = np.random.default_rng(1)
    n, d, T = 90, 4, 3
    y = np.eye(K)[rng.integers(K, size=n)]
    data = TaskData(rng.normal(size=(n, d)), y, None, np.arange(n) % T, np.arange(T), "labels")
    coupling = Coupling(levels, True, 0.0)
    problem = make_problem(data, np.ones(T), coupling, loss=Softmax())
    V, mean = rng.normal(size=(d, T * K)), rng.normal(size=(d, K))
    point = problem.evaluate(V, mean)
    # the Hessian in w_0, the intercepts at their best, by differences of the gradient
    h, columns = 1e-5, []
    for step in np.eye(d * K).reshape(-1, d, K):
        up, down = (
            problem.mean_gradient(problem.evaluate(V, mean + s * h * step)) for s in (1, -1)
        )
        columns.append((down - up).ravel() / (2 * h))
    g = problem.mean_gradient(point).ravel()
    truth = 0.5 * g @ np.linalg.pinv(np.array(columns), rcond=1e-6) @ g
    assert problem.mean_decrement(point) == pytest.approx(truth, rel=1e-3)
    np.testing.assert_allclose(
        problem.residual_sums(point).reshape(T, K).sum(axis=1), 0, atol=1e-12
    )
