"""Warnings of our own, so that a user can filter them by class, and how messages are worded."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

BETWEEN = ("mtlearn", "sklearn", "joblib")  # the user and us: a pipeline, a search
CROSS_VALIDATIONS = ("sklearn.model_selection._validation", "mtlearn.compare.running")


class UnseenTaskWarning(UserWarning):
    """Rows of a task that the model has no coefficients for are answered by the shared model.

    Issued once per call by ``predict`` and ``score`` under ``unseen_task="warn"``, and by ``fit``
    when a task loses all its rows because their targets are missing or their weights are zero.

    Examples
    --------
    >>> import warnings
    >>> import numpy as np
    >>> from mtlearn import MeanRegularizedRegressor
    >>> from mtlearn.exceptions import UnseenTaskWarning
    >>> X, y, task = np.eye(4), np.arange(4.0), [1, 1, 2, 2]
    >>> model = MeanRegularizedRegressor().fit(X, y, task=task)
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always", UnseenTaskWarning)
    ...     answer = model.predict(X[:1], task=[3])
    >>> str(caught[0].message)[:56]
    '1 row belongs to tasks not seen in fit (first labels: 3)'
    """


class MissingTargetWarning(UserWarning):
    """Rows without a target are left out.

    Issued by ``fit`` with their number, where ``y`` is one target: of several targets over one X a
    missing label is nothing unusual. The folds of a search do not say it again.

    Examples
    --------
    >>> import warnings
    >>> import numpy as np
    >>> from mtlearn import MeanRegularizedRegressor
    >>> from mtlearn.exceptions import MissingTargetWarning
    >>> X, y, task = np.eye(4), [0.0, 1.0, np.nan, 3.0], [1, 1, 2, 2]
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("error", MissingTargetWarning)
    ...     model = MeanRegularizedRegressor().fit(X, y, task=task)
    Traceback (most recent call last):
    ...
    mtlearn.exceptions.MissingTargetWarning: 1 row ...
    """


class OneTaskWarning(UserWarning):
    """All rows are one task, in a pipeline around a model that learns many.

    Issued by ``fit`` of what :func:`mtlearn.make_table_pipeline` made, where ``y`` is one target
    and no column of X is named as that of the tasks. The estimators themselves say nothing: one
    task is what tools that fit every target alone ask of them.

    Examples
    --------
    >>> import warnings
    >>> import pandas as pd
    >>> from mtlearn import MeanRegularizedRegressor, make_table_pipeline
    >>> from mtlearn.exceptions import OneTaskWarning
    >>> X = pd.DataFrame({"size": [1.0, 2.0, 3.0, 4.0]})
    >>> with warnings.catch_warnings():  # one task is meant
    ...     warnings.simplefilter("ignore", OneTaskWarning)
    ...     model = make_table_pipeline(MeanRegularizedRegressor()).fit(X, [1.0, 2.0, 3.0, 4.0])
    """


class UnidentifiedVarianceWarning(UserWarning):
    """The data do not tell how much tasks differ in some coefficients; these variances are zero.

    Issued by ``fit`` of models that estimate variances: with a single task, one row per task, or no
    more rows than coefficients. Of counts also where variances have no finite best
    value, as with very few events; these stay at the largest that is looked at.

    Examples
    --------
    >>> import warnings
    >>> from mtlearn import RandomSlopesRegressor
    >>> from mtlearn.exceptions import UnidentifiedVarianceWarning
    >>> X, y = [[1.0], [2.0], [3.0], [4.0]], [1.0, 2.0, 2.0, 4.0]
    >>> with warnings.catch_warnings():  # a row for each task says nothing of how they differ
    ...     warnings.simplefilter("ignore", UnidentifiedVarianceWarning)
    ...     model = RandomSlopesRegressor().fit(X, y, task=[1, 2, 3, 4])
    >>> model.slope_std_
    array([0.])
    """


class SimilarLabelsWarning(UserWarning):
    """Labels of tasks or classes that differ in case, blanks or stored accents are different ones.

    Issued by ``fit``; that may be meant (the alleles A and a).

    Examples
    --------
    >>> import warnings
    >>> import numpy as np
    >>> from mtlearn import MeanRegularizedRegressor
    >>> from mtlearn.exceptions import SimilarLabelsWarning
    >>> X, y = np.eye(4), np.arange(4.0)
    >>> with warnings.catch_warnings():  # these are two tasks
    ...     warnings.simplefilter("ignore", SimilarLabelsWarning)
    ...     model = MeanRegularizedRegressor().fit(X, y, task=["a", "a", "A", "A"])
    >>> model.tasks_.tolist()
    ['A', 'a']
    """


@contextmanager
def naming(where: str) -> Iterator[None]:
    """Have errors of what is given begin with where it was given.

    Examples
    --------
    >>> with naming("chunk 3"):
    ...     raise ValueError("its columns differ")
    Traceback (most recent call last):
    ValueError: chunk 3: its columns differ
    """
    try:
        yield
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        said = kind(f"{where}: {error}")
        for note in getattr(error, "__notes__", ()):
            said.add_note(note)
        raise said.with_traceback(error.__traceback__) from None


def counted(n: int, one: str, more: str) -> str:
    """A number and what it counts, as messages say it: "1 row belongs", "2 rows belong"."""
    return f"{n:,} {one if n == 1 else more}"


def plain(label: Any) -> Any:
    """A label without its NumPy type, as messages show it."""
    return label.item() if isinstance(label, np.generic) else label


def shortened(label: Any, size: int) -> str:
    """A label cut in the middle: what tells labels apart is mostly at the end."""
    text = str(label)
    if len(text) <= size:
        return text
    return f"{text[: size // 2 - 1]}…{text[len(text) - (size - size // 2) :]}"


def level_of_user() -> int:
    """The ``stacklevel`` that makes a warning point to the user's line, also through a pipeline."""
    level, frame = 1, sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").split(".")[0] in BETWEEN:
        level, frame = level + 1, frame.f_back
    return level


def in_fold() -> bool:
    """Whether a cross-validation makes this call for one of its folds.

    What is said of all rows would be said again and again there, and a task may be left out.
    """
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_globals.get("__name__") in CROSS_VALIDATIONS:
            return True
        frame = frame.f_back
    return False
