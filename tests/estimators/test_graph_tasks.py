"""Tasks on a graph, against cvxpy, normal equations, limits and other models."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.linear_model import LinearRegression, Ridge

from mtlearn import (
    GraphTasksClassifier,
    GraphTasksRegressor,
    GraphTasksRegressorCV,
    MeanRegularizedClassifier,
    MeanRegularizedRegressor,
    adapt,
    collect_moments,
    fit_moments,
)

T, D = 5, 4
PAIRS = [(0, 1, 2.0), (1, 2), (0, 2, 0.5), (3, 4)]  # two parts


def table(seed=0, rows=(3, 16), d=D, n_tasks=T):
    rng = np.random.default_rng(seed)
    task = np.repeat(np.arange(n_tasks), rng.integers(*rows, size=n_tasks))
    X = rng.normal(size=(len(task), d)) + 1.0
    W = np.cumsum(rng.normal(size=(n_tasks, d)), axis=0)
    y = (X * W[task]).sum(axis=1) + rng.normal(size=len(task)) + task
    return X, y, task


def adjacency(pairs, n=T):
    A = np.zeros((n, n))
    for a, b, *weight in pairs:
        A[a, b] += weight[0] if weight else 1.0
    return A + A.T


def terms(lib, model, A, X, y, task, W, b, l0, weight, omega, logistic, free):
    """The objective by its definition; `lib` is cvxpy or None for numbers."""
    import cvxpy as cp

    n_tasks = len(A)
    c = n_tasks / weight.sum() * omega[task] * weight
    f = cp.sum(cp.multiply(X, W[task]), axis=1) + b[task]
    if logistic:
        loss = c @ cp.logistic(f) - (c * y) @ f
    else:
        loss = 0.5 * c @ cp.square(y - f)
    for s in range(n_tasks):
        for t in range(s):
            if A[s, t]:
                apart = cp.multiply(free, W[s] - W[t])
                loss += 0.5 * model.alpha * A[s, t] * cp.sum_squares(apart)
    center = c @ X / c.sum()
    a = model.alpha_intercept_
    return loss + 0.5 * a * cp.sum_squares(b + W @ center - l0) if a else loss


def assert_best(model, A, X, y, task, weight=None, omega=None, logistic=False, free=1.0):
    """No worse than cvxpy, to 1e-7 of the objective, and certified."""
    cp = pytest.importorskip("cvxpy")
    weight = np.ones(len(y)) if weight is None else weight
    omega = np.ones(len(A)) if omega is None else omega
    free = np.broadcast_to(free, X.shape[1])
    W, b, l0 = cp.Variable((len(A), X.shape[1])), cp.Variable(len(A)), cp.Variable()
    given = A, X, y, task
    best = cp.Problem(
        cp.Minimize(terms(cp, model, *given, W, b, l0, weight, omega, logistic, free))
    )
    best.solve(solver=cp.CLARABEL)
    W, b = cp.Constant(model.coef_), cp.Constant(model.intercept_)
    center = model.center_
    level = cp.Constant((model.intercept_ + model.coef_ @ center).mean())
    ours = terms(cp, model, *given, W, b, level, weight, omega, logistic, free).value
    assert ours == pytest.approx(best.value, rel=1e-7)
    assert model.dual_gap_ <= 1e-10


def solved(how, monkeypatch):
    """Small systems as larger ones are."""
    solvers = "mtlearn.solvers"
    if how != "dense":
        monkeypatch.setattr(f"{solvers}.graph_elimination.FORMED", 0)
    if how == "gradients":
        monkeypatch.setattr(f"{solvers}.graph_system.FORMED", 0)
        monkeypatch.setattr(f"{solvers}.graph_system.FEW", 0)
        monkeypatch.setattr(f"{solvers}.graph_system.ELIMINATION_FLOPS", 1e9)


every_way = pytest.mark.parametrize("how", ["dense", "sparse", "gradients"])


@every_way
@pytest.mark.parametrize("alpha_intercept", [0.0, 0.3, "auto"])
@pytest.mark.parametrize("Model", [GraphTasksRegressor, GraphTasksClassifier])
def test_is_what_cvxpy_finds(Model, alpha_intercept, how, monkeypatch):
    solved(how, monkeypatch)
    X, y, task = table(1, rows=(8, 20))
    logistic = Model is GraphTasksClassifier
    if logistic:
        y = (y + 4 * np.random.default_rng(0).normal(size=len(y)) > np.median(y)) * 1.0
    weight = np.random.default_rng(5).integers(1, 4, size=len(y)).astype(float)
    omega = np.array([1.0, 2.0, 0.5, 1.0, 3.0])
    model = Model(alpha=0.1, graph=PAIRS, alpha_intercept=alpha_intercept, task_weight=omega)
    model.fit(X, y, task=task, sample_weight=weight)
    assert_best(model, adjacency(PAIRS), X, y, task, weight, omega, logistic)


def test_targets_with_holes_and_feature_weights():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(30, D)) + 2.0
    Y = X @ rng.normal(size=(D, T)) + rng.normal(size=(30, T))
    Y[rng.random(Y.shape) < 0.3] = np.nan
    row, task = np.nonzero(~np.isnan(Y))
    model = GraphTasksRegressor(alpha=0.2, graph=adjacency(PAIRS), feature_weight=[1, 0, 3, 0.5])
    model.fit(X, Y)
    free = np.array([1, 0, 3, 0.5])
    assert_best(model, adjacency(PAIRS), X[row], Y[row, task], task, free=free)
    complete = GraphTasksRegressor(alpha=0.2, graph=sparse.csr_array(adjacency(PAIRS)))
    Y = np.where(np.isnan(Y), 0.0, Y)  # one X, complete
    row, task = np.nonzero(np.isfinite(Y))
    assert_best(complete.fit(X, Y), adjacency(PAIRS), X[row], Y[row, task], task)


@pytest.mark.parametrize("alpha_intercept", [0.0, 0.5, np.inf])
@pytest.mark.parametrize(
    "Model, Mean",
    [
        (GraphTasksRegressor, MeanRegularizedRegressor),
        (GraphTasksClassifier, MeanRegularizedClassifier),
    ],
)
def test_a_complete_graph_is_the_mean_regularised_model(Model, Mean, alpha_intercept):
    X, y, task = table(2, rows=(10, 20))
    y = y if Model is GraphTasksRegressor else y % 2 > 1
    given = {"alpha_intercept": alpha_intercept, "tol": 1e-12}
    graph = Model(alpha=0.3 / T, graph=np.ones((T, T)), **given).fit(X, y, task=task)
    mean = Mean(alpha=0.3, alpha_mean=0.0, **given).fit(X, y, task=task)
    np.testing.assert_allclose(graph.coef_, mean.coef_, atol=1e-7)
    np.testing.assert_allclose(graph.intercept_, mean.intercept_, atol=1e-7)


@pytest.mark.parametrize("alpha", [1e-6, 1.0, 1e6])
def test_a_path_solves_its_normal_equations(alpha):
    X, y, task = table(4, rows=(3, 9), n_tasks=60)
    n_tasks, n = 60, len(y)
    model = GraphTasksRegressor(alpha=alpha, fit_intercept=False).fit(X, y, task=task)
    A = adjacency([(t, t + 1) for t in range(n_tasks - 1)], n_tasks)
    H = alpha * np.kron(np.diag(A.sum(axis=1)) - A, np.eye(D))
    g = np.zeros((n_tasks, D))
    for t in range(n_tasks):
        own, at = task == t, slice(t * D, (t + 1) * D)
        H[at, at] += n_tasks / n * X[own].T @ X[own]
        g[t] = n_tasks / n * X[own].T @ y[own]
    expected = np.linalg.solve(H, g.ravel()).reshape(n_tasks, D)
    np.testing.assert_allclose(model.coef_, expected, atol=1e-6 * np.abs(expected).max())
    assert model.dual_gap_ <= 1e-11


def test_without_strength_tasks_are_alone():
    X, y, task = table(5, rows=(2, 16))
    model = GraphTasksRegressor(alpha=0.0, graph=PAIRS, alpha_intercept=0.0).fit(X, y, task=task)
    for t in range(T):
        alone = LinearRegression().fit(X[task == t], y[task == t])
        np.testing.assert_allclose(model.coef_[t], alone.coef_, atol=1e-8)


def test_parts_do_not_see_each_other_and_become_one_model_each():
    X, y, task = table(6)
    model = GraphTasksRegressor(alpha=1e5, graph=PAIRS, alpha_intercept=0.0).fit(X, y, task=task)
    np.testing.assert_array_equal(model.component_, [0, 0, 0, 1, 1])
    for part in (task <= 2, task > 2):
        dummies = np.eye(T)[task[part]]
        pooled = np.linalg.lstsq(np.hstack([X[part], dummies]), y[part], rcond=None)[0][:D]
        np.testing.assert_allclose(model.coef_[task[part][0]], pooled, atol=1e-3)
    other = np.where(task <= 2, y, -5 * y)
    again = GraphTasksRegressor(alpha=1e5, graph=PAIRS, alpha_intercept=0.0).fit(
        X, other, task=task
    )
    np.testing.assert_allclose(again.coef_[:3], model.coef_[:3], atol=1e-9)


@every_way
def test_a_task_without_neighbours_has_its_own_solution_of_least_norm(how, monkeypatch):
    solved(how, monkeypatch)
    X, y, task = table(7, rows=(5, 16))
    X, y, task = np.vstack([X, X[:2]]), np.append(y, [3.0, -1.0]), np.append(task, [T, T])
    model = GraphTasksRegressor(alpha=0.5, graph=PAIRS, alpha_intercept=0.0).fit(X, y, task=task)
    alone = LinearRegression().fit(X[-2:], y[-2:])  # two rows, four features
    np.testing.assert_allclose(model.coef_[T], alone.coef_, atol=1e-7)
    assert model.dual_gap_ <= 1e-11


def test_one_task_and_more_features_than_rows():
    rng = np.random.default_rng(8)
    X, y = rng.normal(size=(12, 30)), rng.normal(size=12)
    np.testing.assert_allclose(
        GraphTasksRegressor().fit(X, y).coef_, LinearRegression().fit(X, y).coef_, atol=1e-8
    )
    task = np.arange(12) % 3
    wide = GraphTasksRegressor(alpha=0.1, fit_intercept=False).fit(X, y, task=task)
    # ½ ‖W‖² of little weight selects the same solution
    A = np.zeros((12, 90))
    for i, t in enumerate(task):
        A[i, 30 * t : 30 * (t + 1)] = X[i]
    L = np.kron([[1, -1, 0], [-1, 2, -1], [0, -1, 1]], np.eye(30))
    H = 3 / 12 * A.T @ A + 0.1 * L
    expected = np.linalg.pinv(H, rcond=1e-12) @ (3 / 12 * A.T @ y)
    np.testing.assert_allclose(wide.coef_.ravel(), expected, atol=1e-7)


class TestUnseen:
    def test_labels_of_the_graph_without_rows_are_means_of_their_neighbours(self):
        X, y, year = table(9)
        year = np.array([2000, 2001, 2003, 2004, 2006])[year]
        steps = [(t, t + 1, 1.0 + (t == 2002)) for t in range(2000, 2007)]
        model = GraphTasksRegressor(alpha=0.3, graph=steps).fit(X, y, task=year)
        assert model.neighbor_tasks_.tolist() == [2002, 2005, 2007]
        expected = [[0, 1 / 3, 2 / 3, 0, 0], [0, 0, 0, 0.5, 0.5], [0, 0, 0, 0, 1]]
        np.testing.assert_allclose(model.neighbor_weights_, expected, atol=1e-12)
        new = np.array([2002, 2000, 2007, 2003])
        W = np.vstack([model.coef_, expected @ model.coef_])
        b = np.append(model.intercept_, expected @ model.intercept_)
        code = [5, 0, 7, 2]
        f = (X[:4] * W[code]).sum(axis=1) + b[code]
        np.testing.assert_allclose(model.predict(X[:4], task=new), f, atol=1e-10)
        with pytest.warns(UserWarning, match="not seen in fit .first labels: 1999"):
            model.predict(X[:1], task=[1999])
        # what is between two tasks ties them: springs in a row
        assert model.graph_[1, 2] == pytest.approx(1 / (1 / 1 + 1 / 2))

    def test_they_are_at_their_best_in_the_whole_objective(self):
        X, y, task = table(10, rows=(6, 9))
        pairs = [("a", "b"), ("b", "c", 2.0), ("c", "d"), ("b", "d"), ("x", "y")]
        names = np.array(["a", "d", "e", "f", "g"])[task]
        model = GraphTasksRegressor(alpha=0.4, graph=pairs, fit_intercept=False)
        with pytest.warns(UserWarning, match="names 4 labels that are no tasks.*'e', 'f', 'g'"):
            model.fit(X, y, task=names)
        assert model.neighbor_tasks_.tolist() == ["b", "c"]  # nobody knows of x and y
        # the normal equations of all of a, d, b, c
        place = {"a": 0, "d": 1, "b": 2, "c": 3}
        known = [(place[p[0]], place[p[1]], *p[2:]) for p in pairs[:4]]
        A = adjacency(known, 4)
        H, g = 0.4 * np.kron(np.diag(A.sum(axis=1)) - A, np.eye(D)), np.zeros((4, D))
        for t in (0, 1):
            own, at, c = task == t, slice(t * D, (t + 1) * D), T / len(y)
            H[at, at] += c * X[own].T @ X[own]
            g[t] = c * X[own].T @ y[own]
        W = np.linalg.solve(H, g.ravel()).reshape(4, D)
        np.testing.assert_allclose(model.coef_[:2], W[:2], atol=1e-9)
        np.testing.assert_allclose(model.neighbor_weights_ @ model.coef_, W[2:], atol=1e-9)


def test_forms_of_one_graph_give_one_answer():
    X, y, task = table(11)
    names = np.array(list("vwxyz"))[task]
    chain = [("v", "w"), ("w", "x"), ("x", "y"), ("y", "z")]
    A = adjacency([(t, t + 1) for t in range(4)])
    forms = [
        "path",
        chain,
        A,
        sparse.csr_array(A),
        pd.DataFrame(A, index=list("vwxyz"), columns=list("vwxyz")),
        {name: (k, 0.0) for k, name in enumerate("vwxyz")},
        pd.DataFrame({"x": range(5)}, index=list("vwxyz")),
    ]
    found = []
    for graph in forms:
        model = GraphTasksRegressor(alpha=0.2, graph=graph, n_neighbors=1)
        found.append(model.fit(X, y, task=names).coef_)
    for coef in found[1:5]:
        np.testing.assert_allclose(coef, found[0], atol=1e-10)
    # of two that are as near one is taken; each has at least its nearest
    np.testing.assert_allclose(found[5], found[6], atol=1e-10)


def test_moments_paths_and_searches_are_the_same_model():
    X, y, task = table(12, rows=(8, 20))
    model = GraphTasksRegressor(alpha=0.2, graph=PAIRS)
    rows = model.fit(X, y, task=task).coef_
    moments = collect_moments([(X, y, task)])
    other = fit_moments(GraphTasksRegressor(alpha=0.2, graph=PAIRS), moments)
    np.testing.assert_allclose(other.coef_, rows, atol=1e-9)
    path = model.path(X, y, alphas=[1.0, 0.2], task=task)
    np.testing.assert_allclose(path.coefs[..., 1], rows, atol=1e-8)
    search = GraphTasksRegressorCV(alphas=4, cv=3, graph=PAIRS).fit(X, y, task=task)
    given = {"alpha": search.alpha_, "alpha_intercept": search.alpha_intercept_}
    one = GraphTasksRegressor(graph=PAIRS, **given).fit(X, y, task=task)
    np.testing.assert_allclose(search.coef_, one.coef_, atol=1e-7)
    with pytest.raises(TypeError, match="Fit again with all rows"):
        adapt(model, X[:4], y[:4], task=[77] * 4)


def test_slopes_that_drift_are_recovered_better_than_by_a_mean():
    rng = np.random.default_rng(0)
    n_tasks, n, d = 40, 8, 6
    W = np.cumsum(0.4 * rng.normal(size=(n_tasks, d)), axis=0)
    task = np.repeat(np.arange(n_tasks), n)
    X = rng.normal(size=(len(task), d))
    y = (X * W[task]).sum(axis=1) + rng.normal(size=len(task))
    graph = GraphTasksRegressor(alpha=3.0).fit(X, y, task=task)
    mean = MeanRegularizedRegressor(alpha="auto").fit(X, y, task=task)
    alone = [Ridge(1.0).fit(X[task == t], y[task == t]).coef_ for t in range(n_tasks)]
    error = [np.mean((coef - W) ** 2) for coef in (graph.coef_, mean.coef_, alone)]
    assert error[0] < 0.6 * min(error[1:])


def test_thousands_of_tasks_need_no_matrix_of_their_pairs():
    X, y, task = table(13, rows=(2, 4), n_tasks=5000)
    model = GraphTasksRegressor(alpha=1.0, alpha_intercept=0.0).fit(X, y, task=task)
    assert model.dual_gap_ <= 1e-9


def test_labels_of_the_graph_are_read_as_those_of_tasks_are():
    X, y, task = table(3, n_tasks=3)
    days = np.array(["2001-01-01", "2002-01-01", "2003-01-01"], dtype="M8[D]")
    expected = GraphTasksRegressor(graph=[(0, 1)]).fit(X, y, task=task)
    for ends in (days[:2], days[:2].tolist(), pd.to_datetime(days[:2]), days[:2].astype("M8[ns]")):
        model = GraphTasksRegressor(graph=[tuple(ends)]).fit(X, y, task=days[task])
        np.testing.assert_array_equal(model.graph_.toarray(), expected.graph_.toarray())


@pytest.mark.parametrize("other", [300, 1.5])
def test_labels_without_rows_keep_their_value_beside_small_integers(other):
    X, y, task = table(4, n_tasks=3)
    graph = [(0, 1), (1, other), (other, 2)]
    model = GraphTasksRegressor(graph=graph).fit(X, y, task=task.astype(np.int8))
    assert model.neighbor_tasks_.tolist() == [other]
    one, two, between = (model.predict(X[:1], task=[label]) for label in (1, 2, other))
    np.testing.assert_allclose(between, (one + two) / 2)
    np.testing.assert_array_equal(model.graph_.diagonal(), 0.0)
