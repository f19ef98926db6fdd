"""Which tasks help which: what each gains on held-out rows from every other one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import is_classifier

from mtlearn.compare.evidence import PairedEvidence, benjamini_hochberg
from mtlearn.inputs.checks import check_count, check_option
from mtlearn.inputs.frames import library_of, new_frame
from mtlearn.inputs.groups import with_groups
from mtlearn.inputs.tasks import TaskData
from mtlearn.inspection.bootstraps import warn_of_unsolved
from mtlearn.inspection.fitted import FittedTasks
from mtlearn.inspection.held_labels import HeldLabels
from mtlearn.inspection.pairs import learned_alone, learned_in_pairs
from mtlearn.inspection.refits import PenalisedRefits, Refit, Refits, refits_of
from mtlearn.metrics.answers import unwrap
from mtlearn.model_selection.reading import read_column
from mtlearn.penalties.base import Ridge
from mtlearn.problems.models import LinearTasks
from mtlearn.problems.moments import Moments
from mtlearn.selection.folds import Folds, make_folds
from mtlearn.solvers.progress import say
from mtlearn.solvers.setup import set_up

LEVEL = 0.10  # false discoveries among the sources that are called


@dataclass(frozen=True)
class TransferMatrix:
    """What tasks gain from each other.

    Attributes
    ----------
    frame : data frame
        A row for each pair: ``source``, ``target``, ``gain`` (what the mean loss of the target on
        held-out rows is smaller by where the source is learned with it; below zero it harms),
        ``std_error`` (NaN for targets of one row).
    sources : data frame
        A row for each source, the most harmful one first: ``source``, ``gain`` (mean over the
        held-out rows of all other tasks), ``std_error``, ``verdict``: "helps", "harms" or "no
        evidence", by Benjamini-Hochberg at 0.10 over the sources.
    values : ndarray of shape (T, T)
        Gains [source, target]; NaN on the diagonal, and where a target has no held-out rows.
    tasks : list
        Labels, in the order of ``values``.
    kind : {"left_out", "added"}

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import MeanRegularizedRegressor
    >>> from mtlearn.inspection import transfer_matrix
    >>> rng = np.random.default_rng(0)
    >>> X, task = rng.normal(size=(240, 3)), np.arange(240) % 6
    >>> slopes = np.where(task == 2, -3.0, 1.0)  # task 2 does the opposite
    >>> y = X.sum(axis=1) * slopes + rng.normal(size=240)
    >>> model = MeanRegularizedRegressor(alpha=1.0).fit(X, y, task=task)
    >>> found = transfer_matrix(model, X, y, task=task)
    >>> found.sources.iloc[0]["source"].item(), found.sources.iloc[0]["verdict"]
    (2, 'harms')
    """

    frame: Any
    sources: Any
    values: np.ndarray
    tasks: list
    kind: str


def transfer_matrix(
    model: Any,
    X: Any,
    y: Any,
    *,
    task: Any = None,
    sample_weight: Any = None,
    groups: Any = None,
    cv: Any = None,
    kind: str = "left_out",
    max_tasks: int = 60,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> TransferMatrix:
    """Which tasks help which: the gain of every task on held-out rows by every other one.

    With L_t(S) the mean loss on the held-out rows of task t of the model that was fitted on the
    tasks S (squared error, of several targets over one X in the standard deviation of each; log
    loss of classifiers)::

        gain of t by s = L_t(all but s) - L_t(all)        kind="left_out"
        gain of t by s = L_t(t alone) - L_t(s and t)      kind="added"

    Above zero s helps, below zero it harms: negative transfer. All fits are at the strengths that
    the model was fitted with.

    Parameters
    ----------
    model : estimator, Pipeline or finished search
        Fitted.
    X, y, task, sample_weight
        The rows that the model was fitted on. What a pipeline does before the model is not fitted
        again.
    groups : array-like of shape (n,), default=None
        Units of rows that no fold tears apart, and that count as one in standard errors.
    cv : int, splitter or iterable of (train, test), default=None
        As in the cross-validated models; None is 5 folds, each with rows of every task.
    kind : {"left_out", "added"}, default="left_out"
        "left_out" is about the model as it is, of any family: what each task brings to it. Where
        many tasks say the same, none of them is missed, and gains are small. "added" looks at two
        tasks by themselves, for mean-regularised regressors, whose alpha means the same for two
        tasks as for all (that of a norm does not): do these two belong together? A task alone is a
        ridge regression, of the strength that its generalised cross-validation asks for.
    max_tasks : int, default=60
        More are refused: there would be T² numbers to look at, from T fits of T tasks in every
        fold.
    n_jobs : int, default=None
        Threads.
    verbose : int, default=0
        1 prints a line for each source.

    Returns
    -------
    TransferMatrix
        ``frame`` with a row for each pair, ``sources`` with one for each source, and ``values``.

    Raises
    ------
    ValueError
        If there is one task, or more than ``max_tasks``; for kind="added" of a model of another
        family, and of rows of other tasks than those of ``fit``.

    Warns
    -----
    ConvergenceWarning
        Where a refit did not reach the ``tol`` of the model.

    See Also
    --------
    transfer_gain : What each task gains from all others together.

    Notes
    -----
    Standard errors are of the paired differences over held-out rows (or groups), and small tasks
    borrow from the others; they are for these rows and folds, and T² of them are looked at, so that
    a gain of two standard errors is nothing to wonder at. ``sources`` puts the pairs of a source
    together, with tasks for units where there are more than ten, and calls them at a false
    discovery rate of 0.10. Every row counts once, whatever its weight. Random slopes of classes are
    judged by the scores of their coefficients, without the average over what is not known of these.

    For the squared loss fits are on moments, and all pairs of a fold one batch of linear systems.

    References
    ----------
    Standley, Zamir, Chen, Guibas, Malik and Savarese (2020). Which tasks should be learned together
    in multi-task learning? ICML.

    Examples
    --------
    Two shops that are alike, and one where everything is the other way round:

    >>> import numpy as np
    >>> from mtlearn import MeanRegularizedRegressor
    >>> from mtlearn.inspection import transfer_matrix
    >>> rng = np.random.default_rng(0)
    >>> X, shop = rng.standard_normal((300, 5)), np.arange(300) % 3
    >>> y = X[:, 0] * np.array([2.0, 2.0, -2.0])[shop] + 2 * rng.standard_normal(300)
    >>> model = MeanRegularizedRegressor(alpha=0.5).fit(X, y, task=shop)
    >>> found = transfer_matrix(model, X, y, task=shop)
    >>> (found.values > 0).tolist()
    [[False, True, False], [True, False, False], [False, False, False]]
    >>> found.frame.columns.to_list()
    ['source', 'target', 'gain', 'std_error']
    """
    check_option("kind", kind, ("left_out", "added"))
    check_count("max_tasks", max_tasks, low=2)
    library, fitted = library_of(X, "transfer_matrix"), FittedTasks.of(model)
    _check_tasks(fitted, max_tasks)
    n_folds = cv if isinstance(cv, int) else 5
    refits = refits_of(
        fitted, X, y, task=task, sample_weight=sample_weight, n_kept=n_folds, n_jobs=n_jobs
    )
    refits.data = with_groups(refits.data, groups, y)
    inside, labels = unwrap(model, X)[1], task
    if fitted.model.task_column is not None and hasattr(cv, "split"):  # which may ask for them
        labels = read_column(inside, fitted.model._reader.columns.labels)
    classes = is_classifier(fitted.model)
    folds = make_folds(cv, refits.data, inside, y, task=labels, groups=groups, classes=classes)
    held = HeldLabels(refits, folds)
    ways = (_LeftOut if kind == "left_out" else _Added)(refits, folds)
    T = fitted.n_tasks

    def one(s: int) -> tuple[PairedEvidence, PairedEvidence]:
        ours, others = ways.models(s)
        found = held.evidence(held.scores(ours), held.scores(others), held.task != s)
        if verbose:
            say(f"source {s + 1}/{T}: mean gain {-found[1].difference[0]:.3g}")
        return found

    found = Parallel(n_jobs=n_jobs, prefer="threads")(delayed(one)(s) for s in range(T))
    warn_of_unsolved(refits, ways.solved)
    return _result(
        fitted, [by_task for by_task, _ in found], [all_ for _, all_ in found], kind, library
    )


class _LeftOut:
    """All tasks, against all but one."""

    def __init__(self, refits: Refits, folds: Folds):
        self.refits, self.folds, self.solved = refits, folds, list[bool]()
        self.moments = [_moments(refits, train) for train, _ in folds]
        every = np.arange(len(refits.tasks))
        whole = refits.fit(every, refits.data, refits.total)
        self.whole = [self._fit(every, k, whole) for k in range(len(folds))]

    def models(self, s: int) -> tuple[list[LinearTasks], list[LinearTasks]]:
        """Those with a source, and those without it, for each fold."""
        others = np.delete(np.arange(len(self.refits.tasks)), s)
        without = [self._fit(others, k, self.whole[k]).models for k in range(len(self.folds))]
        return [one.models for one in self.whole], [_with_stranger(one, s) for one in without]

    def _fit(self, tasks: np.ndarray, k: int, start: Refit) -> Refit:
        refits, moments = self.refits, self.moments[k]
        if moments is None:
            data = _of_tasks(refits.data.take(self.folds[k][0]), tasks)
        else:
            data = replace(refits.data, tasks=refits.tasks[tasks])
            moments = moments.take(tasks)
        found = refits.fit(tasks, data, moments, start)
        self.solved.append(found.solved)
        return found


class _Added:
    """Two tasks together, against one alone."""

    def __init__(self, refits: Refits, folds: Folds):
        if refits.total is None or not _charges_alike(refits):
            raise ValueError(
                f'kind="added" learns pairs of tasks at the alpha of {type(refits.held).__name__}, '
                "which is another thing for two tasks than for all, or in no closed form. Give "
                'kind="left_out", or a MeanRegularizedRegressor of 0 < alpha < inf, alpha_mean > 0 '
                "and no feature_weight."
            )
        assert isinstance(refits, PenalisedRefits)
        self.refits, self.solved, model = refits, list[bool](), refits.model
        self.moments = [Moments.of_data(refits.data.take(train)) for train, _ in folds]
        self.alone = [learned_alone(one, fit_intercept=model.fit_intercept) for one in self.moments]

    def models(self, s: int) -> tuple[list[LinearTasks], list[LinearTasks]]:
        """Those with a source, and those without it, for each fold."""
        given, source = self.refits, np.array([s])
        return [
            learned_in_pairs(one, given.model, given.alpha, given.omega, source)[0]
            for one in self.moments
        ], self.alone


def _charges_alike(refits: Refits) -> bool:
    """Whether a pair of tasks has a closed form at the strengths of all tasks."""
    if not isinstance(refits, PenalisedRefits):
        return False
    model, positive = refits.model, 0 < refits.alpha < np.inf and refits.model.alpha_mean > 0
    problem = set_up(model, refits.data, refits.total).problem
    quadratic = isinstance(model.penalty(problem), Ridge)
    return bool(positive and quadratic and model.weights is None and not model.scale_targets)


def _check_tasks(fitted: FittedTasks, max_tasks: int) -> None:
    T = fitted.n_tasks
    if T == 1:
        raise ValueError(
            "the model has one task, and no other to gain from. Give a model of two tasks or more."
        )
    if T > max_tasks:
        raise ValueError(
            f"the model has {T:,} tasks, more than max_tasks={max_tasks}: each would be left out "
            f"in turn, for {T**2:,} gains. Give max_tasks={T} for all of them, or a model and rows "
            "of fewer tasks; transfer_gain looks at every task once."
        )


def _moments(refits: Refits, train: np.ndarray) -> Moments | None:
    return None if refits.total is None else Moments.of_data(refits.data.take(train))


def _of_tasks(data: TaskData, tasks: np.ndarray) -> TaskData:
    """The rows of some tasks."""
    kept = np.isin(np.arange(len(data.tasks)), tasks)
    if kept.all():
        return data
    if data.stacked:
        data = data.take(np.flatnonzero(kept[data.codes]))
    return data.of_tasks(kept)


def _with_stranger(models: LinearTasks, s: int) -> LinearTasks:
    """With a task in between that nobody asks for."""
    coef, intercept = models.coef, models.intercept
    return LinearTasks(np.insert(coef, s, 0.0, axis=0), np.insert(intercept, s, 0.0, axis=0))


def _result(
    fitted: FittedTasks,
    pairs: list[PairedEvidence],
    overall: list[PairedEvidence],
    kind: str,
    library: Any,
) -> TransferMatrix:
    T, labels = fitted.n_tasks, fitted.labels
    values = -np.array([one.difference for one in pairs])
    error = np.array([one.standard_error for one in pairs])
    np.fill_diagonal(values, np.nan)
    source, target = np.nonzero(~np.eye(T, dtype=bool))
    frame = new_frame(
        {
            "source": [labels[s] for s in source],
            "target": [labels[t] for t in target],
            "gain": values[source, target],
            "std_error": error[source, target],
        },
        library,
    )
    gain = -np.array([one.difference[0] for one in overall])
    called = benjamini_hochberg(np.array([one.p_value[0] for one in overall]), LEVEL)
    verdict = np.where(called, np.where(gain > 0, "helps", "harms"), "no evidence")
    order = np.argsort(gain, kind="stable")
    sources = new_frame(
        {
            "source": [labels[s] for s in order],
            "gain": gain[order],
            "std_error": np.array([one.standard_error[0] for one in overall])[order],
            "verdict": verdict[order].tolist(),
        },
        library,
    )
    return TransferMatrix(frame, sources, values, labels, kind)
