"""A penalty that the library does not have: the answers that the page asks for are enough."""

from dataclasses import KW_ONLY, dataclass

import numpy as np
import pytest

from mtlearn import (
    GroupLassoClassifier,
    GroupLassoRegressor,
    TraceNormClassifier,
    TraceNormRegressor,
)
from mtlearn.estimators.classifier import TaskClassifier
from mtlearn.estimators.cv import AlphaByCV
from mtlearn.estimators.family import NormFamily
from mtlearn.estimators.regressor import TaskRegressor
from mtlearn.penalties.base import Differentiable, Norm, RowSeparable, Smoothable
from mtlearn.penalties.trace_norm import TraceNorm

from ..checks import STRICT

pytestmark = STRICT


@dataclass
class Shrinkage:
    """Of max(0, 1 - t/‖z‖) z, by column or in all."""

    Z: np.ndarray
    t: float
    axis: tuple

    def times(self, D):
        size = np.sqrt((self.Z**2).sum(axis=self.axis, keepdims=True))
        kept, unit = (size > self.t) | (self.t == 0), self.Z / np.where(size > 0, size, 1.0)
        q = self.t / np.where(size > 0, size, 1.0)
        axis = tuple(k - 2 for k in self.axis)
        return np.where(kept, (1 - q) * D + q * unit * (unit * D).sum(axis, keepdims=True), 0.0)


class Whole(Smoothable, Norm):
    """The Frobenius norm, not squared."""

    axis = (0, 1)

    def _sizes(self, V):
        return np.sqrt((V**2).sum(axis=self.axis, keepdims=True))

    def value(self, V):
        return self.alpha * float(self._sizes(V).sum())

    def dual_norm(self, G):
        return float(self._sizes(G).max())

    def prox(self, V, step):
        size = self._sizes(V)
        return V * np.maximum(0.0, 1.0 - self.alpha * step / np.where(size > 0, size, 1.0))

    def derivative(self, Z, step):
        return Shrinkage(Z, self.alpha * step, self.axis)


class ByTask(Whole):
    """Sum over the tasks of the norm of their coefficients."""

    axis = (0,)


class Bare(Smoothable, Norm):
    """The trace norm with nothing but what the page asks for."""

    value, dual_norm = TraceNorm.value, TraceNorm.dual_norm
    prox, derivative = TraceNorm.prox, TraceNorm.derivative
    _last = TraceNorm._last


@dataclass
class Mask:
    """A derivative of the user's own, whose attribute is called as one of ours is."""

    m: np.ndarray

    def times(self, D):
        return self.m * D


class Entries(RowSeparable, Differentiable, Norm):
    """The lasso on every entry, a sum over features."""

    def value(self, V):
        return self.alpha * float(np.abs(V).sum())

    def dual_norm(self, G):
        return float(np.abs(G).max())

    def prox(self, V, step):
        return np.sign(V) * np.maximum(0.0, np.abs(V) - step * self.alpha)

    def derivative(self, Z, step):
        threshold = np.broadcast_to(step * self.alpha, (len(Z), 1))
        return Mask(((np.abs(Z) > threshold) | (threshold == 0)).astype(float))


TOYS = [Whole, ByTask, Bare, Entries]
SCALES = {
    "even": np.ones(5),
    "one large": np.array([1.0, 1.0, 1.0, 1.0, 1e4]),
    "one small": np.array([1e-5, 1.0, 1.0, 1.0, 1.0]),
    "1e16": np.logspace(-8, 8, 5),
}
COUPLINGS = {
    "free": {"alpha_intercept": 0.0},
    "pooled, mean": {"alpha_intercept": 0.3, "shared_mean": True},
    "one, free mean": {"alpha_intercept": np.inf, "shared_mean": True, "alpha_mean": 0.0},
    "none": {"fit_intercept": False},
}


def estimators(penalty, kind):
    @dataclass(eq=False, repr=False)
    class Shared(NormFamily):
        _: KW_ONLY
        shared_mean: bool = False

        def _penalty(self, problem):
            return penalty(1.0)

    @dataclass(eq=False, repr=False)
    class Model(kind, Shared):
        alpha: float = 0.1

    @dataclass(eq=False, repr=False)
    class ModelCV(AlphaByCV, kind, Shared):
        pass

    return Model, ModelCV


def draw(way, classes=False, n=30, d=5, T=3, seed=0):
    rng = np.random.default_rng(seed)
    W = rng.normal(size=(T, d)) * (rng.random(d) < 0.7)
    X = rng.normal(size=(n * (1 if way in ("columns", "holes") else T), d))
    if way in ("columns", "holes"):
        y, extra = X @ W.T + 0.5 * rng.normal(size=(n, T)), {}
    else:
        task = np.repeat(np.arange(T), n)
        y = np.einsum("ij,ij->i", X, W[task]) + 0.5 * rng.normal(size=len(X))
        extra = {} if way == "one" else {"task": task}
    if classes:
        y = 1.0 * (y + 2.0 * rng.normal(size=y.shape) > 0)
    if way == "holes":
        y[rng.random(y.shape) < 0.3] = np.nan
    return X, y, extra


