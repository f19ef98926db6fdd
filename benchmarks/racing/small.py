"""Small problems of every kind: how slow is the slowest, and do all of them converge?

Drawn by number, so that one of them can be run again: ``fit(draw(17))``.
"""

import inspect
import time
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

import mtlearn
from racing.clock import TooLongError, no_longer_than

NAME = "small problems"
FAMILIES = ("MeanRegularized", "GroupLasso", "TraceNorm", "Dirty")


def odd_design(rng, n, d):
    """Normal columns, and by chance correlated, constant, repeated or badly scaled ones."""
    X = rng.standard_normal((n, d))
    kinds = rng.random(4) < 0.3
    if kinds[0]:
        X = X @ rng.standard_normal((d, d)) * 0.3 + rng.standard_normal((n, 1))
    if kinds[1]:
        X[:, rng.random(d) < 0.2] = rng.standard_normal()
    if kinds[2]:
        X[:, rng.integers(d, size=max(1, d // 4))] = X[:, rng.integers(d, size=max(1, d // 4))]
    if kinds[3]:
        X *= 10.0 ** rng.uniform(-4, 4, d)
    return X


def parameters(rng, family, classifier):
    keywords = {"fit_intercept": bool(rng.random() < 0.7)}
    if keywords["fit_intercept"]:
        keywords["alpha_intercept"] = [0.0, 1.0, "auto"][rng.integers(3)]
    if family != "MeanRegularized":
        keywords["shared_mean"] = bool(rng.random() < 0.5)
        keywords["alpha_mean"] = float(10.0 ** rng.uniform(-4, 0))
    if family in ("GroupLasso", "Dirty"):
        keywords["norm"] = ["l2", "linf"][rng.integers(2)]
    if family == "GroupLasso" and keywords["norm"] == "l2" and rng.random() < 0.4:
        keywords["l1_ratio"] = float(rng.uniform(0.05, 0.95))
    return keywords


def draw(number):
    """(estimator, X, y, keywords of fit, share of alpha_max)"""
    rng = np.random.default_rng(number)
    n, d, T = (int(rng.integers(low, high + 1)) for low, high in [(6, 80), (1, 60), (1, 40)])
    family, classifier = FAMILIES[number % 4], bool(number // 4 % 2)
    X = odd_design(rng, n, d)
    Z = (X - X.mean(0)) / np.where(X.std(0) > 1e-9, X.std(0), 1.0)
    W = rng.standard_normal((d, T)) * (rng.random((d, 1)) < 0.3) + rng.standard_normal((d, 1)) * 0.3
    F = Z @ W + rng.standard_normal(T) + rng.uniform(0.1, 3.0) * rng.standard_normal((n, T))
    Y = (F > 0).astype(float) if classifier else F
    if classifier:  # both classes in every task
        Y[0], Y[1] = 0.0, 1.0
    keywords = {"sample_weight": rng.uniform(0.2, 2.0, n)} if rng.random() < 0.3 else {}
    way = rng.integers(3)
    if way == 1:  # holes
        Y[2:][rng.random((n - 2, T)) < 0.3] = np.nan
    elif way == 2:  # rows labelled by task
        keywords["task"] = np.arange(n) % min(T, n // 4 or 1)
        Y = Y[np.arange(n), keywords["task"] % T]
    kind = getattr(mtlearn, family + ("Classifier" if classifier else "Regressor"))
    chosen = parameters(rng, family, classifier)
    known = inspect.signature(kind).parameters
    estimator = kind(**{key: value for key, value in chosen.items() if key in known})
    return estimator, X, Y, keywords, float(10.0 ** rng.uniform(-4, 0))


def fit(problem, limit=120.0):
    """(CPU seconds, whether it warned that it has not converged, relative gap)."""
    estimator, X, y, keywords, share = problem
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        top = estimator.alpha_max(X, y, **keywords) if hasattr(estimator, "alpha_max") else 10.0
        estimator.set_params(alpha=share * top)
        caught.clear()
        start = time.process_time()
        try:
            with no_longer_than(limit):
                estimator.fit(X, y, **keywords)
        except TooLongError:
            return limit, True, float("inf")
        seconds = time.process_time() - start
    missed = any(issubclass(w.category, ConvergenceWarning) for w in caught)
    return seconds, missed, float(estimator.dual_gap_)


def label(number):
    estimator = draw(number)[0]
    return f"{number} {type(estimator).__name__} {getattr(estimator, 'norm', '')}".strip()


def run(quick=False, number=300):
    """Figures of all problems; the slowest and those that missed 1e-6 with their numbers."""
    seconds, missed = [], []
    for k in range(30 if quick else number):
        try:
            took, warned, gap = fit(draw(k))
        except Exception as error:
            print(f"    {label(k)}: {type(error).__name__}: {error}"[:200], flush=True)
            took, warned, gap = 0.0, True, float("inf")
        seconds.append(took)
        if warned or not gap <= 1e-6:
            missed.append(f"{label(k)}: {gap:.0e}")
    order = np.argsort(seconds)[::-1]
    return {
        "problems": len(seconds),
        "median seconds": round(float(np.median(seconds)), 4),
        "slowest": [f"{label(int(k))}: {seconds[k]:.3g} s" for k in order[:5]],
        "over .5 s": [label(int(k)) for k in order if seconds[k] > 0.5],
        "over 2 s": [label(int(k)) for k in order if seconds[k] > 2.0],
        "unconverged": missed,
    }
