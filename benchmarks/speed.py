"""Time of the closed form on many rows and many tasks.

    OPENBLAS_NUM_THREADS=2 python benchmarks/speed.py

Prints seconds (the better of two runs) and the certificate of each fit. Drawn data, 40 features.
"""

import time

import numpy as np

from mtlearn import MeanRegularizedRegressor, MeanRegularizedRegressorCV


def draw(n_tasks, rows, n_features=40, seed=0):
    """Rows of all tasks in random order; tasks differ in level and a little in coefficients."""
    rng = np.random.default_rng(seed)
    task = np.repeat(np.arange(n_tasks), rows)
    rng.shuffle(task)
    X = rng.standard_normal((len(task), n_features))
    W = rng.standard_normal(n_features) + 0.3 * rng.standard_normal((n_tasks, n_features))
    level = rng.standard_normal(n_tasks)
    y = np.einsum("ij,ij->i", X, W[task]) + level[task] + 3.0 * rng.standard_normal(len(task))
    return X, y, task


CASES = {
    "fit, 500,000 rows, 1,000 tasks": (MeanRegularizedRegressor(), 1000, 500),
    "fit, 1,000,000 rows, 5,000 tasks": (MeanRegularizedRegressor(), 5000, 200),
    "CV of 100 alphas, 2,410 tasks of 13 rows": (MeanRegularizedRegressorCV(), 2410, 13),
}


def main():
    for name, (estimator, n_tasks, rows) in CASES.items():
        X, y, task = draw(n_tasks, rows)
        seconds = []
        for _ in range(2):
            start = time.perf_counter()
            estimator.fit(X, y, task=task)
            seconds.append(time.perf_counter() - start)
        print(f"{name}: {min(seconds):.1f} s, dual_gap_ {estimator.dual_gap_:.0e}", flush=True)


if __name__ == "__main__":
    main()
