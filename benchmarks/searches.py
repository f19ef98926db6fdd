"""What a search costs: 5-fold cross-validation over 50 alphas, in paths of the same model.

    OPENBLAS_NUM_THREADS=1 python benchmarks/searches.py              # all families
    OPENBLAS_NUM_THREADS=1 python benchmarks/searches.py GroupLasso

Drawn data: one X of 20,000 rows and 200 features under 50 targets, and 200 labelled tasks of 100
rows and 40 features. Prints CPU seconds (the better of two runs) of the path, of the search with
its final fit, and their ratio; where scikit-learn has the same search, its own on as many alphas
and folds.
"""

import sys
import warnings

import numpy as np
from racing.clock import least_seconds
from sklearn.linear_model import MultiTaskLassoCV

import mtlearn

FAMILIES = ["MeanRegularized", "GroupLasso", "TraceNorm", "Dirty"]
ALPHAS = 50


def one_x(n=20_000, d=200, T=50, seed=0):
    rng = np.random.default_rng(seed)
    X, W = rng.standard_normal((n, d)), np.zeros((d, T))
    W[:20] = rng.standard_normal((20, T))
    return {"X": X, "y": X @ W + 3 * rng.standard_normal((n, T))}


def labelled(T=200, rows=100, d=40, seed=0):
    rng = np.random.default_rng(seed)
    task = np.repeat(np.arange(T), rows)
    X = rng.standard_normal((len(task), d))
    W = rng.standard_normal(d) + 0.3 * rng.standard_normal((T, d))
    W[:, 10:] *= 0.05
    y = np.einsum("ij,ij->i", X, W[task]) + 3 * rng.standard_normal(len(task))
    return {"X": X, "y": y, "task": task}


def main(families):
    print("| data | family | path, s | search, s | paths | scikit-learn's search, s |")
    print("|---|---|--:|--:|--:|--:|")
    for name, draw in [("one X", one_x), ("labelled", labelled)]:
        data, theirs = draw(), None
        for family in families:
            model = getattr(mtlearn, f"{family}Regressor")()
            search = getattr(mtlearn, f"{family}RegressorCV")(alphas=ALPHAS)
            path = least_seconds(lambda: model.path(**data, alphas=ALPHAS), 2)  # noqa: B023
            ours = least_seconds(lambda: search.fit(**data), 2)  # noqa: B023
            if name == "one X" and family == "GroupLasso":
                peer = MultiTaskLassoCV(alphas=ALPHAS, cv=5, tol=1e-6)
                theirs = least_seconds(lambda: peer.fit(data["X"], data["y"]), 1)  # noqa: B023
            also = f"{theirs:.1f}" if family == "GroupLasso" and theirs is not None else ""
            print(f"| {name} | {family} | {path:.2f} | {ours:.2f} | {ours / path:.1f} | {also} |")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(sys.argv[1:] or FAMILIES)
