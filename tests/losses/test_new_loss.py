"""A loss that the library does not have: four methods, and every estimator takes it from there."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from mtlearn.estimators.classifier import TaskClassifier
from mtlearn.estimators.cv import AlphaByCV
from mtlearn.estimators.docs import documented
from mtlearn.estimators.group_lasso import GroupLasso
from mtlearn.estimators.mean_regularized import MeanRegularized
from mtlearn.estimators.regressor import TaskRegressor
from mtlearn.estimators.trace_norm import TraceNorm
from mtlearn.losses import Logistic, Loss

from ..checks import STRICT
from ..generators import make, make_classes
from ..reference import LOSSES, objective, solve_cvxpy

pytestmark = STRICT


class Huber(Loss):
    """Straight beyond a residual of one: no curvature there at all."""

    def value(self, f, y):
        r = np.abs(np.subtract(y, f))
        return np.where(r < 1, r**2 / 2, r - 0.5)

    def residual(self, f, y):
        return np.clip(np.subtract(y, f), -1, 1)

    def curvature(self, f, y):
        return (np.abs(np.subtract(y, f)) < 1).astype(float)

    def dual_gap(self, f, y, s):
        g = s * self.residual(f, y)  # the conjugate of -g is g²/2 - g y for |g| <= 1
        return self.value(f, y) + g**2 / 2 - g * np.subtract(y, f)


class Quantile(Loss):
    """The 80 % quantile's, smoothed over a width of 0.1: a logistic loss with q = 0.8."""

    def value(self, f, y):
        return 0.1 * Logistic().value(np.subtract(f, y) / 0.1, 0.8)

    def residual(self, f, y):
        return Logistic().residual(np.subtract(f, y) / 0.1, 0.8)

    def curvature(self, f, y):
        return Logistic().curvature(np.subtract(f, y) / 0.1, 0.8) / 0.1

    def dual_gap(self, f, y, s):
        return 0.1 * Logistic().dual_gap(np.subtract(f, y) / 0.1, 0.8, s)


class Hinge(Loss):
    """Half the squared hinge, for classes 0 and 1."""

    def value(self, f, y):
        return self._missing(f, y) ** 2 / 2

    def residual(self, f, y):
        return (2 * y - 1) * self._missing(f, y)

    def curvature(self, f, y):
        return (self._missing(f, y) > 0).astype(float)

    def dual_gap(self, f, y, s):
        return ((1 - s) * self._missing(f, y)) ** 2 / 2

    def _missing(self, f, y):
        return np.maximum(0, 1 - np.multiply(2 * y - 1, f))


TOYS = {"huber": Huber(), "quantile": Quantile(), "hinge": Hinge()}
FAMILIES = {"mean": MeanRegularized, "group": GroupLasso, "trace": TraceNorm}


def estimators(family, loss):
    """A regressor (of the hinge a classifier) of that family and its search."""
    kind = TaskClassifier if loss == "hinge" else TaskRegressor

    @dataclass(eq=False, repr=False)
    class Model(kind, FAMILIES[family]):
        alpha: float = 0.05
        _loss = TOYS[loss]

    @dataclass(eq=False, repr=False)
    class ModelCV(AlphaByCV, kind, FAMILIES[family]):
        _loss = TOYS[loss]

    return Model, ModelCV


def draw(loss, way, seed, **size):
    if loss != "hinge":
        return make(seed, way, weights="rows", **size)
    way = {"holes": "number columns", "columns": "bool columns"}.get(way, "three by task")
    return make_classes(seed, way, weights="rows", **size)


INTERCEPTS = [
    {"alpha_intercept": 0.0},
    {"alpha_intercept": 0.3},
    {"alpha_intercept": np.inf},
    {"fit_intercept": False},
]


@pytest.mark.parametrize("intercept", range(4))
@pytest.mark.parametrize("way", ["columns", "holes", "frame"])
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("loss", TOYS)
def test_the_fit_is_certified_and_cvxpys(loss, family, way, intercept):
    problem = draw(loss, way, 3 + intercept, d=4)
    fitted = problem.fit(estimators(family, loss)[0], tol=1e-10, **INTERCEPTS[intercept])
    assert fitted.dual_gap_ <= 1e-10
    model = replace(problem.model(fitted), loss=loss)
    ours = objective(problem.entries, model, problem.point(fitted))
    theirs, _ = solve_cvxpy(problem.entries, model)
    assert ours <= theirs * (1 + 1e-9)
    assert theirs <= ours * (1 + 1e-6)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("loss", ["huber", "quantile"])
@pytest.mark.parametrize("scale", [1.0, [1e-4, 1.0, 1.0, 1e4]], ids=["even", "uneven"])
@pytest.mark.parametrize("shift", [0.0, 1e4])
def test_far_targets_and_uneven_columns_are_certified(loss, family, scale, shift):
    problem = make(8, "beside", d=4)
    fitted = estimators(family, loss)[0](alpha_intercept=0.0).fit(
        problem.X * np.array(scale), problem.y + shift, **problem.extra
    )
    assert fitted.dual_gap_ <= 1e-6
    # Where intercepts are free, the slopes of each task sum to zero.
    predicted = fitted.predict(problem.X * np.array(scale), **problem.extra)
    residual = TOYS[loss].residual(predicted, problem.y + shift)
    for label in fitted.tasks_:
        assert abs(residual[problem.extra["task"] == label].sum()) < 1e-6


