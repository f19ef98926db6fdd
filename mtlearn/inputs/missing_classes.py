"""Soft targets for classes that a task never saw, where scores of all classes are one choice."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np

from mtlearn.exceptions import counted, level_of_user
from mtlearn.inputs.classes import POOL
from mtlearn.inputs.tasks import TaskData


def soften_missing(data: TaskData, classes: np.ndarray | None = None) -> tuple[TaskData, list]:
    """Targets that give a share to classes without a row in a task.

    There a free intercept has no minimiser (b -> -inf). Each such class gets half a row, as where
    one of two classes is missing: with N_t the task's sum of weights and K classes its share in
    every row of the task is (1/2) / (N_t + K/2), and the class of the row has what is left of one.

    Parameters
    ----------
    data : TaskData
        Labelled rows whose ``y`` is (n, K), as :func:`~mtlearn.inputs.classes.encode` returns it.
    classes : ndarray of shape (K,), default=None
        Labels that name the classes; None calls them by their position.

    Returns
    -------
    data : TaskData
        The same data where no class is missing.
    names : list
        Pairs (task, class) that are.

    Notes
    -----
    Half a row for each class is Jeffreys' prior of a multinomial. With K = 2 and one class missing
    it is the rule of :func:`~mtlearn.inputs.classes.soften_single_class`.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn.inputs.tasks import TaskData
    >>> y = np.eye(3)[[0, 0, 1, 0, 1, 2]]
    >>> codes = np.array([0, 0, 0, 1, 1, 1])
    >>> rows = TaskData(np.eye(6), y, None, codes, np.array(["a", "b"]), "labels")
    >>> data, names = soften_missing(rows)
    >>> data.y[2].round(3), names
    (array([0.   , 0.889, 0.111]), [('a', 2)])
    """
    y, n_tasks = data.y, len(data.tasks)
    ones = np.stack([np.bincount(data.codes, column, n_tasks) for column in y.T], axis=1)
    totals = data.totals()
    missing = (ones == 0) & (np.bincount(data.codes, minlength=n_tasks) > 0)[:, None]
    if not missing.any():
        return data, []
    K = y.shape[1]
    share = missing * (0.5 / (totals + 0.5 * K))[:, None]
    soft = y * (1.0 - share.sum(axis=1))[data.codes, None] + share[data.codes]
    labels = np.arange(K) if classes is None else classes
    tasks, of_class = np.nonzero(missing)
    names = list(zip(data.tasks[tasks].tolist(), labels[of_class].tolist(), strict=True))
    return replace(data, y=soft), names


def warn_missing(names: list) -> None:
    """Warn once about the classes that :func:`soften_missing` named, if any."""
    if names:
        first = ", ".join(repr(name) for name in names[:5])
        warnings.warn(
            f"{counted(len(names), 'class', 'classes')} of a task had no row there (the first: "
            f"{first}); a free intercept has no finite best value there, so the targets were "
            f"softened by a share of (1/2) / (N + K/2) for each. {POOL}",
            UserWarning,
            stacklevel=level_of_user(),
        )
