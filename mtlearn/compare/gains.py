"""How gains are distributed over tasks: what share of them gains, and by how much they differ.

A task of twelve held-out rows says little of itself, but many such tasks say a lot together. The
gain d_t seen in task t is its true gain plus noise of variance s_t²; true gains are taken to be
normal over tasks, and their variance is estimated from how much more the d_t scatter than noise
does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

TOGETHER = 1 << 16  # numbers of the tasks of several draws
N_BOOTSTRAPS = 500
CONFIDENCE = 0.95


@dataclass(frozen=True)
class TaskGains:
    """Gains of the tasks in units of the loss; above zero the model is better than the baseline.

    Attributes
    ----------
    posterior_mean : ndarray of shape (T,)
        The gain of each task, NaN where it has no held-out rows: what was seen, shrunk towards the
        mean the more the fewer rows it has.
    probability : ndarray of shape (T,)
        P(gain > 0 | data) of each task; NaN likewise, and everywhere if ``std`` is 0.
    mean : float
        Mean of the distribution of gains over tasks.
    std : float
        Its standard deviation τ; 0 where tasks do not measurably differ in gain.
    share : float
        Share of the tasks that gain: the mean of ``probability``; NaN if ``std`` is 0.
    share_low, share_high : float
        Its 95 % interval, from 500 bootstraps of the tasks.
    """

    posterior_mean: np.ndarray
    probability: np.ndarray
    mean: float
    std: float
    share: float
    share_low: float
    share_high: float


def task_gains(
    task: np.ndarray,
    gain: np.ndarray,
    *,
    groups: np.ndarray | None = None,
    n_tasks: int | None = None,
    size: np.ndarray | None = None,
) -> TaskGains:
    """The distribution of gains over tasks.

    d_t, the mean of task t's n_t entries, has variance s_t² = σ_w²/n_t with one

        σ_w² = sum_t sum_i (d_ti − d_t)² / sum_t (n_t − 1)

    for all tasks: an error of each task's own is correlated with its d_t (losses are skewed), and
    weights made of it are biased. Of rows in groups the sums D_tg of the deviations of a group g of
    m_g rows take the place of the deviations, σ_w² = sum_tg D_tg² / sum_t (n_t − sum_g m_g²/n_t),
    which for equal groups is the analysis of the groups' means.

    τ² is the estimate of Paule and Mandel: with w_t = 1/(s_t² + τ²) and the mean μ under these
    weights, sum_t w_t (d_t − μ)² has the expectation T − 1; τ² makes it that, or is 0 where it is
    less already. Given μ and τ² the gain of task t is normal with mean w_t (τ² d_t + s_t² μ) and
    variance w_t s_t² τ², and the share of tasks that gain is the mean of P(gain > 0).

    Parameters
    ----------
    task : ndarray of shape (n,)
        Position of each entry's task.
    gain : ndarray of shape (n,)
        Loss of the baseline minus loss of the model on each held-out entry.
    groups : ndarray of shape (n,), default=None
        Codes of repeated units; rows of one group are correlated.
    n_tasks : int, default=None
        Number of tasks; by default the largest position plus one.
    size : ndarray of shape (n,), default=None
        Number of rows that an entry stands for, one group of them; ``gain`` is then their mean.

    Returns
    -------
    TaskGains
        All NaN where nothing can be said: no task has two units, or there is only one task.

    References
    ----------
    R. C. Paule and J. Mandel (1982). Consensus values and weighting factors. Journal of Research
    of the National Bureau of Standards 87.

    R. DerSimonian and R. Kacker (2007). Random-effects model for meta-analysis of clinical trials:
    an update. Contemporary Clinical Trials 28.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn.compare.gains import task_gains
    >>> rng = np.random.default_rng(0)
    >>> task = np.repeat(np.arange(300), 12)
    >>> true_gain = rng.normal(0.1, 0.2, 300)
    >>> found = task_gains(task, true_gain[task] + rng.normal(size=3600))
    >>> print(f"{(true_gain > 0).mean():.2f} {found.share:.2f}")
    0.66 0.71
    """
    n_tasks = int(task.max(initial=-1)) + 1 if n_tasks is None else n_tasks
    many = np.ones(len(task)) if size is None else size
    n = np.bincount(task, many, n_tasks)
    seen = np.flatnonzero(n)
    mean = np.bincount(task, many * gain, n_tasks) / np.maximum(n, 1)
    squares, freedom = _within(task, many * (gain - mean[task]), groups, n, many)
    posterior, probability = np.full((2, n_tasks), np.nan)
    if len(seen) < 2 or not freedom.sum() > 0:
        return TaskGains(posterior, probability, *[np.nan] * 5)
    d, n, squares, freedom = mean[seen], n[seen], squares[seen], freedom[seen]
    center, tau2, posterior[seen], chance = _fit(d, squares.sum() / freedom.sum() / n)
    if tau2 == 0:
        return TaskGains(posterior, probability, float(center), 0.0, *[np.nan] * 3)
    probability[seen] = chance
    shares = _bootstrapped(d, n, squares, freedom)
    low, high = np.quantile(shares, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]).tolist()
    return TaskGains(
        posterior, probability, float(center), float(tau2**0.5), float(chance.mean()), low, high
    )


def _bootstrapped(
    d: np.ndarray, n: np.ndarray, squares: np.ndarray, freedom: np.ndarray
) -> np.ndarray:
    """The share of tasks that gain, of tasks drawn anew; so many draws at a time as are small."""
    rng, T, shares = np.random.default_rng(0), len(d), []
    step = max(1, TOGETHER // T)
    for start in range(0, N_BOOTSTRAPS, step):
        drawn = rng.integers(T, size=(min(step, N_BOOTSTRAPS - start), T))
        total = freedom[drawn].sum(axis=1)
        drawn, total = drawn[total > 0], total[total > 0]
        variance = squares[drawn].sum(axis=1) / total
        shares.append(_fit(d[drawn], variance[:, None] / n[drawn])[3].mean(axis=1))
    return np.concatenate(shares)


def _within(
    task: np.ndarray,
    deviation: np.ndarray,
    groups: np.ndarray | None,
    n: np.ndarray,
    size: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Sums of squares within each task, and what they have to be divided by."""
    if groups is not None:
        pairs, unit = np.unique(np.column_stack([task, groups]), axis=0, return_inverse=True)
        unit = unit.reshape(-1)
        task, deviation, size = pairs[:, 0], np.bincount(unit, deviation), np.bincount(unit, size)
    squares = np.bincount(task, deviation**2, len(n))
    return squares, n - np.bincount(task, size**2, len(n)) / np.maximum(n, 1)


