"""Labels of tasks of several chunks or moments as one array, in which none is rounded."""

from __future__ import annotations

from typing import Any

import numpy as np


def sorted_labels(labels: Any) -> tuple[np.ndarray, np.ndarray]:
    """An array of different labels in their order, and where in it came from (T,), (T,).

    Raises
    ------
    ValueError
        If they are numbers that no type of NumPy holds together: whole ones past 2^53 beside
        fractions, or of both signs past 2^63.
    """
    labels = list(labels)
    order = sorted(range(len(labels)), key=labels.__getitem__)
    wanted = [labels[i] for i in order]
    if isinstance(wanted[0], str):
        return np.array(wanted, dtype=object), np.array(order)
    return _numbers(wanted), np.array(order)


def united(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The labels of both in order, and where those of each are among them."""
    if a.dtype == b.dtype and a.dtype.kind != "O":
        both = np.union1d(a, b)
        return both, np.searchsorted(both, a), np.searchsorted(both, b)
    both, _ = sorted_labels({*a.tolist(), *b.tolist()})
    return both, places(both, a), places(both, b)


def places(labels: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Where each of the wanted is, -1 where it is none of the labels."""
    at = {label: i for i, label in enumerate(labels.tolist())}
    return np.array([at.get(one, -1) for one in wanted.tolist()], dtype=np.intp)


def _numbers(wanted: list) -> np.ndarray:
    kinds: list = [None]
    if all(isinstance(one, int) for one in wanted) and wanted[-1] > np.iinfo(np.int64).max:
        kinds = [np.uint64] * (wanted[0] >= 0) + [np.float64]  # NumPy would take doubles
    found = np.array(wanted, dtype=kinds[0])
    rounded = [one for one, held in zip(wanted, found.tolist(), strict=True) if one != held]
    if rounded:
        raise ValueError(
            f"tasks are labelled by numbers that NumPy does not hold in one type, such as "
            f"{rounded[0]} beside {wanted[0] if wanted[0] != rounded[0] else wanted[-1]}: they "
            "would be rounded. Give labels as text, with .astype(str)."
        )
    return found
