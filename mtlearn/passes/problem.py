"""The smooth part of a classifier's objective where rows lie in chunks: every point is a pass.

Around a point a pass gives the loss, its gradient and the moments of the working responses under
the curvatures, which make the quadratic model: a :class:`MomentProblem`, whose solution by the
squared solvers is where the next pass looks. Intercepts take part in the steps, as w_0 does, for
they cannot be made best without looking at the rows.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import cached_property
from typing import Any

import numpy as np

from mtlearn.losses.logistic import Logistic
from mtlearn.passes.answers import PassAnswers
from mtlearn.passes.on_chunk import Lines, Sums, expand, gap, losses
from mtlearn.passes.points import Free, PassPoint, between
from mtlearn.passes.reading import Reading
from mtlearn.passes.start import WithoutFeatures
from mtlearn.problems.base import Curved
from mtlearn.problems.coupling import Coupling, gather, spread, whole
from mtlearn.problems.label_curvature import FLATTEST
from mtlearn.problems.moment import MomentProblem
from mtlearn.problems.moments import empty
from mtlearn.solvers import tuning
from mtlearn.solvers.base import Budget
from mtlearn.solvers.certificate import certify
from mtlearn.solvers.proximal_newton import ROUNDING, Minimum, next_flattest

SETTLED = 1e-11  # of the objective: a step in intercepts that promises less is the last one
STEPS = 60  # of these at most


class PassProblem(PassAnswers, Curved):
    """Weighted logistic loss of rows in chunks, plus what the coupling charges.

    Parameters
    ----------
    chunks : object
        With a method ``map(function, *args)``, which gives ``function(chunk, *args)`` of each.
    reading : Reading
        Of features seen from ``center``, where there are intercepts.
    center : ndarray of shape (d,)
    start : WithoutFeatures
        What is known without the features.
    task_weight : ndarray of shape (T,)
    coupling : Coupling
    """

    loss = Logistic()

    def __init__(
        self,
        chunks: Any,
        reading: Reading,
        center: np.ndarray,
        start: WithoutFeatures,
        task_weight: np.ndarray,
        coupling: Coupling,
    ):
        self.chunks, self.reading, self.start = chunks, reading, start
        self.n_tasks, self.n_classes = start.q.shape
        self.n_columns, self.n_features = start.q.size, len(center)
        self.weight = np.repeat(start.weight, self.n_classes)
        self.by_task = self.n_tasks / start.weight.sum() * task_weight
        self.scale = np.repeat(self.by_task, self.n_classes)
        self.task_weight, self.m = task_weight, self.weight * self.scale
        self.center, self.target_scale = center, np.ones(self.n_columns)
        self._by_pass = True
        self._couple(coupling)

    def _couple(self, coupling: Coupling) -> None:
        self.coupling = coupling
        self.pooled = coupling.fit_intercept and coupling.alpha_intercept > 0
        self.free = coupling.fit_intercept and not self.pooled
        for name in ("null_value", "_null"):
            self.__dict__.pop(name, None)

    def recoupled(self, coupling: Coupling) -> PassProblem:
        other = copy(self)
        other._couple(coupling)
        return other

    def freed(self, features: np.ndarray) -> PassProblem:
        other = copy(self)
        other.own = Free(features)
        other._couple(self.coupling)
        return other

    # Points.

    def at(self, place: Any, flattest: float = FLATTEST) -> PassPoint:
        """The point at a place: its V, mean, b, b0 and own. One pass."""
        sums = self._sums(self._lines(place), flattest)
        delta = np.zeros(self.n_columns)
        h = sums.moments.weight
        if self.free:
            delta = sums.u / h
        elif self.pooled:
            delta = spread(gather(sums.u, self.n_classes) / gather(h, self.n_classes), len(h))
        G = sums.G - delta * h * sums.moments.x_mean.T
        if self.own is not None:
            G[self.own.features] = 0.0
        own = G if self.coupling.fixed is None else self.coupling.own(G.copy())
        kept = place.V, place.mean, place.b, place.b0, place.own
        return PassPoint(*kept, sums, delta, G, own)

    def _sums(self, lines: Lines, flattest: float) -> Sums:
        C, d = self.n_columns, self.n_features
        moments = empty(C, d)
        total, u, squares, G = 0.0, np.zeros(C), np.zeros(C), np.zeros((d, C))
        for part in self.chunks.map(expand, self.reading, self.by_task, lines, flattest):
            if part is None:
                continue
            at = part.columns
            total += part.value
            u[at] += part.u
            squares[at] += part.squares
            G[:, at] += part.G
            moments.put(at, moments.take(at) + part.moments)
        return Sums(np.arange(C), total, u, G, squares, moments)

    def towards(
        self,
        point: PassPoint,
        ahead: Minimum,
        charged: Callable[[np.ndarray], float],
        flattest: float = FLATTEST,
    ) -> tuple[PassPoint | None, float]:
        """The longest of some steps to a place that does not climb, and its length.

        ``charged`` is the penalty of V. One pass if the whole step is good, else two more.
        """
        value = self.value(point) + charged(point.V)
        value += ROUNDING * abs(value)
        new = self.at(ahead, flattest)
        if self.value(new) + charged(new.V) <= value:
            return new, 1.0
        lengths = tuning.LENGTHS[1:]
        here, there = self._lines(point), self._lines(ahead)
        loss = np.zeros(len(lengths))
        for part in self.chunks.map(losses, self.reading, self.by_task, here, there, lengths):
            loss += part
        for t, own in zip(lengths, loss, strict=True):
            place = between(point, ahead, t)
            if own + self._charges(place) + charged(place.V) <= value:
                return self.at(place, flattest), float(t)
        return None, 0.0

    def _lines(self, place: Any) -> Lines:
        W = whole(place.V, place.mean)
        if self.own is not None:
            W = W.copy()
            W[self.own.features] = place.own
        return Lines(W, place.b)

    def null(self) -> PassPoint:
        return self._null

    @cached_property
    def _null(self) -> PassPoint:
        zero = np.zeros((self.n_features, self.n_columns))
        mean = np.zeros((self.n_features, self.n_classes)) if self.coupling.has_mean else None
        if self.own is None:
            return self.at(self._place(zero, mean))
        return self._settled(zero, mean, lambda model: model.evaluate(zero, mean))

    @cached_property
    def null_value(self) -> float:
        """The objective at W = 0 with its best intercepts."""
        if self.own is None:
            return self.start.best(self.coupling, self.task_weight).value
        return self.value(self._null)

    def evaluate(self, V: np.ndarray, mean: np.ndarray | None, b0: Any = None) -> PassPoint:
        return self._settled(V, mean, lambda model: model.evaluate(V, mean))

    def without_deviations(self) -> PassPoint:
        """The point with V = 0 and all else at its best."""
        zero = self.null()
        return self._settled(zero.V, zero.mean, lambda model: model.all_alike())

    def _place(self, V: np.ndarray, mean: np.ndarray | None) -> Minimum:
        levels = self.start.best(self.coupling, self.task_weight)
        own = None
        if self.own is not None:
            own = np.zeros((len(self.own.features), self.n_columns))
        return Minimum(V, mean, levels.b, levels.b0, Budget(0, 0.0), own)

    def _settled(
        self,
        V: np.ndarray,
        mean: np.ndarray | None,
        best: Callable[[MomentProblem], Any],
        start: Minimum | None = None,
    ) -> PassPoint:
        """Newton's method in all but V, which stays as it is; ``best`` is the point of a model."""
        point, flattest = self.at(start or self._place(V, mean)), FLATTEST
        for _ in range(STEPS):
            model = self._model(point, null_value=1.0)
            ahead = Minimum.at(model, best(model))
            last = self.slope(point, ahead) <= SETTLED * abs(self.value(point))
            new, length = self.towards(point, ahead, lambda V: 0.0, flattest)
            if new is None:
                break
            point, flattest = new, next_flattest(flattest, length, False)
            if last:
                break
        return point

    def value(self, point: Any) -> float:
        return point.sums.value + self._charges(point)

    def _charges(self, place: Any) -> float:
        value, a = 0.0, self.coupling.alpha_intercept
        if place.mean is not None:
            value += self.coupling.charge(place.mean, self.n_tasks)
        if self.pooled and np.isfinite(a):
            apart = place.b - spread(place.b0, self.n_columns)
            value += 0.5 * a * float(apart @ apart)
        return value

    def slope(self, point: PassPoint, ahead: Minimum) -> float:
        """How fast the smooth part falls towards a place, at a point."""
        a, sums = self.coupling.alpha_intercept, point.sums
        step = self._lines(ahead).W - self._lines(point).W
        db = ahead.b - point.b
        found = float(np.vdot(sums.G, step)) + float(sums.u @ db)
        if self.pooled and np.isfinite(a):
            apart = point.b - spread(point.b0, self.n_columns)
            found -= a * float(apart @ (db - spread(ahead.b0 - point.b0, self.n_columns)))
        if point.mean is not None and ahead.mean is not None:
            ridge = self.coupling.ridge(self.n_tasks)
            found -= float(np.vdot(ridge * point.mean, ahead.mean - point.mean))
        return found

    # What solvers and certificates ask.

    def model(
        self, point: Any, flattest: float = FLATTEST, curvature: Any = None, *, in_sum: bool = False
    ) -> MomentProblem:
        return self._model(point, self.null_value)

    def _model(self, point: PassPoint, null_value: float) -> MomentProblem:
        moments = point.sums.moments
        model = MomentProblem.model(moments, self.coupling, self.n_classes, null_value)
        return model if self.own is None else model.freed(self.own.features)

    def whole_gradient(self, point: Any) -> np.ndarray:
        return point.whole

    def gradient_terms(self, point: Any) -> np.ndarray:
        moments, squares = point.sums.moments, point.sums.squares
        each = np.einsum("cjj->jc", moments.xx) + moments.weight * moments.x_mean.T**2
        return np.sqrt(each * squares)

    def hessian_diagonal(self) -> np.ndarray:
        return self.model(self.null()).hessian_diagonal()

    def residual_sums(self, point: Any) -> np.ndarray:
        """Of the dual point: those of free intercepts are zero."""
        return point.sums.u - point.delta * point.sums.moments.weight

    def gap(self, penalty: Any, point: PassPoint, tol: float) -> float:
        """The relative duality gap, or a part of it that is larger than ``tol``.

        Only what the loss adds to it takes a pass.
        """
        self._by_pass = False
        try:
            part = certify(self, penalty, point).relative
        finally:
            self._by_pass = True
        return part if part > tol else certify(self, penalty, point).relative

    def loss_gap(self, point: Any, s: float) -> float:
        if not self._by_pass or (s == 1.0 and not point.delta.any()):
            return 0.0
        if np.abs(point.delta).max() > 1.0:  # not feasible
            return np.inf
        if s not in point.known:
            lines, moved = self._lines(point), s * point.delta
            parts = self.chunks.map(gap, self.reading, self.by_task, lines, s, moved)
            point.known[s] = float(sum(parts))
        return point.known[s]

    def intercept_gap(self, point: Any, s: float) -> float:
        """The same of what the intercepts are charged; free ones have none.

        What nothing is charged for is charged by its Newton decrement.
        """
        left, a = 0.0, self.coupling.alpha_intercept
        if self.own is not None:
            model = self.model(point)
            best = Minimum.at(model, model.evaluate(point.V, point.mean))
            left = 0.5 * max(self.slope(point, best), 0.0)
        if not self.pooled or np.isinf(a):
            return left
        apart = point.b - spread(point.b0, self.n_columns)
        distance = np.sqrt(a) * apart - s * self.residual_sums(point) / np.sqrt(a)
        return left + 0.5 * float(distance @ distance)

    def mean_system(self, point: Any) -> list[Any]:
        return self.model(point).mean_system()

    def evidence_of_levels(self, point: Any) -> tuple[np.ndarray, np.ndarray, float | None, float]:
        N_t = point.sums.moments.weight / self.scale
        return N_t, point.sums.u / self.scale / N_t, None, 1.0
