"""Which rows a fold holds out, and which alpha the scores on them speak for."""

from __future__ import annotations

import warnings
from inspect import signature
from typing import Any

import numpy as np
from sklearn.model_selection import check_cv

from mtlearn.inputs.groups import warn_of_torn_groups
from mtlearn.inputs.tasks import TaskData
from mtlearn.model_selection import task_folds

Folds = list[tuple[np.ndarray, np.ndarray]]


def make_folds(
    cv: Any,
    data: TaskData,
    X: Any,
    y: Any,
    *,
    task: Any = None,
    groups: Any = None,
    classes: bool = False,
) -> Folds:
    """Training and test rows of each fold, as positions in ``data``.

    None or a number of folds deals the rows of every task evenly (and so never leaves a task of
    two rows out of a training part), those of ``classes`` within it as well, or the groups of
    ``data``; otherwise what scikit-learn understands as ``cv``. A splitter that asks for tasks gets
    ``task``, unless it was told a column of X, and one that asks for them the ``groups`` of all
    rows given.
    """
    n = data.X.shape[0]
    if cv is None or isinstance(cv, int | np.integer):
        units = n if data.groups is None else int(data.groups.max()) + 1
        n_folds = min(5 if cv is None else int(cv), units)
        if n_folds < 2:
            what = "rows" if data.groups is None else "groups"
            have = f"n_samples={n}" if data.groups is None else "one group for all rows"
            raise ValueError(
                f"cv={cv!r} with {have}: cross-validation needs at least two folds and two {what}."
            )
        fold = _deal(data, n_folds, classes)
        folds = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(n_folds)]
        return [(train, test) for train, test in folds if len(test) and len(train)]
    # Rows without a target were left out when the data were read; folds may name them still.
    position = np.arange(n)
    if data.rows is not None:
        position = np.full(np.shape(y)[0], -1)
        position[data.rows] = np.arange(len(data.rows))
    folds = []
    for k, parts in enumerate(_split(check_cv(cv), X, y, task, groups)):
        train, test = (position[np.asarray(part)] for part in parts)  # positions or masks
        train, test = train[train >= 0], test[test >= 0]
        if len(train) == 0:
            raise ValueError(
                f"cv leaves no row with a target in the training part of fold {k}. Give cv=5, or "
                "a splitter that leaves rows to train on."
            )
        if len(test):
            folds.append((train, test))
    if not folds:
        raise ValueError(
            f"cv={cv!r} leaves no row with a target in any test part. Give cv=5, or a splitter "
            "that holds rows out."
        )
    if data.groups is not None:
        warn_of_torn_groups(folds, data.groups, cv)
    return folds


def _split(splitter: Any, X: Any, y: Any, task: Any, groups: Any) -> list:
    """The folds of a splitter, which gets what it asks for."""
    parameters = signature(splitter.split).parameters
    more = {}
    if groups is not None and "groups" in parameters:
        more["groups"] = groups
    told = getattr(splitter, "task_column", None) is not None
    if task is not None and "task" in parameters and not told:
        more["task"] = task
    try:
        with warnings.catch_warnings():  # of ours, if a group is really torn apart
            warnings.filterwarnings("ignore", message="The groups parameter is ignored")
            return list(splitter.split(X, y, **more))
    except ValueError as error:
        if groups is not None or "groups" not in str(error):
            raise
        name = type(splitter).__name__
        raise ValueError(
            f"cv={name}(...) deals groups of rows, and fit got none. Write fit(X, y, ..., "
            "groups=labels), with the group of each row; a search around the model hands them on "
            "with sklearn.set_config(enable_metadata_routing=True)."
        ) from error


def _deal(data: TaskData, n_folds: int, classes: bool) -> np.ndarray:
    """The fold that holds out each row."""
    if not classes or data.groups is not None:
        parts = data.codes if data.stacked else data.observed
        if not data.stacked and parts.all():  # one row is like another
            parts = np.zeros(len(parts), dtype=np.intp)
        return task_folds(parts, n_folds, groups=data.groups)
    if not data.stacked:
        # Where labels are missing, that every column has some everywhere comes first.
        seen = data.observed
        rarer = data.y == (np.nanmean(data.y, axis=0) <= 0.5)
        return task_folds(rarer if seen.all() else seen, n_folds)
    # Rows stand by task and, within it, by class, and are dealt in turn without a break: any run
    # of them, so every task and every class within it, is spread evenly.
    label = data.y.argmax(axis=1) if data.y.ndim == 2 else data.y
    shuffle = np.random.default_rng(0).permutation(len(label))
    fold = np.empty(len(label), dtype=np.intp)
    fold[np.lexsort((shuffle, label, data.codes))] = np.arange(len(label)) % n_folds
    return fold


def best_alpha(
    alphas: np.ndarray, losses: np.ndarray, selection: str, most: float | None = None
) -> float:
    """The alpha of least mean loss, or the largest within one standard error of it ("1se").

    ``most`` is the mean loss that this error allows, where it is that of another path.

    References
    ----------
    Breiman, Friedman, Olshen and Stone (1984). Classification and regression trees, section 3.4.
    """
    mean = mean_loss(losses)
    if not np.isfinite(mean).any():
        raise ValueError(
            f"none of {losses.shape[1]} folds gave a score (they are NaN); use other folds or "
            "another scoring."
        )
    best = int(np.argmin(mean))
    if selection == "1se":
        most = _within_error(losses) if most is None else most
        best = int(np.flatnonzero(mean <= max(most, mean[best]))[0])  # alphas descend
    return float(alphas[best])


def best_path(losses: list[np.ndarray]) -> int:
    """Which of several paths has the least mean loss anywhere on it."""
    return int(np.argmin([mean_loss(one).min() for one in losses]))


def simplest_path(losses: list[np.ndarray]) -> tuple[int, float]:
    """The first of several paths, simplest first, within one standard error of the best one.

    With the mean loss that this error allows.
    """
    most = _within_error(losses[best_path(losses)])
    good = [mean_loss(one).min() <= most for one in losses]
    return (good.index(True) if any(good) else 0), most


def _within_error(losses: np.ndarray) -> float:
    """The least mean loss and its standard error."""
    mean = mean_loss(losses)
    best = int(np.argmin(mean))
    n = int(np.isfinite(losses[best]).sum())
    error = np.nanstd(losses[best], ddof=1) / np.sqrt(n) if n > 1 else 0.0
    return float(mean[best] + error)


def mean_loss(losses: np.ndarray) -> np.ndarray:
    """Mean over the folds that have a score, (n_alphas,); inf where none has."""
    known = ~np.isnan(losses)
    count = known.sum(axis=1)
    total = np.where(known, losses, 0.0).sum(axis=1)
    return np.divide(total, count, out=np.full(len(losses), np.inf), where=count > 0)
