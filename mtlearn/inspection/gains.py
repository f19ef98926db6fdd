"""Which tasks gain by a model, and which it hurts: losses on rows held out, against a baseline."""

from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from scipy import sparse
from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from mtlearn.compare.answers import Fold
from mtlearn.compare.choice import Choice
from mtlearn.compare.contenders import BASELINES, SPARSE_BASELINE
from mtlearn.compare.evidence import verdicts
from mtlearn.compare.held_out import HeldOut
from mtlearn.compare.roles import selects_features
from mtlearn.compare.running import outer_folds, run_jobs
from mtlearn.compare.task_table import TaskTable, read_table
from mtlearn.exceptions import plain
from mtlearn.inputs.frames import library_of, new_frame
from mtlearn.inputs.labels import as_column, labels_beside
from mtlearn.inspection.again import AsGiven, Rows, task_column_of
from mtlearn.model_selection.reading import n_rows


def transfer_gain(
    model: Any,
    X: Any,
    y: Any,
    *,
    task: Any = None,
    groups: Any = None,
    cv: Any = 5,
    baseline: Any = "best",
    random_state: int = 0,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> Any:
    """Which tasks gain by learning together, and which are hurt, on rows held out.

    The model is fitted again, as it is, on the training part of every fold (a search searches
    again), and so is the baseline. Of the n_t held-out rows of task t::

        gain_t = (1/n_t) sum_i [loss of the baseline - loss of the model]

    squared error or log loss, above zero where the model is better. Standard errors are from rows,
    or from groups, and borrow from all tasks; with Benjamini-Hochberg at 0.10 over the tasks they
    make the verdict. ``shrunk`` is what is to be expected of each task: its gain pulled to the mean
    of all tasks the more the fewer rows it has, true gains taken to be normal over tasks (their
    variance by Paule and Mandel), and ``probability`` that it is above zero.

    Parameters
    ----------
    model : estimator, Pipeline or search
        Fitted or not; it is cloned.
    X : array-like or data frame of shape (n, d)
        As ``fit`` of the model takes it; sparse where ``baseline`` is an estimator.
    y : array-like of shape (n,) or (n, T)
        The target; NaN where not observed.
    task : array-like of shape (n,), default=None
        Task labels beside X, where the model has no ``task_column``.
    groups : array-like of shape (n,), default=None
        Units of rows that no fold tears apart, and that count once.
    cv : int, splitter or iterable, default=5
        A number of folds that keep every task represented, or what scikit-learn takes, each row
        held out once at most.
    baseline : "best", str or estimator, default="best"
        "best": of a ridge (logistic) regression for each task, one for all and one for all with a
        dummy per task, each behind the table pipeline and tuned (and of a lasso per task, where the
        model selects features), the one that each fold chooses inside its training part; the name
        of one of them, ``"independent"``, ``"independent-lasso"``, ``"pooled"``,
        ``"pooled+dummies"``; or another model that is fitted as it is.
    random_state : int, default=0
        Deals the folds.
    n_jobs : int, default=None
        Processes; None is 1, -1 all cores.
    verbose : int, default=0
        1 prints a line for each fit that is done.

    Returns
    -------
    data frame
        A row for each task that has a row held out, the largest gain first: ``task``, ``n_rows``
        (held out), ``gain``, ``std_error``, ``shrunk``, ``probability``, ``verdict`` ("helped",
        "hurt" or "no evidence"). ``std_error`` is NaN where one row (or group) of the task was held
        out. ``shrunk`` is the same for all tasks and ``probability`` NaN where
        tasks do not measurably differ in gain. In the library of X, otherwise pandas or polars.

    Raises
    ------
    ValueError
        If tasks are not named, there is only one, a row is held out twice, or there is no such
        baseline, or none for a sparse X.
    ImportError
        If pandas is not installed.

    See Also
    --------
    mtlearn.compare_tasks : Several models at once, tuned, with one verdict.
    transfer_matrix : Which tasks help which.
    mtlearn.plotting.TransferGainDisplay : The picture.

    Notes
    -----
    Columns of a 2-D ``y`` are judged in the standard deviation of each. What is said of a task is
    said of this model on so many rows: a task that is hurt with 20 rows may gain with 5.

    References
    ----------
    Benjamini and Hochberg (1995). Controlling the false discovery rate. Journal of the Royal
    Statistical Society B 57.

    Paule and Mandel (1982). Consensus values and weighting factors. Journal of Research of the
    National Bureau of Standards 87.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import MeanRegularizedRegressorCV
    >>> from mtlearn.inspection import transfer_gain
    >>> rng = np.random.default_rng(0)
    >>> X, shop = rng.standard_normal((240, 8)), np.repeat(np.arange(24), 10)
    >>> y = X.sum(axis=1) + rng.standard_normal(240)
    >>> gains = transfer_gain(
    ...     MeanRegularizedRegressorCV(alphas=10), X, y, task=shop, baseline="independent"
    ... )
    >>> list(gains.columns)
    ['task', 'n_rows', 'gain', 'std_error', 'shrunk', 'probability', 'verdict']
    >>> bool(gains["gain"].mean() > 0)
    True
    """
    if isinstance(baseline, str) and baseline not in ("best", *BASELINES):
        raise ValueError(
            f"there is no baseline {baseline!r}; baselines are 'best', "
            f"{', '.join(map(repr, BASELINES))}, or an estimator of your own."
        )
    if isinstance(baseline, str) and sparse.issparse(X):
        raise ValueError(
            f"baseline={baseline!r} takes a data frame or a dense array, and X is sparse. Give an "
            "estimator, such as baseline=mtlearn.PooledTasks(Ridge())."
        )
    library = library_of(X, asked_by="transfer_gain")
    task = None if task is None else labels_beside(task, n_rows(X))
    data = table_for(model, X, y, task, groups)
    folds = outer_folds(cv, data, random_state)
    again = Again(data, Rows(X, None if task is None else as_column(task, "task")))
    predictions = {"model": again.predictions(model, folds, n_jobs, verbose)}
    if isinstance(baseline, str):
        predictions["baseline"], fold = _of_baselines(
            _candidates(baseline, model), data, folds, random_state, n_jobs, verbose
        )
    else:
        predictions["baseline"] = again.predictions(baseline, folds, n_jobs, verbose)
        fold = fold_of_rows(folds, len(data.y))
    held = HeldOut.of(data, predictions, fold)
    evidence = held.evidence(predictions["model"], predictions["baseline"])
    gains = held.gains(predictions["model"], predictions["baseline"])
    gain = -evidence.difference
    order = [t for t in np.argsort(-gain, kind="stable") if evidence.rows[t]]
    return new_frame(
        {
            "task": [plain(held.tasks[t]) for t in order],
            "n_rows": evidence.rows[order],
            "gain": gain[order],
            "std_error": evidence.standard_error[order],
            "shrunk": gains.posterior_mean[order],
            "probability": gains.probability[order],
            "verdict": verdicts(evidence)[order].tolist(),
        },
        library,
    )


def table_for(model: Any, X: Any, y: Any, task: Any, groups: Any) -> TaskTable:
    """What a comparison of the model is made on; of a sparse X the numbers of the rows only."""
    kind = "classification" if is_classifier(model) else "regression"
    column = None if task is not None else task_column_of(model, X)
    if sparse.issparse(X):
        X = np.arange(X.shape[0])[:, None]
    return read_table(X, y, task, column, groups, kind)


def fold_of_rows(folds: list[Fold], n_rows: int) -> np.ndarray:
    """The fold in which each row is held out, -1 where in none."""
    fold = np.full(n_rows, -1)
    for k, (_, test) in enumerate(folds):
        fold[test] = k
    return fold


class Again:
    """Models fitted as the user would fit them on the training parts of folds.

    Parameters
    ----------
    data : TaskTable
    rows : Rows
        All that were given, of which ``data`` may have left some out.
    """

    def __init__(self, data: TaskTable, rows: Rows):
        self.data, self.rows = data, rows

    def predictions(
        self, model: Any, folds: list[Fold], n_jobs: int | None = None, verbose: int = 0
    ) -> np.ndarray:
        """Of all rows, as comparisons have them; NaN where a row was never held out."""
        answers = Parallel(n_jobs=n_jobs, return_as="generator")(
            delayed(self.held_out)(model, fold) for fold in folds
        )
        found = np.empty(0)
        for k, (answer, (_, test)) in enumerate(zip(answers, folds, strict=True)):
            if k == 0:
                found = np.full((len(self.data.y), *answer.shape[1:]), np.nan)
            found[test] = answer
            if verbose:
                say = f"[{k + 1}/{len(folds)}] {type(model).__name__}"
                print(say, file=sys.stderr)
        return found

    def held_out(self, model: Any, fold: Fold) -> np.ndarray:
        """What a model that saw the training part says of the others."""
        past, new = self.data.take(fold[0]), self.data.take(fold[1])
        unit = past.kind.unit(past.y)
        given = AsGiven(model, None if np.ndim(unit) == 0 else unit)
        with threadpool_limits(1, user_api="blas"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the user's own fit has said it
            return past.kind.fit_predict(
                Pipeline([("model", given)]),
                self.rows.take(past.rows),
                past.y,
                past.groups,
                self.rows.take(new.rows),
            )


def _candidates(baseline: str, model: Any) -> dict[str, Any]:
    if baseline != "best":
        return {baseline: BASELINES[baseline]}
    sparse = selects_features(model)
    return {name: one for name, one in BASELINES.items() if sparse or name != SPARSE_BASELINE}


def _of_baselines(
    baselines: dict[str, Any],
    data: TaskTable,
    folds: list[Fold],
    random_state: int,
    n_jobs: int | None,
    verbose: int,
) -> tuple[np.ndarray, np.ndarray]:
    """What the baseline that each fold chose predicts, and the fold of each row."""

    def tell(name: str, seconds: float) -> None:
        if verbose:
            print(f"{name}: {seconds:.1f} s", file=sys.stderr)

    rated = list(baselines) if len(baselines) > 1 else []
    run = run_jobs(baselines, data, folds, random_state, n_jobs, tell, rated)
    choice = Choice.of(run.inner_losses)
    return choice.prediction(run.predictions, run.fold), run.fold
