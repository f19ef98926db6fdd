"""Which tasks are helped and which are hurt: paired losses, standard errors, false discoveries.

"Hurt" is a strong word, so it has to survive two facts. Thousands of tasks are looked at together
(hence Benjamini-Hochberg), and a handful of rows agree by luck far more often than Student's t
believes, because differences of losses are skewed, discrete and share the noise of
neighbouring training rows (hence a standard error that small tasks borrow from all of them).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

# How many rows' worth of trust the variance common to all tasks gets against a task's own.
COMMON_ROWS = 200


@dataclass(frozen=True)
class PairedEvidence:
    """One entry for each task; where there are fewer than two units, the last two are NaN."""

    rows: np.ndarray  # held-out rows
    units: np.ndarray  # independent ones among them: rows, or groups
    difference: np.ndarray  # mean of loss minus baseline's loss; below zero is better
    standard_error: np.ndarray
    p_value: np.ndarray  # two-sided


def paired_evidence(
    task: np.ndarray,
    difference: np.ndarray,
    *,
    spread: np.ndarray | None = None,
    groups: np.ndarray | None = None,
    n_tasks: int | None = None,
    raised: float = 1.0,
    size: np.ndarray | None = None,
    evenly: bool = True,
) -> PairedEvidence:
    """Mean paired loss difference of each task, with its standard error and p-value.

    With u units (rows, or groups of rows) in task t, the variance v_t of its mean difference comes
    from the units, ``u/(u-1) sum_g (sum of g's deviations)² / n_t²``. It is used if it is larger
    than its blend with what all tasks together suggest, c_t,
    ``((u - 1) v_t + 200 c_t) / (u - 1 + 200)``, and ``difference / standard_error`` is compared
    with Student's t on u - 1 degrees of freedom. c_t is the larger of two averages over tasks, of
    variance per row and of variance per squared ``spread``, brought to task t's rows and spread.

    Why the blend: simulated with 5,000 tasks of 2 to 100 rows and equally good predictors, the
    plain t-test called tasks hurt in nearly every run of most settings with skewed or discrete
    targets and predictors that differ by task; with the blend in 0 to 3 % (7 % with noise that
    differs between tasks by a factor of ten as well). Where predictors share training rows (K
    folds), it called tasks in the wrong direction in up to 23 % of calls; with the blend in none.

    Counts scatter by their means, and a variance per row common to tasks of few events and of many
    would be that of many: only the one per squared spread is taken, the spread being the deviation
    of a count times the slope. Simulated likewise (1,000 tasks whose means differ by a factor of
    20 and more, Poisson and overdispersed): no call between equally good predictors, and of 340
    calls between others none in the wrong direction, where with both averages there were 96.

    Parameters
    ----------
    task : ndarray of shape (n,)
        Position of each row's task.
    difference : ndarray of shape (n,)
        Loss of the model minus loss of the baseline on each held-out row.
    spread : ndarray of shape (n,), default=None
        How far the loss difference moves with the target. For squared loss it is linear in the
        target, with (twice) the distance of the predictions as slope; for log loss of a 0/1
        target likewise, with the difference of the log-odds. Its variance is in proportion to
        spread².
    groups : ndarray of shape (n,), default=None
        Codes of repeated units; rows of one group are one unit.
    n_tasks : int, default=None
        Number of tasks; by default the largest position plus one.
    raised : float, default=1.0
        What variances are multiplied by, for noise that the units of a task share.
    size : ndarray of shape (n,), default=None
        Number of rows that an entry stands for, one unit of them: ``difference`` is then their
        mean, and ``spread`` the root of their mean square.
    evenly : bool, default=True
        Whether rows scatter alike in all tasks but for their spread; otherwise it alone says what
        is common to them.

    Returns
    -------
    PairedEvidence
        Arrays with one entry for each task.

    References
    ----------
    Borrowing the variance of many small samples: Smyth (2004), Linear models and empirical Bayes
    methods for assessing differential expression in microarray experiments, Statistical
    Applications in Genetics and Molecular Biology 3(1). Ours only ever enlarges the variance.

    See Also
    --------
    verdicts : helped, hurt or no evidence, over all tasks.
    """
    n_tasks = int(task.max(initial=-1)) + 1 if n_tasks is None else n_tasks
    many = np.ones(len(task)) if size is None else size
    rows = np.bincount(task, many, n_tasks).astype(np.intp)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(task, many * difference, minlength=n_tasks) / rows
        home, deviation = task, many * (difference - mean[task])
        if groups is not None:
            pairs, unit = np.unique(np.column_stack([task, groups]), axis=0, return_inverse=True)
            home, deviation = pairs[:, 0], np.bincount(unit.reshape(-1), deviation)
        units = np.bincount(home, minlength=n_tasks)
        freedom = units - 1.0
        squares = np.bincount(home, deviation**2, minlength=n_tasks)
        own = squares * units / freedom / rows**2

        tested = units >= 2
        common = np.zeros(n_tasks)
        widths = [rows] if spread is None or evenly else []
        widths += [] if spread is None else [np.bincount(task, many * spread**2, n_tasks)]
        for width in widths:
            scale = width / rows**2
            use = tested & (scale > 0)
            if use.any():
                ratio = np.average(own[use] / scale[use], weights=freedom[use])
                common = np.maximum(common, ratio * scale)
        blend = (freedom * own + COMMON_ROWS * common) / (freedom + COMMON_ROWS)
        error = np.sqrt(raised * np.maximum(own, blend))
        p_value = 2 * stats.t.sf(np.abs(mean) / error, freedom)
    p_value[mean == 0] = 1.0  # two equal predictions, 0/0
    error[~tested] = p_value[~tested] = np.nan
    return PairedEvidence(rows, units, mean, error, p_value)


def verdicts(evidence: PairedEvidence, level: float = 0.10) -> np.ndarray:
    """``"helped"``, ``"hurt"`` or ``"no evidence"`` for each task.

    Benjamini-Hochberg over the tasks that can be tested: of the tasks called, a share of ``level``
    is expected to be called wrongly. A task with fewer than two units is never called.
    """
    called = benjamini_hochberg(evidence.p_value, level)
    answer = np.full(len(called), "no evidence", dtype=object)
    answer[called & (evidence.difference < 0)] = "helped"
    answer[called & (evidence.difference > 0)] = "hurt"
    return answer


def benjamini_hochberg(p_value: Any, level: float = 0.10) -> np.ndarray:
    """Which hypotheses are rejected at a false discovery rate of ``level``; NaN never is.

    The k smallest p-values with the largest k for which p_(k) <= level k / m (Benjamini and
    Hochberg, 1995, Journal of the Royal Statistical Society B 57). Here because
    ``scipy.stats.false_discovery_control`` is younger than the oldest SciPy supported.
    """
    p_value = np.asarray(p_value, dtype=float)
    known = np.sort(p_value[~np.isnan(p_value)])
    below = np.flatnonzero(known <= level * np.arange(1, len(known) + 1) / max(len(known), 1))
    return p_value <= (known[below[-1]] if len(below) else -1.0)
