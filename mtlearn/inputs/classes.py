"""Class labels to columns of targets q in [0, 1], and scores back to labels and probabilities.

The only place that knows how many classes there are: two classes are one column a task, K > 2
are K one-vs-rest columns a task, and everything behind this file sees columns.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import expit, log_expit
from sklearn.base import is_classifier
from sklearn.utils.multiclass import check_classification_targets

from mtlearn.exceptions import counted, level_of_user, plain
from mtlearn.inputs.class_weight import class_factors
from mtlearn.inputs.holes import is_hole
from mtlearn.inputs.labels import nearly_equal, warn_of_similar
from mtlearn.inputs.tasks import TaskData


def encode(
    data: TaskData, class_weight: Any = None, estimator: Any = None
) -> tuple[TaskData, np.ndarray]:
    """Targets q in [0, 1] instead of class labels, with weights that know the classes.

    Parameters
    ----------
    data : TaskData
        Its ``y`` holds labels: (n,), or (n, T) with two labels in all and holes.
    class_weight : None, "balanced" or dict, default=None
        Multiplies the sample weight of each label; their sum stays as it is, so that only the
        ratio of the classes matters. ``"balanced"`` makes the classes present in a task weigh the
        same there and keeps the task's total: s N_t / (K_t N_tk). Labels missing from a
        dictionary weigh 1.
    estimator : estimator, default=None
        Whose targets they are, for the error that numbers are no classes.

    Returns
    -------
    data : TaskData
        ``y`` is (n,), or (n, T) with NaN at holes, 1 for ``classes[1]``; (n, K) for K > 2.
        ``weight`` is (n,) for 1-D labels and (n, T), zero at holes, for 2-D ones, once
        ``class_weight`` is given.
    classes : ndarray of shape (K,)
        The labels in sorted order.

    Raises
    ------
    ValueError
        If there is one class only, more than two in several columns, labels that are continuous
        or of mixed kinds, or a ``class_weight`` that fits none of this.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn.inputs.tasks import TaskData
    >>> y = np.array(["no", "yes", "yes"])
    >>> rows = TaskData(np.eye(3), y, None, np.zeros(3, dtype=int), np.arange(1), "single")
    >>> data, classes = encode(rows, class_weight="balanced")
    >>> data.y, data.weight, classes.tolist()
    (array([0., 1., 1.]), array([1.5 , 0.75, 0.75]), ['no', 'yes'])
    """
    classes, positions = read_classes(data.y, estimator)
    if class_weight is not None:
        data = weigh_classes(data, positions, classes, class_weight)
    if len(classes) > 2:
        positions = (positions[:, None] == np.arange(len(classes))).astype(float)
    return replace(data, y=positions), classes


def read_classes(y: np.ndarray, estimator: Any = None) -> tuple[np.ndarray, np.ndarray]:
    """Distinct class labels, and the position of each label among them (NaN: a hole).

    Examples
    --------
    >>> import numpy as np
    >>> read_classes(np.array([[True, None], [False, True]], dtype=object))[1]
    array([[ 1., nan],
           [ 0.,  1.]])
    """
    seen = ~is_hole(y)
    values = y[seen]
    if values.dtype.kind == "O":
        kinds = {_kind(value) for value in values.tolist()}
        if len(kinds) > 1:
            raise ValueError(
                f"y holds class labels of the kinds {', '.join(sorted(kinds))}, which have no "
                "common order. Make them all text or all numbers, for example with .astype(str)."
            )
        if kinds == {"number"}:  # they were objects only because of the None beside them
            values = np.array(values.tolist())
    try:
        check_classification_targets(values)
    except ValueError as error:
        if estimator is None or values.dtype.kind != "f":
            raise
        fraction = plain(values[values % 1 != 0][0])
        raise ValueError(
            f"{error} y holds numbers with fractions (such as {fraction!r}), and "
            f"{type(estimator).__name__} predicts classes here. Use {counterpart(estimator)} for "
            "numbers, or make classes of y, for example with y > y.mean()."
        ) from error
    classes, codes = np.unique(values, return_inverse=True)
    if len(classes) == 1:
        raise ValueError(
            f"y has one class only, {plain(classes[0])!r}; a classifier needs two or more."
        )
    if y.ndim == 2 and len(classes) > 2:
        alike = nearly_equal(classes, "classes")
        raise ValueError(
            f"y has {y.shape[1]} columns and {len(classes)} classes (the first: "
            f"{classes[:5].tolist()}); several columns hold two labels in all. Give one column "
            f"(a 1-D y) for more classes.{' ' * bool(alike)}{alike}"
        )
    if estimator is not None:
        warn_of_similar(classes, "classes")
    positions = np.full(y.shape, np.nan)
    positions[seen] = codes.reshape(-1)
    return classes, positions


def soften_single_class(data: TaskData, classes: np.ndarray | None = None) -> tuple[TaskData, list]:
    """Soft targets for columns that saw one class, where a free intercept has no minimiser.

    The observed class gets q = (N_t + 1/2) / (N_t + 1), N_t the task's sum of weights: each row
    counts q times with its own label and 1 - q times with the other.

    Parameters
    ----------
    data : TaskData
        As :func:`encode` returns it.
    classes : ndarray of shape (K,), default=None
        Labels that name the columns when K > 2; None calls them by their position.

    Returns
    -------
    data : TaskData
        The same data where no column is affected.
    names : list
        The tasks affected, or pairs (task, class) when K > 2.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn.inputs.tasks import TaskData
    >>> y = np.array([[1.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> columns = TaskData(np.eye(3), y, None, None, np.array(["a", "b"]), "columns")
    >>> data, names = soften_single_class(columns)
    >>> data.y[:, 0], names
    (array([0.875, 0.875, 0.875]), ['a'])
    """
    y = data.y
    task_of: Any = data.codes if data.stacked else slice(None)
    if not data.stacked:
        count, ones = data.observed.sum(axis=0), np.nansum(y, axis=0)
    else:
        n_tasks = len(data.tasks)
        count = np.bincount(task_of, minlength=n_tasks)
        columns = [np.bincount(task_of, column, n_tasks) for column in y.reshape(len(y), -1).T]
        ones = columns[0] if y.ndim == 1 else np.stack(columns, axis=1)
        count = count if y.ndim == 1 else count[:, None]
    all_one, all_zero = (ones == count) & (count > 0), (ones == 0) & (count > 0)
    affected = all_one | all_zero
    return soften(data, affected, classes)


def soften(
    data: TaskData, affected: np.ndarray, classes: np.ndarray | None = None
) -> tuple[TaskData, list]:
    """Soft targets for the columns of a mask, (T,) or (T, K); see :func:`soften_single_class`."""
    y = data.y
    task_of: Any = data.codes if data.stacked else slice(None)
    if not affected.any():
        return data, []
    total = data.totals() if affected.ndim == 1 else data.totals()[:, None]
    low, high = 0.5 / (total + 1.0), (total + 0.5) / (total + 1.0)
    soft = np.where(y > 0.5, np.broadcast_to(high[task_of], y.shape), low[task_of])
    soft = np.where(affected[task_of] & ~np.isnan(y), soft, y)
    if affected.ndim == 1:
        names = data.tasks[affected].tolist()
    else:
        labels = np.arange(y.shape[1]) if classes is None else classes
        tasks, of_class = np.nonzero(affected)
        names = list(zip(data.tasks[tasks].tolist(), labels[of_class].tolist(), strict=True))
    return replace(data, y=soft), names


POOL = "Pool the intercepts with alpha_intercept > 0, or drop such columns."


def warn_separable_parts(parts: list[list]) -> None:
    """Say that classes can be told apart in whole parts of a graph of tasks."""
    shown = "; ".join(
        ", ".join(repr(plain(task)) for task in part[:5]) + ", …" * (len(part) > 5)
        for part in parts[:3]
    )
    warnings.warn(
        "a linear model tells the classes apart in "
        f"{counted(len(parts), 'connected part', 'connected parts')} of the graph (tasks {shown}), "
        "and the graph charges nothing for what all tasks of a part have in common: the "
        "coefficients have no finite best value, and these are within tol of the infimum. Use "
        "fewer features, or a model that charges for size (MeanRegularizedClassifier).",
        UserWarning,
        stacklevel=level_of_user(),
    )


def warn_separable(names: list) -> None:
    """Warn once about the columns whose classes features of weight zero tell apart, if any."""
    if names:
        first = ", ".join(repr(name) for name in names[:5])
        warnings.warn(
            "features of feature_weight 0 tell the classes apart in "
            f"{counted(len(names), 'column', 'columns')} (the first: {first}); nothing holds their "
            "coefficients back there, so the targets were softened to (N + 1/2) / (N + 1). Give "
            "these features a weight > 0, or drop such columns.",
            UserWarning,
            stacklevel=level_of_user(),
        )


def warn_single_class(names: list, advice: str = POOL) -> None:
    """Warn once about the columns that :func:`soften_single_class` named, if any."""
    if names:
        first = ", ".join(repr(name) for name in names[:5])
        warnings.warn(
            f"{counted(len(names), 'column', 'columns')} saw one class only (the first: {first}); "
            "a free intercept has no finite best value there, so the targets were softened to "
            f"(N + 1/2) / (N + 1). {advice}",
            UserWarning,
            stacklevel=level_of_user(),
        )


def labels(scores: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """The label of each score, (n,) or (n, T): the side of zero, or the largest of K > 2.

    Examples
    --------
    >>> import numpy as np
    >>> labels(np.array([-1.0, 2.0]), np.array(["no", "yes"])).tolist()
    ['no', 'yes']
    """
    if len(classes) == 2:
        return classes[(scores > 0).astype(np.intp)]
    return classes[scores.argmax(axis=1)]


def probabilities(scores: np.ndarray, classes: np.ndarray, *, joint: bool = False) -> np.ndarray:
    """Probabilities (n, K) of ``classes``; of ``classes[1]``, (n, T), for several columns.

    Scores are (n,) or (n, K), and (n, T) for several columns, which have two classes. With more
    than two the one-vs-rest probabilities are divided by their sum; scores that are ``joint`` are
    logarithms of probabilities but for a constant of each row.

    Examples
    --------
    >>> import numpy as np
    >>> probabilities(np.array([0.0]), np.array(["no", "yes"]))
    array([[0.5, 0.5]])
    """
    if len(classes) > 2:
        return np.exp(log_probabilities(scores, classes, joint=joint))
    return expit(scores) if scores.ndim == 2 else np.stack([expit(-scores), expit(scores)], axis=1)


def log_probabilities(
    scores: np.ndarray, classes: np.ndarray, *, joint: bool = False
) -> np.ndarray:
    """Logarithms of :func:`probabilities`, finite where those round to zero.

    Examples
    --------
    >>> import numpy as np
    >>> log_probabilities(np.array([1000.0]), np.array(["no", "yes"]))[0, 0].item()
    -1000.0
    """
    logs = scores if joint and len(classes) > 2 else log_expit(scores)
    if len(classes) == 2:
        return logs if scores.ndim == 2 else np.stack([log_expit(-scores), logs], axis=1)
    # the scores order the classes even where their logarithms have become equal
    best = scores.argmax(axis=1)[:, None]
    logs = logs - np.take_along_axis(logs, best, axis=1)
    others = np.exp(logs)
    np.put_along_axis(others, best, 0.0, axis=1)
    # log1p keeps the logarithm of a probability that rounds to one
    return logs - np.log1p(others.sum(axis=1, keepdims=True))


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return "text"
    return "number" if isinstance(value, bool | int | float | np.number | np.bool_) else "object"


def weigh_classes(
    data: TaskData,
    positions: np.ndarray,
    classes: np.ndarray,
    class_weight: Any,
    *,
    same_sum: bool = True,
) -> TaskData:
    """Sample weights times what the class of each label weighs, of the same sum; 0 at holes.

    Without ``same_sum`` the weights are in a unit that has the sum of the rows of fit in it.
    """
    seen = ~np.isnan(positions)
    k = np.where(seen, positions, 0).astype(np.intp)
    weight = np.ones(len(k)) if data.weight is None else data.weight
    if k.ndim > weight.ndim:
        weight = weight[:, None]
    weight = np.where(seen, weight, 0.0)
    n_tasks, n_classes = len(data.tasks), len(classes)
    cell = (data.codes if data.stacked else np.arange(n_tasks)) * n_classes + k
    sums = np.bincount(cell.ravel(), weight.ravel(), n_tasks * n_classes)
    factor, mean = class_factors(sums.reshape(n_tasks, n_classes), classes, class_weight)
    if not same_sum:
        factor, mean = factor * mean, 1.0
    weight = weight * factor.ravel()[cell]
    return replace(data, weight=weight, weight_unit=float(data.weight_unit * mean))


def counterpart(estimator: Any) -> str:
    """What to write for the other kind of target: the other estimator of the same family."""
    name, kinds = type(estimator).__name__, ("Regressor", "Classifier")
    for kind, other in (kinds, kinds[::-1]):
        if kind in name:
            return name.replace(kind, other)
    return "a regressor inside" if is_classifier(estimator) else "a classifier inside"
