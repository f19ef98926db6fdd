"""Counts as targets: what is allowed, and tasks that counted nothing."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np

from mtlearn.exceptions import counted, level_of_user, plain
from mtlearn.inputs.tasks import TaskData

POOL = "Pool the intercepts with alpha_intercept > 0"


def check_counts(y: np.ndarray, loss: str) -> None:
    """Refuse targets below zero."""
    low = np.nan_to_num(y) < 0
    if low.any():
        where = tuple(int(k) for k in np.argwhere(low)[0])
        raise ValueError(
            f"loss={loss!r} is for counts and rates, and y holds {y[where]:g} (the first of "
            f"{counted(int(low.sum()), 'target', 'targets')} below 0, in row {where[0]}). Give "
            'targets >= 0, or loss="squared" or "huber" for numbers of both signs.'
        )


def half_an_event(
    data: TaskData, free: bool, among: np.ndarray | None = None
) -> tuple[TaskData, list]:
    """Targets of tasks that counted nothing, where a free intercept has no minimiser.

    Their rate becomes ½/N_t, N_t the task's sum of weights as they were given: as if half an event
    had been seen.

    Parameters
    ----------
    data : TaskData
    free : bool
        Whether each task's level is free; otherwise they are pulled together, and it matters only
        that no task counted anything.
    among : ndarray of bool, of shape (T,), default=None
        Tasks whose targets are counts; None is all.

    Returns
    -------
    data : TaskData
        The same data where no task is affected.
    names : list
        The tasks affected.
    """
    y, totals = data.y, data.totals()
    if data.stacked:
        events = np.bincount(data.codes, y, len(totals))
    else:
        events = np.nansum(y, axis=0)
    counts = totals > 0 if among is None else (totals > 0) & among
    nothing = (events == 0) & counts
    if not free and not nothing[totals > 0].all():
        nothing[:] = False
    if not nothing.any():
        return data, []
    exposure = np.where(totals > 0, totals, 1.0) * data.weight_unit
    rate = np.where(nothing, 0.5 / exposure, 0.0)
    if data.stacked:
        y = np.where(nothing[data.codes], rate[data.codes], y)
    else:
        y = np.where(nothing & ~np.isnan(y), rate, y)
    return replace(data, y=y), data.tasks[nothing].tolist()


def warn_of_nothing(names: list, instead: str = POOL) -> None:
    """Say which tasks counted nothing, what was done, and what to do ``instead``."""
    first = ", ".join(repr(plain(name)) for name in names[:5])
    warnings.warn(
        f"{counted(len(names), 'task has', 'tasks have')} no event at all (the first: {first}); a "
        "free intercept has no finite best value there, so the targets were set to half an event "
        f"in all. {instead}, or leave these tasks out.",
        UserWarning,
        stacklevel=level_of_user(),
    )
