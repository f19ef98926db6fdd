"""Moments, search and fit of a table that workers make partition by partition.

    python benchmarks/dask_moments.py --rows 20_000_000 --tasks 20_000 --features 50

Prints the time of each step, the share of it that workers spent in NumPy, and peaks of memory.
"""

import argparse
import os
import resource
import threading
import time

import dask.dataframe as dd
import numpy as np
import pandas as pd
from distributed import Client, LocalCluster

import mtlearn.dask
from mtlearn import MeanRegularizedRegressorCV, fit_moments

ALPHAS = 50
PAGE = 4096


def partition(number, n, d, T, kind):
    """Rows of one partition: every task may be in each of them."""
    rng = np.random.default_rng(number)
    X = rng.standard_normal((n, d), dtype=np.float32)
    task = rng.integers(T, size=n)
    own = np.random.default_rng(10**6).normal(size=(T, 5)).astype(np.float32)
    y = X[:, :5].sum(axis=1) + 0.5 * np.einsum("ij,ij->i", X[:, :5], own[task])
    y += rng.standard_normal(n, dtype=np.float32)
    frame = pd.DataFrame(X.astype(kind, copy=False), columns=[f"x{j}" for j in range(d)])
    return frame.assign(task=task, y=y.astype(kind, copy=False))


def table(rows, d, T, per_partition, kind):
    """The lazy table."""
    numbers = list(range(max(1, rows // per_partition)))
    meta = partition(0, 1, d, T, kind)
    return dd.from_map(partition, numbers, n=per_partition, d=d, T=T, kind=kind, meta=meta)


def memory_of(pid):
    """Bytes that a process holds now."""
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * PAGE


class Peak(threading.Thread):
    """Watches the memory of several processes together."""

    def __init__(self, pids):
        super().__init__(daemon=True)
        self.pids, self.most, self.over = pids, 0, threading.Event()

    def run(self):
        """Look every fifth of a second."""
        while not self.over.wait(0.2):
            try:
                self.most = max(self.most, sum(map(memory_of, self.pids)))
            except (FileNotFoundError, ProcessLookupError):
                continue


def profiled(client):
    """Seconds that workers spent in NumPy's lines, and in all, by their samples."""
    root = client.profile()
    inside = 0

    def walk(node, within):
        nonlocal inside
        name = node["description"].get("filename", "")
        within = within or "numpy" in name or "mtlearn" in name
        inside += (
            0
            if not within
            else node["count"] - sum(one["count"] for one in node["children"].values())
        )
        for one in node["children"].values():
            walk(one, within)

    walk(root, False)
    return inside, root["count"]


def measure(rows, options, client):
    """Times of the steps."""
    frame = table(rows, options.features, options.tasks, options.partition, options.kind)
    start = time.perf_counter()
    moments = mtlearn.dask.collect_moments(
        frame, task_column="task", target_column="y", n_folds=5, client=client
    )
    read = time.perf_counter()
    given = {"alpha_intercept": 0.1, "n_jobs": options.jobs}
    model = MeanRegularizedRegressorCV(ALPHAS, task_column="task", **given)
    fit_moments(model, moments)
    done = time.perf_counter()
    print(f"{moments}")
    print(
        f"{rows:,} rows in {frame.npartitions} partitions: moments {read - start:.1f} s, "
        f"search over {ALPHAS} alphas and fit {done - read:.1f} s; "
        f"alpha {model.alpha_:.3g} of {len(model.alphas_)}",
        flush=True,
    )
    return done - start


def main():
    """Read the options, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--tasks", type=int, default=2_000)
    parser.add_argument("--features", type=int, default=50)
    parser.add_argument("--partition", type=int, default=200_000)
    parser.add_argument("--jobs", type=int, default=2, help="folds at a time of the search")
    parser.add_argument("--kind", default="float64")
    parser.add_argument("--memory", default="6GB", help="of a worker")
    parser.add_argument("--double", action="store_true", help="and half as many rows before")
    options = parser.parse_args()
    cluster = LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        dashboard_address=None,
        memory_limit=options.memory,
    )
    with cluster, Client(cluster) as client:
        pids = [os.getpid(), *client.run(os.getpid).values()]
        peak = Peak(pids)
        peak.start()
        if options.double:
            half = measure(options.rows // 2, options, client)
        whole = measure(options.rows, options, client)
        inside, of = profiled(client)
        peak.over.set()
        print(f"in all {whole:.1f} s")
        if options.double:
            print(f"twice the rows take {whole / half:.2f} times as long")
        share = inside / max(of, 1)
        print(f"workers were in NumPy and the library for {share:.0%} of their samples")
        mine = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(f"peak {peak.most / 1e9:.1f} GB in three processes, {mine / 1e9:.1f} GB in this one")


if __name__ == "__main__":
    main()
