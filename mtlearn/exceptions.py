"""Warnings of our own, so that a user can filter them by class, and how messages are worded."""

import sys
from typing import Any

import numpy as np

BETWEEN = ("mtlearn", "sklearn", "joblib")  # the user and us: a pipeline, a search
CROSS_VALIDATIONS = ("sklearn.model_selection._validation", "mtlearn.compare.running")


class UnseenTaskWarning(UserWarning):
    """Rows of a task that the model has no coefficients for are answered by the shared model.

    Issued once per call by ``predict`` and ``score`` under ``unseen_task="warn"``, and by ``fit``
    when a task loses all its rows because their targets are missing or their weights are zero.
    """


class MissingTargetWarning(UserWarning):
    """Rows without a target are left out.

    Issued by ``fit`` with their number, where ``y`` is one target: of several targets over one X a
    missing label is nothing unusual. The folds of a search do not say it again.
    """


class OneTaskWarning(UserWarning):
    """All rows are one task, in a pipeline around a model that learns many.

    Issued by ``fit`` of what :func:`mtlearn.make_table_pipeline` made, where ``y`` is one target
    and no column of X is named as that of the tasks. The estimators themselves say nothing: one
    task is what tools that fit every target alone ask of them.
    """


class UnidentifiedVarianceWarning(UserWarning):
    """The data do not tell how much tasks differ in some coefficients; these variances are zero.

    Issued by ``fit`` of models that estimate variances: with a single task, one row per task, or no
    more rows than coefficients.
    """


class SimilarLabelsWarning(UserWarning):
    """Labels of tasks or classes that differ in case or blanks only are different ones.

    Issued by ``fit``; that may be meant (the alleles A and a).
    """


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
