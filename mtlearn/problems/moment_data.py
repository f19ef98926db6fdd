"""Data of which moments are all that is known: for the squared loss these are enough.

They stand where a :class:`~mtlearn.inputs.tasks.TaskData` stands, and answer what a fit asks of it
beside the rows. Where both may come, the functions here say what is different.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from mtlearn.inputs.feature_weight import FeatureWeights
from mtlearn.inputs.tasks import TaskData
from mtlearn.inputs.units import SAFE, TINY, Units, choose_units
from mtlearn.problems.blocks import diagonals
from mtlearn.problems.moments import Moments


@dataclass(frozen=True)
class MomentData:
    """Moments of the rows of each task, and of the rows that each fold holds out.

    Attributes
    ----------
    moments : Moments
        Under weights that repeat rows, or of mean one. x̄ is seen from ``pivot``.
    tasks : ndarray of shape (T,)
    way : {"columns", "labels", "single"}
    pivot : ndarray of shape (d,)
        A place near the rows: zero in columns that are not far from it.
    weighted : bool
        Whether any weight is not one.
    log_precision : float or None
        sum_i log s_i of weights that are relative precisions; None of those that repeat rows.
    folds : sequence of Moments
        Of the rows that each fold holds out, in the same units; they add up to ``moments``.
    weight_unit : float
        What given weights were divided by.
    """

    moments: Moments
    tasks: np.ndarray
    way: str
    pivot: np.ndarray
    weighted: bool = False
    log_precision: float | None = None
    folds: Sequence[Moments] = ()
    weight_unit: float = 1.0
    groups: ClassVar[None] = None  # folds are dealt already

    @property
    def stacked(self) -> bool:
        """Whether a row is of one task, as :attr:`TaskData.stacked` has it."""
        return self.way != "columns"

    @property
    def same_rows(self) -> bool:
        """Whether all tasks have the same rows and weights."""
        return not self.stacked and len(self.moments.xx) == 1

    @property
    def n_features(self) -> int:
        """d."""
        return self.moments.n_features

    @property
    def n_targets(self) -> int:
        """Columns of ``y``."""
        return 1 if self.stacked else len(self.tasks)

    def totals(self) -> np.ndarray:
        """Sum of the weights of each task, N_t (T,)."""
        return self.moments.weight

    def counts(self) -> np.ndarray:
        """Number of observed labels of each task (T,)."""
        return self.moments.count

    def means_of(self, features: np.ndarray, omega: np.ndarray) -> np.ndarray:
        """Means of some features over all labelled rows, tasks weighing omega (T,)."""
        c = omega * self.moments.weight
        x_mean = self.moments.x_mean[:, features]
        own = c.sum(keepdims=True) if len(x_mean) < len(c) else c
        return self.pivot[features] + own @ x_mean / c.sum()

    def moved(self, change: Any) -> MomentData:
        """The same after a change of all moments."""
        return replace(
            self, moments=change(self.moments), folds=tuple(change(one) for one in self.folds)
        )


def moments_of(data: TaskData | MomentData) -> Moments:
    """The moments of data of either kind."""
    return data.moments if isinstance(data, MomentData) else Moments.of_data(data)


def in_safe_units(data: Any, estimator: Any) -> tuple[Any, Units]:
    """Data of either kind in units in which arithmetic is safe, and these units."""
    if not isinstance(data, MomentData):
        return choose_units(data, estimator)
    weights = FeatureWeights.of(estimator, data)
    units = Units(degree=estimator._degree, weights=weights)
    unit = np.ones(data.n_features) if weights is None else weights.unit
    pivot = data.pivot * unit
    if estimator.fit_intercept:
        units = replace(units, origin=pivot) if pivot.any() else units
        pivot = np.zeros_like(pivot)  # taken from the rows as their origin
    if weights is not None or pivot.any():
        data = data.moved(lambda moments: in_columns(moments, np.zeros_like(unit), unit, pivot))
    _refuse_unsafe(data.moments, estimator)
    return data, units


def in_columns(
    moments: Moments, origin: np.ndarray, factor: np.ndarray, new: np.ndarray | None = None
) -> Moments:
    """Moments in the columns (x - origin) factor + new."""
    at = 0.0 if new is None else new
    return replace(
        moments,
        x_mean=(moments.x_mean - origin) * factor + at,
        xx=moments.xx * (factor[:, None] * factor),
        xy=moments.xy * factor,
    )


def _refuse_unsafe(moments: Moments, estimator: Any) -> None:
    """Rows would be brought near one first; of squares the digits are lost already."""
    weight = moments.weight
    own = weight[: len(moments.xx)]
    x = diagonals(moments.xx).sum(axis=0) + own @ moments.x_mean**2
    y = (moments.yy + weight * moments.y_mean**2).sum(keepdims=True)
    for name, squares in (("X", x / own.sum()), ("y", y / weight.sum())):
        small = squares[squares > 0]
        beyond = not squares.sum() <= 2.0 ** (2 * SAFE)
        if beyond or (len(small) and not 2.0 ** (-2 * TINY) < small.min()):
            worst = squares.max() if beyond else small.min()
            raise ValueError(
                f"moments of {name} hold squares of the order {worst:.0e}, beyond what double "
                f"precision keeps its digits in. Divide {name} by a power of ten that brings its "
                "values near one, and collect again."
            )


def each_task(moments: Moments) -> Moments:
    """With a scatter for every task, where they shared one."""
    T = moments.n_tasks
    if len(moments.xx) == T:
        return moments
    x_mean, xx = (np.repeat(part, T, axis=0) for part in (moments.x_mean, moments.xx))
    return Moments(
        moments.count, moments.weight, x_mean, moments.y_mean, xx, moments.xy, moments.yy
    )


def alike(a: Moments, b: Moments) -> tuple[Moments, Moments]:
    """Both with a scatter for every task, where one of them has."""
    return (a, b) if len(a.xx) == len(b.xx) else (each_task(a), each_task(b))


def added(a: Moments, b: Moments) -> Moments:
    """Moments of the two sets of rows together."""
    a, b = alike(a, b)
    return a + b


def weighing(moments: Moments, factor: float) -> Moments:
    """Moments under weights so many times as large."""
    return replace(
        moments,
        weight=moments.weight * factor,
        xx=moments.xx * factor,
        xy=moments.xy * factor,
        yy=moments.yy * factor,
    )
