"""How noisy each of several targets is, found together with a fit: none of them dominates then.

A target of numbers t is seen in units of its errors, y_t / sigma_t, and its coefficients and level
with it: w_t = sigma_t u_t. With phi_t = 1 / sigma_t the penalised likelihood of all targets,

    minimise over U, b, phi   sum_t m_t [mean_i ½ (phi_t y_ti - f_ti)² - log phi_t] + …
                              + alpha Omega(U),      f_ti = x_ti·u_t + b_t,

m_t the sum of the weights c_ti, is convex in all of them at once (Städler, Bühlmann and van de
Geer, 2010), and no answer depends on the unit of a target. At given sigma_t it is the weights of
Kendall, Gal and Cipolla (2018). Its dual at the residuals theta_t = phi_t y_t - f_t is that of the
fit at phi plus m_t (1 + log q_t), q_t = mean_i theta_ti phi_t y_ti, so that what a phi lacks adds
m_t (q_t - 1 - log q_t) to the gap: nothing where q_t = 1.

Counts vary more than Poisson's: their half deviance is divided by a dispersion phi_t² >= 1, whose
extended quasi-likelihood (Nelder and Pregibon, 1987) adds m_t log phi_t; given a fit the best one
is the mean deviance. This is not convex in both at once; each turn lowers it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mtlearn.problems.general import LossProblem
from mtlearn.solvers.setup import Model, Noise, Setup
from mtlearn.solvers.solution import Solution

ROUNDS = 100  # of fits, at most
LEAST = 1e-3  # of the standard deviation of a target, where a fit leaves next to no errors
REST = 1e-4  # of tol, below which what the noise lacks is no part of a gap


@dataclass(frozen=True)
class Estimated:
    """Which targets have a noise to estimate, and how far it may go.

    Attributes
    ----------
    numbers, counts : ndarray of bool, of shape (T,)
        Targets under the squared loss that vary, and under Poisson's.
    least : ndarray of shape (T,)
        Lower bounds of sigma_t (Ndiaye, Fercoq, Gramfort, Leclère and Salmon, 2017).
    """

    numbers: np.ndarray
    counts: np.ndarray
    least: np.ndarray


@dataclass(frozen=True)
class Turn:
    """A fit at some noise, and what it says of it, of all targets.

    Attributes
    ----------
    value : float
        The joint objective.
    lack : ndarray of shape (T,)
        What each noise adds to the gap.
    next, surely : Noise
        Where it would be best if the penalty were as steep as it is here along the ray of the
        coefficients of a target, in the unit of that target; and where all else stays as it is.
    """

    setup: Setup
    solution: Solution
    noise: Noise
    value: float
    lack: np.ndarray
    next: Noise
    surely: Noise


def with_noise(
    model: Model,
    setup: Setup,
    set_up: Callable[[Model], Setup],
    estimated: Estimated,
    alpha: float,
    start: Any,
) -> tuple[Setup, Solution, Noise, int]:
    """The fit at its own noise, in turns, and how many; its gap is that of both together."""
    assert model.noise is not None
    turn = _turn(model, setup, estimated, alpha, start)
    n_iter, rounds, noise = turn.solution.n_iter, 1, turn.next
    while rounds < ROUNDS and turn.lack.sum() > REST * model.tol * _null(turn):
        moved = replace(model, noise=noise)
        V = turn.solution.point.V
        new = _turn(moved, set_up(moved), estimated, alpha, V)
        rounds, n_iter = rounds + 1, n_iter + new.solution.n_iter
        slack = model.tol * _null(turn)
        if new.value > turn.value + slack and noise is not turn.surely:
            noise = turn.surely
            continue
        still = new.value >= turn.value - REST * slack and new.lack.sum() <= slack
        turn, noise = new, new.next
        if still:
            break
    lacks = turn.lack.sum()
    gap = turn.solution.gap + (lacks / _null(turn) if lacks > 0 else 0.0)
    return turn.setup, replace(turn.solution, gap=float(gap), n_iter=n_iter), turn.noise, rounds


def _null(turn: Turn) -> float:
    return float(turn.setup.problem.null_value) or 1.0


def _turn(model: Model, setup: Setup, estimated: Estimated, alpha: float, start: Any) -> Turn:
    problem: Any = setup.problem
    solution = model.driver(setup, "fit").solve(alpha, start)
    point, here = solution.point, setup.present
    numbers, counts = estimated.numbers[here], estimated.counts[here]
    noise = model.noise
    assert noise is not None and isinstance(problem, LossProblem)
    scale, weight = noise.scale[here], noise.weight[here]
    m = problem.m
    Y = problem.Y  # in units of the noise; a free level goes along with the mean of its column
    if problem.free:
        Y = Y - problem.rows.per_row(problem.rows.sums(problem.c * Y) / m)
    q = problem.rows.sums(point.R * Y) / m
    square = problem.rows.sums(problem.c * Y**2) / m
    rest = problem.rows.sums(problem.c * point.around.residual**2) / m
    dispersion = 2.0 * problem.rows.sums(problem.c * point.around.value) / m
    with np.errstate(divide="ignore", invalid="ignore"):
        ray, plain = _root(rest, q - rest), _root(square, q - square)
    least = estimated.least[here]
    floor = np.maximum(1.0, dispersion)

    def moved(rho: np.ndarray) -> Noise:
        new_scale, new_weight = noise.scale.copy(), noise.weight.copy()
        new_scale[here] = np.where(numbers, np.maximum(scale / rho, least), scale)
        new_weight[here] = np.where(counts, 1.0 / floor, weight)
        return Noise(new_scale, new_weight)

    held = numbers & (scale <= least) & (plain > 1)
    ratio = np.where(numbers & ~held, q, np.where(counts, floor * weight, 1.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        lack = np.where(counts, 0.5 * m / weight, m) * (ratio - 1.0 - np.log(ratio))
    lack[~(ratio > 0)] = np.inf
    lack[np.abs(ratio - 1.0) <= 1e-12] = 0.0
    penalty = model.penalty(problem).at(float(alpha))
    value = problem.value(point) + penalty.value(point.V)
    value += float(m[numbers] @ np.log(scale[numbers]))
    value -= 0.5 * float((m / weight)[counts] @ np.log(weight[counts]))
    return Turn(setup, solution, noise, value, lack, moved(ray), moved(plain))


def _root(square: np.ndarray, linear: np.ndarray) -> np.ndarray:
    """The rho > 0 with rho² square + rho linear = 1."""
    half = 0.5 * linear
    under = np.sqrt(half**2 + square)
    # of two forms that of a sum, not of a difference
    found = np.where(half > 0, 1.0 / (half + under), (under - half) / square)
    return np.where(np.isnan(found), 1.0, found)
