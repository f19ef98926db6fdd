"""Strengths that are estimated, where rows lie in chunks."""

from __future__ import annotations

from typing import Any

import numpy as np

from mtlearn.inputs.tasks import TaskData
from mtlearn.passes.known import Known
from mtlearn.passes.on_chunk import picked_rows
from mtlearn.passes.problem import PassProblem
from mtlearn.selection.likelihood.logistic_strengths import (
    Strengths,
    looked_at,
    strengths_of_part,
)
from mtlearn.selection.likelihood.strengths import FEATURES
from mtlearn.solvers.setup import Model


def estimate(model: Model, problem: PassProblem, known: Known) -> Strengths:
    """Both strengths, as a fit on all rows has them: from the rows that it would look at.

    That is a part of the rows, evenly over each task, of all tasks or evenly some of them. Where
    the rows of a task lie among the chunks the first pass has said.
    """
    slopes, weights = model.estimates_alpha, model.weights
    usual = weights is None or not len(weights.free)
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
    totals = known.totals()
    N, T = float(totals.sum()), int(np.count_nonzero(totals))
    found = strengths_of_part(_part(problem, known), model.alpha_mean * N, T / N, weights)
    levels = model.alpha_intercept
    return Strengths(found.alpha, found.alpha_intercept if levels is None else levels)


def _part(problem: PassProblem, known: Known) -> TaskData:
    """The rows that are looked at, in the order in which all of them lie."""
    tasks, places = looked_at(known.counts(), known.n_features + 1)
    each = known.where.among_chunks(places)
    parts = problem.chunks.map(picked_rows, problem.reading, each=each)
    found: list[Any] = [part for part in parts if part is not None]
    X, y, weight, codes = (
        np.concatenate([getattr(part, name) for part in found])
        for name in ("X", "y", "weight", "codes")
    )
    part = TaskData(X, y, weight, codes, known.tasks, "labels")
    return part.of_tasks(np.isin(np.arange(len(known.tasks)), tasks))