@pytest.mark.parametrize("way", ["columns", "holes", "beside"])
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("loss", TOYS)
def test_a_search_scores_its_own_loss(loss, family, way):
    problem = draw(loss, way, 12, n_tasks=3, rows=(9, 24))
    Model, ModelCV = estimators(family, loss)
    X, y = np.asarray(problem.X), np.asarray(problem.y)
    if problem.init.get("task_column"):
        X, problem = problem.X.to_numpy(), replace(problem, init={"task_column": 1})
    n, alphas = len(y), [0.5, 0.1, 0.02]
    folds = [(np.flatnonzero(np.arange(n) % 3 != k), np.arange(k, n, 3)) for k in range(3)]
    common = {**problem.init, "alpha_intercept": 0.3, "tol": 1e-10}
    search = ModelCV(alphas=alphas, cv=folds, **common).fit(X, y, **problem.extra)
    assert not hasattr(search, "mse_path_")
    weight = problem.extra["sample_weight"]
    for k, (train, test) in enumerate(folds):
        some = {name: value[train] for name, value in problem.extra.items()}
        rest = {name: v[test] for name, v in problem.extra.items() if name == "task"}
        for i, alpha in enumerate(alphas):
            fitted = Model(alpha, **common).fit(X[train], y[train], **some)
            f, truth = (fitted.decision_function if loss == "hinge" else fitted.predict), y[test]
            cost = mean_cost(loss, f(X[test], **rest), truth, weight[test], fitted)
            assert search.scores_[i, k] == pytest.approx(-cost, rel=1e-4)
    assert search.alpha_ == alphas[int(search.scores_.mean(axis=1).argmax())]


def mean_cost(loss, f, y, weight, fitted):
    """Weighted mean over the observed labels; of three classes the sum over one against rest."""
    if loss == "hinge":
        labels = fitted.classes_[1] if len(fitted.classes_) == 2 else fitted.classes_
        holes = y != y
        y = np.where(holes, np.nan, y == labels) if y.ndim == 2 else 1.0 * (y[:, None] == labels)
    seen = ~np.isnan(y)
    cost = np.zeros(y.shape)
    cost[seen] = LOSSES[loss](f[seen], y[seen])
    if loss == "hinge" and len(fitted.classes_) > 2:
        cost, seen = cost.sum(axis=1), seen.all(axis=1)
    weight = np.broadcast_to(weight.reshape(-1, *[1] * (cost.ndim - 1)), cost.shape)
    return np.average(cost[seen], weights=weight[seen])


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("loss", ["huber", "quantile"])
def test_scaled_targets_are_those_of_a_fit_on_scaled_targets(loss, family):
    problem, Model = make(9, "columns"), estimators(family, loss)[0]
    Y = problem.y * [0.1, 3.0, 20.0, 700.0]
    scale = Y.std(axis=0)
    scaled = Model(scale_targets=True, tol=1e-12).fit(problem.X, Y)
    by_hand = Model(tol=1e-12).fit(problem.X, Y / scale)
    np.testing.assert_allclose(scaled.target_scale_, scale)
    np.testing.assert_allclose(scaled.coef_ / scale[:, None], by_hand.coef_, atol=1e-6)
    np.testing.assert_allclose(scaled.predict(problem.X), by_hand.predict(problem.X) * scale)
    with pytest.warns(UserWarning, match="differ more than tenfold"):
        Model(alpha=1.0).fit(problem.X, Y)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("loss", ["huber", "quantile"])
def test_targets_that_intercepts_explain_leave_nothing(loss, family):
    X = np.random.default_rng(0).normal(size=(20, 3))
    y = np.full(20, 4.2) if loss == "huber" else np.zeros(20)
    fitted = estimators(family, loss)[0]().fit(X, y, task=np.repeat([0, 1], 10))
    np.testing.assert_allclose(fitted.coef_, 0.0, atol=1e-12)
    assert fitted.dual_gap_ <= 1e-6


def test_what_says_that_it_is_quadratic_is_held_to_it():
    class Twice(Huber):
        is_quadratic = True

    @dataclass(eq=False, repr=False)
    class Model(TaskRegressor, GroupLasso):
        alpha: float = 0.1
        _loss = Twice()

    with pytest.raises(ValueError, match="Twice"):
        Model().fit(np.eye(3), np.arange(3.0))


def test_levels_of_a_straight_loss_need_a_number():
    rng = np.random.default_rng(0)
    X, task = rng.normal(size=(80, 5)), np.repeat(np.arange(4), 20)
    y = np.repeat([0.0, 0.0, 0.0, 500.0], 20)  # all of the last task is far from any common level
    Model = estimators("group", "huber")[0]
    with pytest.raises(ValueError, match=r"Huber is straight.*Give a number, such as alpha_inter"):
        Model(alpha=0.01).fit(X, y, task=task)
    fitted = Model(alpha=0.01, alpha_intercept=0.0).fit(X, y, task=task)
    np.testing.assert_allclose(fitted.intercept_, [0.0, 0.0, 0.0, 500.0], atol=1e-6)


def test_the_docstring_does_not_speak_of_another_loss():
    @documented
    @dataclass(eq=False, repr=False)
    class Plain(TaskRegressor, MeanRegularized):
        """One."""

        alpha: float = 1.0

    @documented
    @dataclass(eq=False, repr=False)
    class Robust(TaskRegressor, MeanRegularized):
        """Another."""

        alpha: float = 1.0
        _loss = Huber()

    assert "half the squared error" in Plain.__doc__
    assert "half the squared error" not in Robust.__doc__
    lines = set(Plain.__doc__.splitlines()) - set(Robust.__doc__.splitlines())
    assert len(lines) <= 4  # that paragraph alone, and the first line
