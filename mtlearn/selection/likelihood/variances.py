"""One variance for each column of Z, or for each group of columns, by Newton steps within bounds.

Far from the optimum, and where the Hessian is indefinite, steps are those of Fisher scoring. Each
step minimises its quadratic model subject to θ >= 0, so that a variance is exactly zero where the
data say so, and comes back where the gradient does.

References
----------
Gilmour, Thompson and Cullis (1995). Average information REML. Biometrics 51.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import linalg, optimize

from mtlearn.selection.likelihood.derivatives import Derivatives, derivatives, gradient
from mtlearn.selection.likelihood.mixed import RANK, MixedModel, State
from mtlearn.selection.likelihood.samples import ROUGH
from mtlearn.selection.likelihood.secant import LEAST, Secant

FAR = 3.0  # scaled gradient above which Newton steps are not trusted
INDEFINITE = -0.1  # eigenvalue, in units of the Fisher information, of a Hessian not to use
SINGULAR = 1e-8  # smallest one that is taken for what it is
NEGLIGIBLE = 0.1  # effective number of shared coefficients that are as good as none
WIDEST = 3.0  # change of log ρ in a step
LARGEST_RIDGE = 1e8  # ρ / N, and its inverse, that are as good as infinite
ROUNDING = 3e-12  # of a likelihood, in parts of it and of the degrees of freedom
EQUAL = 10.0 ** np.arange(9)  # variances, all alike, that steps may begin at


@dataclass(frozen=True)
class Variances:
    """What was found.

    Attributes
    ----------
    state : State
    Theta : ndarray of shape (p, p)
        Σ / σ² in scaled columns.
    values : ndarray of shape (k,)
        The variances of the groups over σ².
    ridge : float or None
        ρ, where it is estimated.
    groups : ndarray of shape (p, k)
        Those whose variances the data tell.
    unknown : ndarray of bool, of shape (p,)
        Columns of the others that say the same as the noise; what is left says the same as those.
    gradient : float
        Largest entry of the scaled gradient, over what is not at a bound; of a model that is
        ``capped`` also at the largest variance, which is no maximum.
    n_iter : int
    unfinished : bool
        Whether steps ended because there may be no more of them.
    """

    state: State
    Theta: np.ndarray
    values: np.ndarray
    ridge: float | None
    groups: np.ndarray
    unknown: np.ndarray
    gradient: float
    n_iter: int
    unfinished: bool = False


def own_groups(model: MixedModel) -> np.ndarray:
    """A variance for each column, (p, k)."""
    return np.eye(model.n_columns)[:, model.may_vary]


def common_groups(model: MixedModel) -> np.ndarray:
    """One variance for the level, one for all slopes in the units they are given in."""
    slopes = np.where(np.isfinite(model.scale), model.scale, 0.0) ** 2 * model.may_vary
    slopes[: model.first] = 0.0
    groups = [slopes / slopes.max()] if slopes.any() else []
    if model.first and model.may_vary[0]:
        groups.insert(0, np.eye(model.n_columns)[0])
    return np.array(groups).reshape(-1, model.n_columns).T


def fit_variances(
    model: MixedModel,
    E: np.ndarray,
    *,
    tol: float = 1e-8,
    max_iter: int = 100,
    start: Variances | None = None,
) -> Variances:
    """The variances of groups of columns ``E`` (p, k) with the largest likelihood.

    From zero, or from those of another fit, or of samples of the tasks where a look at all of them
    takes long. Of more variances than tasks the likelihood may have several maxima: then from equal
    ones, of several sizes, where the best of these are better.

    Groups whose variances the data do not tell from others, or from the noise, keep zero.
    """
    if start is None:
        for part in model.samples():
            start = fit_variances(part, E, tol=ROUGH, max_iter=max_iter, start=start)
    x = np.zeros(E.shape[1] + model.estimates_ridge)
    if model.estimates_ridge:
        x[-1] = -np.log(model.ridge.max(initial=1.0))
    state = _at(model, E, x)
    assert state is not None  # at zero there is nothing to overflow
    found = derivatives(model, state, E)
    between = found.fisher.copy()
    between[: E.shape[1], : E.shape[1]] -= model.told_by_row(state, E)
    told, alike = identified(replace(found, fisher=between), E.shape[1])
    unknown = np.any(E[:, alike], axis=1)
    E, found, x = E[:, told[: E.shape[1]]], found.among(told), x[told]
    if start is not None and start.groups.shape == E.shape:
        there = np.append(start.values, [] if start.ridge is None else -np.log(start.ridge))
        ahead = _at(model, E, there)
        if ahead is not None:  # or the start is beyond what this model can say anything of
            x, state = there, ahead
            found = derivatives(model, state, E)
    elif model.several_maxima and E.shape[1] > model.n_tasks:
        x, state = _best_equal(model, E, x, state)
        found = derivatives(model, state, E)
    k = E.shape[1]
    top = climb(
        _OfGroups(model, E),
        x,
        state,
        found,
        k,
        tol=tol,
        max_iter=max_iter,
        exact=model.exact_hessian,
    )
    x = top.x
    norm = top.norm
    if model.capped and (x[:k] >= model.cap).any():
        ends_at = derivatives(model, top.state, E)
        scaled = np.abs(ends_at.slope * ends_at.unit)[:k]
        norm = max(norm, float(scaled[x[:k] >= model.cap].max()))
    ridge = float(np.exp(-x[k])) if len(x) > k else None
    theta = np.diag(E @ x[:k])
    ends = norm, top.n_iter, top.unfinished
    return Variances(top.state, theta, x[:k], ridge, E, unknown, *ends)


@dataclass(frozen=True)
class _OfGroups:
    """The likelihood of a model as one of variances of groups of columns (and last, ζ)."""

    model: MixedModel
    E: np.ndarray

    @property
    def df(self) -> float:
        return self.model.df

    def at(self, x: np.ndarray) -> State | None:
        return _at(self.model, self.E, x)

    def derivatives(self, state: State) -> Derivatives:
        return derivatives(self.model, state, self.E)

    def gradient(self, state: State) -> np.ndarray:
        return gradient(self.model, state, self.E)

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        return _bounds(self.model, self.E)


@dataclass(frozen=True)
class Top:
    """Where steps ended: ``norm`` is the largest entry of the scaled gradient not at a bound."""

    x: np.ndarray
    state: Any
    norm: float
    n_iter: int
    unfinished: bool


def climb(
    likelihood: Any,
    x: np.ndarray,
    state: Any,
    found: Derivatives,
    k: int,
    *,
    tol: float,
    max_iter: int,
    exact: bool = True,
) -> Top:
    """Steps uphill from x, where the likelihood is ``state`` and its derivatives ``found``.

    The first k variables are variances. A likelihood has ``at(x)``, ``derivatives`` and
    ``gradient`` of a state, ``bounds()`` and ``df``. Hessians that are not ``exact`` are learned.
    """
    norm, step = 0.0, 0
    bounds, secant = likelihood.bounds(), None if exact else Secant()
    for step in range(max_iter + 1):
        free = _free(bounds, x, found.slope)
        norm = float(np.abs(found.slope * found.unit)[free].max(initial=0.0))
        if norm <= tol or step == max_iter:
            break
        if step:
            found = likelihood.derivatives(state)
            norm = float(np.abs(found.slope * found.unit)[free].max())
        if secant is not None:
            learned = secant.hessian(x, found.slope, found.fisher, found.unit)
            found = replace(found, hessian=learned)
        move = _step(found, x, free, norm if secant is None else None, k)
        new = _search(likelihood, bounds, x, state, move, found.slope)
        if new is None:
            break
        x, state = new
        found = replace(found, slope=likelihood.gradient(state))
    return Top(x, state, norm, step, step == max_iter)


def identified(found: Derivatives, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Masks of variables to estimate, and of the first k ones that say the same as the noise.

    Of the first k, variances of groups, those are estimated that can be told from the noise and
    from each other. They are those with linearly independent covariances of the error contrasts:
    columns of the Fisher information at Θ = 0, σ² eliminated, that do not depend on those before.
    """
    told = np.arange(len(found.slope)) >= k
    own = np.diag(found.fisher)
    alike = own <= RANK * found.given
    unit = 1.0 / np.sqrt(np.where(alike, np.inf, own))
    left = found.fisher * np.outer(unit, unit)
    for j in range(k):  # once a fit: the first of equal columns, and the level, come first
        if left[j, j] > RANK:
            told[j] = True
            left -= np.outer(left[:, j], left[j] / left[j, j])
    return told, alike[:k]


