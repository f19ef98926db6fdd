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


def main(runs):
    """Kill so many times."""
    cluster = LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
    )
    right = 0
    with cluster, Client(cluster) as client:
        wanted = mtlearn.dask.collect_moments(table(partitions=PARTITIONS, T=400), **OPTIONS)
        for run in range(runs):
            client.wait_for_workers(2)
            with tempfile.TemporaryDirectory() as folder:
                stopped = threading.Event()
                killer = threading.Thread(target=kill, args=(Path(folder) / "pid", stopped))
                killer.start()
                at = run % PARTITIONS
                lazy = table(waiting, partitions=PARTITIONS, T=400, folder=folder, at=at)
                found = mtlearn.dask.collect_moments(lazy, **OPTIONS)
                killed = (Path(folder) / "pid").exists()
                stopped.set()
                killer.join()
            right += killed and is_same(found, wanted)
            print(
                f"partition {at}: {'the same' if is_same(found, wanted) else 'another'}", flush=True
            )
    print(f"{right} of {runs} answers are the same")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
