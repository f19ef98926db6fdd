"""Is learning these tasks together worth it? The comparison behind `mtlearn compare`.

Every model is tuned on inner folds and scored on the same outer folds, each of which keeps every
task represented. ``task_table`` reads what it is made on, ``question`` whether its target is a
number or a class, ``unusable`` leaves out what no linear model can use, ``contenders`` has the
models, ``every_family`` those of "all", ``roles`` knows the baselines among them, ``budget`` what
there is time for, ``running`` runs them, ``answers`` has what they predicted, ``choice`` names the
pair of the verdict, ``held_losses`` and ``gains`` measure, ``slopes`` has the features in which
tasks differ, ``standing`` which models are as good as the first, ``measuring``, ``result`` and
``verdict`` say what came out. Where rows are gone, ``from_moments`` does the same: ``moment_jobs``
run the models, ``moment_baselines`` has the baselines, and ``held_folds`` the losses.
All that differs between numbers and classes is in ``regression`` and ``classification``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from numbers import Integral
from typing import Any

from joblib import effective_n_jobs
from sklearn.pipeline import Pipeline

from mtlearn.compare.budget import Budget, seconds_at_most, within_budget
from mtlearn.compare.contenders import (
    build_model,
    choose_models,
    fitted_encoder,
    leave_out_of_loss,
    left_out_if_wide,
    of_size,
)
from mtlearn.compare.every_family import is_ordered, several_columns, spelt_out_all
from mtlearn.compare.from_moments import Asked, compare_moments
from mtlearn.compare.held_out import HeldOut
from mtlearn.compare.losses import kind_of_loss
from mtlearn.compare.measuring import Subject, new_task_scores
from mtlearn.compare.result import Comparison
from mtlearn.compare.roles import is_baseline
from mtlearn.compare.running import (
    Clock,
    Progress,
    outer_folds,
    run_jobs,
    stranger_folds,
    strangers_in_words,
)
from mtlearn.compare.slopes import coefs_of, fitted_slopes, slopes_of
from mtlearn.compare.task_table import TaskTable, read_table, with_times
from mtlearn.compare.unusable import leave_out_unusable
from mtlearn.inputs.checks import check_option
from mtlearn.moments import TaskMoments
from mtlearn.table.features import BAD_CELLS

__all__ = ["Comparison", "Progress", "compare_tasks"]


def compare_tasks(
    X: Any,
    y: Any = None,
    *,
    task: Any = None,
    task_column: str | int | None = None,
    models: Any = None,
    cv: Any = None,
    groups: Any = None,
    kind: str = "auto",
    loss: str = "squared",
    quantile: float | None = None,
    exposure: Any = None,
    bad_cells: str = "missing",
    new_tasks: bool = False,
    time_budget: float | None = None,
    full: bool = False,
    random_state: int = 0,
    n_jobs: int | None = None,
    verbose: int = 0,
    progress: Callable[[Progress], None] | None = None,
) -> Comparison:
    """Tell whether learning tasks together helps, by how much, and whom it hurts.

    Compares multi-task models with baselines: one ridge per task, one ridge for all, one for all
    with a dummy per task, and beside models that select features one lasso per task (logistic
    regressions where the target is a class). Each is tuned by inner cross-validation inside every
    outer training part, preprocessing (:func:`make_table_pipeline`) included, and all predict the
    same held-out rows.

    The verdict compares the multi-task model and the baseline that each outer fold chose by their
    loss on the inner folds of its training part, by a paired t-test of the losses on held-out rows
    (mean squared error, log loss, or that of ``loss``). A task is *helped* (*hurt*) by a model if
    its loss is below (above) that of the chosen baseline by more than luck explains: standard
    errors from rows, or from groups, and Benjamini-Hochberg at 0.10 over the tasks. ``gains``
    estimates what share of the tasks gains, sure or not. Where ``"random-slopes"`` takes part, the
    verdict says in which features tasks differ and by how much (``slopes``). The user guide says
    more ("What the verdict means").

    No probability of any model is taken to be below ½/(n + 1), n the number of labels it was
    fitted on: certainty that proves wrong would cost an infinite log loss. For the same reason
    the logistic regression of a task that has one class only predicts it with (N + ½)/(N + 1), N
    the number of its rows; that is the one of least loss where targets are softened so. Likewise
    no mean of counts is taken to be below half an event in all rows that a model was fitted on.

    Parameters
    ----------
    X : data frame or array of shape (n, d), or TaskMoments
        The features as they are: numbers, text, categories, missing values. Dates and times (text
        such as 2024-05-31 or 31.05.24 too), text that differs in most rows, an identifier, and
        row numbers are left out with a note, and text that is a column of numbers is read as such
        (:class:`~mtlearn.table.TableEncoder` has the rules), unless ``models`` has a Pipeline of
        your own. Or moments of a table larger than memory, of ``collect_moments(...,
        n_folds=5)``: see Notes.
    y : array-like of shape (n,) or (n, T), default=None
        The target, with rows labelled by task; or a matrix with one column per task, NaN (None
        among text) where a label was not observed. Rows without any target are left out.
    task : array-like of shape (n,), default=None
        Task labels beside X.
    task_column : str or int, default=None
        Column of X with the task labels.
    models : "all", list of str or dict of str to estimator, default=None
        Names among ``"random-slopes"`` (up to 60 columns, those of categories counted),
        ``"mean-regularized"``, ``"group-lasso"``, ``"trace-norm"``, ``"dirty"``, and
        with a shared mean ``"group-lasso+mean"``, ``"trace-norm+mean"``, ``"dirty+mean"``;
        ``"clustered"``, which finds clusters of tasks and their number;
        ``"task-relationships"``, which learns who goes with or against whom;
        ``"shared-subspace"``, mixtures of a few directions, whose number is found;
        ``"robust"``, where most tasks are alike and some are not, ``"robust+low-rank"`` and
        ``"robust+group"``, where the others share patterns or features;
        ``"group-lasso+columns"``, in which the columns of a category come in together;
        ``"graph-path"`` for tasks whose sorted labels (or columns of ``y``) follow each other, such
        as years (with another graph: an estimator, ``GraphTasksRegressorCV(graph=...)``); or
        estimators of your own (for classes with ``predict_proba``), whose parameters
        ``task_column`` and ``cv`` are filled in where they are None; where there are several, those
        without a search of the library's are fitted for each inner fold too. The baselines always
        take part, and ``IndependentTasks`` and ``PooledTasks`` of your own are among them; with a
        matrix of targets also what fits each column by itself (``MultiOutputRegressor``,
        ``MultiOutputClassifier``, ``Ridge``, ``Lasso``, …). Default:
        ``"random-slopes"``, ``"mean-regularized"``, ``"group-lasso"`` and ``"group-lasso+mean"``;
        the others take several times as long. ``"all"`` is every name that suits the table
        ("graph-path" where the labels of tasks are numbers or dates, "group-lasso+columns" where
        there are categories), beyond the default as far as the ``time_budget`` goes.
        ``"+boosting"`` and ``"+mlp"`` add what people would
        use otherwise, on the side of the baselines: gradient boosting with the task as a category,
        and a net of one hidden layer with dummies of the tasks.
    cv : int, splitter, iterable or array of shape (n,), default=None
        Outer folds: their number (None: 5; each keeps every task represented), a scikit-learn
        splitter, pairs of (train, test), or the fold of each row, counted as in X. With a
        :class:`~mtlearn.model_selection.TaskTimeSeriesSplit`, whose ``time_column`` is one of X,
        inner folds too go forward in time; the tasks are those of the comparison. Its column
        stays a feature where it is one of numbers.
    groups : array-like of shape (n,), default=None
        Repeated units, never on both sides of a fold, outer or inner; models of your own get them
        where their ``fit`` takes ``groups``.
    kind : {"auto", "regression", "classification"}, default="auto"
        What the target is. "auto": text, categories, booleans and whatever has exactly two values
        are classes (at most 50); other numbers are numbers, also where few of them differ, since
        ratings and counts have an order. The notes say what was taken. A matrix of classes holds
        the same two labels in all its columns.
    loss : {"squared", "poisson", "huber", "quantile", "multinomial"}, default="squared"
        What an error costs where the target is a number: models, baselines and inner folds have
        it, and scores, verdict and gains are in it. "poisson" is for counts, "huber" for numbers
        with outliers, "quantile" for the ``quantile`` of each row (0.5 if you do not say). Another
        loss than the squared one says that the target is a number; "multinomial" that it is one of
        several classes, for models of all of them at once (by default the library's are one class
        against the rest; baselines of more than two classes are multinomial either way, and all
        are judged by the log loss of the probabilities). Random slopes are left out of it.
    quantile : float, default=None
        The quantile that ``loss="quantile"`` asks for, between 0 and 1.
    exposure : str, int or array-like of shape (n,), default=None
        Beside ``loss="poisson"``, a column of X, or the values, with that over which each row
        counted (years, persons, square metres), above 0. It is no feature: models learn the rate
        per unit, with exposures as weights, and what is predicted and judged are the counts.
    bad_cells : {"missing", "error", "category"}, default="missing"
        What happens to text in a column of numbers that reads as none ("n.d."): it is missing,
        with a note that has the number of such cells and the first three; it is an error; or the
        column is one of categories, never an identifier, however many of its values differ.
    new_tasks : bool, default=False
        Also hold out whole tasks, and score the predictions for tasks never seen. Where ``groups``
        reach into other tasks so much that nothing is left to train on, a note says so.
    time_budget : float, default=None
        Seconds; None is 120, and 300 of ``models="all"``. If the comparison is estimated to take
        longer, it runs on a sample of the tasks and says so; ``models="all"`` leaves models out
        that take too long, and says which.
    full : bool, default=False
        Use all tasks and models, however long it takes.
    random_state : int, default=0
        Decides folds and samples.
    n_jobs : int, default=None
        Processes; None is 1, -1 all cores.
    verbose : int, default=0
        1 prints a line for every model and fold.
    progress : callable, default=None
        Called with a ``Progress`` (done, total, remaining seconds, model, and whether these
        seconds are a lower bound, since some model was not timed yet) after each job.

    Returns
    -------
    Comparison
        ``table``, ``per_task``, ``slopes``, ``verdict``, ``predictions``; print it.

    Raises
    ------
    ValueError
        If tasks are not named, or named twice; if there is only one; if the target is neither a
        number nor of few classes, or not what ``kind`` or ``loss`` says; if a label is missing; if
        a row is held out twice.
    ImportError
        If pandas is not installed.

    See Also
    --------
    make_table_pipeline : The preprocessing.
    collect_moments : Moments of a table that does not fit into memory.
    mtlearn.model_selection.task_folds : The folds.

    Notes
    -----
    **On moments** (:class:`~mtlearn.TaskMoments` of labelled rows, at least three folds) the outer
    folds are those that rows were dealt to, and the inner ones of a training part the others of
    them. Models are the regressors of the library. Numbers are standardised by the training rows as
    the moments have them, in which what was missing counts as the mean (deviations come out
    smaller); otherwise scores are what rows with these folds would give. Moments have no single
    rows: the overall test has tasks as its units as ever (of fewer than ten tasks folds), the tests
    of single tasks take the rows of a task in a fold as one unit, and ``predictions`` is empty.
    ``task``, ``groups``, ``cv`` and ``bad_cells`` have no say: that was decided when moments were
    collected.

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
    check_option("bad_cells", bad_cells, BAD_CELLS)
    numbers = kind_of_loss(loss, quantile, kind, exposure)
    named = exposure is None or isinstance(exposure, str | int)
    exposed = exposure if named else "given"
    asked = Asked(
        *(models, kind, cv, new_tasks, time_budget, full, n_jobs, random_state, verbose, progress),
        loss=loss,
        quantile=numbers.options.get("quantile"),
        exposure=exposed,
    )
    if isinstance(X, TaskMoments):
        rows_only = {"y": y, "task": task, "task_column": task_column, "groups": groups}
        return compare_moments(X, asked, rows_only)
    data = read_table(X, y, task, task_column, groups, kind, numbers, exposure)
    data = with_times(data, X, cv)
    return _compare_rows(data, asked, bad_cells)


