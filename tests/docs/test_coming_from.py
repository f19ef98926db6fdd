"""The factors between the strengths of other toolboxes and ours, which docs/coming_from.rst states.

Each test writes down the objective that the other toolbox gives in its own source, and asks whether
our solution is its minimum: all are convex, so no step in any direction may go down.
"""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from mtlearn import (
    DirtyRegressor,
    GraphTasksRegressor,
    GroupLassoClassifier,
    GroupLassoRegressor,
    MeanRegularizedClassifier,
    MeanRegularizedRegressor,
    RobustTasksRegressor,
    TraceNormRegressor,
)

rng = np.random.default_rng(0)
TASK = np.repeat([0, 1, 2], [20, 30, 40])
T, N, RHO = 3, 90, 8.0
X = rng.normal(size=(N, 5))
SCORE = X[:, 0] * (1 + TASK) + rng.normal(size=N)
LABEL = np.where(SCORE > 0, 1, -1)
STEPS = 1e-3 * rng.normal(size=(300, 5, T))
MEAN_FREE = np.eye(T) - 1 / T
PULLS = np.array([[1.0, 0.0], [-1.0, 2.0], [0.0, -2.0]])  # weights 1 and 4, from 0 to 1 to 2
PULLED = np.diag(np.diag(PULLS @ PULLS.T)) - PULLS @ PULLS.T


def each(loss, W, c):
    """Sum over tasks of a loss of the rows' scores."""
    return sum(loss(X[TASK == t] @ W[:, t] + c[t], TASK == t) for t in range(T))


def half_squares(f, rows):
    return 0.5 * np.sum((SCORE[rows] - f) ** 2)


def mean_half_squares(f, rows):
    return half_squares(f, rows) / np.sum(rows)


def mean_logistic(f, rows):
    return np.mean(np.log1p(np.exp(-LABEL[rows] * f)))


def lengths(W):
    return np.linalg.norm(W, axis=1).sum()


def trace(W):
    return np.linalg.svd(W, compute_uv=False).sum()


def differences(W):
    return np.sum((W @ MEAN_FREE) ** 2)


def steps(W):
    return np.sum(np.diff(W, axis=1) ** 2)


def pulled(W):
    return np.sum((W @ PULLS) ** 2)


def sizes(W):
    return np.abs(W).sum()


def assert_minimum(model, loss, penalty):
    W, c = model.coef_.T, np.broadcast_to(model.intercept_, T)
    free = model.get_params()["fit_intercept"]
    best = each(loss, W, c) + penalty(W)
    for step in STEPS:
        moved = c + step[0] * free
        assert each(loss, W + step, moved) + penalty(W + step) > best


MALSAR = {
    "Least_L21": (GroupLassoRegressor(RHO * T / N), lengths),
    "Least_Trace": (TraceNormRegressor(RHO * T / N), trace),
    "Least_Lasso": (GroupLassoRegressor(RHO * T / N, l1_ratio=1), sizes),
    "Least_SRMTL": (MeanRegularizedRegressor(2 * RHO * T / N, alpha_mean=0), differences),
    "Least_SRMTL, R": (GraphTasksRegressor(2 * RHO * T / N, graph=[(0, 1), (1, 2, 4.0)]), pulled),
    "Least_TGL": (GraphTasksRegressor(2 * RHO * T / N), steps),
}
RMTL = {
    "L21": (GroupLassoRegressor(0.2), lengths),
    "Trace": (TraceNormRegressor(0.2), trace),
    "Lasso": (GroupLassoRegressor(0.2, l1_ratio=1), sizes),
    "Graph": (MeanRegularizedRegressor(0.4, alpha_mean=0), differences),
    "Graph, another G": (GraphTasksRegressor(0.4, graph=PULLED), pulled),
}


@pytest.mark.parametrize("name", MALSAR)
def test_strengths_of_malsar(name):
    model, omega = MALSAR[name]
    model.set_params(fit_intercept=False, tol=1e-12).fit(X, SCORE, task=TASK)
    assert_minimum(model, half_squares, lambda W: RHO * omega(W))


def test_strengths_of_malsars_dirty_model():
    one, two = 16.0, 8.0
    model = DirtyRegressor(one * T / (2 * N), norm="linf", specific_ratio=two / one)
    model.set_params(fit_intercept=False, tol=1e-12).fit(X, SCORE, task=TASK)
    P, Q = model.shared_coef_.T, model.specific_coef_.T
    assert P.any() and Q.any()

    def objective(P, Q):
        fit = 2 * each(half_squares, P + Q, np.zeros(T))
        return fit + one * np.abs(P).max(axis=1).sum() + two * sizes(Q)

    for p, q in zip(STEPS, STEPS[::-1], strict=True):
        assert objective(P + p, Q + q) >= objective(P, Q) - 1e-9


@pytest.mark.parametrize("structure, squares", [("low_rank", 1), ("group", 2)])
def test_strengths_of_malsars_robust_models(structure, squares):
    one, two = 12.0, 10.0  # Least_RMTL has half the squared error, Least_rMTFL all of it
    model = RobustTasksRegressor(one * T / (squares * N), structure=structure)
    model.set_params(outlier_ratio=two / one, shared_mean=False, fit_intercept=False, tol=1e-12)
    model.fit(X, SCORE, task=TASK)
    P, Q = model.shared_coef_.T, model.specific_coef_.T
    assert P.any() and Q.any()
    shared = trace if structure == "low_rank" else lengths

    def objective(P, Q):
        fit = squares * each(half_squares, P + Q, np.zeros(T))
        return fit + one * shared(P) + two * lengths(Q.T)

    for p, q in zip(STEPS, STEPS[::-1], strict=True):
        assert objective(P + p, Q + q) >= objective(P, Q) - 1e-9


@pytest.mark.parametrize("name", RMTL)
def test_strengths_of_rmtl(name):
    model, omega = RMTL[name]
    model.set_params(task_weight="balanced", alpha_intercept=0, tol=1e-12)
    model.fit(X, SCORE, task=TASK)
    assert_minimum(model, mean_half_squares, lambda W: 0.2 * omega(W))


def test_logistic_strengths_of_both():
    model = GroupLassoClassifier(0.1, task_weight="balanced", alpha_intercept=0, tol=1e-12)
    model.fit(X, LABEL, task=TASK)
    assert_minimum(model, mean_logistic, lambda W: 0.1 * lengths(W))


def test_strength_of_logistic_regression():
    alpha, ridge = 0.1, 0.2
    ours = MeanRegularizedClassifier(alpha, alpha_mean=ridge, tol=1e-12).fit(X, LABEL)
    theirs = LogisticRegression(C=(alpha + ridge) / (N * alpha * ridge), tol=1e-10)
    np.testing.assert_allclose(ours.coef_, theirs.fit(X, LABEL).coef_, atol=1e-6)
