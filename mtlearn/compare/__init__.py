"""Is learning these tasks together worth it? The comparison behind `mtlearn compare`.

Every model is tuned on inner folds and scored on the same outer folds, each of which keeps every
task represented. ``task_table`` reads what it is made on, ``unusable`` leaves out what no
linear model can use, ``contenders`` has the models, ``running`` runs them, ``result`` says what
came out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from joblib import effective_n_jobs
from sklearn.pipeline import Pipeline

from mtlearn.compare.contenders import BASELINES, build_model, choose_models
from mtlearn.compare.result import Comparison
from mtlearn.compare.running import (
    Clock,
    Progress,
    gather,
    outer_folds,
    run_jobs,
    stranger_folds,
    within_budget,
)
from mtlearn.compare.task_table import read_table
from mtlearn.compare.unusable import leave_out_unusable

__all__ = ["Comparison", "Progress", "compare_tasks"]


def compare_tasks(
    X: Any,
    y: Any,
    *,
    task: Any = None,
    task_column: str | int | None = None,
    models: Any = None,
    cv: Any = None,
    groups: Any = None,
    new_tasks: bool = False,
    time_budget: float = 120.0,
    full: bool = False,
    random_state: int = 0,
    n_jobs: int | None = None,
    verbose: int = 0,
    progress: Callable[[Progress], None] | None = None,
) -> Comparison:
    """Tell whether learning tasks together helps, by how much, and whom it hurts.

    Compares multi-task models with three baselines: one ridge per task, one ridge for all, and one
    for all with a dummy per task. Each is tuned by inner cross-validation inside every outer
    training part, preprocessing (:func:`make_table_pipeline`) included, and all predict the same
    held-out rows. A task is *helped* (*hurt*) by a model if its mean squared error on the held-out
    rows is below (above) that of the best baseline by more than luck explains: standard errors
    from rows, or from groups, and Benjamini-Hochberg at 0.10 over the tasks.

    Parameters
    ----------
    X : data frame or array of shape (n, d)
        The features as they are: numbers, text, categories, missing values. Dates and times
        (text written as 2024-05-31 too) and text that differs in most rows, an identifier, are
        left out with a note, unless ``models`` has a Pipeline of your own.
    y : array-like of shape (n,) or (n, T)
        The target, with rows labelled by task; or a matrix with one column per task, NaN where a
        label was not observed. Rows of a labelled table without a target are left out.
    task : array-like of shape (n,), default=None
        Task labels beside X.
    task_column : str or int, default=None
        Column of X with the task labels.
    models : list of str or dict of str to estimator, default=None
        Names among ``"mean-regularized"`` and ``"group-lasso"`` (default: all), or estimators of
        your own; their parameters ``task_column`` and ``cv`` are filled in where they are None.
        The baselines always take part.
    cv : int, splitter, iterable or array of shape (n,), default=None
        Outer folds: their number (None: 5; each keeps every task represented), a scikit-learn
        splitter, pairs of (train, test), or the fold of each row.
    groups : array-like of shape (n,), default=None
        Repeated units, never on both sides of a fold.
    new_tasks : bool, default=False
        Also hold out whole tasks, and score the predictions for tasks never seen.
    time_budget : float, default=120.0
        Seconds. If the comparison is estimated to take longer, it runs on a sample of the tasks
        and says so.
    full : bool, default=False
        Use all tasks, however long it takes.
    random_state : int, default=0
        Decides folds and samples.
    n_jobs : int, default=None
        Processes; None is 1, -1 all cores.
    verbose : int, default=0
        1 prints a line for every model and fold.
    progress : callable, default=None
        Called with a ``Progress`` (done, total, remaining seconds, model) after each job.

    Returns
    -------
    Comparison
        ``table``, ``per_task``, ``verdict``, ``predictions``; print it.

    Raises
    ------
    ValueError
        If tasks are not named, or named twice; if there is only one; if the target is not a
        number; if a label is missing; if a row is held out twice.
    ImportError
        If pandas is not installed.

    See Also
    --------
    make_table_pipeline : The preprocessing.
    mtlearn.model_selection.task_folds : The folds.

    Examples
    --------
    >>> from mtlearn import compare_tasks
    >>> from mtlearn.datasets import load_exam
    >>> exam = load_exam()
    >>> rows = exam.task.isin(exam.task.unique()[:12])
    >>> result = compare_tasks(
    ...     exam.data[rows], exam.target[rows], task=exam.task[rows], models=["mean-regularized"]
    ... )
    >>> list(result.table.index)
    ['independent', 'pooled', 'pooled+dummies', 'mean-regularized']
    """
    data = read_table(X, y, task, task_column, groups)
    contenders = choose_models(models)
    if not any(isinstance(model, Pipeline) for model in contenders.values()):
        data = leave_out_unusable(data)  # a pipeline of the user's may know what to do with them
    for model in contenders.values():
        build_model(model, data.task_column, None)  # complain before the work, not after
    folds = outer_folds(cv, data, random_state)
    strange = stranger_folds(data, len(folds), random_state) if new_tasks else []
    workers, notes = effective_n_jobs(n_jobs), list(data.notes)
    expected: dict[str, float] = {}
    if not full:
        data, folds, said, expected = within_budget(
            data,
            folds,
            contenders,
            time_budget * workers,
            len(folds) + len(strange),
            random_state,
        )
        notes += said
        if new_tasks:
            strange = stranger_folds(data, len(folds), random_state)
    jobs = Counter(dict.fromkeys(contenders, len(folds) + len(strange)))
    clock = Clock(jobs, workers, expected, progress, verbose)
    answers = run_jobs(contenders, data, folds, random_state, n_jobs, clock.tick)
    strangers = run_jobs(contenders, data, strange, random_state, n_jobs, clock.tick)
    for name, done in answers.items():
        warned = [answer.warnings[0] for answer in done if answer.warnings]
        if warned:
            notes.append(f"{name} warned in {len(warned)} of {len(done)} folds: {warned[0]}")
    return Comparison.of(
        data,
        {name: gather(done, folds, data.y.shape) for name, done in answers.items()},
        {name: gather(done, strange, data.y.shape) for name, done in strangers.items()}
        if new_tasks
        else None,
        baselines=list(BASELINES),
        alphas={name: [answer.alpha for answer in done] for name, done in answers.items()},
        seconds={name: sum(answer.seconds for answer in done) for name, done in answers.items()},
        n_folds=len(folds),
        notes=notes,
    )
