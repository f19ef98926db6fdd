"""Problems with a known truth: rows, targets and the coefficients they were drawn from.

The two generators differ only in the last step, from the linear predictor of a row to its target;
the others are in ``drawing``, the coefficients in ``structures``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from .checks import check_number
from .drawing import draw_problem

__all__ = ["make_multitask_classification", "make_multitask_regression"]

RandomState = int | np.random.RandomState | None


def make_multitask_regression(
    n_tasks: int = 10,
    n_samples_per_task: int | tuple[int, int] | Sequence[int] | np.ndarray = 50,
    n_features: int = 20,
    *,
    structure: str = "mean",
    n_informative: int | None = None,
    n_specific: int | None = None,
    rank: int = 2,
    n_clusters: int = 3,
    deviation: float = 0.3,
    outlier_tasks: int | float = 0,
    intercept_spread: float = 1.0,
    noise: float = 1.0,
    snr: float | None = None,
    shared_X: bool = False,
    holes: float = 0.0,
    task_labels: Sequence[Any] | np.ndarray | None = None,
    shuffle: bool = True,
    as_frame: bool = False,
    random_state: RandomState = None,
) -> Bunch:
    r"""Draw a regression problem of related tasks.

    Rows are x ~ N(0, I) in R^d, and

    .. math:: y_{ti} = x_{ti} \cdot w_t + b_t + \sigma \varepsilon_{ti},

    with b_t ~ N(0, ``intercept_spread``²), ε ~ N(0, 1). The coefficients w_t are rescaled so that
    ‖w_t‖², the variance of a task's signal, is 1 on average over the tasks. Before that, with all
    draws standard normal and on the informative features only, w_t is by ``structure``:

    ============== ================================================================
    ``"mean"``     w_0 + v_t; v_t has standard deviation ``deviation`` [1]_
    ``"group"``    independent values, on features common to all tasks [2]_
    ``"low_rank"`` D a_t; D (d × ``rank``) common to all tasks [3]_
    ``"dirty"``    b_t + s_t; b_t on common features, s_t on ``n_specific`` others, which
                   each task has of its own [4]_
    ``"clusters"`` c_k(t) + v_t; tasks in ``n_clusters`` of equal size, within one, v_t has
                   standard deviation ``deviation`` [5]_
    ``"none"``     independent values: nothing is shared
    ============== ================================================================

    Parameters
    ----------
    n_tasks : int, default=10
        T.
    n_samples_per_task : int, tuple (low, high) or array-like of shape (n_tasks,), default=50
        Rows of each task; a tuple draws a size between its ends (both possible) for each task, a
        list or array gives them. With ``shared_X`` an int, the rows of X.
    n_features : int, default=20
        d.
    structure : {"mean", "group", "low_rank", "dirty", "clusters", "none"}, default="mean"
        How the tasks are related.
    n_informative : int, default=None
        Features with a coefficient other than 0, the same in all tasks (for ``"dirty"``: in its
        common part). None: a quarter of them for ``"group"`` and ``"dirty"``, else all.
    n_specific : int, default=None
        ``"dirty"`` only: further features of each task. None: a tenth of all.
    rank : int, default=2
        ``"low_rank"`` only: rank of the coefficients.
    n_clusters : int, default=3
        ``"clusters"`` only.
    deviation : float, default=0.3
        ``"mean"`` and ``"clusters"`` only: how far tasks are from what they share (0: identical).
    outlier_tasks : int or float, default=0
        Number (int) or fraction (float, rounded to a number) of tasks whose coefficients have
        nothing to do with the others: independent values on all features.
    intercept_spread : float, default=1.0
        Standard deviation of the intercepts over the tasks.
    noise : float, default=1.0
        Standard deviation σ of the noise. The signal-to-noise ratio is 1/σ².
    snr : float, default=None
        The signal-to-noise ratio (of variances, without intercepts); replaces ``noise`` by
        1/√snr.
    shared_X : bool, default=False
        False: rows labelled by task, y of shape (n,). True: one X, y of shape (n, T).
    holes : float, default=0.0
        With ``shared_X``: this fraction of the labels is missing (NaN), at random; every task
        keeps one at least.
    task_labels : array-like of shape (n_tasks,), default=None
        Names of the tasks. None: 0, …, T − 1.
    shuffle : bool, default=True
        Rows in random order; False: task after task.
    as_frame : bool, default=False
        Return pandas objects, and all of them together as ``frame``.
    random_state : int, RandomState instance or None, default=None
        Seed.

    Returns
    -------
    sklearn.utils.Bunch
        * ``data`` (n, d), ``target`` (n,) or (n, T), ``task`` (n,) or None; with ``as_frame``
          DataFrames and Series, and ``frame`` (else None), ``feature_names``, ``target_names``,
          ``task_name``;
        * the truth: ``coef`` (T, d), ``intercept`` (T,), ``tasks`` (T,) their labels, ``support``
          (d,) the informative features, ``outlier_tasks`` the positions of these tasks in
          ``tasks``, ``noise`` the σ used;
        * by structure: ``mean_coef`` (d,); ``shared_coef`` and ``specific_coef`` (T, d), zero for
          outlier tasks; ``clusters`` (T,), -1 for outlier tasks, and ``cluster_centers``.

    Raises
    ------
    ValueError
        If a parameter is out of its range; the message says which and what is allowed.
    ImportError
        If ``as_frame`` and pandas is not installed.

    See Also
    --------
    make_multitask_classification : The same with two classes.
    sklearn.datasets.make_regression : One task, or several without structure.

    References
    ----------
    .. [1] Evgeniou, T. and Pontil, M. (2004). Regularized multi-task learning. KDD, 109–117.
    .. [2] Obozinski, G., Taskar, B. and Jordan, M. I. (2010). Joint covariate selection and joint
       subspace selection for multiple classification problems. Statistics and Computing 20,
       231–252.
    .. [3] Argyriou, A., Evgeniou, T. and Pontil, M. (2008). Convex multi-task feature learning.
       Machine Learning 73, 243–272.
    .. [4] Jalali, A., Ravikumar, P., Sanghavi, S. and Ruan, C. (2010). A dirty model for multi-task
       learning. NIPS 23.
    .. [5] Jacob, L., Bach, F. and Vert, J.-P. (2008). Clustered multi-task learning: a convex
       formulation. NIPS 21.

    Examples
    --------
    >>> from mtlearn.datasets import make_multitask_regression
    >>> problem = make_multitask_regression(4, (5, 30), 8, structure="group", random_state=0)
    >>> problem.coef.shape, int((problem.coef != 0).any(axis=0).sum())
    ((4, 8), 2)
    >>> shared = make_multitask_regression(3, 40, 8, shared_X=True, holes=0.5, random_state=0)
    >>> shared.target.shape, shared.task is None
    ((40, 3), True)
    """
    noise = check_number("noise", noise, low=0)
    if snr is not None:
        noise = 1 / np.sqrt(check_number("snr", snr, low=0, strict=True))
    bunch = draw_problem(
        lambda scores, rng: scores + noise * rng.standard_normal(scores.shape),
        n_tasks,
        n_samples_per_task,
        n_features,
        structure=structure,
        n_informative=n_informative,
        n_specific=n_specific,
        rank=rank,
        n_clusters=n_clusters,
        deviation=deviation,
        outlier_tasks=outlier_tasks,
        signal=1.0,
        intercept_spread=intercept_spread,
        shared_X=shared_X,
        holes=holes,
        task_labels=task_labels,
        shuffle=shuffle,
        as_frame=as_frame,
        random_state=random_state,
    )
    bunch.noise = noise
    return bunch


def make_multitask_classification(
    n_tasks: int = 10,
    n_samples_per_task: int | tuple[int, int] | Sequence[int] | np.ndarray = 50,
    n_features: int = 20,
    *,
    structure: str = "mean",
    n_informative: int | None = None,
    n_specific: int | None = None,
    rank: int = 2,
    n_clusters: int = 3,
    deviation: float = 0.3,
    outlier_tasks: int | float = 0,
    signal: float = 2.0,
    intercept_spread: float = 0.5,
    shared_X: bool = False,
    holes: float = 0.0,
    task_labels: Sequence[Any] | np.ndarray | None = None,
    shuffle: bool = True,
    as_frame: bool = False,
    random_state: RandomState = None,
) -> Bunch:
    r"""Draw a two-class problem of related tasks from the logistic model.

    Rows are x ~ N(0, I), and

    .. math:: P(y_{ti} = 1) = 1 / (1 + e^{-f}), \quad f = x_{ti} \cdot w_t + b_t.

    The coefficients w_t are those of `make_multitask_regression`, times ``signal``: the standard
    deviation of f in a task, over its rows, is ``signal`` on average over tasks (root mean square).

    Parameters
    ----------
    n_tasks : int, default=10
        T.
    n_samples_per_task : int, tuple (low, high) or array-like of shape (n_tasks,), default=50
        Rows of each task, or of X with ``shared_X``; as in `make_multitask_regression`.
    n_features : int, default=20
        d.
    structure : {"mean", "group", "low_rank", "dirty", "clusters", "none"}, default="mean"
        How the tasks are related; see `make_multitask_regression` for the formulas.
    n_informative, n_specific : int, default=None
        Common features, and for ``"dirty"`` each task's own.
    rank : int, default=2
        ``"low_rank"`` only.
    n_clusters : int, default=3
        ``"clusters"`` only.
    deviation : float, default=0.3
        ``"mean"`` and ``"clusters"`` only: how far tasks are from what they share.
    outlier_tasks : int or float, default=0
        Number or fraction of tasks with unrelated coefficients.
    signal : float, default=2.0
        Larger is easier: at 0 labels say nothing about x; the default leaves about a fifth of
        the labels on the wrong side of f = 0.
    intercept_spread : float, default=0.5
        Standard deviation of the intercepts: how far apart the tasks' class frequencies are.
    shared_X : bool, default=False
        False: rows labelled by task, y of shape (n,). True: one X, y of shape (n, T).
    holes : float, default=0.0
        With ``shared_X``: the fraction of labels that are missing (NaN; the others are then
        floats).
    task_labels : array-like of shape (n_tasks,), default=None
        Names of the tasks. None: 0, …, T − 1.
    shuffle : bool, default=True
        Rows in random order; False: task after task.
    as_frame : bool, default=False
        Return pandas objects, and all of them together as ``frame``.
    random_state : int, RandomState instance or None, default=None
        Seed.

    Returns
    -------
    sklearn.utils.Bunch
        As in `make_multitask_regression`, with labels 0 and 1 in ``target``. A small task may
        have one class only.

    Raises
    ------
    ValueError
        If a parameter is out of its range; the message says which and what is allowed.
    ImportError
        If ``as_frame`` and pandas is not installed.

    See Also
    --------
    make_multitask_regression : Formulas and references of the structures.

    References
    ----------
    Those of `make_multitask_regression`.

    Examples
    --------
    >>> from mtlearn.datasets import make_multitask_classification
    >>> problem = make_multitask_classification(4, 25, 6, structure="low_rank", random_state=0)
    >>> problem.data.shape, sorted(set(problem.target.tolist()))
    ((100, 6), [0, 1])
    """

    def draw_labels(scores: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
        # A standard logistic variable is below f with probability 1 / (1 + exp(-f)).
        return (rng.logistic(size=scores.shape) < scores).astype(int)

    return draw_problem(
        draw_labels,
        n_tasks,
        n_samples_per_task,
        n_features,
        structure=structure,
        n_informative=n_informative,
        n_specific=n_specific,
        rank=rank,
        n_clusters=n_clusters,
        deviation=deviation,
        outlier_tasks=outlier_tasks,
        signal=check_number("signal", signal, low=0),
        intercept_spread=intercept_spread,
        shared_X=shared_X,
        holes=holes,
        task_labels=task_labels,
        shuffle=shuffle,
        as_frame=as_frame,
        random_state=random_state,
    )
