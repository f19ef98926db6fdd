"""What a fitted estimator answers, for those who score it: asked once, with the task labels.

scikit-learn's scorers call ``predict(X)`` and know of no task, no hole and no second column. They
are shown a :class:`View`: an estimator of one target, on rows whose label is known.
"""

from __future__ import annotations

from inspect import signature
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.metaestimators import available_if

from mtlearn.inputs.frames import take_rows
from mtlearn.inputs.labels import as_column, labels_beside
from mtlearn.inputs.tasks import check_target_names, column_names, task_columns
from mtlearn.model_selection.reading import n_rows, read_column

RESPONSES = ("predict", "predict_proba", "predict_log_proba", "decision_function")


class Answers:
    """Answers of a fitted estimator to one X, each method called once.

    Parameters
    ----------
    estimator : estimator
        Fitted; also a pipeline or a search around an estimator of this library, or one that knows
        nothing of tasks.
    X : array-like or data frame of shape (n, d)
    task : array-like of shape (n,), default=None
        Handed on to models that were fitted with labels beside X.
    """

    def __init__(self, estimator: Any, X: Any, task: Any = None):
        self.estimator, self.X, self.task = estimator, X, labels_beside(task, n_rows(X))
        self._known: dict[str, np.ndarray] = {}
        # Called without the pipeline around it, a method takes ``task`` whether or not metadata
        # routing is on.
        self._called, self._X = unwrap(estimator, X)
        self._model, self._model_X = self._called, self._X
        while hasattr(self._model, "regressor_"):  # of a TransformedTargetRegressor
            self._model, self._model_X = unwrap(self._model.regressor_, self._model_X)

    def ask(self, method: str) -> np.ndarray:
        """Answers to X."""
        if method not in self._known:
            ask = getattr(self._called, method)
            answer = ask(self._X, task=self.task) if self._takes_task() else ask(self._X)
            if isinstance(answer, list):  # of arrays, from scikit-learn's own multi-output models
                raise ValueError(
                    f"{type(self._called).__name__}.{method} gives a list; a score needs an array "
                    "with a column for each target. Score what predict gives, or a model of this "
                    "library, which gives one."
                )
            self._known[method] = np.asarray(answer)
        return self._known[method]

    def response(self, methods: Any) -> np.ndarray:
        """Answers by the first of the methods that there is; binary probabilities of class 1."""
        methods = (methods,) if isinstance(methods, str) else methods
        method = next((m for m in methods if hasattr(self._called, m)), None)
        if method is None:
            raise AttributeError(
                f"{type(self._called).__name__} has none of the methods {', '.join(methods)}."
            )
        answer = self.ask(method)
        two = method == "predict_proba" and not self.has_columns and answer.shape[1] == 2
        return answer[:, 1] if two else answer

    @property
    def has_columns(self) -> bool:
        """Whether there is an answer for each of several targets."""
        reader = getattr(self._model, "_reader", None)
        return self.ask("predict").ndim == 2 if reader is None else not reader.stacked

    @property
    def labels(self) -> Any:
        """The task of each row, from wherever it comes; None where nobody says."""
        if self.task is not None:
            return self.task
        where = getattr(self._model, "task_column", None)
        if where is None:
            where = _column_inside(self._model)
        if where is None:
            return None
        names = getattr(self._model, "feature_names_in_", None)
        return read_column(self._model_X, where, names=names)

    def column_names(self, y: Any) -> np.ndarray | None:
        """Names of the columns of a truth, which are those of fit in the same order."""
        names = column_names(y)
        if not (hasattr(self._model, "tasks_") and self.has_columns):
            return names
        check_target_names(names, self._model.tasks_)
        return self._model.tasks_ if names is None else names

    def again(self, method: str, X: Any, rows: Any) -> np.ndarray:
        """Answers to another X, of the tasks that the given rows have."""
        task = None if self.task is None else as_column(self.task, "task")[rows]
        return Answers(self.estimator, X, task).ask(method)

    def _takes_task(self) -> bool:
        """Whether the model was fitted with labels beside X."""
        reader = getattr(self._model, "_reader", None)
        if reader is None:
            asks = "task" in signature(self._model.predict).parameters
            return asks and self.task is not None
        beside = reader.way == "labels" and self._model.task_column is None
        if beside and self.task is None:
            raise ValueError(
                "the model was fitted with task labels beside X, and the score was asked for "
                "without them. Give them here too, task=labels; in a search or cross-validation "
                "switch metadata routing on, sklearn.set_config(enable_metadata_routing=True), "
                "score with mtlearn.metrics.make_task_scorer, and write search.fit(X, y, "
                'task=labels) or cross_validate(..., params={"task": labels}). Labels in a column '
                "of X, named by task_column=, need none of this."
            )
        return beside


