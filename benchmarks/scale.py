"""What a million tasks would cost: the pieces of a fit timed at three sizes, and what follows.

    OPENBLAS_NUM_THREADS=1 python benchmarks/scale.py

Every piece has a count of two things that it does: numbers that it goes through, and products of
them. What each costs is learned at the smallest and the largest of three sizes, and the time at the
one between says how good the count is. Then the counts of 10^6 tasks x 100 features x 10^10 rows at
these costs: core hours, bytes, and what goes over a network. CPU seconds of one thread, the better
of two runs.
"""

import sys
import warnings
from dataclasses import dataclass

import numpy as np
from racing.clock import least_seconds
from scipy.optimize import nnls

from mtlearn import (
    GroupLassoRegressor,
    MeanRegularizedClassifier,
    MeanRegularizedRegressor,
    MeanRegularizedRegressorCV,
    RandomSlopesRegressor,
    TraceNormRegressor,
    collect_moments,
    fit_moments,
)

SIZES = [(500, 25, 60), (500, 50, 120), (1000, 100, 200)]  # tasks, features, rows of each
TARGET = (10**6, 100, 10**4)
FOLDS, ALPHAS = 5, 50
NETWORK = 1.25e9  # bytes a second of a machine: 10 Gbit
DISK = 1e9  # bytes a second that a machine reads


@dataclass(frozen=True)
class Piece:
    """A part of a fit, what it does at a size, and how to time it."""

    name: str
    work: object  # of (T, d, m): numbers gone through, products
    seconds: object  # of a Drawn


class Drawn:
    """Rows, and their moments, of a size."""

    def __init__(self, T, d, m, seed=0):
        rng = np.random.default_rng(seed)
        self.size = T, d, m
        self.task = rng.permutation(np.repeat(np.arange(T), m))
        self.X = rng.standard_normal((T * m, d))
        w = rng.standard_normal(d) / np.sqrt(d)
        W = w + 0.3 * rng.standard_normal((T, d)) * (np.arange(d) < 5)
        f = np.einsum("ij,ij->i", self.X, W[self.task])
        self.y = f + rng.standard_normal(len(f))
        self.labels = (self.y > 0).astype(int)
        self.moments = self.collect(FOLDS)
        self.total = self.collect(None)

    def collect(self, n_folds):
        cuts = range(0, len(self.X), 50_000)
        parts = (
            (self.X[a : a + 50_000], self.y[a : a + 50_000], self.task[a : a + 50_000])
            for a in cuts
        )
        return collect_moments(parts, n_folds=n_folds)

    def fitted(self, model):
        return fit_moments(model, self.moments if hasattr(model, "cv") else self.total)


def per_step(model):
    """Seconds of a step of a model on moments."""

    def seconds(drawn):
        return least_seconds(lambda: drawn.fitted(model), 2) / model.n_iter_

    return seconds


def of_classes(drawn):
    model = MeanRegularizedClassifier(0.1, alpha_intercept=0.0)
    fit = least_seconds(lambda: model.fit(drawn.X, drawn.labels, task=drawn.task), 2)
    return fit / model.n_iter_


PIECES = [
    Piece(
        "moments of rows",
        lambda T, d, m: (T * m * d, T * m * d**2),
        lambda one: least_seconds(lambda: one.collect(None), 2),
    ),
    Piece(
        "moments added",
        lambda T, d, m: (T * d**2, 0.0),
        lambda one: least_seconds(lambda: one.total + one.total, 2),
    ),
    Piece(
        "closed form, one alpha",
        lambda T, d, m: (T * d**2, T * d**3),
        lambda one: least_seconds(
            lambda: one.fitted(MeanRegularizedRegressor(1.0, alpha_intercept=0.0)), 2
        ),
    ),
    Piece(
        f"search, {ALPHAS} alphas, {FOLDS} folds",
        lambda T, d, m: (T * d**2, T * d**3),
        lambda one: least_seconds(
            lambda: one.fitted(MeanRegularizedRegressorCV(alphas=ALPHAS, alpha_intercept=0.0)), 2
        ),
    ),
    Piece(
        "random slopes, a step",
        lambda T, d, m: (T * d**2, T * d**3),
        per_step(RandomSlopesRegressor(store_covariance=False)),
    ),
    Piece(
        "group lasso, a step",
        lambda T, d, m: (T * d**2, T * d**3),
        per_step(GroupLassoRegressor(0.05, alpha_intercept=0.0)),
    ),
    Piece(
        "trace norm, a step",
        lambda T, d, m: (T * d, T * d**2),
        per_step(TraceNormRegressor(0.05, alpha_intercept=0.0)),
    ),
    Piece("classes, a pass", lambda T, d, m: (T * m * d, T * m * d**2), of_classes),
]


def main():
    drawn = [Drawn(*size) for size in SIZES]
    shown = ", s | ".join(f"{T:,} x {d} x {T * m:,}" for T, d, m in SIZES)
    print(f"| piece | {shown}, s | measured / counted, between |")
    print("|---|" + "--:|" * (len(SIZES) + 1))
    cost = {}
    for piece in PIECES:
        seconds = np.array([piece.seconds(one) for one in drawn])
        work = np.array([piece.work(*size) for size in SIZES])
        relative = work[[0, -1]] / seconds[[0, -1], None]
        cost[piece.name], _ = nnls(relative, np.ones(2))
        ratio = seconds[1] / (work[1] @ cost[piece.name])
        print(
            f"| {piece.name} | {' | '.join(f'{s:.3g}' for s in seconds)} | {ratio:.2f} |",
            flush=True,
        )
    follows(cost)


def follows(cost):
    T, d, m = TARGET
    rows, moments = 8.0 * T * m * (d + 1), 8.0 * T * (d + 1) ** 2
    print(f"\n{T:,} tasks x {d} features x {T * m:,} rows:")
    print(f"rows {rows / 1e12:.1f} TB, moments {moments / 1e9:.0f} GB, of {FOLDS} folds ", end="")
    print(f"{FOLDS * moments / 1e9:.0f} GB, coefficients {8e-9 * T * d:.1f} GB, a border ", end="")
    print(f"{8e-3 * d * d:.0f} kB")
    print(f"reading: {rows / DISK / 3600:.1f} machine hours at {DISK / 1e9:g} GB/s; ", end="")
    print(f"dealing by task: {rows / NETWORK / 3600:.1f} at {NETWORK / 1e9:g} GB/s\n")
    print("| piece | numbers gone through | products | core hours |")
    print("|---|--:|--:|--:|")
    for piece in PIECES:
        work = np.array(piece.work(*TARGET))
        hours = work @ cost[piece.name] / 3600
        print(f"| {piece.name} | {work[0]:.0e} | {work[1]:.0e} | {hours:.2g} |")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit(__doc__)
    warnings.simplefilter("ignore")
    main()