def _compare_rows(data: TaskTable, asked: Asked, bad_cells: str) -> Comparison:
    """The comparison on a table that is read."""
    cv, n_jobs, seed = asked.cv, asked.n_jobs, asked.random_state
    asked_for = spelt_out_all(
        asked.models,
        is_ordered(data.tasks, by_column=not data.stacked),
        lambda: several_columns(*fitted_encoder(leave_out_unusable(data, bad_cells))),
    )
    contenders = choose_models(asked_for.models, data.task_column, data.kind)
    if not any(isinstance(model, Pipeline) for model in contenders.values()):
        data = leave_out_unusable(data, bad_cells)  # a pipeline of the user's may use them
    width = fitted_encoder(data)[1]
    data = replace(data, kind=of_size(data.kind.on(data), len(data.y), width))
    contenders, of_loss = leave_out_of_loss(contenders, data.kind)
    contenders, wide = left_out_if_wide(contenders, width)
    baselines, shared = _parted(contenders, data)
    contenders = {name: contenders[name] for name in baselines + shared}
    rated = baselines + (shared if len(shared) > 1 else [])  # the models to choose among
    folds = outer_folds(cv, data, seed)
    strange = stranger_folds(data, len(folds), seed) if asked.new_tasks else []
    workers, n_fits = effective_n_jobs(n_jobs), len(folds) + len(strange)
    notes = [*data.notes, *asked_for.notes, *of_loss, *wide]
    optional = asked_for.optional.intersection(contenders)
    seconds = seconds_at_most(asked.time_budget, optional)
    budget = None if asked.full else Budget(seconds, workers, n_fits + bool(optional))
    affordable = within_budget(data, folds, contenders, budget, seed, rated, optional)
    data, folds, expected = affordable.data, affordable.folds, affordable.expected
    contenders = {n: model for n, model in contenders.items() if n not in affordable.left_out}
    notes += affordable.notes
    if asked.new_tasks:
        if not asked.full:  # of a sample, perhaps
            strange = stranger_folds(data, len(folds), seed)
        notes += strangers_in_words(strange, len(data.y))
    jobs = Counter(dict.fromkeys(contenders, len(folds) + len(strange)))
    clock = Clock(jobs, workers, expected, asked.progress, asked.verbose)
    run = run_jobs(contenders, data, folds, seed, n_jobs, clock.tick, rated)
    strangers = run_jobs(contenders, data, strange, seed, n_jobs, clock.tick)
    slopes = fitted_slopes(contenders, data)
    task_name = data.task_column or "column"
    return Comparison.of(
        HeldOut.of(data, run.predictions, run.fold),
        run,
        Subject(len(data.y), data.n_features, data.target_name, task_name),
        new=new_task_scores(data, strangers) if strange else {},
        baselines=baselines,
        slopes=slopes_of(slopes),
        coefs=coefs_of(slopes),
        notes=notes + run.warned,
        settings={
            "models": list(contenders),
            "kind": asked.kind,
            "loss": asked.loss,
            "quantile": asked.quantile,
            "exposure": asked.exposure,
            "bad_cells": bad_cells,
            "cv": cv if cv is None or isinstance(cv, Integral) else type(cv).__name__,
            "new_tasks": asked.new_tasks,
            "time_budget": seconds,
            "full": asked.full,
            "random_state": seed,
        },
    )


def _parted(contenders: dict[str, Any], data: TaskTable) -> tuple[list[str], list[str]]:
    """The names of the baselines, and of the models that learn tasks together."""
    parts: tuple[list[str], list[str]] = [], []
    for name, model in contenders.items():
        built = build_model(model, data.task_column, None, data.kind)
        parts[not is_baseline(built, by_column=not data.stacked)].append(name)
    return parts
