"""Memory and time on sparse X and a target matrix that is mostly holes.

    OPENBLAS_NUM_THREADS=1 python benchmarks/sparse_holes.py                    # all models
    OPENBLAS_NUM_THREADS=1 python benchmarks/sparse_holes.py DirtyClassifier    # some of them

X is 20,000 × 2,048 in CSR with 50 ones a row, Y 20,000 × 500 with 90 % holes: a million labels. The
truth is 100 features that all tasks use, plus rank 5, plus noise; classifiers get its sign. A dense
X would take 328 MB, the scatters of all tasks 17 GB. Each model, in fresh processes, is fitted at
0.1 alpha_max to its default tolerance, and follows a path of 20 alphas down to there, to 1e-4;
MeanRegularized, which has no alpha_max, has the first alpha of its own path instead.

Printed, in Markdown: CPU seconds (those of a fit without finding its alpha), the most memory the
process ever held (X, Y, NumPy, SciPy and scikit-learn in it), the certificate (the largest of a
path) and the iterations. The bar is 2 GB, and 30 s for a path; the exit status is 1 where a model
is above either or not solved to tol.
"""

import itertools
import json
import os
import resource
import subprocess
import sys
import time

import numpy as np
from scipy import sparse

FAMILIES = ["MeanRegularized", "GroupLasso", "TraceNorm", "Dirty"]
MODELS = [family + kind for kind in ("Regressor", "Classifier") for family in FAMILIES]
N, D, T, ONES = 20_000, 2_048, 500, 50
SHARED, RANK, HOLES = 100, 5, 0.9
BAR_GB, BAR_S = 2.0, {"fit": float("inf"), "path": 30.0}


def draw(labels, seed=0):
    """X (CSR) and Y (NaN: a hole), a block of rows at a time."""
    rng = np.random.default_rng(seed)
    columns = np.concatenate([rng.choice(D, ONES, replace=False) for _ in range(N)])
    X = sparse.csr_array((np.ones(N * ONES), columns, np.arange(0, N * ONES + 1, ONES)), (N, D))
    X.sort_indices()
    W = rng.standard_normal((D, RANK)) @ rng.standard_normal((RANK, T)) / np.sqrt(RANK)
    W[rng.choice(D, SHARED, replace=False)] += 5 * rng.standard_normal((SHARED, T))
    Y = np.empty((N, T))
    for start in range(0, N, 1000):
        block = slice(start, start + 1000)
        scores = X[block] @ W
        scores += scores.std() * rng.standard_normal(scores.shape)
        Y[block] = scores > 0 if labels else scores
        Y[block][rng.random(scores.shape) < HOLES] = np.nan
    return X, Y


def measure(work, name):
    """Fit one model, or follow its path, in this process and say what it took."""
    import mtlearn

    X, Y = draw(labels=name.endswith("Classifier"))
    model = getattr(mtlearn, name)()
    took = {"before_gb": peak_gb(), "tol": model.tol}
    if work == "fit":
        if hasattr(model, "alpha_max"):
            model.set_params(alpha=0.1 * model.alpha_max(X, Y))
        else:
            model.set_params(alpha=0.1 * model.path(X, Y, alphas=1).alphas[0])
        start = time.process_time()
        model.fit(X, Y)
        took |= {"gap": model.dual_gap_, "n_iter": int(model.n_iter_)}
    else:
        start, took["tol"] = time.process_time(), 1e-4
        path = model.set_params(tol=1e-4).path(X, Y, alphas=20, eps=0.1)
        took |= {"gap": path.dual_gaps.max(), "n_iter": int(path.n_iters.sum())}
    return took | {"seconds": time.process_time() - start, "peak_gb": peak_gb()}


def peak_gb():
    """The most memory this process ever held; Linux counts in KiB, macOS in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


def main(names):
    print("| model | | CPU s | peak GB | dual_gap_ | n_iter_ |")
    print("|---|---|--:|--:|--:|--:|")
    passed, before = True, 0.0
    for name, work in itertools.product(names or MODELS, BAR_S):
        command = [sys.executable, __file__, "--one", work, name]
        child = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        if child.returncode:
            print(
                f"| {name} | {work} | failed (exit status {child.returncode}) | | | |", flush=True
            )
            passed = False
            continue
        took = json.loads(child.stdout.splitlines()[-1])
        before = max(before, took["before_gb"])
        passed &= took["peak_gb"] <= BAR_GB and took["gap"] <= took["tol"]
        passed &= took["seconds"] <= BAR_S[work]
        print(
            f"| {name} | {work} | {took['seconds']:.1f} | {took['peak_gb']:.2f} | "
            f"{took['gap']:.0e} | {took['n_iter']} |",
            flush=True,
        )
    threads = os.environ.get("OPENBLAS_NUM_THREADS", "all")
    print(f"\nBefore the fit a process holds {before:.2f} GB. BLAS threads: {threads}.")
    return 0 if passed else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(measure(*sys.argv[2:])))
    else:
        sys.exit(main(sys.argv[1:]))
