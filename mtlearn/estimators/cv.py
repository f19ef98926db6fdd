"""What the cross-validated versions add to a family: ``alpha`` chosen from a path."""

from __future__ import annotations

from numbers import Integral
from typing import Any

from mtlearn.checks import check_option
from mtlearn.crossval import best_alpha, make_folds, path_scores
from mtlearn.estimators.setup import set_up
from mtlearn.path import check_alphas
from mtlearn.threads import blas_threads


class AlphaByCV:
    """Mixin before a family: ``fit`` chooses ``alpha_`` by cross-validation and refits."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None, task: Any = None):
        """Choose ``alpha_`` by cross-validation and fit the model with it.

        Parameters
        ----------
        X : array-like or data frame of shape (n, d)
            Features, with the column of labels where ``task_column`` is set.
        y : array-like of shape (n,) or (n, T)
            Targets; NaN where not observed.
        sample_weight : array-like of shape (n,) or (n, T), default=None
            Weights of the rows or, for a 2-D ``y``, of the labels; scores are weighted too.
        task : array-like of shape (n,), default=None
            Task labels beside X.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            For inputs or parameters that cannot be used; the message says what to write instead.
        """
        data = self._read(X, y, sample_weight, task)
        folds = make_folds(self.cv, data, X, y)
        largest = 1.0
        if isinstance(self.alphas, Integral):
            with blas_threads(data):
                largest = self._largest_alpha(set_up(self, data).problem)
        self.alphas_ = check_alphas(
            self.alphas, self.eps, largest, infinite=self._alpha_may_be_infinite
        )
        scores = path_scores(
            self, data, self.alphas_, folds, scoring=self.scoring, n_jobs=self.n_jobs
        )
        for name in ("mse_path_", "scores_"):
            self.__dict__.pop(name, None)
        if self.scoring is None:
            self.mse_path_ = scores
        else:
            self.scores_ = scores
        losses = scores if self.scoring is None else -scores
        self.alpha_ = best_alpha(self.alphas_, losses, self.selection)
        return self._fit_data(data, self.alpha_)

    def _check_own_params(self) -> None:
        super()._check_own_params()
        check_option("selection", self.selection, ("min", "1se"))
