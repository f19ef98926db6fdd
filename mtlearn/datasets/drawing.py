"""From the parameters of a generator to a problem: check, draw the truth, the rows, the targets.

Truth is drawn first, so that with the same seed the coefficients do not depend on the noise, the
holes or the number of rows.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sklearn.utils import Bunch, check_random_state

from .checks import check_number, check_sizes, check_whole
from .structures import SCALED, checked_relation, draw_coefficients
from .tables import import_extra


def draw_problem(
    draw_targets: Callable[[np.ndarray, np.random.RandomState], np.ndarray],
    n_tasks,
    n_samples_per_task,
    n_features,
    *,
    signal,
    intercept_spread,
    shared_X,
    holes,
    task_labels,
    shuffle,
    as_frame,
    random_state,
    **relation,
) -> Bunch:
    """Check, draw the truth, the rows, the targets, the holes, and wrap them up.

    ``relation`` is how the tasks are related, as `checked_relation` takes it.
    """
    rng = check_random_state(random_state)
    T = check_whole("n_tasks", n_tasks, 1)
    d = check_whole("n_features", n_features, 1)
    relation = checked_relation(T, d, **relation)
    tasks = np.arange(T) if task_labels is None else _unique_labels(task_labels, T)
    intercept_spread = check_number("intercept_spread", intercept_spread, low=0)
    holes = check_number("holes", holes, low=0, high=1)
    if shared_X:
        n_rows = check_whole("n_samples_per_task (with shared_X)", n_samples_per_task, 1)
    elif holes:
        raise ValueError(
            f"holes is {holes!r} with rows labelled by task; holes need shared_X=True. For unequal "
            "tasks write n_samples_per_task=(low, high)."
        )

    truth = draw_coefficients(rng, n_tasks=T, n_features=d, **relation)
    truth |= {name: signal * truth[name] for name in SCALED if name in truth}
    truth["intercept"] = intercept_spread * rng.standard_normal(T)
    if shared_X:
        X = rng.standard_normal((n_rows, d))
        Y = draw_targets(X @ truth["coef"].T + truth["intercept"], rng)
        rows = {"data": X, "target": _punch_holes(Y, holes, rng), "task": None}
        names = {"target_names": tasks.tolist(), "task_name": None}
    else:
        sizes = check_sizes(n_samples_per_task, T, rng)
        rows = _labelled_rows(draw_targets, tasks, sizes, truth, shuffle, rng)
        names = {"target_names": ["y"], "task_name": "task"}
    names["feature_names"] = [f"x{j}" for j in range(d)]
    bunch = Bunch(**rows, frame=None, **names, tasks=tasks, **truth)
    return _to_pandas(bunch) if as_frame else bunch


def _labelled_rows(draw_targets, tasks, sizes, truth, shuffle, rng) -> dict[str, np.ndarray]:
    """X, y and the label of each row, tasks one after the other or mixed."""
    position = np.repeat(np.arange(len(tasks)), sizes)
    if shuffle:
        position = rng.permutation(position)
    X = rng.standard_normal((len(position), truth["coef"].shape[1]))
    scores = np.einsum("ij,ij->i", X, truth["coef"][position]) + truth["intercept"][position]
    return {"data": X, "target": draw_targets(scores, rng), "task": tasks[position]}


def _unique_labels(task_labels, n_tasks):
    labels = np.asarray(task_labels)
    if labels.shape != (n_tasks,) or len(np.unique(labels)) != n_tasks:
        raise ValueError(
            f"task_labels has shape {labels.shape} and {len(np.unique(labels))} different labels; "
            f"give {n_tasks} different ones, one a task."
        )
    return labels


def _punch_holes(Y, fraction, rng):
    """Make exactly round(fraction · n · T) labels NaN, sparing one of each column."""
    n_holes = round(fraction * Y.size)
    if n_holes == 0:
        return Y
    n, T = Y.shape
    spare = rng.randint(n, size=T) * T + np.arange(T)
    candidates = np.setdiff1d(np.arange(Y.size), spare)
    if n_holes > len(candidates):
        raise ValueError(
            f"holes is {fraction!r}: {n_holes} of {Y.size} labels would be missing, but each of "
            f"the {T} tasks must keep one; write at most {len(candidates) / Y.size:.3g}."
        )
    Y = Y.astype(float)
    Y.flat[rng.permutation(candidates)[:n_holes]] = np.nan
    return Y


def _to_pandas(bunch):
    pd = import_extra("pandas")
    bunch.data = pd.DataFrame(bunch.data, columns=bunch.feature_names)
    parts = [bunch.data]
    if bunch.task is None:
        bunch.target = pd.DataFrame(bunch.target, columns=bunch.target_names)
    else:
        bunch.task = pd.Series(bunch.task, name="task")
        bunch.target = pd.Series(bunch.target, name="y")
        parts.append(bunch.task)
    bunch.frame = pd.concat([*parts, bunch.target], axis=1)
    return bunch
