"""Moments of collections of Dask: every partition is read once, and shares of it add up."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from dask.delayed import delayed

from mtlearn.dask.cutting import Cut, cut
from mtlearn.dask.persisted import check_persist, gathered, refuse_none
from mtlearn.dask.running import client_of, computed, held, saying
from mtlearn.moments.equal_rows import warn_of_equal
from mtlearn.moments.joining import joined
from mtlearn.moments.left_out import LeftOut
from mtlearn.moments.shares import Options, finished, merged, read_shares
from mtlearn.moments.task_moments import TaskMoments

AT_ONCE = 4  # partitions whose dealt shares are added to those before
FAN_IN = 8  # shares that are added to one, where tasks are not dealt
DEALS, LEAST_DEALS, SHARES = 32, 4, 8_000  # at most; at least; of all partitions


def collect_moments(
    X: Any,
    y: Any = None,
    *,
    task: Any = None,
    sample_weight: Any = None,
    task_column: Any = None,
    target_column: Any = None,
    weight_column: Any = None,
    encoder: Any = None,
    n_folds: int | None = None,
    group_column: Any = None,
    persist: bool | None = None,
    client: Any = None,
) -> TaskMoments:
    """The moments of every task from a collection of Dask, each partition read once.

    :func:`mtlearn.collect_moments` where partitions are the chunks, and workers read them. Of each
    partition go on, dealt by a hash of the task, the moments of its tasks or, where T (d + 1)²
    times ``n_folds`` numbers are more than its rows, the rows; what belongs to a task meets on one
    worker. Tasks need not be known, nor the lengths of partitions.

    Parameters
    ----------
    X : dask.dataframe.DataFrame or dask.array.Array of shape (n, d)
        Features, and whatever columns are named below.
    y : dask Series, DataFrame or Array of shape (n,) or (n, T), default=None
        Targets, cut into partitions as X is; NaN where not observed.
    task : dask Series or Array of shape (n,), default=None
        Task labels beside X.
    sample_weight : dask Series, DataFrame or Array, default=None
        Weights of the rows, or of the labels of several targets.
    task_column, target_column, weight_column : str, int or list, default=None
        Columns of X, as in :func:`mtlearn.collect_moments`.
    encoder : TableEncoder, default=None
        Fitted; makes numbers of text, categories and missing values.
    n_folds : int, default=None
        Deal the rows to so many folds; a hash of the row says to which, the same as elsewhere.
    group_column : str or int, default=None
        Column of groups that no fold tears apart.
    persist : bool, default=None
        True leaves the d × d scatters of every task on the worker that made them: a fit sends
        coefficients there, and sums and coefficients come back. This process then holds some 5 d
        numbers a task. Such moments are fitted, not added nor saved, for as long as the cluster
        is there; they need task labels and have no folds. None does so where the moments would
        take more than half of the memory of this machine.
    client : distributed.Client, default=None
        Whose cluster reads; None is the one that is active, or else threads of this process.

    Returns
    -------
    TaskMoments
        Plain, in memory, or with scatters on the workers.

    Raises
    ------
    ValueError
        If a partition cannot be used, or is not like the others; the message begins with its
        number, from 0, and names the column. If moments would take more than the memory of this
        machine and are not to stay on the workers, or ``persist=True`` has no cluster or no labels.
    TypeError
        If X is no collection of Dask.
    RuntimeError
        If a partition cannot be computed, with its number, or the cluster goes away.

    Warns
    -----
    MissingTargetWarning
        Where rows have no target.
    UserWarning
        Where so many rows of folds are equal that held-out errors come out too large.

    See Also
    --------
    mtlearn.collect_moments : Of chunks, in one process.
    mtlearn.fit_moments : Fits a model to moments.
    mtlearn.dask.fit : Both in one call.

    References
    ----------
    Chan, Golub and LeVeque (1979). Updating formulae and a pairwise algorithm for computing
    sample variances. Stanford University, STAN-CS-79-773.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> import dask.dataframe as dd
    >>> import mtlearn.dask
    >>> rng = np.random.default_rng(0)
    >>> table = pd.DataFrame(rng.normal(size=(1000, 3)), columns=["a", "b", "sold"])
    >>> table["store"] = rng.integers(20, size=1000)
    >>> frame = dd.from_pandas(table, npartitions=4)
    >>> mtlearn.dask.collect_moments(frame, task_column="store", target_column="sold")
    <TaskMoments: 1,000 rows of 20 tasks, 2 features, 0.00128 MB>
    """
    options = Options(
        task_column, target_column, weight_column, deepcopy(encoder), n_folds, group_column
    )
    check_sources(options, y, task, sample_weight)
    client, parts = client_of(client), cut(X, y, task, sample_weight)
    if persist:
        check_persist(client, is_labelled(parts, options), n_folds)
    blocks, reads = deal(parts, options)
    if client is None:
        reports, found = computed(reads, blocks)
        found = [one for one in found if one is not None]
        refuse_none(sum(int(one.counts.sum()) for one in found))
        moments = joined(found)
    else:
        reports, futures = held(reads, blocks, client)
        moments = gathered(futures, client, persist)
    left_out = LeftOut()
    for one in reports:
        left_out.add(**vars(one))
    left_out.say(several=moments._way == "columns")
    warn_of_equal(moments)
    return moments


def deal(parts: Cut, options: Options, n_deals: int | None = None) -> tuple[list, list]:
    """Blocks of moments of different tasks, delayed, and a report of each partition.

    A block is a :class:`TaskMoments` or None, where it has no task; it stays on its worker for as
    long as nobody asks for it.
    """
    P, how = len(parts), delayed(options, traverse=False)
    if P == 1 or not is_labelled(parts, options):
        n_deals = 1
    elif n_deals is None:
        n_deals = min(P, DEALS, max(LEAST_DEALS, SHARES // P))
    reads = parts.calls(_read, how, n_deals)
    pick, add, finish = delayed(_pick), delayed(_merged), delayed(_finished)
    shares = [[pick(one, k + 1) for one in reads] for k in range(n_deals)]
    blocks = []
    for own in shares:
        if n_deals > 1:  # one after the other, so that moments are there once
            total = own[0]
            for first in range(1, P, AT_ONCE):
                total = add(how, total, *own[first : first + AT_ONCE])
            own = [total]
        while len(own) > 1:
            own = [add(how, *own[k : k + FAN_IN]) for k in range(0, len(own), FAN_IN)]
        blocks.append(finish(how, own[0]))
    return blocks, [pick(one, 0) for one in reads]


def is_labelled(parts: Cut, options: Options) -> bool:
    """Whether rows are of tasks by their labels."""
    return options.task_column is not None or parts.labelled


def _merged(options: Options, *shares: Any) -> Any:
    with saying():
        return merged(options, *shares)


def _finished(options: Options, share: Any) -> TaskMoments | None:
    with saying():
        return finished(options, share)


def _read(options: Options, n_deals: int, number: int, X, y, task, sample_weight) -> tuple:
    return read_shares(options, number, n_deals, (X, y, task, sample_weight))


def _pick(shares: tuple, k: int) -> Any:
    return shares[k]


def check_sources(options: Options, y: Any, task: Any, sample_weight: Any) -> None:
    """Options that are not allowed, before anything is read."""
    options.gathering()
    for column, name, beside, other in (
        (options.target_column, "target_column", y, "y"),
        (options.task_column, "task_column", task, "task"),
        (options.weight_column, "weight_column", sample_weight, "sample_weight"),
    ):
        if column is not None and beside is not None:
            raise ValueError(f"both {name}={column!r} and {other} are given; give one of them.")
    if options.target_column is None and y is None:
        raise ValueError(
            "there is no target. Give y, or name the column of X with target_column=..."
        )
