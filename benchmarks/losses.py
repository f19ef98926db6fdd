"""How long fits of each loss take, and how that grows with the number of rows.

python -m benchmarks.losses [squared] [poisson] [huber] [quantile] [slopes] [ROWS ...]

The mean-regularised family, and random slopes of counts, 20 features, 500 tasks. Seconds of the
process and of the clock; growth is how many times those of the process are of the size before,
beside how many times the rows are. Of one thread where BLAS has one (OPENBLAS_NUM_THREADS=1).
"""

import sys
import time

import numpy as np

from mtlearn import MeanRegularizedRegressor, RandomSlopesRegressor

TASKS, FEATURES = 500, 20
LOSSES = ("squared", "poisson", "huber", "quantile", "slopes")


def drawn(n):
    """Rows, targets for counts and for the others, and the tasks."""
    rng = np.random.default_rng(0)
    task = np.arange(n) % TASKS
    X = rng.normal(size=(n, FEATURES))
    W = 0.1 * (rng.normal(size=FEATURES) + 0.5 * rng.normal(size=(TASKS, FEATURES)))
    scores = np.sum(X * W[task], axis=1) + 0.3 * rng.normal(size=TASKS)[task]
    return X, rng.poisson(np.exp(scores)), scores + rng.standard_t(4, size=n), task


def main(losses, sizes):
    before = {}
    for n in sizes:
        X, counts, numbers, task = drawn(n)
        for loss in losses:
            y = counts if loss in ("poisson", "slopes") else numbers
            if loss == "slopes":
                model = RandomSlopesRegressor(loss="poisson")
            else:
                model = MeanRegularizedRegressor(loss=loss)
            process, clock = time.process_time(), time.perf_counter()
            model.fit(X, y, task=task)
            process, clock = time.process_time() - process, time.perf_counter() - clock
            line = f"{n:>7} rows, {loss:>8}: {process:6.2f} s, by the clock {clock:6.2f}"
            line += f", gap {model.dual_gap_:.0e}, {model.n_iter_} iterations"
            if loss in before:
                rows, seconds = before[loss]
                line += f", {process / seconds:.1f} times as long for {n / rows:.1f} times the rows"
            print(line, flush=True)
            before[loss] = n, process


if __name__ == "__main__":
    given = sys.argv[1:]
    named = [one for one in given if one in LOSSES]
    counts = [int(one) for one in given if one not in LOSSES]
    main(named or LOSSES, counts or [25_000, 50_000, 100_000, 200_000])