def _answering(method: str) -> Any:
    """A method of :class:`View`, there where the estimator has it."""

    def respond(self: View, X: Any) -> np.ndarray:
        return self._respond(method, X)

    respond.__name__ = method
    return available_if(lambda self: hasattr(self._answers.estimator, method))(respond)


class View:
    """One target of a fitted estimator on some rows, as an estimator.

    Parameters
    ----------
    answers : Answers
    rows : ndarray of int or None
        None means all.
    column : int or None
        Which target, where there are several.
    """

    predict, predict_proba, predict_log_proba, decision_function = map(_answering, RESPONSES)
    classes_: Any  # the estimator's, or 0 and 1

    def __init__(self, answers: Answers, rows: np.ndarray | None, column: int | None):
        self._answers, self._column = answers, column
        self._rows = slice(None) if rows is None else rows
        self._positive: Any = None
        self.X = answers.X if rows is None else take_rows(answers.X, rows)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name in RESPONSES:
            raise AttributeError(name)
        return getattr(self._answers.estimator, name)

    def __sklearn_tags__(self):
        return self._answers.estimator.__sklearn_tags__()

    def needs_numbers(self, truth: np.ndarray) -> bool:
        """Whether there are two classes, neither of them the 1 that scikit-learn calls positive."""
        classes = self.classes_
        if not isinstance(classes, np.ndarray) or classes.shape != (2,) or 1 in classes.tolist():
            return False
        return set(truth.tolist()) <= set(classes.tolist())  # of others scikit-learn complains

    def in_numbers(self, truth: np.ndarray) -> np.ndarray:
        """Answer by 0 and 1 instead of by the labels of two classes; the truth likewise."""
        self._positive, self.classes_ = self.classes_[1], np.arange(2)
        return (truth == self._positive).astype(int)

    def _respond(self, method: str, X: Any) -> np.ndarray:
        if X is self.X:
            answer = self._answers.ask(method)[self._rows]
        else:  # a scorer with ideas of its own, such as permuted columns
            answer = self._answers.again(method, X, self._rows)
        if method == "predict" and self._positive is not None:
            answer = (answer == self._positive).astype(int)
        if self._column is None:
            return answer
        answer = answer[:, self._column]
        if method == "predict_proba":
            return np.column_stack([1 - answer, answer])
        if method == "predict_log_proba":
            return np.column_stack([np.log1p(-np.exp(answer)), answer])
        return answer


def _column_inside(estimator: Any) -> str | int | None:
    """The task column of the models that an ensemble, a calibration, ... is made of."""
    if not hasattr(estimator, "get_params"):
        return None
    found = {name: where for name, where in task_columns(estimator).items() if where is not None}
    if not found:
        return None
    columns, parameters = list(dict.fromkeys(found.values())), estimator.get_params(deep=True)
    in_pipeline = any(
        isinstance(parameters.get("__".join(name.split("__")[:depth])), Pipeline)
        for name in found
        for depth in range(1, name.count("__"))
    )
    # A step may have moved the columns, so that a position is one of something else than X.
    if len(columns) > 1 or (in_pipeline and not isinstance(columns[0], str)):
        raise ValueError(
            f"the models inside {type(estimator).__name__} read their tasks from "
            f"task_column={columns[0]!r}"
            + (f" and {columns[1]!r}" if len(columns) > 1 else ", a position in a pipeline")
            + ", so the score cannot tell which column of X it is. Give it the labels, task=..., "
            "or name the column, the same for all."
        )
    return columns[0]


def unwrap(estimator: Any, X: Any) -> tuple[Any, Any]:
    """The estimator inside searches and pipelines, and X as it sees it."""
    while True:
        if hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif isinstance(estimator, Pipeline):
            X = estimator[:-1].transform(X) if len(estimator) > 1 else X
            estimator = estimator[-1]
        else:
            return estimator, X
