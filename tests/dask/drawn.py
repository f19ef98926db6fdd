"""Tables that partitions are made of, and a count of how often each was."""

import os
import threading
import time
from collections import Counter
from pathlib import Path

import dask.dataframe as dd
import numpy as np
import pandas as pd

TIMES, LOCK = Counter(), threading.Lock()
NAMED = {"task_column": "shop", "target_column": "sold"}


def rows(number, n=120, T=7):
    """The rows of a partition."""
    rng = np.random.default_rng(number)
    X = rng.normal(size=(n, 3)) + [0, 5, -1]
    shop = rng.integers(T, size=n) * 3
    sold = X @ [1.0, -1, 2] + 0.1 * shop * X[:, 0] + rng.normal(size=n)
    return pd.DataFrame(X, columns=["a", "b", "c"]).assign(shop=shop, sold=sold)


def counted(number, **how):
    """The same, noting that it was asked for."""
    with LOCK:
        TIMES[number] += 1
    return rows(number, **how)


def failing(number, at=3, **how):
    """A partition that cannot be computed."""
    if number == at:
        raise ZeroDivisionError("nothing is there")
    return rows(number, **how)


def waiting(number, folder, at=2, **how):
    """One partition, where it is first made, says by whom, and waits to be killed."""
    here = Path(folder) / "pid"
    if number == at and not here.exists():
        beside = here.with_name("being written")
        beside.write_text(str(os.getpid()))
        beside.rename(here)
        time.sleep(600)
    return rows(number, **how)


STARTED, GO_ON = threading.Event(), threading.Event()


def slow(number):
    """A partition that says that it is being made, and waits."""
    STARTED.set()
    GO_ON.wait(60)
    return rows(number)


def table(make=rows, partitions=6, **how):
    """A lazy table."""
    return dd.from_map(make, list(range(partitions)), meta=rows(0, n=1), **how)


def whole(partitions=6, **how):
    """All its rows in memory."""
    return pd.concat([rows(k, **how) for k in range(partitions)], ignore_index=True)


def assert_same(found, wanted):
    """Moments are of the same rows."""
    assert found.tasks.dtype == wanted.tasks.dtype
    assert found.tasks.tolist() == wanted.tasks.tolist()
    assert found._column_tasks.tolist() == wanted._column_tasks.tolist()
    for name in ("n_folds", "_names", "_labels_at", "_way", "_whole", "_weighted", "task_column"):
        assert getattr(found, name) == getattr(wanted, name), name
    close = {"rtol": 1e-10, "atol": 1e-9}
    for one, other in zip(found._folds, wanted._folds, strict=True):
        np.testing.assert_array_equal(one.count, other.count)
        for name in ("weight", "xx", "xy", "yy", "y_mean"):
            np.testing.assert_allclose(getattr(one, name), getattr(other, name), **close)
        some = (one.count > 0)[: len(one.x_mean)]
        means = [(m.x_mean + owner._pivot)[some] for m, owner in ((one, found), (other, wanted))]
        np.testing.assert_allclose(*means, **close)
    np.testing.assert_allclose(found._sums, wanted._sums, **close)
    for name in ("count", "mean", "scatter"):
        of_columns = [getattr(moments._columns, name) for moments in (found, wanted)]
        np.testing.assert_allclose(*of_columns, **close)
