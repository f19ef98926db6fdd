"""A contender fitted on all rows, to be kept: what comes after the comparison.

It is tuned as in the comparison, on inner folds of all rows, and reads the table as it came: the
comparison rewrites columns once for all folds (text that is numbers, say), which the table
pipeline of a model that meets new tables has to do by itself.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from mtlearn.compare.contenders import NAMED, build_model, fitted_encoder, of_size
from mtlearn.compare.exposure import as_rates
from mtlearn.compare.kinds import fit_by_groups
from mtlearn.compare.running import in_words, inner_folds
from mtlearn.compare.task_table import TaskTable
from mtlearn.compare.unusable import leave_out_unusable


@dataclass(frozen=True)
class Refit:
    """A fitted pipeline, and what the reader should know of the table and of the fit."""

    pipeline: Pipeline
    notes: list[str]


def refit(name: str, data: TaskTable, random_state: int, bad_cells: str = "missing") -> Refit:
    """Tune and fit a model of ``MULTITASK`` or ``BASELINES`` on all rows.

    Raises
    ------
    ValueError
        If the table cannot be used.
    """
    usable = leave_out_unusable(data, bad_cells)
    kind = of_size(data.kind.on(usable), len(usable.y), fitted_encoder(usable)[1])
    data, notes = replace(data, kind=kind), [*usable.notes]
    pipeline = build_model(
        NAMED[name], data.task_column, inner_folds(data, random_state), data.kind
    )
    pipeline.set_params(table__bad_cells=bad_cells)
    table, model = pipeline
    y, weight = data.kind.given(data.y), None
    if data.exposure is not None:
        y, weight = as_rates(y, data.exposure)
    with threadpool_limits(1, user_api="blas"), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")  # the notes have what is said of columns
        encoded = table.fit_transform(data.frame, y)
        warnings.simplefilter("always")
        fit_by_groups(Pipeline([("model", model)]), encoded, y, data.groups, weight)
    if "cv" in model.get_params(deep=False):
        model.set_params(cv=None)  # the folds are of these rows
    return Refit(pipeline, notes + in_words(caught))
