"""How a baseline's alpha is chosen: a coarse grid, extended at its edge, refined at its best."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, check_cv
from sklearn.utils.validation import check_is_fitted

from mtlearn.baselines import IndependentTasks
from mtlearn.tasks import TaskData, read_fit

DECADES = (1e-1, 1e0, 1e1, 1e2, 1e3)  # where the search for a ridge's alpha begins
LIMITS = (1e-6, 1e9)  # and where it gives up extending


class TunedBaseline(RegressorMixin, MetaEstimatorMixin, BaseEstimator):
    """A baseline around a ridge, its one alpha for all tasks chosen by cross-validation.

    Powers of ten first; while the best is on the edge, two more beyond it; then the two points
    half a decade to either side of the best. A ridge's score is flat in log alpha: a finer grid
    moves R² by less than .001.

    Parameters
    ----------
    estimator : IndependentTasks or PooledTasks
        Around an estimator with a parameter ``alpha``.
    cv : int, splitter or iterable, default=None
        Inner folds.

    Attributes
    ----------
    alpha_ : float
        The alpha chosen.
    scores_ : dict of float to float
        Mean score over the folds of each alpha tried.
    best_estimator_ : estimator
        Fitted with ``alpha_`` on all rows.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn.baselines import PooledTasks
    >>> from mtlearn.compare.tuning import TunedBaseline
    >>> from sklearn.linear_model import Ridge
    >>> rng = np.random.default_rng(0)
    >>> X = np.column_stack([rng.normal(size=(60, 2)), np.repeat([0, 1, 2], 20)])
    >>> ridge = PooledTasks(Ridge(), task_column=-1)
    >>> model = TunedBaseline(ridge).fit(X, X[:, 0] + rng.normal(size=60))
    >>> model.alpha_ == max(model.scores_, key=model.scores_.get)
    True
    """

    def __init__(self, estimator: Any, *, cv: Any = None) -> None:
        self.estimator = estimator
        self.cv = cv

    def fit(self, X: Any, y: Any) -> TunedBaseline:
        """Choose alpha, then fit on all rows.

        Parameters
        ----------
        X : data frame or array of shape (n, d)
            Features and the column of labels.
        y : array of shape (n,) or (n, T)
            Targets.

        Returns
        -------
        TunedBaseline
            The fitted model.
        """
        self.scores_: dict[float, float] = {}
        self._try(DECADES, X, y)
        while True:
            best, low, high = self._best(), min(self.scores_), max(self.scores_)
            if best == low > LIMITS[0]:
                self._try((low / 100, low / 10), X, y)
            elif best == high < LIMITS[1]:
                self._try((high * 10, high * 100), X, y)
            else:
                break
        self._try((best / 10**0.5, best * 10**0.5), X, y)
        self.alpha_ = self._best()
        self.best_estimator_ = clone(self.estimator).set_params(estimator__alpha=self.alpha_)
        self.best_estimator_.fit(X, y)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Predict with the chosen alpha: (n,), or (n, T) for 2-D ``y`` in fit."""
        check_is_fitted(self)
        return self.best_estimator_.predict(X)

    def _best(self) -> float:
        return max(self.scores_, key=self.scores_.__getitem__)

    def _try(self, alphas: tuple[float, ...], X: Any, y: Any) -> None:
        if isinstance(self.estimator, IndependentTasks) and y.ndim == 1:
            scores = self._independent_scores(alphas, X, y)
        else:
            scores = self._searched_scores(alphas, X, y)
        self.scores_.update(zip(alphas, scores, strict=True))

    def _searched_scores(self, alphas: tuple[float, ...], X: Any, y: Any) -> np.ndarray:
        grid = {"estimator__alpha": list(alphas)}
        search = GridSearchCV(self.estimator, grid, cv=self.cv, refit=False, error_score="raise")
        search.fit(X, y)
        return search.cv_results_["mean_test_score"]

    def _independent_scores(self, alphas: tuple[float, ...], X: Any, y: Any) -> np.ndarray:
        """The same scores, all alphas in one ridge per task and fold.

        ``Ridge`` takes an alpha per target, so the target is repeated once for each alpha. With
        thousands of tasks this is the difference between minutes and seconds.
        """
        data = read_fit(clone(self.estimator), X, y)
        ridge = clone(self.estimator.estimator).set_params(alpha=np.array(alphas), solver="svd")
        scores = []
        for train, test in check_cv(self.cv).split(data.X, data.y):
            prediction = np.empty((len(data.y), len(alphas)))
            past, new = _rows_by_task(data, train), _rows_by_task(data, test)
            coef = np.full((len(data.tasks), len(alphas), data.X.shape[1] + 1), np.nan)
            for t, rows in enumerate(past):
                if len(rows):
                    ridge.fit(data.X[rows], np.repeat(data.y[rows, None], len(alphas), axis=1))
                    coef[t] = np.column_stack([ridge.coef_, ridge.intercept_])
            strangers = np.isnan(coef[:, 0, 0])  # tasks with no row in training: the average
            coef[strangers] = coef[~strangers].mean(axis=0)
            for t, rows in enumerate(new):
                prediction[rows] = data.X[rows] @ coef[t, :, :-1].T + coef[t, :, -1]
            scores.append([r2_score(data.y[test], p) for p in prediction[test].T])
        return np.mean(scores, axis=0)


def _rows_by_task(data: TaskData, rows: np.ndarray) -> list[np.ndarray]:
    """Positions among ``rows`` of each task's rows."""
    codes = data.codes[rows]
    ends = np.cumsum(np.bincount(codes, minlength=len(data.tasks)))[:-1]
    return np.split(rows[np.argsort(codes, kind="stable")], ends)
