"""What the cross-validated versions add to a family: ``alpha`` chosen from a path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from mtlearn.base import all_or_nothing
from mtlearn.estimators.fitting import Choice
from mtlearn.inputs.checks import check_option
from mtlearn.inputs.groups import with_groups
from mtlearn.model_selection.reading import read_column
from mtlearn.penalties.base import QuadraticPenalty
from mtlearn.problems.fold_moments import LaterScatter
from mtlearn.problems.forms import use_moments
from mtlearn.problems.moment import MomentProblem
from mtlearn.problems.moment_data import MomentData
from mtlearn.selection.folds import best_alpha, best_path, make_folds, simplest_path
from mtlearn.selection.moment_folds import MomentParts, check_folds
from mtlearn.selection.path import check_alphas
from mtlearn.selection.path_scores import Asked, TrainingParts, path_scores
from mtlearn.selection.search import RIDGES, Line, Search, aligned, around, under, warn_of_end
from mtlearn.solvers.curvature import typical_curvature
from mtlearn.solvers.setup import Model, Setup, set_up
from mtlearn.solvers.spectrum import forget_spectrum
from mtlearn.solvers.threads import blas_threads


@dataclass(eq=False, repr=False)
class AlphaByCV:
    """Mixin before a kind and a family: ``fit`` chooses ``alpha_`` and refits.

    The data are read once: for the squared loss the moments of a training part are the total
    minus the fold's own, and each fold follows the whole path.

    For labelled rows with ``alpha_intercept="auto"`` the strength of the levels is searched too:
    from its estimate, made once from all rows, to {0, 1/10, 1/3, 3, inf} times as much, at the best
    alpha, and the alphas once more at the best of these; in closed form, all pairs.

    Parameters
    ----------
    alphas : int or array-like
        Number of alphas, geometric from the largest worth trying down, or the alphas themselves. A
        counted grid goes on, a decade at a time, where its end is best.
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
    alpha_intercepts_ : ndarray of shape (n_strengths,)
        Strengths of levels that were tried, descending, where they were searched.
    alpha_intercept_scores_ : ndarray of shape (n_strengths, n_alphas, n_folds)
        As ``mse_path_`` or ``scores_``, which are those at the chosen strength, of all of them; NaN
        where nothing was tried.
    alpha_mean_ : float
        The ridge on the shared mean that was chosen, where ``alpha_mean`` is "auto"; with
        ``alpha_means_`` and ``alpha_mean_scores_`` alike.
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

    def _choose(self, data: Any, X: Any, y: Any, task: Any, groups: Any = None) -> Choice:
        on_moments, classes, folds = isinstance(data, MomentData), is_classifier(self), []
        if on_moments:
            check_folds(self, data)
        else:
            if self.task_column is not None and hasattr(self.cv, "split"):  # may ask for them
                task = read_column(X, self._reader.columns.labels)
            folds = make_folds(self.cv, data, X, y, task=task, groups=groups, classes=classes)
        candidates = self._candidates(data)
        first = candidates[0]._model()
        with blas_threads(data):
            whole: Setup | None = set_up(first, self._solvable(data), centred=True)
            closed = [
                isinstance(one._model().penalty(whole.problem), QuadraticPenalty)
                for one in candidates
            ]
            largest = np.inf
            if not (closed[0] or self._counted()):
                largest = first.driver(whole, "path").largest_alpha()
            if first.alpha_intercept is None:  # estimated once, and held
                found = whole.alpha_intercept
                candidates = [under(one, "alpha_intercept", found) for one in candidates]
            if self._searches_mean():
                candidates = [under(one, "alpha_mean", first.alpha_mean) for one in candidates]
            grids = [self._grid(one._model(), whole) for one in candidates]
            limits = self._lines_at_limits(candidates[0], whole)
        others = self._others(first, whole, len(data.tasks), classes)
        parts: Any = MomentParts(candidates[0]._model(), data) if on_moments else None
        parts = parts or TrainingParts(candidates[0]._model(), data, whole, folds)
        if on_moments:
            kept = not isinstance(data.moments.xx, LaterScatter)
        else:
            kept = isinstance(whole.problem, MomentProblem) and use_moments(data, n_alive=2)
        if not kept:
            whole = None  # a copy of X, or as much, is not kept beside those of the folds
        if whole is not None and on_moments:
            forget_spectrum(whole.problem)  # of one alpha that is left it is of no use
        judge = self._judge(self.scoring)
        sign = 1.0 if self._scores_name() == "mse_path_" else -1.0

        def losses(asked: Sequence[Asked]) -> list[np.ndarray]:
            found = path_scores(asked, parts, judge, self._units, self.n_jobs)
            return [sign * one for one in found]

        search = Search(losses, self._alpha_may_be_infinite, self.verbose)
        lines = search.along(candidates, grids)
        best = self._best(lines)
        line = lines[best]
        line = search.further(line) if self._counted() else line
        for at_limit in limits:
            line = search.at_limit(line, *at_limit, go_on=self._counted())
        for name, values in others.items():
            # Where deviations are free the ridge of the mean hardly matters: not at one alpha.
            all_pairs = name == "alpha_mean" or (parts.cheap and closed[best])
            line = search.over(line, name, values, whole=all_pairs, go_on=self._counted())
        if not self._counted():
            warn_of_end(line, largest, self._units.alpha)
        lines[best] = line
        most = simplest_path([one.losses for one in lines])[1] if self._searched else None
        alpha = best_alpha(line.alphas, line.losses, self.selection, most)
        return Choice(
            line.candidate,
            alpha,
            whole and whole.under(line.candidate._model()),
            {"alpha_": alpha} | self._evidence(search, lines, line, sign),
        )

    def _others(
        self, first: Model, whole: Setup, n_tasks: int, classes: bool
    ) -> dict[str, np.ndarray]:
        """Strengths to search beside alpha, by name."""
        found: dict[str, np.ndarray] = {}
        if first.alpha_intercept is None and n_tasks > 1:
            found["alpha_intercept"] = around(whole.alpha_intercept, 0.25 if classes else 1.0)
        if self._searches_mean():
            found["alpha_mean"] = np.multiply(RIDGES, typical_curvature(whole.problem))
        return found

    def _best(self, lines: list[Line]) -> int:
        """Which line is chosen: of the best one, or of the simplest within its error ("1se")."""
        losses = [line.losses for line in lines]
        if self._searched and self.selection == "1se":
            return simplest_path(losses)[0]
        return best_path(losses)  # of equal ones the first

    def _evidence(
        self, search: Search, lines: list[Line], line: Line, sign: float
    ) -> dict[str, Any]:
        """Fitted attributes about the search."""
        several = len(lines) > 1
        alphas, losses = aligned(lines, line)
        scores = [sign * one for one in losses]
        found = {
            "alphas_": np.stack(alphas) if several and self._counted() else line.alphas,
            self._scores_name(): np.stack(scores) if several else scores[0],
        }
        for name, (values, _) in search.tried.items():
            found[f"{name}s_"] = values
            found[f"{name}_scores_"] = search.scores(name, line.alphas, sign)
        if self._searches_mean():
            found["alpha_mean_"] = line.candidate.alpha_mean
        if self._searched:
            name = self._searched
            found[f"{name}_"] = getattr(line.candidate, name)
            found[f"{name}_tried_"] = np.array([getattr(one.candidate, name) for one in lines])
        return found

    def _searches_mean(self) -> bool:
        return isinstance(self.alpha_mean, str) and self._with_mean()

    def _grid(self, model: Model, setup: Setup) -> np.ndarray:
        largest = model.driver(setup, "path").largest_alpha() if self._counted() else 1.0
        return check_alphas(self.alphas, self.eps, largest, infinite=self._alpha_may_be_infinite)

    def _lines_at_limits(self, candidate: Any, setup: Setup) -> list[tuple[str, float, np.ndarray]]:
        """Names of own strengths, their limits, and the grid of alphas that each has there."""
        return [
            (name, limit, self._grid(under(candidate, name, limit)._model(), setup))
            for name, limit in self._limits().items()
            if getattr(candidate, name) != limit
        ]

    def _counted(self) -> bool:
        return isinstance(self.alphas, Integral)

    def _scores_name(self) -> str:
        return self._default_scores if self.scoring is None else "scores_"

    def _check_own_params(self) -> None:
        super()._check_own_params()
        check_option("selection", self.selection, ("min", "1se"))
