"""What classes weigh, each in every task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mtlearn.exceptions import counted, plain


def class_factors(
    sums: np.ndarray, classes: np.ndarray, class_weight: Any
) -> tuple[np.ndarray, float]:
    """What weights are multiplied by (T, K), of whose sums (T, K) none of all is changed.

    Last comes what those of a dictionary were divided by for that.
    """
    if isinstance(class_weight, Mapping):
        given = _given_weights(classes, class_weight)
        mean = float((sums @ given).sum() / sums.sum())
        return np.broadcast_to(given / mean, sums.shape), mean
    if not (isinstance(class_weight, str) and class_weight == "balanced"):
        raise ValueError(
            f'class_weight must be None, "balanced" or a dictionary {{label: weight}}, got '
            f"{class_weight!r}."
        )
    present = sums > 0
    share = sums.sum(axis=1, keepdims=True) / np.maximum(present.sum(axis=1, keepdims=True), 1)
    return np.divide(share, sums, out=np.zeros_like(sums), where=present), 1.0


def _given_weights(classes: np.ndarray, class_weight: Mapping) -> np.ndarray:
    """The weight of each class, 1 for those the dictionary leaves out."""
    known = classes.tolist()
    unknown = [plain(label) for label in class_weight if label not in known]
    if unknown:
        raise ValueError(
            f"class_weight names {counted(len(unknown), 'label that is', 'labels that are')} no "
            f"class of y (the first: {unknown[:5]}); the classes are {known[:20]}."
        )
    weights = {plain(label): weight for label, weight in class_weight.items()}
    for label, weight in weights.items():
        number = isinstance(weight, int | float | np.number)
        if not (number and np.isfinite(weight) and weight > 0):
            raise ValueError(
                f"class_weight[{label!r}] is {weight!r}; weights must be finite and greater than "
                "zero. To leave a class out, drop its rows."
            )
    return np.array([weights.get(label, 1.0) for label in known], dtype=float)
