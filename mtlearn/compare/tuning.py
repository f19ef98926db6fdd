"""How a baseline's alpha is chosen: half decades, extended where the best is on the edge."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v1 as nw
import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from sklearn.model_selection import check_cv
from sklearn.utils.validation import check_is_fitted

EXPONENTS = tuple(np.arange(-2, 4.5, 0.5).tolist())  # of ten: where the search begins
LIMITS = (-8, 10)  # and where it gives up extending
SMALL = 10_000  # numbers in X, below which a singular value decomposition costs next to nothing


class TunedBaseline(RegressorMixin, MetaEstimatorMixin, BaseEstimator):
    """A baseline around a ridge, its one alpha for all tasks chosen by cross-validation.

    Half decades from 0.01 to 10,000, and two decades more while the best is on the edge. A
    ridge's score is flat in log alpha: a finer grid moves R² by less than .002.

    Parameters
    ----------
    estimator : IndependentTasks or PooledTasks
        Around a :class:`~sklearn.linear_model.Ridge`.
    cv : int, splitter or iterable, default=None
        Inner folds.

    Attributes
    ----------
    alpha_ : float
        The alpha chosen.
    scores_ : dict of float to float
        Mean score (R²) over the folds of each alpha tried.
    best_estimator_ : estimator
        Fitted with ``alpha_`` on all rows.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import Ridge
    >>> from mtlearn import PooledTasks
    >>> from mtlearn.compare.tuning import TunedBaseline
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
        y = np.asarray(y)
        found: dict[float, float] = {}
        ahead = EXPONENTS
        while ahead:
            alphas = 10.0 ** np.array(ahead)
            found.update(zip(ahead, self._scores(alphas, X, y).tolist(), strict=True))
            best, low, high = max(found, key=found.__getitem__), min(found), max(found)
            steps = (0.5, 1.0, 1.5, 2.0)
            if best == low > LIMITS[0]:
                ahead = tuple(low - step for step in steps)
            elif best == high < LIMITS[1]:
                ahead = tuple(high + step for step in steps)
            else:
                ahead = ()
        self.scores_ = {10.0**exponent: score for exponent, score in sorted(found.items())}
        self.alpha_ = 10.0**best
        self.best_estimator_ = clone(self.estimator).set_params(estimator__alpha=self.alpha_)
        self.best_estimator_.fit(X, y)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Predict with the chosen alpha: (n,), or (n, T) for 2-D ``y`` in fit."""
        check_is_fitted(self)
        return self.best_estimator_.predict(X)

    def _scores(self, alphas: np.ndarray, X: Any, y: np.ndarray) -> np.ndarray:
        """Mean score of each alpha, all of them in one fit per fold.

        With thousands of tasks this is the difference between minutes and seconds. Columns of a
        target matrix are stacked, an observed label becoming a row; their score is the mean R².
        """
        model = clone(self.estimator).set_params(estimator=_RidgeAtOnce(alphas))
        n, rows, column = len(y), np.arange(len(y)), None
        if y.ndim == 2:
            rows, column = np.nonzero(~np.isnan(y))
            y = y[rows, column]
        scores = []
        for train, test in check_cv(self.cv).split(np.empty((n, 1))):
            past, new = np.flatnonzero(np.isin(rows, train)), np.flatnonzero(np.isin(rows, test))
            if column is None:
                parts = [new]
                prediction = model.fit(_rows(X, rows[past]), y[past]).predict(_rows(X, rows[new]))
            else:
                parts = [new[column[new] == t] for t in np.unique(column[new])]
                model.fit(_rows(X, rows[past]), y[past], task=column[past])
                prediction = model.predict(_rows(X, rows[new]), task=column[new])
            answer = np.empty((len(y), len(alphas)))
            answer[new] = prediction
            scores.append(np.mean([_r2(y[p], answer[p]) for p in parts if len(p) > 1], axis=0))
        return np.mean(scores, axis=0)


class _RidgeAtOnce(RegressorMixin, BaseEstimator):
    """Ridges of one target at several alphas; predicts one column for each.

    ``Ridge`` takes an alpha for each target, so the target is repeated.
    """

    def __init__(self, alphas: np.ndarray) -> None:
        self.alphas = alphas

    def fit(self, X: Any, y: np.ndarray) -> _RidgeAtOnce:
        # one decomposition for all alphas, where it is smaller than the overhead of the others
        is_small = not sparse.issparse(X) and X.size < SMALL
        self.ridge_ = Ridge(alpha=self.alphas, solver="svd" if is_small else "auto")
        self.ridge_.fit(X, np.repeat(y[:, None], len(self.alphas), axis=1))
        return self

    def predict(self, X: Any) -> np.ndarray:
        return self.ridge_.predict(X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _r2(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """R² of each column of predictions."""
    truth = np.broadcast_to(truth[:, None], prediction.shape)
    return r2_score(truth, prediction, multioutput="raw_values")


def _rows(X: Any, rows: np.ndarray) -> Any:
    """Rows of an array or of a frame, in its own library."""
    frame = nw.from_native(X, eager_only=True, pass_through=True)
    return frame[rows].to_native() if isinstance(frame, nw.DataFrame) else X[rows]
