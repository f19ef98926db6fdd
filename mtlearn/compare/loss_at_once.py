"""The models inside the baselines under losses other than the squared one, at several strengths.

Ridges of counts and of Huber's loss, and lassos: the objective is that of scikit-learn's
``PoissonRegressor(alpha=alpha / n)``, and of a ridge whose squares end where Huber's do. Strengths
are beside the *sum* of the losses, as those of the other baselines, so that one suits tasks of
unequal sizes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.linear_model import PoissonRegressor, Ridge

from mtlearn.compare.at_once import FEW, NARROW, AtOnce
from mtlearn.compare.constants import best_constants
from mtlearn.compare.events import least_mean
from mtlearn.losses import HalfPoissonDeviance, Huber, Loss
from mtlearn.metrics.counts import poisson_deviance

CLOSE = 1e-12  # of the loss of a constant, by which no step improves any more
MOST_ROUNDS = 200
ROBUST_ROUNDS, ROBUST_CLOSE = 50, 1e-6  # of reweighted ridges, where Hessians are too large
MOST_STEPS = 2000  # of the L1 penalty
TOLERANCE = 1e-2  # of that penalty, within which the optimality conditions are met


class LossAtOnce(AtOnce):
    """Models of one target at several alphas; predicts (n, number of alphas), for one alpha (n,).

    Subclasses have the loss, what it makes of levels, and the unit of an L1 penalty.

    Parameters
    ----------
    alphas : sequence of float
        Strengths.
    penalty : {"l2", "l1"}
        alpha/2 ‖w‖² beside the sum of the losses, or alpha √n ‖w‖₁.
    """

    def __init__(self, alphas: Sequence[float] = (1.0,), penalty: str = "l2") -> None:
        self.alphas = alphas
        self.penalty = penalty

    @property
    def loss(self) -> Loss:
        """What an error costs, up to a factor."""
        raise NotImplementedError

    def unit(self, y: np.ndarray) -> float:
        """What alphas of the L1 penalty are multiples of: the deviation of a residual."""
        raise NotImplementedError

    def losses_of(self, truth: np.ndarray, answer: np.ndarray) -> np.ndarray:
        """The loss of each answer, as the comparison has it."""
        return self.loss.value(answer, truth)

    def fit(self, X: Any, y: np.ndarray, sample_weight: np.ndarray | None = None) -> LossAtOnce:
        """Fit a model for each alpha."""
        weight = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, float)
        y = self._solvable(np.asarray(y, float), weight)
        alphas = np.asarray(self.alphas, float)
        if self.penalty == "l1":
            coef = sparse_path(X, y, weight, self.loss, alphas * np.sqrt(len(y)))
        elif sparse.issparse(X) or X.shape[1] > NARROW:
            coef = self._one_by_one(X, y, weight, alphas)
        else:
            few = max(1, int(FEW / max(1, X.size * X.shape[1])))  # Hessians at a time
            parts = [alphas[k : k + few] for k in range(0, len(alphas), few)]
            coef = np.concatenate([smooth_path(X, y, weight, self.loss, a) for a in parts])
        self.coef_, self.intercept_ = coef[:, :-1], coef[:, -1]
        return self

    def predict(self, X: Any) -> np.ndarray:
        """A column for each alpha."""
        answer = self.loss.mean(X @ self.coef_.T + self.intercept_)
        return answer[:, 0] if answer.shape[1] == 1 else answer

    def losses(
        self, truth: np.ndarray, answer: np.ndarray, weight: np.ndarray | None = None
    ) -> np.ndarray:
        """Mean loss of each alpha."""
        values = self.losses_of(truth[:, None], answer.reshape(len(truth), -1))
        return np.average(values, axis=0, weights=weight)

    def held(self, answer: np.ndarray, y: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
        """Answers that rows with the targets ``y`` can vouch for."""
        return answer

    def levels(self, y: np.ndarray, column: np.ndarray, n_columns: int) -> np.ndarray:
        """The best constant of each column of a matrix of targets."""
        constants = best_constants(self.loss, y, column, n_columns)
        return np.where(np.isnan(constants), 0.0, constants)

    def from_level(self, y: np.ndarray, level: np.ndarray) -> np.ndarray:
        """Targets as seen from there."""
        return y - level

    def at_level(self, answer: np.ndarray, level: np.ndarray) -> np.ndarray:
        """And answers back."""
        return answer + level

    def _solvable(self, y: np.ndarray, weight: np.ndarray) -> np.ndarray:
        return y

    def _one_by_one(self, X: Any, y: Any, weight: Any, alphas: np.ndarray) -> np.ndarray:
        raise NotImplementedError


class PoissonAtOnce(LossAtOnce):
    """Poisson regressions: ``PoissonRegressor(alpha=alpha / n)`` for each alpha.

    Rows that counted nothing at all have no best intercept: they count half an event together.
    """

    loss = HalfPoissonDeviance()

    def unit(self, y: np.ndarray) -> float:
        """The root of the mean: that of a variance which is the mean."""
        return float(np.sqrt(np.nanmean(y))) or 1.0

    def losses_of(self, truth: np.ndarray, answer: np.ndarray) -> np.ndarray:
        """The deviance."""
        return poisson_deviance(truth, answer)

    def held(self, answer: np.ndarray, y: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
        """At least half an event in all rows."""
        return np.maximum(answer, least_mean(y, weight))

    def levels(self, y: np.ndarray, column: np.ndarray, n_columns: int) -> np.ndarray:
        """Means, of half an event where there is none."""
        rows = np.bincount(column, minlength=n_columns)
        events = np.bincount(column, y, n_columns)
        return np.where(events > 0, events, 0.5) / np.maximum(rows, 1)

    def from_level(self, y: np.ndarray, level: np.ndarray) -> np.ndarray:
        """Multiples of it."""
        return y / level

    def at_level(self, answer: np.ndarray, level: np.ndarray) -> np.ndarray:
        """Times the level."""
        return answer * level

    def _solvable(self, y: np.ndarray, weight: np.ndarray) -> np.ndarray:
        return y if y.any() else np.full(len(y), 0.5 / weight.sum())

    def _one_by_one(self, X: Any, y: Any, weight: Any, alphas: np.ndarray) -> np.ndarray:
        model, found = PoissonRegressor(warm_start=True, max_iter=1000, tol=1e-6), {}
        for i in np.argsort(-alphas).tolist():  # strongest first
            model.set_params(alpha=alphas[i] / weight.sum()).fit(X, y, sample_weight=weight)
            found[i] = np.append(model.coef_, model.intercept_)
        return np.array([found[i] for i in range(len(alphas))])


class HuberAtOnce(LossAtOnce):
    """Ridges under Huber's loss with a scale that is given.

    Parameters
    ----------
    scale : float
        Standard deviation of errors that are no outliers.
    alphas, penalty
        As in :class:`LossAtOnce`.
    """

    def __init__(
        self, scale: float = 1.0, alphas: Sequence[float] = (1.0,), penalty: str = "l2"
    ) -> None:
        super().__init__(alphas, penalty)
        self.scale = scale

    @property
    def loss(self) -> Loss:
        """Huber's, at the scale."""
        return Huber(self.scale)

    def unit(self, y: np.ndarray) -> float:
        """The scale."""
        return self.scale

    def _one_by_one(self, X: Any, y: Any, weight: Any, alphas: np.ndarray) -> np.ndarray:
        """Reweighted ridges (Holland and Welsch, 1977)."""
        found, loss = {}, self.loss
        f = np.full(len(y), np.median(y))
        for i in np.argsort(-alphas).tolist():
            ridge, before = Ridge(alpha=alphas[i]), np.inf
            for _ in range(ROBUST_ROUNDS):
                ridge.fit(X, y, sample_weight=weight * bend(loss, f, y))
                f = ridge.predict(X)
                now = weight @ loss.value(f, y) + alphas[i] / 2 * (ridge.coef_ @ ridge.coef_)
                if before - now <= ROBUST_CLOSE * now:
                    break
                before = now
            found[i] = np.append(ridge.coef_, ridge.intercept_)
        return np.array([found[i] for i in range(len(alphas))])


