"""How long fits on graphs of tasks take, and how that grows with the number of tasks.

python -m benchmarks.graph_tasks [TASKS ...]

Tasks of 50 rows and 40 features: on a path, and at random places with their 3 nearest. Seconds of
the process, of one thread where BLAS has one (OPENBLAS_NUM_THREADS=1).
"""

import sys
import time

import numpy as np

from mtlearn import GraphTasksClassifier, GraphTasksRegressor

ROWS, FEATURES = 50, 40


def drawn(T):
    rng = np.random.default_rng(0)
    slopes = np.cumsum(0.2 * rng.normal(size=(T, FEATURES)), axis=0)
    task = np.repeat(np.arange(T), ROWS)
    X = rng.normal(size=(len(task), FEATURES))
    return X, np.sum(X * slopes[task], axis=1) + rng.normal(size=len(task)), task


def seconds(call, *args, **more):
    start = time.process_time()
    call(*args, **more)
    return time.process_time() - start


def main(sizes):
    for T in sizes:
        X, y, task = drawn(T)
        places = dict(enumerate(np.random.default_rng(1).random((T, 2))))
        for name, graph in (("path", "path"), ("nearest", places)):
            fits = []
            for alpha in (1e-3, 1.0, 100.0):
                model = GraphTasksRegressor(alpha=alpha, graph=graph)
                fits.append(seconds(model.fit, X, y, task=task))
            print(f"{T:>5} tasks, {name:>7}: fits", *(f"{s:.2f}" for s in fits), end="", flush=True)
            one = GraphTasksClassifier(alpha=0.1, graph=graph)
            print(f", classifier {seconds(one.fit, X, y > 0, task=task):.2f}")
            if T <= 100:
                path = GraphTasksRegressor(graph=graph)
                took = seconds(path.path, X, y, task=task, alphas=50)
                print(f"{'':>23}path of 50 alphas {took:.2f}")


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or [100, 500, 2000])
