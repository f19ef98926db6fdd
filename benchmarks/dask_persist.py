"""Moments that stay on the workers: a fit, and the peak of memory of each process.

    python -m benchmarks.dask_persist --tasks 100_000 --features 50 --memory 3GB

Prints what the scatters of all tasks take, times, and peaks of this process (which has the
scheduler, too) and of each worker.
"""

import argparse
import os
import resource
import time

from distributed import Client, LocalCluster

import mtlearn.dask
from benchmarks.dask_moments import table
from mtlearn import (
    GroupLassoRegressor,
    MeanRegularizedRegressor,
    RandomSlopesRegressor,
    fit_moments,
)

MODELS = {
    "mean": MeanRegularizedRegressor(1.0, task_column="task"),
    "auto": MeanRegularizedRegressor("auto", task_column="task"),
    "slopes": RandomSlopesRegressor(task_column="task", store_covariance=False),
    "group lasso": GroupLassoRegressor(0.05, task_column="task"),
}
NAMED = {"task_column": "task", "target_column": "y"}


def peak():
    """Megabytes that this process held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def main():
    """Collect, fit, and say what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=100_000)
    parser.add_argument("--features", type=int, default=50)
    parser.add_argument("--per-task", type=int, default=20, help="rows of a task on average")
    parser.add_argument("--partitions", type=int, default=32)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--memory", default="3GB", help="of a worker")
    parser.add_argument("--models", nargs="*", default=["mean"], choices=MODELS)
    options = parser.parse_args()
    T, d = options.tasks, options.features
    n = T * options.per_task // options.partitions
    frame = table(n * options.partitions, d, T, n, "float32")
    print(f"before anything: this process {peak():.0f} MB", flush=True)
    cluster = LocalCluster(
        n_workers=options.workers,
        threads_per_worker=1,
        memory_limit=options.memory,
        dashboard_address=":0",
    )
    with cluster, Client(cluster, set_as_default=False) as client:
        workers = ", ".join(f"{one:.0f}" for one in client.run(peak).values())
        print(f"this process with a scheduler {peak():.0f} MB, workers {workers} MB", flush=True)
        start = time.perf_counter()
        moments = mtlearn.dask.collect_moments(frame, persist=True, client=client, **NAMED)
        print(f"{moments} from {n * options.partitions:,} rows", flush=True)
        for name in ["moments", *options.models]:
            if name != "moments":
                start = time.perf_counter()
                fit_moments(MODELS[name], moments)
            took = time.perf_counter() - start
            workers = ", ".join(f"{one:.0f}" for one in client.run(peak).values())
            print(
                f"{name}: {took:.0f} s; peaks so far: this process {peak():.0f} MB, workers "
                f"{workers} MB",
                flush=True,
            )
    print(os.cpu_count(), "cores")


if __name__ == "__main__":
    main()
