"""What the cross-validated versions add to a family: ``alpha`` chosen from a path."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from mtlearn.base import all_or_nothing
from mtlearn.estimators.fitting import Choice
from mtlearn.inputs.checks import check_option
from mtlearn.inputs.groups import with_groups
from mtlearn.inputs.tasks import TaskData
from mtlearn.model_selection.reading import read_column
from mtlearn.problems.forms import use_moments
from mtlearn.problems.moment import MomentProblem
from mtlearn.selection.folds import best_alpha, best_path, make_folds
from mtlearn.selection.path import check_alphas
from mtlearn.selection.path_scores import TrainingParts, path_scores
from mtlearn.solvers.progress import say
from mtlearn.solvers.setup import Model, Setup, set_up
from mtlearn.solvers.threads import blas_threads


@dataclass(eq=False, repr=False)
class AlphaByCV:
    """Mixin before a kind and a family: ``fit`` chooses ``alpha_`` and refits.

    The data are read once: for the squared loss the moments of a training part are the total
    minus the fold's own, and each fold follows the whole path.

    Parameters
    ----------
    alphas : int or array-like
        Number of alphas, geometric from the largest worth trying down; or the alphas themselves.
    eps : float
        Smallest alpha of a counted grid as a share of the largest.
    cv : int, splitter or iterable of (train, test)
        None is 5. A number deals the rows of every task, or the ``groups`` that ``fit`` got, evenly
        over so many folds, and never raises for small tasks; a task missing from a training part
        is answered by the shared model.
    scoring : str or callable
        None is the mean squared error of regressors and the log loss of classifiers (of another
        loss its own mean), over the observed labels; otherwise a scikit-learn scorer, greater
        being better.
    selection : {"min", "1se"}
        The best mean score, or the largest alpha within one standard error of it.
    n_jobs : int
        Threads over the folds.

    Attributes
    ----------
    alpha_ : float
        The alpha chosen.
    alphas_ : ndarray of shape (n_alphas,)
        The grid, descending.
    mse_path_ : ndarray of shape (n_alphas, n_folds)
        Mean squared errors of regressors, where ``scoring`` is None and their loss the squared one.
    scores_ : ndarray of shape (n_alphas, n_folds)
        Scores otherwise; minus the mean loss (of classifiers the log loss), where ``scoring`` is
        None.
    """

    alphas: Any = 100
    _: KW_ONLY
    eps: float = 1e-3
    cv: Any = None
    scoring: Any = None
    selection: str = "min"
    n_jobs: int | None = None

    __metadata_request__fit = {"groups": True}

    _searches = True

    @all_or_nothing
    def fit(self, X: Any, y: Any, sample_weight: Any = None, task: Any = None, groups: Any = None):
        """Choose ``alpha_`` by cross-validation, and fit the model with it.

        Parameters
        ----------
        X : array-like or data frame of shape (n, d)
            Features, with the column of labels where ``task_column`` is set.
        y : array-like of shape (n,) or (n, T)
            Targets; NaN where not observed.
        sample_weight : array-like of shape (n,) or (n, T), default=None
            Weights of the rows or, for a 2-D ``y``, of the labels. Whole numbers repeat rows;
            others are relative, and only their ratios matter.
        task : array-like of shape (n,), default=None
            Task labels beside X.
        groups : array-like of shape (n,), default=None
            Units of rows that no fold tears apart (the same person, the same day). A ``cv`` that
            is None or a number deals them instead of rows; a splitter gets them, and where it has
            one of them on both sides of a fold, a warning says so.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            For inputs or parameters that cannot be used; the message says what to write instead.

        Warns
        -----
        ConvergenceWarning
            Where ``dual_gap_`` did not reach ``tol`` in ``max_iter`` iterations.
        """
        data = self._read(X, y, sample_weight, task)
        data = with_groups(data, groups, y)
        return self._learn(data, X, y, task, groups)

    def _choose(self, data: TaskData, X: Any, y: Any, task: Any, groups: Any = None) -> Choice:
        if self.task_column is not None and hasattr(self.cv, "split"):  # which may ask for them
            task = read_column(X, self._reader.columns.labels)
        classes = is_classifier(self)
        folds = make_folds(self.cv, data, X, y, task=task, groups=groups, classes=classes)
        candidates = self._candidates(data)
        models = [candidate._model() for candidate in candidates]
        with blas_threads(data):
            whole: Setup | None = set_up(models[0], self._solvable(data), centred=True)
            grids = [self._grid(model, whole) for model in models]
        parts = TrainingParts(models[0], data, whole, folds, keep=len(models) > 1)
        if not (isinstance(whole.problem, MomentProblem) and use_moments(data, n_alive=2)):
            whole = None  # a copy of X, or as much, is not kept beside those of the folds
        judge = self._judge(self.scoring)
        scores = []
        for candidate, model, alphas in zip(candidates, models, grids, strict=True):
            if self.verbose and len(candidates) > 1:
                say(f"{candidate}:")
            scores.append(path_scores(model, parts, alphas, judge, self._units, self.n_jobs))
        losses = [one if self._scores_name() == "mse_path_" else -one for one in scores]
        best = best_path(losses)
        alpha = best_alpha(grids[best], losses[best], self.selection)
        several = len(candidates) > 1
        found = {
            "alpha_": alpha,
            "alphas_": np.stack(grids) if several and self._counted() else grids[0],
            self._scores_name(): np.stack(scores) if several else scores[0],
        }
        return Choice(candidates[best], alpha, whole, found)

    def _grid(self, model: Model, setup: Setup) -> np.ndarray:
        largest = model.driver(setup, "path").largest_alpha() if self._counted() else 1.0
        return check_alphas(self.alphas, self.eps, largest, infinite=self._alpha_may_be_infinite)

    def _counted(self) -> bool:
        return isinstance(self.alphas, Integral)

    def _scores_name(self) -> str:
        return self._default_scores if self.scoring is None else "scores_"

    def _check_own_params(self) -> None:
        super()._check_own_params()
        check_option("selection", self.selection, ("min", "1se"))
