"""Folds of which moments are kept: what a search needs where there are no rows to go back to.

The training moments of a fold are the sum of the others', which loses no digit, and held-out
squared errors come from those of the fold itself.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mtlearn.problems.fold_moments import counts_of, some_of, sum_of
from mtlearn.problems.forms import MOMENT_BYTES
from mtlearn.problems.moment_data import MomentData
from mtlearn.problems.moments import Moments
from mtlearn.selection.parts import Parts
from mtlearn.solvers.setup import Model, Setup, set_up

KEPT_BYTES = 1 << 26  # of problems, which are sums of folds and soon made again


def check_folds(estimator: Any, data: MomentData) -> None:
    """Before a search: there are folds, and nothing is asked that needs rows."""
    n, cv = len(data.folds), estimator.cv
    if n == 0:
        raise ValueError(
            f"{type(estimator).__name__} searches on held-out rows, and the moments are kept for "
            "all rows together. Collect them with n_folds=5."
        )
    if sum(bool(count.any()) for count in counts_of(data.folds)) < 2:
        raise ValueError(
            f"all rows are in one fold of {n}, and nothing is left to learn from. Collect with "
            "another group_column: there is one group, or all are in that fold by chance."
        )
    if cv is not None and cv != n:
        raise ValueError(
            f"cv={cv!r} deals rows, and moments are dealt already, to {n} folds. Leave cv=None, or "
            "collect with other n_folds or with group_column=..."
        )
    if estimator.scoring is not None:
        raise ValueError(
            f"scoring={estimator.scoring!r} asks for predictions of rows, and moments tell squared "
            "errors alone. Leave scoring=None, or fit to rows."
        )


class MomentParts(Parts):
    """The problem of each fold's training rows, as :class:`TrainingParts` has them of rows.

    Parameters
    ----------
    model : Model
        Whose problems they are, but for its strengths.
    data : MomentData
    """

    def __init__(self, model: Model, data: MomentData):
        self.model, self.data = model, data
        held = [k for k, count in enumerate(counts_of(data.folds)) if count.any()]
        self.folds = some_of(data.folds, held)
        needed = data.moments.xx.nbytes * (2 * len(self.folds) + 1)
        super().__init__(keep=needed < KEPT_BYTES, cheap=needed < MOMENT_BYTES)

    def __len__(self) -> int:
        return len(self.folds)

    def under(self, model: Model, setup: Setup, k: int) -> Setup:
        """The same problem at the strengths of another model."""
        return setup.under(model)

    def held_moments(self, k: int) -> Moments:
        """Of the test rows of fold k."""
        return self.folds[k]

    def held_out(self, k: int) -> MomentData:
        """What is known of the test rows of fold k."""
        return replace(self.data, moments=self.held_moments(k), folds=())

    def _set_up(self, k: int) -> Setup:
        others = [j for j in range(len(self.folds)) if j != k]
        return set_up(self.model, self.data, sum_of(some_of(self.folds, others)))
