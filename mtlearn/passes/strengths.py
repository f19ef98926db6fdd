"""Strengths that are estimated, where rows lie in chunks."""

from __future__ import annotations

from typing import Any

import numpy as np

from mtlearn.inputs.tasks import TaskData
from mtlearn.passes.known import Known
from mtlearn.passes.on_chunk import some_rows
from mtlearn.passes.problem import PassProblem
from mtlearn.selection.likelihood.logistic_strengths import Strengths, asked, logistic_strengths
from mtlearn.selection.likelihood.strengths import FEATURES
from mtlearn.solvers.setup import Model


def estimate(model: Model, problem: PassProblem, known: Known) -> Strengths:
    """Both strengths, as a fit on all rows has them; where rows are many, from others of them.

    A fit looks at a part of the rows, evenly over each task, of all tasks or evenly some of them.
    From chunks these are gathered, those that a hash says of tasks that have more.
    """
    slopes, weights = model.estimates_alpha, model.weights
    usual = weights is None or bool(weights.charged.all())
    if not (usual and model.fit_intercept and (slopes or known.n_features <= FEATURES)):
        return model.estimate(
            problem,
            known,
            model.alpha_mean,
            model.alpha_intercept,
            fit_intercept=model.fit_intercept,
            slopes=slopes,
            weights=weights,
        )
    part = _part(problem, known)
    of_all = len(known.tasks) / known.totals().sum()
    n, T = float(part.totals().sum()), int(np.count_nonzero(part.totals()))
    found = logistic_strengths(part, model.alpha_mean * float(known.totals().sum()) / n)
    change = of_all / (T / n)
    alpha = None if found.alpha is None else found.alpha * change
    levels = model.alpha_intercept
    return Strengths(alpha, found.alpha_intercept * change if levels is None else levels)


def _part(problem: PassProblem, known: Known) -> TaskData:
    """Rows of tasks, as many as are asked for."""
    sizes = known.counts()
    tasks, each = asked(sizes, known.n_features + 1)
    share = np.zeros(len(sizes))
    share[tasks] = np.minimum(1.0, each / sizes[tasks])
    found: list[Any] = [
        part for part in problem.chunks.map(some_rows, problem.reading, share) if part is not None
    ]
    X, y, weight, codes = (
        np.concatenate([getattr(part, name) for part in found])
        for name in ("X", "y", "weight", "codes")
    )
    return TaskData(X, y, weight, codes, known.tasks, "labels")
