"""Classifiers on real labels: each family against logistic regressions, all tuned alike.

    python benchmarks/real_labels.py                         # all tables
    python benchmarks/real_labels.py --only contraception verbagg
    python benchmarks/real_labels.py --only digits-10 --draws 5

contraception and verbagg are labelled rows (two classes, three classes), held out in five folds
(verbagg: three, for the sake of time) that keep every task represented. digits-10, -20 and -40 are
ten one-vs-rest tasks over one X: so many images of each digit to learn from, all others to be
judged by, drawn anew 20 times.

Every model chooses its strength by log loss on the same inner folds, as many as outer ones (digits:
five), and sees the same columns. The baselines (IndependentTasks and PooledTasks around
LogisticRegression, one C for all tasks) search half decades and go on while the best is on the edge
of their grid; mean-regularized searches half decades too, the others eight values from alpha_max to
0.003 of it. Ours are solved to a gap of 1e-3; where it was tried, 1e-6 chose the same alphas and
took twice the time.

Printed for each table, in Markdown:

* error: labelled rows, the share of held-out rows whose most probable class is wrong; digits, the
  share of images whose most probable task is not the digit;
* log loss: labelled rows, of the class; digits, the mean of the ten binary ones;
* against: log loss minus that of the best baseline, negative where we win;
* low end: how often the smallest alpha of the grid was chosen, where a longer grid might do better;
* seconds: of processor time, tuning included.

Behind ± is a standard error, over the draws of the digits, otherwise over rows (as if rows were
independent, which within a task they are not: take it as too small).
"""

import argparse
import shlex
import sys
import time
import warnings

import numpy as np
import pandas as pd
import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import mtlearn
from mtlearn import IndependentTasks, PooledTasks, make_table_pipeline
from mtlearn.compare.tuning import TunedBaseline
from mtlearn.datasets import load_contraception, load_digits_tasks, load_verbagg
from mtlearn.model_selection import task_folds

GRID = {"alphas": 8, "eps": 3e-3}
HALF_DECADES = {"alphas": 11, "eps": 1e-5}


# ------------------------------------------------------------------------------ models


def baseline(wrap, **options):
    def build(task_column, cv):
        wrapped = wrap(LogisticRegression(), task_column=task_column, unseen_task="mean", **options)
        return TunedBaseline(wrapped, cv=cv)

    return build


def ours(family, grid=GRID, **options):
    def build(task_column, cv):
        estimator = getattr(mtlearn, f"{family}ClassifierCV")
        common = {"tol": 1e-3, "unseen_task": "mean", "task_column": task_column, "cv": cv}
        return estimator(**common, **grid, **options)

    return build


BASELINES = {
    "independent": baseline(IndependentTasks),
    "pooled": baseline(PooledTasks, task_dummies=False),
    "pooled+dummies": baseline(PooledTasks),
}
OURS = {
    "mean-regularized": ours("MeanRegularized", HALF_DECADES),
    "group-lasso": ours("GroupLasso"),
    "group-lasso, shared mean": ours("GroupLasso", shared_mean=True),
    "trace-norm": ours("TraceNorm"),
    "trace-norm, shared mean": ours("TraceNorm", shared_mean=True),
    "dirty": ours("Dirty"),
    "dirty, shared mean": ours("Dirty", shared_mean=True),
}


# ------------------------------------------------------------------------------ tables


def by_folds(bunch, n_folds):
    """Rounds of labelled rows: each fold is held out once."""
    X = bunch.data.assign(**{bunch.task_name: bunch.task})
    y = bunch.target.cat.codes.to_numpy()
    task = bunch.task.to_numpy()
    fold = task_folds(task, n_folds)
    for k in range(n_folds):
        past, new = fold != k, fold == k
        inner = inner_folds(task[past], n_folds)
        yield X[past], y[past], X[new], y[new], inner, bunch.task_name


def by_draws(n_per_class, draws):
    """Rounds of the digits: ``n_per_class`` images of each are drawn, the others held out."""
    bunch = load_digits_tasks()
    X, Y = bunch.data.to_numpy() / 16, bunch.target.to_numpy()
    for draw in range(draws):
        chosen = bunch.digit.groupby(bunch.digit).sample(n_per_class, random_state=draw).index
        past = bunch.digit.index.isin(chosen)
        inner = inner_folds(bunch.digit[past].to_numpy())
        yield X[past], Y[past], X[~past], Y[~past], inner, None


