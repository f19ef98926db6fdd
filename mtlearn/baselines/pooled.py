"""Complete pooling: one estimator on the rows of all tasks, with a dummy column per task."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import clone
from sklearn.utils import get_tags

from mtlearn.baselines.base import TaskBaseline
from mtlearn.inputs.tasks import TaskData

DENSE_BYTES = 64 * 2**20  # dummies beyond this are sparse where the wrapped estimator takes that


class PooledTasks(TaskBaseline):
    """One estimator on the rows of all tasks: complete pooling, by default with task dummies.

    ``f = fit({((x_ti, e_t), y_ti)}_ti)`` with e_t the t-th unit vector; in a ridge the dummies are
    intercepts per task that are shrunk together. A task that was not seen in fit has no dummy,
    ``f(x) = f((x, 0))``. Several targets over one X are stacked: an observed label is a row.

    Parameters
    ----------
    estimator : regressor or classifier
        Cloned and fitted once. Column names do not reach it: select columns before, not inside.
    task_dummies : bool, default=True
        Append a 0/1 column per task (none if there is one task). Where they would take more than
        64 MB and the wrapped estimator accepts sparse input, features and dummies are CSR.
    task_column : str or int, default=None
        Column of X that names the task of each row; it is no feature.
    unseen_task : {"warn", "mean", "error"}, default="warn"
        What ``predict`` does with a task not seen in fit: all dummies zero, with or without an
        :class:`~mtlearn.exceptions.UnseenTaskWarning`, or refuse.

    Attributes
    ----------
    estimator_ : estimator
        The fitted clone; its features are those of X, then the dummies in the order of ``tasks_``.
    tasks_ : ndarray of shape (T,)
        Labels of the tasks.
    classes_ : ndarray of shape (K,)
        Classes (classifiers).
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
    IndependentTasks : One model per task.
    MeanRegularizedRegressor : In between: every task deviates from a shared model.

    References
    ----------
    A. Gelman and J. Hill (2007). Data Analysis Using Regression and Multilevel/Hierarchical
    Models, chapter 12 ("no pooling" and "complete pooling"). Cambridge University Press.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from mtlearn import PooledTasks
    >>> X, school = np.array([[1.0], [2.0], [1.0], [2.0]]), ["A", "A", "B", "B"]
    >>> model = PooledTasks(LinearRegression()).fit(X, [1.0, 2.0, 5.0, 6.0], task=school)
    >>> model.predict([[3.0], [3.0]], task=["A", "B"]).round(6)
    array([3., 7.])
    """

    _of_strangers = "the pooled model without a dummy of theirs"

    def __init__(self, estimator, *, task_dummies=True, task_column=None, unseen_task="warn"):
        self.estimator = estimator
        self.task_dummies = task_dummies
        self.task_column = task_column
        self.unseen_task = unseen_task

    def _learn(self, data: TaskData) -> None:
        """Fit one clone on all rows."""
        if not data.stacked:
            data, _ = data.one_row_per_label()
        X = data.X
        self._n_dummies = len(self.tasks_) if self.task_dummies and len(self.tasks_) > 1 else 0
        self._sparse = sparse.issparse(X) or (
            X.shape[0] * self._n_dummies * X.dtype.itemsize > DENSE_BYTES
            and get_tags(self.estimator).input_tags.sparse
        )
        X, y = self._with_dummies(X, data.codes), self._targets(data.y)
        extra = self._extra(data.weight, data.groups)
        self.estimator_ = clone(self.estimator).fit(X, y, **extra)

    def _with_dummies(self, X: Any, codes: np.ndarray) -> Any:
        if not self._n_dummies:
            return X
        n, d = X.shape
        seen = np.flatnonzero(codes >= 0)
        if self._sparse or sparse.issparse(X):
            entries = np.ones(len(seen), X.dtype), (seen, codes[seen])
            dummies = sparse.csr_matrix(entries, shape=(n, self._n_dummies))
            return sparse.hstack([sparse.csr_matrix(X), dummies], format="csr")
        wide = np.zeros((n, d + self._n_dummies), X.dtype)
        wide[:, :d] = X
        wide[seen, d + codes[seen]] = 1
        return wide

    def _answer(self, method: str, X: Any, codes: np.ndarray | None) -> np.ndarray:
        if self._reader.stacked:
            return self._answer_blocks(method, X, codes)
        columns = []
        for t in range(len(self.tasks_)):
            if t == 0 or self._n_dummies:
                answer = self._answer_blocks(method, X, np.full(X.shape[0], t))
            columns.append(answer if answer.ndim == 1 else answer[:, 1])
        return np.column_stack(columns)

    def _answer_blocks(self, method: str, X: Any, codes: np.ndarray) -> np.ndarray:
        """Blocks of rows, so that dense dummies never take more than ``DENSE_BYTES``."""
        ask = getattr(self.estimator_, method)
        n, step = X.shape[0], X.shape[0]
        if self._n_dummies and not (self._sparse or sparse.issparse(X)):
            step = max(1, DENSE_BYTES // ((X.shape[1] + self._n_dummies) * X.itemsize))
        parts = [
            ask(self._with_dummies(X[i : i + step], codes[i : i + step])) for i in range(0, n, step)
        ]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)
