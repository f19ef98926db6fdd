"""Scores on observed labels: a hole (NaN in the truth) never counts.

Each takes 1-D arrays (labelled rows, scored together) or 2-D arrays (one column per task, the
mean over the columns that can be scored).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.metrics import r2_score

from mtlearn.tasks import is_hole


def observed_r2(truth: np.ndarray, prediction: np.ndarray, weight: Any = None) -> float:
    """R² over the observed labels; the mean over columns with at least two of them."""
    return _over_columns(r2_score, truth, prediction, weight, fewest=2)


def observed_accuracy(truth: np.ndarray, prediction: np.ndarray, weight: Any = None) -> float:
    """Accuracy over the observed labels; the mean over columns with at least one of them."""
    return _over_columns(_accuracy, truth, prediction, weight, fewest=1)


def _accuracy(truth: np.ndarray, prediction: np.ndarray, sample_weight: Any) -> float:
    # accuracy_score refuses the object arrays that hold integers beside None.
    return float(np.average(truth == prediction, weights=sample_weight))


def _over_columns(
    measure: Callable, truth: np.ndarray, prediction: np.ndarray, weight: Any, *, fewest: int
) -> float:
    if truth.ndim == 1:
        truth, prediction = truth[:, None], np.reshape(prediction, (-1, 1))
    observed = ~is_hole(truth)
    if weight is not None:
        weight = np.broadcast_to(weight if weight.ndim == 2 else weight[:, None], truth.shape)
        observed &= weight > 0
    scores = [
        measure(
            truth[seen, k],
            prediction[seen, k],
            sample_weight=None if weight is None else weight[seen, k],
        )
        for k, seen in enumerate(observed.T)
        if seen.sum() >= fewest
    ]
    return float(np.mean(scores)) if scores else float("nan")
