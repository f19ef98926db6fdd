"""What ``score`` is: R² or accuracy on the observed labels, silent about tasks it leaves out."""

from __future__ import annotations

from mtlearn.metrics.classification import nan_accuracy_score
from mtlearn.metrics.regression import nan_r2_score


def observed_r2(truth, prediction, weight=None) -> float:
    """R² over the observed labels; the mean over columns with at least two of them."""
    return nan_r2_score(truth, prediction, sample_weight=weight, undefined="ignore")


def observed_accuracy(truth, prediction, weight=None) -> float:
    """Accuracy over the observed labels; the mean over columns with at least one of them."""
    return nan_accuracy_score(truth, prediction, sample_weight=weight, undefined="ignore")