def inner_folds(labels, n_folds=5):
    """The folds on which every model is tuned, each label in every training part."""
    fold = task_folds(labels, n_folds)
    return [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(n_folds)]


def tables(draws):
    """Title, rounds, and whether a round is one observation or its rows are."""
    digits = "digits, ten one-vs-rest tasks, {} images each, {} draws"
    return {
        "contraception": (
            "Contraception: 2 classes, 60 districts, 1,934 women",
            lambda: by_folds(load_contraception(), 5),
            False,
        ),
        "verbagg": (
            "VerbAgg: 3 classes, 316 persons, 7,584 answers",
            lambda: by_folds(load_verbagg(), 3),
            False,
        ),
        **{
            f"digits-{n}": (digits.format(n, draws), lambda n=n: by_draws(n, draws), True)
            for n in (10, 20, 40)
        },
    }


# ------------------------------------------------------------------------------ judging


def judge(y, probability):
    """Is each held-out row wrong, and its log loss."""
    if y.ndim == 1:
        own, wrong = probability[np.arange(len(y)), y], probability.argmax(axis=1) != y
    else:
        own = np.where(y == 1, probability, 1 - probability)
        wrong = probability.argmax(axis=1) != y.argmax(axis=1)
    loss = -np.log(np.maximum(own, np.finfo(float).eps))
    return np.column_stack([wrong, loss if y.ndim == 1 else loss.mean(axis=1)])


def run(build, rounds, by_round):
    """Error and log loss (n, 2) of rows or rounds; seconds; how often low end, not solved."""
    judged, low, unsolved = [], 0, 0
    seconds = 0.0
    for X, y, X_new, y_new, inner, task_column in rounds:
        model = build(task_column, inner)
        model = make_pipeline(model) if task_column is None else make_table_pipeline(model)
        start = time.process_time()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            answer = model.fit(X, y).predict_proba(X_new)
        seconds += time.process_time() - start
        unsolved += any(issubclass(w.category, ConvergenceWarning) for w in caught)
        low += hasattr(model[-1], "alphas_") and model[-1].alpha_ == model[-1].alphas_[-1]
        rows = judge(y_new, answer)
        judged.append(rows.mean(axis=0, keepdims=True) if by_round else rows)
    return np.concatenate(judged), seconds, low, unsolved


def with_error(values, sign=""):
    spread = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    return f"{values.mean():{sign}.4f} ± {spread:.4f}"


def show(title, rounds, by_round):
    rounds = list(rounds())
    print(f"\n{title}\n")
    print("| model | error | log loss | against | low end | seconds |")
    print("|---|--:|--:|--:|--:|--:|")
    losses, notes = {}, []
    for name, build in {**BASELINES, **OURS}.items():
        judged, seconds, low, unsolved = run(build, rounds, by_round)
        losses[name] = judged[:, 1]
        against, at_low = "", ""
        if name in OURS:
            best = min((losses[b] for b in BASELINES), key=np.mean)
            against = with_error(losses[name] - best, "+")
            at_low = f"{low} of {len(rounds)}"
        cells = with_error(judged[:, 0]), with_error(judged[:, 1]), against, at_low
        print(f"| {name} | {' | '.join(cells)} | {seconds:.0f} |", flush=True)
        if unsolved:
            notes.append(f"{name}: {unsolved} of {len(rounds)} with a ConvergenceWarning.")
    print("\n".join(["", *notes]) if notes else "", flush=True)


def main():
    parser = argparse.ArgumentParser(description="Error and log loss of classifiers, real labels.")
    parser.add_argument("--draws", type=int, default=20, help="draws of the digits (default 20)")
    names = list(tables(0))
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="TABLE",
                        help=f"some of {', '.join(names)}")  # fmt: skip
    asked = parser.parse_args()
    print(f"`python benchmarks/real_labels.py {shlex.join(sys.argv[1:])}`".replace(" `", "`"))
    print(f"(scikit-learn {sklearn.__version__}, numpy {np.__version__}, pandas {pd.__version__})")
    start = time.process_time()
    for name in asked.only:
        show(*tables(asked.draws)[name])
    print(f"{time.process_time() - start:.0f} seconds in all.")


if __name__ == "__main__":
    main()
