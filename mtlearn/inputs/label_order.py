"""The order of labels that are one after the other: years, months, weeks, shelves."""

from __future__ import annotations

import re

import numpy as np

NUMBERS = re.compile(r"(\d+(?:\.\d+)?)")


def in_order(labels: np.ndarray) -> np.ndarray:
    """Positions of labels in their order; text that differs in numbers alone is sorted by these.

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.array(["week 10", "week 2", "week 9"], dtype=object)
    >>> labels[in_order(labels)].tolist()
    ['week 2', 'week 9', 'week 10']
    """
    values = labels.tolist()
    numbers = numbers_in_text(values)
    if numbers is None:
        numbers = _places_by_number(values)
    return np.argsort(labels if numbers is None else numbers, kind="stable")


def numbers_in_text(values: list) -> np.ndarray | None:
    """The numbers that text is throughout, None where it is not."""
    if not values or not all(isinstance(value, str) for value in values):
        return None
    try:
        numbers = np.array([float(value) for value in values])
    except ValueError:
        return None
    return numbers if np.isfinite(numbers).all() else None


def _places_by_number(values: list) -> np.ndarray | None:
    """Of labels whose words are all the same the places by their numbers; None of others."""
    if not all(isinstance(value, str) for value in values):
        return None
    parts = [NUMBERS.split(value) for value in values]
    if len({tuple(part[::2]) for part in parts}) != 1 or len(parts[0]) == 1:
        return None
    numbers = np.array([[float(one) for one in part[1::2]] for part in parts])
    return np.unique(numbers, axis=0, return_inverse=True)[1].reshape(-1)