@pytest.mark.parametrize("fraction", [0.5, 0.01])
@pytest.mark.parametrize("coupling", COUPLINGS)
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("kind", [TaskRegressor, TaskClassifier])
@pytest.mark.parametrize("toy", TOYS)
def test_it_is_solved_in_columns_of_any_scale(toy, kind, scale, coupling, fraction):
    way = ["columns", "holes", "labels"][len(scale + coupling) % 3]
    X, y, extra = draw(way, kind is TaskClassifier)
    X, Model = X * SCALES[scale], estimators(toy, kind)[0]
    parameters = COUPLINGS[coupling]
    alpha = fraction * Model(**parameters).alpha_max(X, y, **extra)
    fitted = Model(alpha, **parameters).fit(X, y, **extra)
    assert fitted.dual_gap_ <= 1e-6
    truth = {
        (Bare, TaskRegressor): TraceNormRegressor,
        (Bare, TaskClassifier): TraceNormClassifier,
        (Entries, TaskRegressor): GroupLassoRegressor,
        (Entries, TaskClassifier): GroupLassoClassifier,
    }.get((toy, kind))
    if truth is not None:
        parameters = parameters | ({"l1_ratio": 1.0} if toy is Entries else {})
        same = truth(alpha, **parameters).fit(X, y, **extra)
        np.testing.assert_allclose(
            X @ np.atleast_2d(fitted.coef_).T, X @ np.atleast_2d(same.coef_).T, atol=2e-2
        )


@pytest.mark.parametrize("alpha", [0.0, 1e-12, 1e-3, 0.1])
@pytest.mark.parametrize("n", [4, 30], ids=["d > n", "n > d"])
@pytest.mark.parametrize("way", ["columns", "holes", "labels", "one"])
@pytest.mark.parametrize("toy", TOYS)
def test_it_is_solved_at_every_alpha_and_shape(toy, way, n, alpha):
    X, y, extra = draw(way, n=n, d=8)
    Model = estimators(toy, TaskRegressor)[0]
    fitted = Model(alpha, alpha_intercept=0.3, warm_start=True).fit(X, y, **extra)
    assert fitted.dual_gap_ <= 1e-6
    again = fitted.coef_
    assert fitted.fit(X, y, **extra).dual_gap_ <= 1e-6
    np.testing.assert_allclose(X @ again.T, X @ fitted.coef_.T, atol=1e-2)


@pytest.mark.parametrize("kind", [TaskRegressor, TaskClassifier])
@pytest.mark.parametrize("toy", TOYS)
def test_it_has_a_path_and_a_search(toy, kind):
    X, y, extra = draw("labels", kind is TaskClassifier)
    Model, ModelCV = estimators(toy, kind)
    assert (Model().path(X, y, alphas=4, **extra).dual_gaps <= 1e-6).all()
    search = ModelCV(alphas=4, cv=3).fit(X, y, **extra)
    assert search.dual_gap_ <= 1e-6
    scores = getattr(search, search._scores_name())
    assert scores.shape == (len(search.alphas_), 3) and np.isfinite(scores).all()


@pytest.mark.parametrize("toy", [Whole, ByTask, Bare])
def test_of_one_task_they_are_one_norm(toy):
    X, y, _ = draw("one", T=1)
    fitted = estimators(toy, TaskRegressor)[0](0.3, tol=1e-12).fit(X, y)
    truth = TraceNormRegressor(0.3, tol=1e-12).fit(X, y)
    np.testing.assert_allclose(fitted.coef_, truth.coef_, atol=1e-8)


def test_a_penalty_that_never_gives_zero_is_refused_by_name():
    class Never(Whole):
        def dual_norm(self, G):
            return np.inf

    X, y, extra = draw("labels")
    with pytest.raises(ValueError, match="dual_norm is inf: it has to answer the smallest alpha"):
        estimators(Never, TaskRegressor)[0]().fit(X, y, **extra)


def test_a_penalty_that_no_solver_takes_is_told_what_it_lacks():
    class Bent(RowSeparable, Differentiable):
        """Neither a norm nor half the square."""

        def value(self, V):
            return self.alpha * float(np.sqrt(1 + V**2).sum() - V.size)

        def prox(self, V, step):
            return V

        def derivative(self, Z, step):
            return Mask(np.ones_like(Z))

        def dual_scale(self, G):
            return 1.0

        def fenchel_gap(self, V, sG):
            return 0.0

    X, y, extra = draw("labels")
    with pytest.raises(TypeError, match=r"Bent on .*: one of them would have to be .*or Norm as"):
        estimators(Bent, TaskRegressor)[0]().fit(X, y, **extra)


class Underived(RowSeparable, Norm):
    """The lasso on every entry without a derivative: no Newton steps."""

    value, dual_norm, prox = Entries.value, Entries.dual_norm, Entries.prox


@pytest.mark.parametrize("kind", [TaskRegressor, TaskClassifier])
def test_without_a_derivative_it_is_solved_too(kind):
    X, y, extra = draw("labels", kind is TaskClassifier)
    fitted = estimators(Underived, kind)[0](0.02).fit(X, y, **extra)
    truth = estimators(Entries, kind)[0](0.02).fit(X, y, **extra)
    assert fitted.dual_gap_ <= 1e-6
    np.testing.assert_allclose(fitted.coef_, truth.coef_, atol=1e-2)