def bend(loss: Loss, f: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Second derivatives; of Huber's loss those of the parabola above it that touches it at f.

    Beyond delta it has none of its own, and steps by these never go up.
    """
    if not isinstance(loss, Huber):
        return loss.curvature(f, y)
    return loss.delta / np.maximum(np.abs(y - f), loss.delta)


def smooth_path(
    X: np.ndarray, y: np.ndarray, weight: np.ndarray, loss: Loss, alphas: np.ndarray
) -> np.ndarray:
    """Coefficients and, last, the intercept for each alpha, (number of alphas, d + 1).

    The minimiser of sum_i s_i loss(y_i, x_i·w + b) + alpha/2 ‖w‖², by one damped Newton method for
    all alphas.
    """
    n, d = X.shape
    Z = np.column_stack([X, np.ones(n)])
    ridge = np.append(np.ones(d), 0.0) * alphas[:, None]
    coef = np.zeros_like(ridge)
    coef[:, -1] = best_constants(loss, y, np.zeros(n, dtype=np.intp), 1, weight)[0]

    def objective(coef: np.ndarray) -> np.ndarray:
        return loss.value(coef @ Z.T, y) @ weight + (ridge * coef**2).sum(axis=1) / 2

    now = objective(coef)
    score = loss.scale**2 if isinstance(loss, Huber) else 1.0  # what scores are squares of
    enough = CLOSE * (now + score * (weight @ bend(loss, coef[0] @ Z.T, y)))
    for _ in range(MOST_ROUNDS):
        f = coef @ Z.T
        gradient = ridge * coef - (weight * loss.residual(f, y)) @ Z
        hessian = (Z.T * (weight * bend(loss, f, y))[:, None, :]) @ Z
        hessian += (ridge + 1e-12 * weight.sum())[:, :, None] * np.eye(d + 1)
        step = np.linalg.solve(hessian, gradient[:, :, None])[:, :, 0]
        decrement = (gradient * step).sum(axis=1)
        if (decrement <= enough).all():
            break
        size = np.ones((len(coef), 1))
        for _ in range(30):
            after = objective(coef - size * step)
            short = ~(after <= now - 1e-4 * size[:, 0] * decrement + 1e-12 * np.abs(now))
            if not short.any():
                break
            size[short] /= 2
        coef, now = coef - size * step, after
    return coef


def sparse_path(
    X: np.ndarray, y: np.ndarray, weight: np.ndarray, loss: Loss, strengths: np.ndarray
) -> np.ndarray:
    """The same beside strength ‖w‖₁.

    By one accelerated proximal gradient method for all strengths, each with a step that is halved
    until the loss is below its parabola, and restarted where its momentum points uphill (Beck and
    Teboulle, 2009; O'Donoghue and Candès, 2015).
    """
    n, d = X.shape
    center = np.average(X, axis=0, weights=weight)
    Z = np.column_stack([X - center, np.ones(n)])
    penalised = np.append(np.ones(d), 0.0)
    coef = np.zeros((len(strengths), d + 1))
    coef[:, -1] = best_constants(loss, y, np.zeros(n, dtype=np.intp), 1, weight)[0]
    largest = np.linalg.norm(Z * np.sqrt(weight * bend(loss, coef[0] @ Z.T, y))[:, None], 2) ** 2
    bound = np.full((len(strengths), 1), max(float(largest), 1e-12 * float(weight.sum())))
    ahead, momentum = coef, np.ones((len(strengths), 1))
    for _ in range(MOST_STEPS):
        f = ahead @ Z.T
        gradient = -(weight * loss.residual(f, y)) @ Z
        cost = loss.value(f, y) @ weight
        while True:
            new = ahead - gradient / bound
            threshold = strengths[:, None] / bound * penalised
            new = np.sign(new) * np.maximum(np.abs(new) - threshold, 0)
            moved = new - ahead
            above = cost + (gradient * moved).sum(axis=1) + bound[:, 0] / 2 * (moved**2).sum(axis=1)
            short = loss.value(new @ Z.T, y) @ weight > above + 1e-12 * cost
            if not short.any():
                break
            bound[short] *= 2
        if (np.abs(moved) * bound <= TOLERANCE * strengths[:, None]).all():
            coef = new
            break
        uphill = (-moved * (new - coef)).sum(axis=1, keepdims=True) > 0
        momentum = np.where(uphill, 1.0, momentum)
        following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = new + (momentum - 1) / following * (new - coef)
        coef, momentum = new, following
    coef[:, -1] -= coef[:, :-1] @ center
    return coef
