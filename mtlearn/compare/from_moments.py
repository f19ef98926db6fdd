"""A comparison on moments: what `compare_tasks` does of rows, where rows are gone.

Folds are those that moments were dealt to; inside a training part the other ones are the inner
folds. Models, tuning and scores are those of a comparison of rows with these folds.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral
from typing import Any

from joblib import effective_n_jobs
from threadpoolctl import threadpool_limits

from mtlearn.compare.budget import Budget, seconds_at_most
from mtlearn.compare.contenders import (
    BASELINES,
    MULTITASK,
    RANDOM_SLOPES,
    choose_models,
    left_out_if_wide,
)
from mtlearn.compare.every_family import is_ordered, spelt_out_all
from mtlearn.compare.held_folds import HeldFolds
from mtlearn.compare.measuring import Subject
from mtlearn.compare.moment_jobs import fitted_model, run_folds, run_strangers, within_budget
from mtlearn.compare.regression import Regression
from mtlearn.compare.result import Comparison
from mtlearn.compare.rivals import RIVALS
from mtlearn.compare.running import Clock, Progress
from mtlearn.compare.slopes import coefs_table, slopes_table
from mtlearn.compare.task_table import said_of_tasks
from mtlearn.exceptions import counted
from mtlearn.moments import TaskMoments
from mtlearn.moments.equal_rows import said_of_equal
from mtlearn.moments.fit import on_moments
from mtlearn.moments.training import TrainingPart

FEWEST_FOLDS = 3  # one held out, and two to search on


@dataclass(frozen=True)
class Asked:
    """What `compare_tasks` was asked beside the table."""

    models: Any
    kind: str
    cv: Any
    new_tasks: bool
    time_budget: float | None
    full: bool
    n_jobs: int | None
    random_state: int
    verbose: int
    progress: Callable[[Progress], None] | None
    loss: str = "squared"
    quantile: float | None = None
    exposure: str | None = None


def compare_moments(moments: TaskMoments, asked: Asked, beside: dict[str, Any]) -> Comparison:
    """The comparison; ``beside`` has by name what only goes with rows, and is refused.

    Raises
    ------
    ValueError
        If something is asked that needs rows, or moments were not collected for it.
    """
    _check(moments, asked, beside)
    kind = Regression()
    asked_for = spelt_out_all(
        asked.models,
        is_ordered(moments.tasks, by_column=False),
        lambda: moments.n_features > _n_columns(moments),
    )
    contenders = choose_models(asked_for.models, None, kind)
    contenders, notes = left_out_if_wide(contenders, moments.n_features)
    _check_models(contenders)
    baselines = [name for name, model in contenders.items() if model in BASELINES.values()]
    shared = [name for name in contenders if name not in baselines]
    contenders = {name: contenders[name] for name in baselines + shared}
    rated = baselines + (shared if len(shared) > 1 else [])
    notes = [*_said(moments), *asked_for.notes, *notes]
    K = moments.n_folds or 0
    strange = min(K, len(moments.tasks)) if asked.new_tasks else 0
    workers = effective_n_jobs(asked.n_jobs)
    optional, n_fits = asked_for.optional.intersection(contenders), K + strange
    seconds = seconds_at_most(asked.time_budget, optional)
    budget = None if asked.full else Budget(seconds, workers, n_fits + bool(optional))
    moments, sampled, expected, left = within_budget(
        contenders, moments, budget, asked.random_state, rated, optional
    )
    contenders = {name: model for name, model in contenders.items() if name not in left}
    jobs = Counter(dict.fromkeys(contenders, K + strange))
    clock = Clock(jobs, workers, expected, asked.progress, asked.verbose)
    run, held = run_folds(contenders, moments, rated, clock.tick, asked.n_jobs)
    new: dict[str, dict[str, Any]] = {}
    if asked.new_tasks:
        seed, n_jobs = asked.random_state, asked.n_jobs
        new, _ = run_strangers(contenders, moments, K, seed, clock.tick, n_jobs)
    slopes, coefs = _slopes(contenders, moments)
    task_name = "task" if moments.task_column is None else str(moments.task_column)
    return Comparison.of(
        HeldFolds.of(held, moments.tasks),
        run,
        Subject(int(moments.counts.sum()), _n_columns(moments), "y", task_name),
        new=new,
        baselines=baselines,
        slopes=slopes,
        coefs=coefs,
        notes=notes + sampled + run.warned,
        settings={
            "models": list(contenders),
            "kind": asked.kind,
            "loss": asked.loss,
            "quantile": asked.quantile,
            "exposure": asked.exposure,
            "bad_cells": getattr(moments.encoder, "bad_cells", "missing"),
            "cv": K,
            "new_tasks": asked.new_tasks,
            "time_budget": seconds,
            "full": asked.full,
            "random_state": asked.random_state,
        },
    )


def _check(moments: TaskMoments, asked: Asked, beside: dict[str, Any]) -> None:
    if beside["task_column"] == moments.task_column:
        beside = beside | {"task_column": None}
    given = [name for name, value in beside.items() if value is not None]
    if given:
        raise ValueError(
            f"{' and '.join(given)} go with rows, and a TaskMoments has its own. Leave them out; "
            "targets, tasks and groups are named when moments are collected."
        )
    if asked.loss != "squared":
        raise ValueError(
            f"loss={asked.loss!r} takes rows: moments are enough for squared error alone. Give a "
            "table, or a sample of its tasks."
        )
    if asked.kind == "classification":
        raise ValueError(
            "kind='classification' takes rows: moments are enough for squared error alone. Give a "
            "table, or a sample of its tasks."
        )
    if moments._way != "labels":
        raise ValueError(
            "the moments are not of rows labelled by task. Collect them with task_column=..., or "
            "give a table."
        )
    if moments._weighted:
        raise ValueError(
            "the moments are of weighted rows, and a comparison counts each row once. Collect "
            "them without weights."
        )
    K = moments.n_folds
    if K is None or K < FEWEST_FOLDS:
        raise ValueError(
            f"the moments have n_folds={K}, and a comparison holds one fold out and searches on "
            f"the others. Collect them with n_folds=5, or {FEWEST_FOLDS} at least."
        )
    empty = sum(not one.count.any() for one in moments._folds)
    if K - empty < FEWEST_FOLDS:
        raise ValueError(
            f"{counted(empty, 'fold', 'folds')} of {K} hold no row, and {FEWEST_FOLDS} have to. "
            "Collect with fewer folds, or another group_column."
        )
    if asked.cv is not None and not (isinstance(asked.cv, Integral) and asked.cv == K):
        raise ValueError(
            f"cv={asked.cv!r} deals rows, and the moments are dealt to {K} folds already. Leave cv "
            "out, or collect with other n_folds or with group_column=..."
        )


def _check_models(contenders: dict[str, Any]) -> None:
    for name, model in contenders.items():
        if model in RIVALS.values() or not (callable(model) or on_moments(model)):
            raise ValueError(
                f"model {name!r} learns from rows, which moments do not have. Give names among "
                f"{', '.join(MULTITASK)}, or regressors of the library with loss='squared' and "
                "without a pipeline; the table is scaled already."
            )


def _said(moments: TaskMoments) -> list[str]:
    """Notes on labels that may not be those of tasks, and on what folds hold out."""
    n = int(moments.counts.sum())
    said = said_of_tasks(moments.tasks, n, str(moments.task_column or "task"))
    if moments._whole == "tasks":
        said.append(
            "Folds hold out whole tasks, as they were collected: every score is on tasks not seen."
        )
    return said + said_of_equal(moments)


def _n_columns(moments: TaskMoments) -> int:
    """Of the table, where an encoder knows them."""
    encoder = moments.encoder
    return moments.n_features if encoder is None else len(encoder.numbers_) + len(encoder.levels_)


def _slopes(contenders: dict[str, Any], moments: TaskMoments) -> tuple[Any, Any]:
    """What random slopes of all rows say, where they take part."""
    if contenders.get(RANDOM_SLOPES) is not MULTITASK[RANDOM_SLOPES]:
        return None, None
    part = TrainingPart.of(moments)
    with threadpool_limits(1, user_api="blas"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the folds have said it
        model = fitted_model(contenders[RANDOM_SLOPES], part.moments)
    found, units, encoder = moments.feature_names_in_, part.deviation, moments.encoder
    if encoder is not None and encoder.numbers_:
        units[: len(encoder.numbers_)] *= encoder.scaler_.scale_
    d = moments.n_features
    names = [f"x{j}" for j in range(d)] if found is None else found.tolist()
    return slopes_table(model, names, units), coefs_table(model, names)
