"""Checks of the generators' numbers: which parameter, its value, what is allowed."""

from __future__ import annotations

import math
from numbers import Integral, Real

import numpy as np


def check_whole(name: str, value, low: int, high: int | None = None) -> int:
    """A whole number from ``low`` to ``high``."""
    whole = isinstance(value, Integral) and not isinstance(value, (bool, np.bool_))
    if not whole or value < low or (high is not None and value > high):
        allowed = f"of at least {low}" if high is None else f"from {low} to {high}"
        raise ValueError(f"{name} is {value!r}; write a whole number {allowed}.")
    return int(value)


def check_number(name: str, value, *, low: float, high: float = math.inf, strict=False) -> float:
    """A finite number in [low, high], or above ``low`` where ``strict``."""
    number = isinstance(value, Real) and not isinstance(value, (bool, np.bool_))
    inside = (
        number and math.isfinite(value) and low <= value <= high and not (strict and value <= low)
    )
    if not inside:
        allowed = f"above {low}" if strict else f"of at least {low}"
        allowed = f"from {low} to {high}" if math.isfinite(high) else allowed
        raise ValueError(f"{name} is {value!r}; write a finite number {allowed}.")
    return float(value)


def check_fraction_or_count(name: str, value, total: int) -> int:
    """How many of ``total``, given as a number (int) or a fraction (float); never all of them."""
    if isinstance(value, Integral):
        return check_whole(name, value, 0, total - 1)
    count = round(check_number(name, value, low=0, high=1) * total)
    if count >= total:
        raise ValueError(f"{name} is {value!r}, which is all {total} tasks; one must remain.")
    return count


def check_sizes(sizes, n_tasks: int, rng: np.random.RandomState) -> np.ndarray:
    """Rows of each task from one number, a range (a tuple) or one number a task."""
    name = "n_samples_per_task"
    if isinstance(sizes, tuple):
        if len(sizes) != 2:
            raise ValueError(
                f"{name} is {sizes!r}; a tuple is a range (low, high): for one size a task write "
                "a list or an array."
            )
        low = check_whole(f"{name}[0]", sizes[0], 1)
        high = check_whole(f"{name}[1]", sizes[1], low)
        return rng.randint(low, high + 1, size=n_tasks)
    if np.ndim(sizes) == 0:
        return np.full(n_tasks, check_whole(name, sizes, 1))
    array = np.asarray(sizes)
    if array.shape != (n_tasks,) or array.dtype.kind not in "iu" or array.min() < 1:
        raise ValueError(
            f"{name} is {sizes!r}; write {n_tasks} whole numbers of at least 1, one a task."
        )
    return array
