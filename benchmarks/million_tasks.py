"""A million tasks of 20 rows and 30 features within 8 GB: collected to blocks in files, and fitted.

Each stage runs in a process of its own, whose largest resident memory is asked of the system. Rows
are drawn a chunk at a time, and are never whole in memory. Run from the root of the repository::

    python -m benchmarks.million_tasks /tmp/million                # all stages
    python -m benchmarks.million_tasks /tmp/million --tasks 50000
    python -m benchmarks.million_tasks /tmp/million --stage mean   # of what is collected already
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

import mtlearn

N_FEATURES, ROWS = 30, 20
CHUNK = 200_000  # rows
MODELS = {
    "mean": lambda: mtlearn.MeanRegularizedRegressor(alpha="auto"),
    "slopes": lambda: mtlearn.RandomSlopesRegressor(covariance="diagonal", store_covariance=False),
    "common": lambda: mtlearn.RandomSlopesRegressor(covariance="common", store_covariance=False),
    "group lasso": lambda: mtlearn.GroupLassoRegressor(shared_mean=True),
}
ALPHA = 0.4  # over the root of the number of tasks: leaves the ten features that differ
STAGES = ("collect", *MODELS)


def chunks(n_tasks: int):
    """Rows of tasks in no order: every task turns up in many chunks."""
    rng = np.random.default_rng(0)
    w = rng.normal(size=N_FEATURES)
    spread = np.where(np.arange(N_FEATURES) < 10, 0.5, 0.0)  # ten features differ between tasks
    own = (spread * rng.normal(size=(n_tasks, N_FEATURES))).astype(np.float32)
    left = n_tasks * ROWS
    while left > 0:
        n = min(CHUNK, left)
        task, X = rng.integers(n_tasks, size=n), rng.normal(size=(n, N_FEATURES))
        y = X @ w + np.einsum("ij,ij->i", X, own[task]) + 0.01 * (task % 100) + rng.normal(size=n)
        left -= n
        yield X, y, task


def run(stage: str, folder: Path, n_tasks: int) -> None:
    """One stage, in this process."""
    start = time.perf_counter()
    if stage == "collect":
        moments = mtlearn.collect_moments(chunks(n_tasks), folder=folder)
        said = repr(moments)
    else:
        moments = mtlearn.TaskMoments.load(folder)
        print(f"{stage}: loaded in {time.perf_counter() - start:.0f} s", flush=True)
        model = MODELS[stage]()
        if stage == "group lasso":
            model.set_params(alpha=ALPHA * np.sqrt(len(moments.tasks)))
        model = mtlearn.fit_moments(model, moments)
        said = f"gap {model.dual_gap_:.1e}, {model.n_iter_} iterations"
        if stage == "mean":
            said += f", alpha {model.alpha_:.4g}, alpha_intercept {model.alpha_intercept_:.4g}"
        if stage == "slopes":
            said += (
                f", slope_std_ {model.slope_std_[:2].round(3)}, {model.slope_std_[-2:].round(3)}"
            )
        if stage == "group lasso":
            said += f", {model.support_.sum()} of {N_FEATURES} features differ between tasks"
    seconds = time.perf_counter() - start
    unit = 1024 if sys.platform != "darwin" else 1
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9
    cpu = time.process_time()
    print(f"{stage}: {seconds:.0f} s ({cpu:.0f} of CPU), peak {peak:.2f} GB; {said}", flush=True)


def main() -> None:
    """All stages, or one."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tasks", type=int, default=1_000_000)
    parser.add_argument("--stage", choices=STAGES)
    parser.add_argument("--inside", action="store_true", help="in this process")
    given = parser.parse_args()
    stages = STAGES if given.stage is None else (given.stage,)
    for stage in stages:
        if given.inside:
            run(stage, given.folder, given.tasks)
            continue
        command = [sys.executable, "-m", "benchmarks.million_tasks", str(given.folder)]
        command += ["--tasks", str(given.tasks), "--stage", stage, "--inside"]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
