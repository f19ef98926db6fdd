"""Graphs of tasks on drawn problems: every way in, kind of levels, weights; and symmetries."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from mtlearn import GraphTasksClassifier, GraphTasksRegressor

from ..checks import INTERCEPTS, STRICT
from ..generators import CLASS_WAYS, make, make_classes, separable
from ..penalties.truths import truth
from ..penalties.truths.graph import GraphPenalty
from ..reference import certificate, null_primal, objective, solve_cvxpy

# So few rows are told apart in some part of many a graph, which is said.
APART = pytest.mark.filterwarnings("ignore:a linear model tells the classes apart")
pytestmark = [*STRICT, APART]

REGRESSION = ["columns", "holes", "array", "frame", "beside"]
TASKED = [*REGRESSION, *(way for way in CLASS_WAYS if way not in ("two", "three"))]
GRAPHS = {  # a_st between four tasks, in the order of the entries
    "chain": [(0, 1, 1.0), (1, 2, 0.3), (2, 3, 2.0)],
    "complete": [(s, t, 1.0) for s in range(4) for t in range(s)],
    "two parts": [(0, 3, 1.0), (1, 2, 0.7)],
    "one alone": [(0, 2, 1.0), (2, 3, 0.5), (0, 3, 0.2)],
}
ALPHAS = [1.0, 0.05, 1e-3, 30.0]
CASES = [
    pytest.param(way, intercept, number, id=f"{way}-{intercept}")
    for number, (way, intercept) in enumerate(itertools.product(TASKED, INTERCEPTS))
]


def estimator_of(way):
    return GraphTasksClassifier if way in CLASS_WAYS else GraphTasksRegressor


def weights_of(pairs):
    A = np.zeros((4, 4))
    for s, t, a in pairs:
        A[s, t] = A[t, s] = a
    return A


def drawn(way, number, **more):
    """A problem, and pairs of its labels as a user gives them."""
    kind = list(GRAPHS)[number % 4]
    several = way in ("columns", "holes") or way.endswith("columns")
    weights = [None, "rows", "labels" if several else "rows"][number % 3]
    given = {"weights": weights, "task_weight": [None, "array", "balanced"][number // 2 % 3]}
    given |= {"d": 3, "rows": (9, 22)} | more
    for seed in itertools.count(100 * number):
        problem = (make_classes if way in CLASS_WAYS else make)(seed, way, **given)
        if way not in CLASS_WAYS or not falls_apart(problem, GRAPHS[kind]):
            break
    labels = range(4) if problem.labels is None else problem.labels
    return problem, kind, [(labels[s], labels[t], a) for s, t, a in GRAPHS[kind]]


def falls_apart(problem, pairs):
    """Whether a plane separates the classes of what is connected: there is no minimiser then."""
    e = problem.entries
    free = problem.model(GraphTasksClassifier(0.1).fit(np.eye(4), [0, 1, 0, 1]))
    free = replace(free, shared_mean=True, alpha_mean=0.0, alpha_intercept=1.0)
    for part in connected(pairs):
        on = np.isin(e.task, part)
        some = replace(
            e, X=e.X[on], y=e.y[on], task=np.searchsorted(part, e.task[on]),
            weight=e.weight[on], task_weight=e.task_weight[part],
            kind=e.kind[on] if np.ndim(e.kind) else e.kind,
        )  # fmt: skip
        if separable(some, replace(free, alpha_intercept=0.0)) or separable(some, free):
            return True
    return False


def connected(pairs):
    parts = [{t} for t in range(4)]
    for s, t, _ in pairs:
        one, other = (next(p for p in parts if k in p) for k in (s, t))
        if one is not other:
            parts.remove(other)
            one |= other
    return [np.array(sorted(part)) for part in parts]


def model_of(problem, fitted, kind):
    """What the fit says that it minimised, under the graph that it was given."""
    K = problem.entries.n_classes
    known = truth(GraphPenalty, weights=tuple(map(tuple, weights_of(GRAPHS[kind]))), n_classes=K)
    return replace(problem.model(fitted), penalty=known)


def fit(way, intercept, number):
    problem, kind, pairs = drawn(way, number)
    given = {"alpha": ALPHAS[number // 3 % 4], "graph": pairs, "tol": 1e-10, **intercept}
    return problem, kind, problem.fit(estimator_of(way), **given)


@pytest.mark.parametrize("way, intercept, number", CASES)
def test_its_gap_is_true_whatever_the_problem(way, intercept, number):
    problem, kind, fitted = fit(way, intercept, number)
    assert 0 <= fitted.dual_gap_ <= 1e-10
    model, point = model_of(problem, fitted, kind), problem.point(fitted)
    found = certificate(problem.entries, model, point)
    assert found.infeasibility < 1e-9
    assert -found.rounding - 1e-12 <= found.gap <= 1e-9 + found.rounding
    if number % 4 == 1:
        theirs, _ = solve_cvxpy(problem.entries, model)
        ours = objective(problem.entries, model, point)
        null = null_primal(problem.entries, model)
        assert ours <= theirs + 1e-9 * null
        assert theirs <= ours + 1e-7 * null


@pytest.mark.parametrize("way", ["holes", "beside", "text columns", "three by task"])
def test_a_row_twice_is_a_row_of_weight_two(way):
    problem, _, pairs = drawn(way, 4, weights=None, task_weight=None)
    times = np.random.default_rng(0).integers(1, 4, size=len(problem.X))
    weighted = replace(problem, extra=problem.extra | {"sample_weight": times})
    twice = {key: np.repeat(value, times, axis=0) for key, value in problem.extra.items()}
    if way == "three by task":  # rows of a frame
        rows = np.repeat(np.arange(len(times)), times)
        X, y = problem.X.iloc[rows], np.repeat(problem.y, times)
    else:
        X, y = (np.repeat(part, times, axis=0) for part in (problem.X, problem.y))
    repeated = replace(problem, X=X, y=y, extra=twice)
    given = {"alpha": 0.1, "graph": pairs, "alpha_intercept": "auto"}
    one, other = (p.fit(estimator_of(way), **given) for p in (weighted, repeated))
    np.testing.assert_allclose(one.coef_, other.coef_, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(one.intercept_, other.intercept_, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("Model", [GraphTasksRegressor, GraphTasksClassifier])
@pytest.mark.parametrize("alpha_intercept", [0.0, 0.3])
def test_the_origin_of_features_and_their_order_do_not_matter(Model, alpha_intercept):
    way = "two by task" if Model is GraphTasksClassifier else "beside"
    problem, _, pairs = drawn(way, 1, task_weight=None)
    model = Model(0.1, graph=pairs, alpha_intercept=alpha_intercept, tol=1e-12)
    near = model.fit(problem.X, problem.y, **problem.extra).coef_
    there = model.fit(problem.X[:, ::-1] + 2.0**20, problem.y, **problem.extra).coef_
    np.testing.assert_allclose(there[:, ::-1], near, atol=1e-8)
    thin = model.fit(sparse.csr_array(problem.X), problem.y, **problem.extra).coef_
    np.testing.assert_allclose(thin, near, atol=1e-9)


@pytest.mark.parametrize("x, y", [(400, 0), (-400, 0), (-70, 660), (0, -660)])
def test_powers_of_two_only_rescale(x, y):
    problem, _, pairs = drawn("beside", 1, task_weight=None)
    model = GraphTasksRegressor(0.2, graph=pairs, alpha_intercept=0.3, tol=1e-10)
    near = model.fit(problem.X, problem.y, **problem.extra).coef_
    model.set_params(alpha=np.ldexp(0.2, 2 * x))
    far = model.fit(np.ldexp(problem.X, x), np.ldexp(problem.y, y), **problem.extra)
    np.testing.assert_allclose(np.ldexp(far.coef_, x - y), near, rtol=1e-9, atol=1e-12)


def normal_equations(X, y, task, A, alpha, T):
    """Coefficients without intercepts, of least norm."""
    d, n = X.shape[1], len(y)
    H = alpha * np.kron(np.diag(A.sum(axis=1)) - A, np.eye(d))
    g = np.zeros(T * d)
    for t in range(T):
        at, own = slice(t * d, (t + 1) * d), task == t
        H[at, at] += T / n * X[own].T @ X[own]
        g[at] = T / n * X[own].T @ y[own]
    return np.linalg.lstsq(H, g, rcond=1e-12)[0].reshape(T, d)


@pytest.mark.parametrize("T", [12, 90])
@pytest.mark.parametrize("columns", ["rows of their own", "duplicated", "constant", "two scales"])
def test_hard_columns_of_tasks_of_one_row(columns, T):
    rng = np.random.default_rng(3)
    task = np.arange(T)
    X, y = rng.normal(size=(T, 5)), rng.normal(size=T)
    X = np.hstack([X, X]) if columns == "duplicated" else X
    X[:, 1] = 0.0 if columns == "constant" else X[:, 1]
    unit = np.ones(X.shape[1])
    if columns == "two scales":
        unit[:2] = 2.0**-6
    model = GraphTasksRegressor(alpha=0.3, fit_intercept=False, tol=1e-12)
    found = model.fit(X * unit, y, task=task)
    A = np.diag(np.ones(T - 1), 1)
    expected = normal_equations(X * unit, y, task, A + A.T, 0.3, T)
    np.testing.assert_allclose(found.coef_, expected, atol=1e-7)
    assert found.dual_gap_ <= 1e-12


def test_what_a_part_has_in_common_keeps_its_digits_beside_a_huge_strength():
    """Levels all but free: curvatures are 1e-10 of alpha, and the solution is one for each part."""
    rng = np.random.default_rng(5)
    task, X = np.arange(40), rng.normal(size=(40, 3))
    y = X @ [1.0, -2.0, 0.5] + 3.0
    graph = [(t, t + 1) for t in range(39) if t != 19]
    model = GraphTasksRegressor(alpha=1.0, graph=graph, alpha_intercept=1e-10)
    model.fit(X, y, task=task)
    np.testing.assert_allclose(model.coef_, np.tile([1.0, -2.0, 0.5], (40, 1)), atol=1e-8)
    np.testing.assert_allclose(model.intercept_, 3.0, atol=1e-8)
