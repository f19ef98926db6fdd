"""A regressor posed on columns of unlike kinds: what its problem, its folds and its noise are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from mtlearn.inputs.classes import soften, warn_single_class
from mtlearn.inputs.counts import half_an_event, warn_of_nothing
from mtlearn.inputs.tasks import TaskData
from mtlearn.inputs.weights import warn_of_many, weights_of
from mtlearn.losses.base import Loss
from mtlearn.losses.by_task import LossByTask
from mtlearn.losses.huber import Huber
from mtlearn.losses.logistic import Logistic
from mtlearn.losses.poisson import HalfPoissonDeviance
from mtlearn.losses.squared import HalfSquaredError
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.forms import make_problem
from mtlearn.selection.judges import ShareOfConstant
from mtlearn.selection.task_noise import LEAST, Estimated, with_noise
from mtlearn.solvers.setup import Model, Noise, Setup, set_up
from mtlearn.solvers.solution import Solution


@dataclass(frozen=True)
class Posed:
    """Columns of y, each with a loss of its own and in a unit of its own.

    Attributes
    ----------
    kinds : ndarray of str, of shape (T,)
        "squared", "huber", "logistic" or "poisson".
    deltas : ndarray of shape (T,)
        Of Huber's loss, the standard deviation of errors in the unit of the column; 1 of others.
    noise : Noise
        At which a fit starts; a search has it in its folds.
    constants : ndarray of shape (T,)
        What the best constant costs in each column, in these units.
    estimated : Estimated or None
        None holds the noise.
    """

    kinds: np.ndarray
    deltas: np.ndarray
    noise: Noise
    constants: np.ndarray
    estimated: Estimated | None

    @classmethod
    def of(
        cls, data: TaskData, kinds: np.ndarray, deltas: np.ndarray, estimates: bool, centred: bool
    ) -> Posed:
        """Of data that were read, squared columns in standard deviations where noise counts."""
        seen, s = data.observed, weights_of(data)
        y = np.where(seen, data.y, 0.0)
        middle = (s * y).sum(axis=0) / s.sum(axis=0)
        away = np.where(seen, y - (middle if centred else 0.0), 0.0)
        square = (s * away**2).sum(axis=0) / s.sum(axis=0)
        varies = square > 1e-28 * middle**2
        numbers, one = (kinds == "squared") & varies, np.ones(len(kinds))
        deviation = np.where(numbers, np.sqrt(square), 1.0)
        if not estimates:
            return cls(kinds, deltas, Noise(one, one), one, None).costed(data)
        estimated = Estimated(numbers, kinds == "poisson", LEAST * deviation)
        scale = np.where(kinds == "huber", deltas, deviation)
        return cls(kinds, one, Noise(scale, one), one, estimated).costed(data)

    def at(self, task_noise: np.ndarray, data: TaskData) -> Posed:
        """The same from another noise (T,) on."""
        counts = self.kinds == "poisson"
        noise = Noise(np.where(counts, 1.0, task_noise), np.where(counts, task_noise**-2.0, 1.0))
        return Posed(self.kinds, self.deltas, noise, self.constants, self.estimated).costed(data)

    def costed(self, data: TaskData) -> Posed:
        """With what constants cost, whatever the features are."""
        data = self.solvable(data, True, True)
        shown = TaskData(
            np.zeros((len(data.y), 1)), data.y, data.weight, None, data.tasks, data.way
        )
        problem: Any = make_problem(
            shown, np.ones(len(self.kinds)), Coupling(), self.noise.scale, self.loss
        )
        costs = problem.column_losses(problem.null()) / problem.m
        costs = np.where(costs > 1e-28, costs, 1.0)  # a constant column is predicted by a constant
        return Posed(self.kinds, self.deltas, self.noise, costs, self.estimated)

    @cached_property
    def loss(self) -> LossByTask:
        """Of all columns."""
        losses: list[Loss] = [HalfSquaredError(), Logistic(), HalfPoissonDeviance()]
        which = np.array([_PLACES.get(kind, 0) for kind in self.kinds.tolist()])
        for t in np.flatnonzero(self.kinds == "huber"):
            which[t] = len(losses)
            losses.append(Huber(float(self.deltas[t])))
        return LossByTask(losses, which)

    @property
    def judge(self) -> ShareOfConstant:
        """How folds score held-out labels."""
        return ShareOfConstant(self.loss, self.constants)

    def solvable(
        self, data: TaskData, fit_intercept: bool, free: bool, *, warn: bool = False
    ) -> TaskData:
        """Data that leave every intercept a finite best value: no column of one class, or of 0."""
        if not fit_intercept:
            return data
        data, silent = half_an_event(data, free, self.kinds == "poisson")
        if warn and silent:
            warn_of_nothing(silent, "Leave them out of y")
        y = np.where(self.kinds == "logistic", data.y, np.nan)
        seen = ~np.isnan(y)
        ones, count = np.nansum(y, axis=0), seen.sum(axis=0)
        single = (count > 0) & ((ones == 0) | (ones == count))
        data, names = soften(data, single) if free or single.all() else (data, [])
        if warn and names:
            warn_of_many(data)
            warn_single_class(names, "Give rows of the other class, or leave them out of y.")
        return data

    def solved(
        self, model: Model, setup: Setup, usable: TaskData, alpha: float, start: Any
    ) -> tuple[Setup, Solution, dict[str, Any]]:
        """The fit at an alpha, with the noise where that is estimated, and fitted attributes."""
        noise, rounds = self.noise, 1
        if self.estimated is None:
            solution = model.driver(setup, "fit").solve(alpha, start)
        else:

            def again(moved: Model) -> Setup:
                return set_up(moved, usable)

            known = model, setup, again, self.estimated
            setup, solution, noise, rounds = with_noise(*known, alpha, start)
        task_noise = noise.scale / np.sqrt(noise.weight)
        return setup, solution, {"task_noise_": task_noise, "n_noise_iter_": rounds}


_PLACES = {"squared": 0, "logistic": 1, "poisson": 2}
