"""Moments by Dask with a worker killed in the middle, time and again: is the answer the same?

    python -m benchmarks.dask_kills 20

Run from the root of a checkout. Every run kills the worker that makes one of the partitions,
another one each time, and compares the moments to the last bit with those of a run where nobody is
killed.
"""

import os
import signal
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
from distributed import Client, LocalCluster

import mtlearn.dask
from tests.dask.drawn import NAMED, table, waiting

PARTITIONS = 12
OPTIONS = {"n_folds": 2, **NAMED}


def kill(pid, stopped):
    """End the process that the file names, once it is there."""
    while not pid.exists():
        if stopped.wait(0.05):
            return
    os.kill(int(pid.read_text()), signal.SIGKILL)


def is_same(found, wanted):
    """Whether moments agree to the last bit."""
    pairs = zip(found._folds, wanted._folds, strict=True)
    return all(
        np.array_equal(values, getattr(other, name))
        for one, other in pairs
        for name, values in vars(one).items()
    )


def killed_once(at):
    """The moments that a new cluster gives, the worker that makes one partition being killed."""
    cluster = LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
    )
    with cluster, Client(cluster), tempfile.TemporaryDirectory() as folder:
        pid, stopped = Path(folder) / "pid", threading.Event()
        killer = threading.Thread(target=kill, args=(pid, stopped))
        killer.start()
        lazy = table(waiting, partitions=PARTITIONS, T=400, folder=folder, at=at)
        found = mtlearn.dask.collect_moments(lazy, **OPTIONS)
        killed = pid.exists()
        stopped.set()
        killer.join()
    return found, killed


def main(runs):
    """Kill so many times."""
    wanted = mtlearn.dask.collect_moments(table(partitions=PARTITIONS, T=400), **OPTIONS)
    right = 0
    for run in range(runs):
        found, killed = killed_once(run % PARTITIONS)
        same = is_same(found, wanted)
        right += killed and same
        print(f"partition {run % PARTITIONS}: killed {killed}, the same {same}", flush=True)
    print(f"{right} of {runs} answers are the same")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
