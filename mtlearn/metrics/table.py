"""Scores of an estimator task by task, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sklearn.base import is_classifier

from mtlearn.inputs.frames import library_of, new_frame
from mtlearn.metrics.answers import Answers
from mtlearn.metrics.parts import Parts
from mtlearn.metrics.scorer import TaskScorer, make_task_scorer, nan_accuracy_scorer, nan_r2_scorer


def task_scores(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    task: Any = None,
    sample_weight: Any = None,
    scoring: Any = None,
) -> Any:
    """Score a fitted estimator on each task.

    The tasks are the columns of ``y``, or what ``task`` says, or the ``task_column`` of the
    estimator (also inside a pipeline or a search); without any of these, all rows are one task.

    Parameters
    ----------
    estimator : estimator
        Fitted: a model or a baseline of this library, a pipeline or search around one, or any
        other of scikit-learn's that predicts an array.
    X : array-like or data frame of shape (n, d)
        Features, best of rows that were not used in fit.
    y : array-like of shape (n,) or (n, T)
        Truth; NaN where not observed.
    task : array-like of shape (n,), default=None
        The task of each row. Given to ``predict`` where the model was fitted with labels beside X;
        with any other model it only says which rows are scored together.
    sample_weight : array-like of shape (n,) or (n, T), default=None
        Weights.
    scoring : str, callable, list or dict, default=None
        What scikit-learn takes as ``scoring=``, or a metric; several in a list of names or a
        dictionary. None is R² for regressors and accuracy for classifiers.

    Returns
    -------
    data frame
        One row per task, in the order of the columns or of the sorted labels: ``task``,
        ``n_labels`` (observed, of non-zero weight), and a column per score, NaN where it is
        undefined for this task. In the library of X (pandas, polars, pyarrow), otherwise pandas.

    Raises
    ------
    ValueError
        If ``task`` is given beside several columns, or a model that needs it is scored without.
    ImportError
        If X is no data frame and pandas is missing.

    See Also
    --------
    nan_r2_score : With ``average=None``, the same of predictions made already.
    mtlearn.compare_tasks : Which tasks does learning together help, and which does it hurt?

    Notes
    -----
    The default and the scorers of :mod:`mtlearn.metrics` are computed for all tasks at once. A
    scorer of scikit-learn is called for each task, about a thousand a second.

    Examples
    --------
    >>> from mtlearn import MeanRegularizedRegressor
    >>> from mtlearn.datasets import make_multitask_regression
    >>> from mtlearn.metrics import task_scores
    >>> drawn = make_multitask_regression(
    ...     n_tasks=3,
    ...     n_samples_per_task=(1, 30),
    ...     n_features=4,
    ...     task_labels=["ash", "elm", "oak"],
    ...     random_state=0,
    ... )
    >>> model = MeanRegularizedRegressor(alpha=0.1).fit(drawn.data, drawn.target, task=drawn.task)
    >>> table = task_scores(
    ...     model,
    ...     drawn.data,
    ...     drawn.target,
    ...     task=drawn.task,
    ...     scoring=["r2", "neg_mean_absolute_error"],
    ... )
    >>> list(table.columns), list(table["task"])
    (['task', 'n_labels', 'r2', 'neg_mean_absolute_error'], ['ash', 'elm', 'oak'])
    """
    answers = Answers(estimator, X, task)
    parts = Parts.of(answers, y, sample_weight, by_task=True)
    columns: dict[str, Any] = {"task": parts.tasks.tolist(), "n_labels": parts.counts}
    for name, one in _named(scoring, estimator).items():
        scorer = make_task_scorer(one)
        if scorer.knows_tasks:
            columns[name] = scorer.of_tasks(answers, y, sample_weight, average=None)
        else:
            columns[name] = parts.quiet_scores(scorer.scorer(), named=scorer.is_named)
    return new_frame(columns, library_of(X, asked_by="task_scores"))


def _named(scoring: Any, estimator: Any) -> dict[str, Any]:
    """Scorers by the name of their column."""
    if scoring is None:
        classifies = is_classifier(estimator)
        return {"accuracy": nan_accuracy_scorer} if classifies else {"r2": nan_r2_scorer}
    if isinstance(scoring, Mapping):
        return dict(scoring)
    several = scoring if isinstance(scoring, list | tuple | set) else [scoring]
    names = [_name(one) for one in several]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(
            f"{names.count(twice)} of the scores are called {twice!r}, and a column has one name; "
            'give a dictionary, scoring={"a name": score, "another": score}.'
        )
    return dict(zip(names, several, strict=True))


def _name(scoring: Any) -> str:
    if isinstance(scoring, str):
        return scoring
    sign = "neg_" if isinstance(scoring, TaskScorer) and not scoring.greater_is_better else ""
    inner = scoring.scoring if isinstance(scoring, TaskScorer) else scoring
    return sign + (inner if isinstance(inner, str) else getattr(inner, "__name__", "score"))
