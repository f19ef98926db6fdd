"""How well columns of unlike kinds are predicted: each by the score of its kind."""

from __future__ import annotations

from typing import Any

import numpy as np

from mtlearn.metrics.classification import nan_accuracy_score
from mtlearn.metrics.counts import nan_d2_poisson_score
from mtlearn.metrics.regression import nan_r2_score

MEASURES: dict[str, Any] = {
    "squared": nan_r2_score,
    "huber": nan_r2_score,
    "logistic": nan_accuracy_score,
    "poisson": nan_d2_poisson_score,
}


def scores_by_kind(
    kinds: np.ndarray, truth: np.ndarray, f: np.ndarray, weight: np.ndarray | None
) -> list[float]:
    """R² of numbers, accuracy of labels, D² of counts, of linear predictors f (n, T).

    Labels are 0 and 1, others never right.
    """
    found = []
    for t, kind in enumerate(kinds.tolist()):
        answer = f[:, t]
        if kind == "logistic":
            answer = (answer > 0).astype(float)
        elif kind == "poisson":
            answer = np.exp(answer)
        s = weight if weight is None or weight.ndim == 1 else weight[:, t]
        measure = MEASURES[kind]
        found.append(float(measure(truth[:, t], answer, sample_weight=s, undefined="ignore")))
    return found
