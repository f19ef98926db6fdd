"""How long fits of each loss take, and how that grows with the number of rows.

python -m benchmarks.losses [squared] [poisson] [huber] [quantile] [logistic] [multinomial] [slopes]
    [ROWS ...]

The mean-regularised family (multinomial: three classes), and random slopes of counts, 20 features,
500 tasks. Seconds of the process and of the clock; growth is how many times those of the process
are of the size before, beside how many times the rows are. Of one thread where BLAS has one
(OPENBLAS_NUM_THREADS=1).
"""

import sys
import time

import numpy as np

from mtlearn import MeanRegularizedClassifier, MeanRegularizedRegressor, RandomSlopesRegressor

TASKS, FEATURES = 500, 20
CLASSES = ("logistic", "multinomial")
LOSSES = ("squared", "poisson", "huber", "quantile", *CLASSES, "slopes")


def drawn(n):
    """Rows, the tasks, and the targets of each loss."""
    rng = np.random.default_rng(0)
    task = np.arange(n) % TASKS
    X = rng.normal(size=(n, FEATURES))
    W = 0.1 * (rng.normal(size=FEATURES) + 0.5 * rng.normal(size=(TASKS, FEATURES)))
    scores = np.sum(X * W[task], axis=1) + 0.3 * rng.normal(size=TASKS)[task]
    counts, numbers = rng.poisson(np.exp(scores)), scores + rng.standard_t(4, size=n)
    targets = dict.fromkeys(LOSSES, numbers) | {"poisson": counts, "slopes": counts}
    targets["logistic"] = numbers > 0
    targets["multinomial"] = np.digitize(numbers, np.quantile(numbers, [1 / 3, 2 / 3]))
    return X, task, targets


def model_of(loss):
    """What is fitted."""
    if loss == "slopes":
        return RandomSlopesRegressor(loss="poisson")
    return (MeanRegularizedClassifier if loss in CLASSES else MeanRegularizedRegressor)(loss=loss)


def main(losses, sizes):
    before = {}
    for n in sizes:
        X, task, targets = drawn(n)
        for loss in losses:
            model = model_of(loss)
            process, clock = time.process_time(), time.perf_counter()
            model.fit(X, targets[loss], task=task)
            process, clock = time.process_time() - process, time.perf_counter() - clock
            line = f"{n:>7} rows, {loss:>11}: {process:6.2f} s, by the clock {clock:6.2f}"
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