def _at(model: MixedModel, E: np.ndarray, x: np.ndarray) -> State | None:
    k = E.shape[1]
    theta = E @ x[:k]
    a = np.flatnonzero(theta)
    ridge = float(np.exp(-x[k])) if len(x) > k else None
    return model.at(a, np.diag(theta[a]), ridge)


def _best_equal(
    model: MixedModel, E: np.ndarray, x: np.ndarray, state: State
) -> tuple[np.ndarray, State]:
    """Variances that are all alike, or those of x where these are better."""
    best = x, state
    for value in EQUAL[model.cap >= EQUAL]:
        trial = np.append(np.full(E.shape[1], value), x[E.shape[1] :])
        new = _at(model, E, trial)
        if new is not None and new.value < best[1].value:
            best = trial, new
    return best


def _bounds(model: MixedModel, E: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    low, high = np.zeros(E.shape[1]), np.full(E.shape[1], model.cap)
    if model.estimates_ridge:
        middle, wide = -np.log(model.N), np.log(LARGEST_RIDGE)
        low, high = np.append(low, middle - wide), np.append(high, middle + wide)
    return low, high


def _free(bounds: tuple, x: np.ndarray, slope: np.ndarray) -> np.ndarray:
    low, high = bounds
    return np.flatnonzero(((x > low) | (slope < 0)) & ((x < high) | (slope > 0)))


def _step(
    found: Derivatives, x: np.ndarray, free: np.ndarray, norm: float | None, k: int
) -> np.ndarray:
    """The minimiser of the quadratic model subject to x + move >= 0 (of ζ, to a width).

    With a ``norm`` it is Newton's where that is to be trusted; None has a Hessian that is learned.
    """
    unit = found.unit[free]
    g, both = found.slope[free] * unit, np.outer(unit, unit)
    room = np.where(free < k, x[free], WIDEST) / unit
    values, B = linalg.eigh(found.hessian[np.ix_(free, free)] * both)
    if norm is None:
        values = np.maximum(values, LEAST)
    elif norm > FAR or values[0] < INDEFINITE:
        values, B = linalg.eigh(found.fisher[np.ix_(free, free)] * both)
    root = np.sqrt(np.maximum(np.abs(values), SINGULAR))
    aim = root * (B.T @ room) - (B.T @ g) / root
    within = _nonnegative(root[:, None] * B.T, aim)
    move = np.zeros(len(x))
    move[free] = np.minimum((within - room) * unit, np.where(free < k, np.inf, WIDEST))
    if free[-1] == k and found.slope[k] > 0 and found.fisher[k, k] < NEGLIGIBLE:
        move[k] = -np.inf  # on the way to w = 0, where the likelihood is linear in 1/ρ
    return move


def _nonnegative(A: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The x >= 0 with the least ‖Ax - b‖; nearly so where that takes too many steps."""
    try:
        return optimize.nnls(A, b, maxiter=50 * len(b))[0]
    except RuntimeError:
        return np.maximum(np.linalg.lstsq(A, b, rcond=None)[0], 0.0)


def _search(
    likelihood: Any,
    bounds: tuple,
    x: np.ndarray,
    state: Any,
    move: np.ndarray,
    slope: np.ndarray,
) -> tuple[np.ndarray, Any] | None:
    """A point along the move whose likelihood is larger; None where rounding hides it."""
    low, high = bounds
    move = np.clip(x + move, low, high) - x if np.isinf(move).any() else move
    slack, length = ROUNDING * (abs(state.value) + likelihood.df), 1.0
    decrease = -float(slope @ move) if move[-1] > -2 * WIDEST else 0.0
    while length > 1e-6:
        trial = np.clip(x + length * move, low, high)
        new = likelihood.at(trial)
        if new is not None and new.value <= state.value - 1e-4 * length * decrease + slack:
            return trial, new
        length *= 0.3
    return None
