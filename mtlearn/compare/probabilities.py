"""Probabilities of classes and how good they are: bounds, log loss, area under the ROC curve.

An answer holds the probability of the second class where there are two, (m,), and otherwise
those of all, (m, K); truth is the position of the class.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata


def bounded(answer: np.ndarray, n: int, n_classes: int) -> np.ndarray:
    """Probabilities of at least ½ / (n + 1): n rows cannot vouch for less, and log 0 is infinite.

    The same for every model. For two classes also at most (n + ½) / (n + 1); for more, rows are
    brought back to a sum of 1.
    """
    least = 0.5 / (n + 1)
    if n_classes == 2:
        return np.clip(answer, least, 1 - least)
    answer = np.maximum(answer, least)
    return answer / answer.sum(axis=1, keepdims=True)


def every_class(answer: np.ndarray) -> np.ndarray:
    """Probabilities of all classes, (m, K)."""
    return np.column_stack([1 - answer, answer]) if answer.ndim == 1 else answer


def log_loss(truth: np.ndarray, answer: np.ndarray) -> np.ndarray:
    """Minus the logarithm of the probability given to each row's class."""
    return -np.log(every_class(answer)[np.arange(len(truth)), truth.astype(np.intp)])


def auc_by_group(
    positive: np.ndarray, score: np.ndarray, group: np.ndarray, fold: np.ndarray
) -> np.ndarray:
    """Area under the ROC curve within each group; NaN where there is nothing to rank.

    The share of pairs of a positive and a negative row, held out in the same fold, in which the
    positive one has the higher score (ties count half). Scores of different folds come from
    different fits: where a positive row is held out the intercept is lower than where a negative
    one is, and pairs across folds would make good models look worse than chance (Forman and
    Scholz, 2010, Apples-to-apples in cross-validation studies, SIGKDD Explorations 12).
    """
    n_folds = int(fold.max(initial=0)) + 1
    cell = group * n_folds + fold
    length = (int(group.max(initial=-1)) + 1) * n_folds
    rows = np.bincount(cell, minlength=length)
    dense = rankdata(score, method="dense").astype(np.intp)
    rank = rankdata(cell * (dense.max(initial=0) + 1) + dense) - (np.cumsum(rows) - rows)[cell]
    n_positive = np.bincount(cell, positive, length)
    above = np.bincount(cell, rank * positive, length) - n_positive * (n_positive + 1) / 2
    pairs = (n_positive * (rows - n_positive)).reshape(-1, n_folds).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(pairs > 0, above.reshape(-1, n_folds).sum(axis=1) / pairs, np.nan)
