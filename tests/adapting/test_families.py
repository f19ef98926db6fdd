"""A new task of the penalised families: its own problem as cvxpy and normal equations solve it."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import mtlearn
from mtlearn import (
    MeanRegularizedClassifier,
    MeanRegularizedRegressor,
    TraceNormRegressor,
    adapt,
)

from ..checks import INTERCEPTS, STRICT, expected
from ..families import FAMILIES
from .one_task import OneTask, found

pytestmark = STRICT
# A task beside clusters joins one of them: see test_clusters.
TAKING = [
    name
    for name in FAMILIES
    if FAMILIES[name].estimator("Regressor")._takes_new_tasks and name != "clusters"
]
SHARED = [name for name in TAKING if not FAMILIES[name].always_has_mean]


def draw(seed=0, d=6, T=9, n=20):
    """Labelled rows whose last two tasks come later."""
    rng = np.random.default_rng(seed)
    task = np.arange(n * T) % T
    X = rng.normal(size=(n * T, d)) + 3.0
    W = rng.normal(size=(T, d)) * [1.0, 0.5, 2.0, 0.0, 0.0, 0.1][:d] + [1.0, 0, 0, 1, 0, 0][:d]
    y = np.sum(X * W[task], axis=1) + rng.normal(size=n * T) + task
    return X, y, task, task < T - 2


def fitted_on(name, kind, X, y, task, **parameters):
    family = FAMILIES[name]
    Estimator = family.estimator(kind)
    share = 0.3 if kind == "Regressor" else 0.1
    alpha = share
    if not family.always_has_mean:
        model = Estimator(**family.parameters(**parameters))
        with expected("saw one class", "specific_ratio"):
            alpha = share * model.alpha_max(X, y, task=task)
    own = family.parameters(**parameters)
    return Estimator(alpha=alpha, tol=1e-11, **own).fit(X, y, task=task)


def assert_solved(model, later, X, y, task, which, **given):
    for label in which:
        rows = task == label
        truth = OneTask(model, X[rows], y[rows], **given)
        ours = found(later, label)
        with expected("Solution may be inaccurate"):  # of cvxpy, and then above ours
            theirs = truth.solve()
            least, other = truth.objective(*ours), truth.objective(*theirs)
        assert least <= other + 1e-8 * (1 + abs(other))
        assert other <= least + 1e-6 * (1 + abs(least))
        if truth.joint:  # what all classes share changes no probability, and may cost nothing
            ours, theirs = (
                [part - part.mean(-1, keepdims=True) for part in w] for w in (ours, theirs)
            )
        np.testing.assert_allclose(ours[0], theirs[0], atol=1e-3)
        np.testing.assert_allclose(ours[1], theirs[1], atol=1e-3)


@pytest.mark.parametrize("intercepts", INTERCEPTS, ids=str)
@pytest.mark.parametrize("shared_mean", [False, True])
@pytest.mark.parametrize("name", TAKING)
def test_a_new_task_solves_its_own_problem(name, shared_mean, intercepts):
    X, y, task, early = draw()
    model = fitted_on(
        name, "Regressor", X[early], y[early], task[early], shared_mean=shared_mean, **intercepts
    )
    later = adapt(model, X[~early], y[~early], task=task[~early])
    assert later.dual_gap_ <= 1e-9
    assert_solved(model, later, X, y, task, [7, 8])


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("shared_mean", [False, True])
@pytest.mark.parametrize("name", TAKING)
def test_classes_of_a_new_task(name, shared_mean, n_classes):
    X, y, task, early = draw()
    ranks = np.argsort(np.argsort(y))
    labels = np.array(["low", "mid", "top"])[ranks * n_classes // len(y)]
    more = {"shared_mean": shared_mean, "alpha_intercept": 0.05}
    model = fitted_on(name, "Classifier", X[early], labels[early], task[early], **more)
    later = adapt(model, X[~early], labels[~early], task=task[~early])
    assert later.dual_gap_ <= 1e-7
    places = labels[:, None] == model.classes_
    numbers = places[:, 1:].astype(float) if n_classes == 2 else places.astype(float)
    assert_solved(model, later, X, numbers, task, [7, 8])


def in_each(y, task):
    """Three classes by rank, of which every task has a third of its rows each."""
    rank = np.array([np.sum((y < one) & (task == t)) for one, t in zip(y, task, strict=True)])
    return np.array(["low", "mid", "top"])[rank * 3 // np.sum(task == 0)]


CHOICES = [(name, 0.05) for name in TAKING if name not in ("subspace", "robust low rank")]
CHOICES += [(name, level) for name in ("mean", "trace", "l2") for level in (0.0, np.inf)]


@pytest.mark.parametrize(("name", "alpha_intercept"), CHOICES)
def test_a_choice_among_classes_in_a_new_task(name, alpha_intercept):
    X, y, task, early = draw(d=4, n=16)
    labels = in_each(y, task)
    more = {"loss": "multinomial", "alpha_intercept": alpha_intercept}
    model = fitted_on(name, "Classifier", X[early], labels[early], task[early], **more)
    later = adapt(model, X[~early], labels[~early], task=task[~early])
    assert later.dual_gap_ <= 1e-6
    assert_solved(model, later, X, (labels[:, None] == model.classes_) * 1.0, task, [7, 8])


def test_a_choice_of_a_task_apart_is_scikit_learns_softmax():
    X, y, task, early = draw(d=4, n=30)
    labels = in_each(y, task)
    model = MeanRegularizedClassifier(0.05, loss="multinomial", alpha_mean=1e9, alpha_intercept=0.0)
    model.fit(X[early], labels[early], task=task[early])
    later = adapt(model, X[~early], labels[~early], task=task[~early])
    rows = task == 8
    alone = LogisticRegression(C=model.data_scale_ / 0.05, tol=1e-10, max_iter=10_000)
    alone.fit(X[rows], labels[rows])
    np.testing.assert_allclose(later.coef_[-1], alone.coef_, atol=1e-5)
    expected = alone.predict_proba(X[rows])
    np.testing.assert_allclose(later.predict_proba(X[rows], task=task[rows]), expected, atol=1e-5)


@pytest.mark.parametrize("alpha_intercept", [0.0, 0.3, np.inf])
def test_a_mean_regularised_task_is_its_normal_equations(alpha_intercept):
    X, y, task, early = draw()
    model = MeanRegularizedRegressor(alpha=0.2, alpha_intercept=alpha_intercept)
    model.fit(X[early], y[early], task=task[early])
    later = adapt(model, X[~early], y[~early], task=task[~early])
    rows = task == 8
    level = model.mean_intercept_ + model.center_ @ model.mean_coef_
    Z = np.column_stack([np.ones(rows.sum()), X[rows] - model.center_])
    charges = np.append(min(alpha_intercept, 1e12), np.full(6, 0.2))
    A = model.data_scale_ * Z.T @ Z + np.diag(charges)
    line = np.append(level, model.mean_coef_)
    line = line + np.linalg.solve(A, model.data_scale_ * Z.T @ (y[rows] - Z @ line))
    coef, at_center = found(later, 8)
    np.testing.assert_allclose(coef[:, 0], line[1:], rtol=1e-9)
    if alpha_intercept:  # of free levels there is no l_0
        np.testing.assert_allclose(at_center, line[0], rtol=1e-9)


@pytest.mark.parametrize("name", TAKING)
def test_a_task_of_the_fit_again_is_where_the_fit_had_it(name):
    """The optimum of all is the optimum of each beside the others."""
    X, y, task, _ = draw()
    for more in ({"alpha_intercept": 0.3}, {"shared_mean": True, "alpha_intercept": 0.3}):
        model = fitted_on(name, "Regressor", X, y, task, **more)
        again = adapt(model, X[task == 4], y[task == 4], task=task[task == 4], replace=True)
        np.testing.assert_allclose(again.coef_, model.coef_, atol=1e-5)
        np.testing.assert_allclose(again.intercept_, model.intercept_, atol=1e-4)


def uneven_weights(task):
    """Relative ones, of a mean far from one, and those of task 4 above all others."""
    rng = np.random.default_rng(2)
    return rng.uniform(0.05, 0.3, len(task)) * np.where(task == 4, 20.0, 1.0)


@pytest.mark.parametrize("name", TAKING)
@pytest.mark.parametrize("whole", [False, True])
def test_weights_of_later_rows_are_on_the_scale_of_the_fit(name, whole):
    """Relative weights of one task alone have another mean; the rows lead back all the same."""
    X, y, task, _ = draw()
    s, rows = uneven_weights(task), task == 4
    s = np.where(rows, 2.0, s) if whole else s  # of these rows alone they look like repetitions
    Estimator = FAMILIES[name].estimator("Regressor")
    model = Estimator(alpha=0.3, tol=1e-12, alpha_intercept=0.3, **FAMILIES[name].parameters())
    model.fit(X, y, task=task, sample_weight=s)
    assert model.weight_unit_ == pytest.approx(s.mean(), rel=1e-12)
    again = adapt(model, X[rows], y[rows], task=task[rows], sample_weight=s[rows], replace=True)
    np.testing.assert_allclose(again.coef_, model.coef_, atol=1e-5)
    np.testing.assert_allclose(again.intercept_, model.intercept_, atol=1e-4)
    if whole:  # and no weights are ones, as in fit
        model.fit(X, y, task=task, sample_weight=s / 2)
        again = adapt(model, X[rows], y[rows], task=task[rows], replace=True)
        np.testing.assert_allclose(again.coef_, model.coef_, atol=1e-5)


@pytest.mark.parametrize("class_weight", [None, "balanced", {"low": 3.0, "mid": 0.2}])
@pytest.mark.parametrize("weighted", [False, True])
def test_weights_of_classes_are_on_the_scale_of_the_fit(class_weight, weighted):
    X, y, task, _ = draw()
    labels = np.array(["low", "mid", "top"])[np.argsort(np.argsort(y)) * 3 // len(y)]
    s, rows = uneven_weights(task) if weighted else np.ones(len(y)), task == 4
    model = MeanRegularizedClassifier(
        alpha=0.05, alpha_intercept=0.05, class_weight=class_weight, tol=1e-12
    )
    model.fit(X, labels, task=task, sample_weight=s)
    again = adapt(
        model, X[rows], labels[rows], task=task[rows], sample_weight=s[rows], replace=True
    )
    np.testing.assert_allclose(again.coef_, model.coef_, atol=1e-6)
    np.testing.assert_allclose(again.intercept_, model.intercept_, atol=1e-6)


def test_a_model_of_an_earlier_version_takes_weights_as_relative_within_the_rows():
    X, y, task, early = draw()
    model = MeanRegularizedRegressor(alpha=0.1).fit(X[early], y[early], task=task[early])
    late, s = ~early, uneven_weights(task)[~early]
    of_mean_one = adapt(model, X[late], y[late], task=task[late], sample_weight=s / s.mean())
    del model.weight_unit_
    before = adapt(model, X[late], y[late], task=task[late], sample_weight=s)
    np.testing.assert_allclose(before.coef_, of_mean_one.coef_, rtol=1e-10)


def test_a_direction_that_no_other_task_has():
    rng = np.random.default_rng(3)
    task = np.repeat(np.arange(12), 15)
    X = rng.normal(size=(180, 6))
    W = rng.normal(size=(12, 2)) @ rng.normal(size=(2, 6))
    W[10] = 5.0 * rng.normal(size=6)
    y = np.sum(X * W[task], axis=1) + 0.1 * rng.normal(size=180)
    early = task < 10
    model = TraceNormRegressor(alpha=0.5, tol=1e-11).fit(X[early], y[early], task=task[early])
    assert model.rank_ == 2
    later = adapt(model, X[~early], y[~early], task=task[~early])
    assert_solved(model, later, X, y, task, [10, 11])
    within = adapt(model, X[task == 11], y[task == 11], task=task[task == 11])
    assert (within.rank_, later.rank_) == (2, 3)
    s = np.linalg.svd(later.coef_, compute_uv=False)
    np.testing.assert_allclose(later.singular_values_, s, atol=1e-12)


@pytest.mark.parametrize("name", SHARED)
def test_features_that_others_leave_out_stay_out(name):
    X, y, task, early = draw()
    model = fitted_on(name, "Regressor", X[early], y[early], task[early], alpha_intercept=0.3)
    later = adapt(model, X[~early], 1e-3 * y[~early], task=task[~early])
    if hasattr(model, "support_"):
        assert later.support_.tolist() == (later.coef_ != 0).any(axis=0).tolist()
        assert (later.coef_[7:, ~model.support_] == 0).all()
    if hasattr(model, "shared_coef_"):
        both = later.shared_coef_ + later.specific_coef_ + getattr(later, "mean_coef_", 0.0)
        np.testing.assert_allclose(both, later.coef_, atol=1e-14)


@pytest.mark.parametrize("name", TAKING)
def test_feature_weights_are_those_of_the_fit(name):
    X, y, task, _ = draw()
    weight = np.array([2.0, 0.5, 1.0, 0.0, 1.0, np.inf])
    for mean in (False, True):
        more = {"feature_weight": weight, "alpha_intercept": 0.3, "shared_mean": mean}
        model = fitted_on(name, "Regressor", X, y, task, **more)
        again = adapt(model, X[task == 4], y[task == 4], task=task[task == 4], replace=True)
        np.testing.assert_allclose(again.coef_, model.coef_, atol=1e-5)
        np.testing.assert_allclose(again.intercept_, model.intercept_, atol=1e-4)
        later = adapt(model, X[:30], y[:30], task=np.full(30, 77))
        has_mean = hasattr(model, "mean_coef_")
        assert later.coef_[-1, 5] == (model.mean_coef_[5] if has_mean else 0.0)


def test_weights_of_rows_and_tasks():
    X, y, task, early = draw()
    s = np.random.default_rng(1).integers(1, 4, len(y))
    given = {task: 1.0 + task for task in range(7)}
    model = MeanRegularizedRegressor(alpha=0.2, alpha_intercept=0.3, task_weight=given)
    model.fit(X[early], y[early], task=task[early], sample_weight=s[early])
    late = ~early
    later = adapt(model, X[late], y[late], task=task[late], sample_weight=s[late])
    assert_solved(model, later, X, y, task, [7], weight=s[task == 7])
    repeated = np.repeat(np.flatnonzero(late), s[late])
    twice = adapt(model, X[repeated], y[repeated], task=task[repeated])
    np.testing.assert_allclose(twice.coef_, later.coef_, rtol=1e-9)
    one = task == 3
    again = adapt(model, X[one], y[one], task=task[one], sample_weight=s[one], replace=True)
    np.testing.assert_allclose(again.coef_, model.coef_, atol=1e-8)


def test_balanced_tasks():
    X, y, task, early = draw()
    keep = (task != 3) | (np.arange(len(task)) < 60)
    X, y, task, early = X[keep], y[keep], task[keep], early[keep]
    model = MeanRegularizedRegressor(alpha=0.2, alpha_intercept=0.3, task_weight="balanced")
    model.fit(X, y, task=task)
    for one in (3, 4):
        rows = task == one
        again = adapt(model, X[rows], y[rows], task=task[rows], replace=True)
        np.testing.assert_allclose(again.coef_, model.coef_, atol=1e-8)


def test_one_class_in_a_new_task():
    X, y, task, early = draw()
    labels = np.where(y > np.median(y), "yes", "no")
    labels[task == 8] = "yes"
    model = MeanRegularizedClassifier(alpha=0.05, alpha_intercept=0.3)
    model.fit(X[early], labels[early], task=task[early])
    later = adapt(model, X[~early], labels[~early], task=task[~early])
    assert_solved(model, later, X, (labels == "yes").astype(float), task, [8])
    free = MeanRegularizedClassifier(alpha=0.05, alpha_intercept=0)
    with expected("saw one class"):
        free.fit(X, labels, task=task)
        rows = task == 8  # soft targets, as in fit
        again = adapt(free, X[rows], labels[rows], task=task[rows], replace=True)
    np.testing.assert_allclose(again.coef_, free.coef_, atol=1e-6)
    np.testing.assert_allclose(again.intercept_, free.intercept_, atol=1e-4)


@pytest.mark.parametrize("alpha", [0.0, np.inf])
def test_ends_of_alpha(alpha):
    X, y, task, early = draw()
    model = MeanRegularizedRegressor(alpha=alpha, alpha_intercept=0.3)
    model.fit(X[early], y[early], task=task[early])
    later = adapt(model, X[~early], y[~early], task=task[~early])
    again = adapt(model, X[task == 4], y[task == 4], task=task[task == 4], replace=True)
    np.testing.assert_allclose(again.coef_, model.coef_, atol=1e-8)
    if alpha:
        np.testing.assert_array_equal(later.coef_[8], model.mean_coef_)


def test_the_strengths_that_cross_validation_chose_are_held():
    X, y, task, _ = draw()
    for name in ("MeanRegularizedRegressorCV", "GroupLassoRegressorCV", "DirtyRegressorCV"):
        model = getattr(mtlearn, name)(10, cv=3, tol=1e-11).fit(X, y, task=task)
        again = adapt(model, X[task == 4], y[task == 4], task=task[task == 4], replace=True)
        np.testing.assert_allclose(again.coef_, model.coef_, atol=1e-5)
        assert again.alpha_ == model.alpha_


@pytest.mark.parametrize("x_unit, y_unit", [(2.0**-40, 2.0**-10), (2.0**200, 2.0**-200)])
@pytest.mark.parametrize("name", SHARED)
def test_units_do_not_matter(name, x_unit, y_unit):
    """Powers of two: Omega of degree one, and free levels, are the same problem in other units."""
    X, y, task, early = draw()
    family, found = FAMILIES[name], []
    for x, z in ((1.0, 1.0), (x_unit, y_unit)):
        strengths = {"alpha": 0.1 * x * z, "alpha_mean": 1e-3 * x**2, "alpha_intercept": 0.0}
        own = family.parameters(**strengths, tol=1e-12)
        model = family.estimator("Regressor")(**own)
        model.fit(x * X[early], z * y[early], task=task[early])
        later = adapt(model, x * X[~early], z * y[~early], task=task[~early])
        found.append((later.coef_ * (x / z), later.intercept_ / z))
    np.testing.assert_allclose(found[1][0], found[0][0], atol=1e-6)
    np.testing.assert_allclose(found[1][1], found[0][1], atol=1e-5)
