"""No pooling: a clone of an estimator per task."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import reduce
from typing import Any

import numpy as np
from scipy.special import logit
from sklearn import config_context
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import PoissonRegressor, TweedieRegressor

from mtlearn.baselines.base import TaskBaseline
from mtlearn.exceptions import counted
from mtlearn.inputs.counts import half_an_event, warn_of_nothing
from mtlearn.inputs.tasks import TaskData


class IndependentTasks(TaskBaseline):
    """One clone of an estimator per task: no pooling.

    Task t is fitted on its own rows only, ``f_t = fit({(x_ti, y_ti)}_i)``. A task that was not
    seen in fit gets the average over tasks, ``f(x) = (1/T) sum_t f_t(x)`` (for linear models the
    plain averages of the coefficients and intercepts).

    Parameters
    ----------
    estimator : regressor or classifier
        Cloned for every task. Column names do not reach it: select columns before, not inside.
    task_column : str or int, default=None
        Column of X that names the task of each row; it is no feature.
    unseen_task : {"warn", "mean", "error"}, default="warn"
        What ``predict`` does with a task not seen in fit: average over tasks with or without an
        :class:`~mtlearn.exceptions.UnseenTaskWarning`, or refuse. Classifiers average the
        probabilities, or count votes where the wrapped classifier has no ``predict_proba``.

    Attributes
    ----------
    estimators_ : list of length T
        Fitted models in the order of ``tasks_``. A task with one class has a
        :class:`~sklearn.dummy.DummyClassifier` that predicts it.
    tasks_ : ndarray of shape (T,)
        Labels of the tasks.
    classes_ : ndarray of shape (K,)
        Classes of all tasks together (classifiers).
    coef_, intercept_ : ndarrays of shape (T, d) and (T,)
        Where all models are linear regressors; without tasks, shapes as in the wrapped estimator.
    column_norms_ : ndarray
        Norm over tasks of the coefficients of each column of X, there too; for a column of labels
        the largest (``SelectFromModel(..., importance_getter="column_norms_")``).
    n_features_in_ : int
        Number of columns of X, the column of labels included.
    feature_names_in_ : ndarray of str
        Names of the columns of X, where it has them.

    Raises
    ------
    ValueError
        If the estimator is neither a regressor nor a classifier, ``sample_weight`` is given and it
        takes none, there is one class in all, or several target columns with more than two.

    See Also
    --------
    PooledTasks : One model for all tasks.
    MeanRegularizedRegressor : In between: deviations from a shared model are shrunk.

    Notes
    -----
    A task that counted nothing has no best level under a Poisson loss
    (:class:`~sklearn.linear_model.PoissonRegressor` would predict 0, at an infinite deviance): its
    targets become half an event in all, as in the models of the library, with a warning.

    ``decision_function`` of an unseen task, or of a task that has not seen every class, is the
    logarithm of the odds (two classes) or probabilities, so that it agrees with ``predict``.

    References
    ----------
    A. Gelman and J. Hill (2007). Data Analysis Using Regression and Multilevel/Hierarchical
    Models, chapter 12 ("no pooling" and "complete pooling"). Cambridge University Press.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from mtlearn import IndependentTasks
    >>> X = np.array([[0, 1.0], [0, 2.0], [1, 1.0], [1, 2.0]])  # column 0: the task
    >>> model = IndependentTasks(LinearRegression(), task_column=0).fit(X, [1.0, 2.0, 3.0, 6.0])
    >>> model.predict([[0, 3.0], [1, 3.0]])
    array([3., 9.])
    """

    _of_strangers = "the average over tasks"

    def __init__(self, estimator, *, task_column=None, unseen_task="warn"):
        self.estimator = estimator
        self.task_column = task_column
        self.unseen_task = unseen_task

    def _learn(self, data: TaskData) -> None:
        """Fit a clone per task."""
        self.estimators_ = []
        if not self._classifies and counts_events(self.estimator):
            data, names = half_an_event(data, True)
            if names:
                warn_of_nothing(names, "Pool them with PooledTasks")
        with ExitStack() as stack:
            unchecked = True
            for label, piece in zip(self.tasks_.tolist(), _pieces(data), strict=True):
                model = self._fit_task(label, *piece)
                self.estimators_.append(model)
                if unchecked and type(model) is type(self.estimator):
                    # The parameters are the same in every clone: one check is enough.
                    stack.enter_context(config_context(skip_parameter_validation=True))
                    unchecked = False

    def _fit_task(self, label: Any, X: Any, y: np.ndarray, weight: Any, groups: Any) -> Any:
        model, y = clone(self.estimator), self._targets(y)
        if self._classifies and (y == y[0]).all():  # most classifiers refuse one class
            model, groups = DummyClassifier(strategy="most_frequent"), None
        try:
            return model.fit(X, y, **self._extra(weight, groups))
        except Exception as error:
            error.add_note(f"(fitting task {label!r}, which has {counted(len(y), 'row', 'rows')})")
            raise

    def _answer(self, method: str, X: Any, codes: np.ndarray | None) -> np.ndarray:
        if not self._reader.stacked:
            answers = [self._answer_task(method, model, X) for model in self.estimators_]
            return np.column_stack([a if a.ndim == 1 else a[:, 1] for a in answers])
        parts = []
        for t, rows in _by_task(codes):
            if t < 0:
                part = self._answer_unseen(method, X[rows])
            else:
                part = self._answer_task(method, self.estimators_[t], X[rows])
            parts.append((rows, part))
        # Text differs in length from task to task, and with it the type.
        dtype = np.result_type(*{part.dtype for _, part in parts})
        answer = np.empty((X.shape[0], *parts[0][1].shape[1:]), dtype=dtype)
        for rows, part in parts:
            answer[rows] = part
        return answer

    def _answer_task(self, method: str, model: Any, X: Any) -> np.ndarray:
        if method == "predict_proba":
            return self._probabilities(model, X)
        if method == "decision_function" and len(model.classes_) < len(self.classes_):
            return _log_odds(self._probabilities(model, X))
        return getattr(model, method)(X)

    def _answer_unseen(self, method: str, X: Any) -> np.ndarray:
        """The average over tasks, one task at a time: T × n numbers may be many."""
        if not self._classifies:
            answers = (model.predict(X) for model in self.estimators_)
            return reduce(np.add, answers) / len(self.estimators_)
        answers = (self._probabilities(model, X) for model in self.estimators_)
        mean = reduce(np.add, answers) / len(self.estimators_)
        if method == "predict":
            return self.classes_[np.argmax(mean, axis=1)]
        return _log_odds(mean) if method == "decision_function" else mean

    def _probabilities(self, model: Any, X: Any) -> np.ndarray:
        """(n, K): zero for classes the task has not seen; votes where there is no better."""
        answer = np.zeros((X.shape[0], len(self.classes_)))
        if hasattr(self.estimator, "predict_proba"):
            answer[:, np.searchsorted(self.classes_, model.classes_)] = model.predict_proba(X)
        else:
            answer[np.arange(X.shape[0]), np.searchsorted(self.classes_, model.predict(X))] = 1.0
        return answer

    @property
    def coef_(self) -> np.ndarray:
        """Coefficients (T, d) of linear regressors."""
        return self._linear("coef_", np.ravel)

    @property
    def intercept_(self) -> np.ndarray:
        """Intercepts (T,) of linear regressors."""
        return self._linear("intercept_", lambda value: np.ravel(value)[0])

    def _linear(self, name: str, shape: Callable) -> np.ndarray:
        if is_classifier(self.estimator):
            raise AttributeError(f"{name} is offered for linear regressors only.")
        rows = np.array([shape(getattr(model, name)) for model in self.estimators_])
        return rows[0] if self._reader.way == "single" else rows


def counts_events(estimator: Any) -> bool:
    """Whether an estimator, or one inside it, has a logarithmic link that no zeros alone fit."""
    parts = [estimator, *estimator.get_params().values()]
    for part in (one for one in parts if isinstance(one, BaseEstimator)):
        said = part.get_params(deep=False)
        poisson = any(said.get(name) == "poisson" for name in ("loss", "criterion"))
        if poisson or isinstance(part, PoissonRegressor | TweedieRegressor):
            return bool(said.get("fit_intercept", True))
    return False


def _pieces(data: TaskData) -> Iterator[tuple]:
    """Features, targets, weights and groups of every task's observed rows, as in ``tasks``."""
    X, y, weight, groups = data.X, data.y, data.weight, data.groups
    if data.stacked:
        for _, own in _by_task(data.codes):
            yield X[own], y[own], _some(weight, own), _some(groups, own)
        return
    for t, seen in enumerate(data.observed.T):
        rows: Any = slice(None) if seen.all() else seen
        column = weight if weight is None or weight.ndim == 1 else weight[:, t]
        yield X[rows], y[rows, t], _some(column, rows), _some(groups, rows)


def _some(values: np.ndarray | None, rows: Any) -> np.ndarray | None:
    return None if values is None else values[rows]


def _by_task(codes: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Every task present and its rows: one sort, not a search per task."""
    order = np.argsort(codes, kind="stable")
    present, first = np.unique(codes[order], return_index=True)
    return zip(present.tolist(), np.split(order, first[1:]), strict=True)


def _log_odds(probabilities: np.ndarray) -> np.ndarray:
    eps = np.finfo(float).eps
    safe = np.clip(probabilities, eps, 1 - eps)
    return logit(safe[:, 1]) if safe.shape[1] == 2 else np.log(safe)