def _fit(d: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, ...]:
    """μ, τ², and each task's posterior mean and P(gain > 0); tasks along the last axis."""
    tau2 = paule_mandel(d, noise)[..., None]
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = 1 / (noise + tau2)
        center = np.where(
            np.isfinite(weight).all(axis=-1),
            (weight * d).sum(axis=-1) / weight.sum(axis=-1),
            d.mean(axis=-1),
        )[..., None]
        shrunk = np.where(noise > 0, noise * weight, 0.0)
        posterior = d + shrunk * (center - d)
        chance = norm.cdf(posterior / np.sqrt(shrunk * tau2))
    chance = np.where(shrunk * tau2 > 0, chance, (np.sign(posterior) + 1) / 2)
    return center[..., 0], tau2[..., 0], posterior, chance


def paule_mandel(d: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """τ² with sum_t (d_t − μ)²/(s_t² + τ²) = T − 1, or 0; tasks along the last axis.

    The sum falls and is convex in τ², so that Newton's steps from below the root do not pass it.
    Below it is the variance of d minus the largest s_t²: with that for every s_t² the sum would
    be smaller.
    """
    spread = np.var(d, axis=-1, ddof=1)
    tau2 = np.maximum(spread - noise.max(axis=-1), 0)
    goal = d.shape[-1] - 1
    for _ in range(100):
        total = noise + tau2[..., None]
        weight = np.divide(1, total, out=np.zeros_like(total), where=total > 0)
        mean = (weight * d).sum(axis=-1) / np.maximum(weight.sum(axis=-1), 1e-300)
        terms = weight * (d - mean[..., None]) ** 2
        slope = (weight * terms).sum(axis=-1)
        step = np.divide(
            terms.sum(axis=-1) - goal, slope, out=np.zeros_like(slope), where=slope > 0
        )
        tau2 = tau2 + np.maximum(step, 0)
        if (step <= 1e-12 * tau2).all():
            break
    return tau2
