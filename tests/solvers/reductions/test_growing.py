"""A reduction that grows, driven: the answer and the certificate are those of the whole problem."""

from dataclasses import replace

import numpy as np
import pytest

from mtlearn.inputs.tasks import TaskData
from mtlearn.losses import Logistic
from mtlearn.penalties.l21 import L21
from mtlearn.problems.base import Quadratic
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.forms import make_problem
from mtlearn.solvers.certificate import certify
from mtlearn.solvers.reductions.base import Reduction
from mtlearn.solvers.solve import Driver, without_deviations

from ...checks import STRICT

pytestmark = STRICT
COUPLING = Coupling(0.7, True, None)
OMEGA = np.ones(4)


class FirstFeatures(Reduction):
    """The first k features, twice as many where one of the others would not stay at zero."""

    def __init__(self, data, loss, k=1):
        self.data, self.loss, self.k, self.n_grown = data, loss, k, 0
        self.whole = make_problem(data, OMEGA, COUPLING, loss=loss)
        self._take()

    def _take(self):
        X = np.ascontiguousarray(self.data.X[:, : self.k])
        self.small = make_problem(replace(self.data, X=X), OMEGA, COUPLING, loss=self.loss)

    def start(self, penalty, V):
        return self.small

    def grow(self, penalty, point):
        if (np.linalg.norm(point.G[self.k :], axis=1) <= penalty.alpha).all():
            return None
        self.k, self.n_grown = 2 * self.k, self.n_grown + 1
        self._take()
        return self.small

    def restrict(self, V):
        return V[: self.k]

    def lift(self, point):
        V = np.zeros((self.whole.n_features, self.whole.n_columns))
        V[: self.k] = point.V
        if isinstance(self.whole, Quadratic):
            return self.whole.settle(V)
        return self.whole.evaluate(V, None, point.b0)


def draw(loss):
    rng = np.random.default_rng(0)
    codes = np.repeat(np.arange(4), 15)
    X = rng.standard_normal((60, 64))
    y = X[:, :5] @ [1.0, -1.0, 1.0, 0.5, 2.0] + rng.standard_normal(4)[codes]
    y = y + 0.5 * rng.standard_normal(60) if loss is None else (y > 0).astype(float)
    return TaskData(X, y, None, codes, np.arange(4), "labels")


@pytest.mark.parametrize("loss", [None, Logistic()], ids=["squared", "logistic"])
@pytest.mark.parametrize("tol", [1e-3, 1e-8])
@pytest.mark.parametrize("share", [0.7, 0.3])
def test_it_grows_to_the_answer_of_the_whole(loss, tol, share):
    reduction = FirstFeatures(draw(loss), loss)
    whole, limits = reduction.whole, {"tol": tol, "max_iter": 5000, "purpose": "path"}
    driver = Driver(whole, L21(1.0), reduction=reduction, **limits)
    largest = L21(1.0).dual_norm(without_deviations(whole).G)
    assert driver.largest_alpha() == pytest.approx(largest, rel=1e-9)
    penalty = L21(share * largest)
    found = driver.solve(penalty.alpha)
    assert reduction.n_grown >= 2
    assert 0 <= found.gap <= tol
    assert certify(whole, penalty, found.point).relative == pytest.approx(found.gap)
    truth = Driver(whole, L21(1.0), **limits | {"tol": 1e-12}).solve(penalty.alpha)
    values = [whole.value(p) + penalty.value(p.V) for p in (found.point, truth.point)]
    assert -1e-11 <= (values[0] - values[1]) / whole.null_value <= tol
    # The next alpha begins with what is active, and from where this one ended.
    again = driver.solve(0.9 * penalty.alpha, found.point.V)
    assert 0 <= again.gap <= tol
    assert again.n_iter < 2 * found.n_iter + 50


def test_it_ends_where_iterations_do():
    reduction = FirstFeatures(draw(None), None)
    driver = Driver(reduction.whole, L21(1.0), reduction=reduction, tol=0.0, max_iter=7)
    found = driver.solve(0.1 * driver.largest_alpha())
    assert found.n_iter <= 7
    assert found.gap > 0
