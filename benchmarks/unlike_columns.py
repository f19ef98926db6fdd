"""Columns of unlike kinds, learned together or each by itself: the README's table of them.

    python benchmarks/unlike_columns.py          # 80 persons, eight draws: some minutes on one core
    python benchmarks/unlike_columns.py 300 4    # 300 persons, four draws

Expenses, visits and hospital stays of the RAND Health Insurance Experiment (`load_randhie`). The
baselines are a ridge, a logistic or a Poisson regression of each column, their penalties tuned by
the same losses in five folds of its rows. Prints the loss of each column, on all persons that were
not drawn, over that of the constant of those that were, the mean over draws; and the mean over
columns with its standard error over draws, of the difference from the baselines.
"""

import sys
import time

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression, PoissonRegressor, RidgeCV
from sklearn.metrics import log_loss, make_scorer, mean_poisson_deviance, mean_squared_error
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mtlearn import (
    GroupLassoRegressorCV,
    MeanRegularizedRegressorCV,
    MixedTargets,
    TraceNormRegressorCV,
)
from mtlearn.datasets import load_randhie

INSURED = load_randhie()
X, Y = INSURED.data, INSURED.target
KINDS = {
    "log_dollars": "squared",
    "log_drugs": "squared",
    "any_expense": "logistic",
    "visits": "poisson",
    "hospital": "logistic",
}
MEASURES = {"squared": mean_squared_error, "logistic": log_loss, "poisson": mean_poisson_deviance}
CALLED = {"squared": "squared error", "logistic": "log loss", "poisson": "Poisson deviance"}
STRENGTHS = np.geomspace(1e-3, 1e3, 13)
TOGETHER = {
    "trace-norm": (TraceNormRegressorCV, {}),
    "mean-regularized": (MeanRegularizedRegressorCV, {}),
    "group-lasso": (GroupLassoRegressorCV, {}),
    "trace-norm, noise=None": (TraceNormRegressorCV, {"noise": None}),
}


def baseline(kind):
    """Of one column, tuned by its own loss."""
    folds = KFold(5, shuffle=True, random_state=0)
    if kind == "squared":
        return RidgeCV(100 * STRENGTHS)
    if kind == "poisson":
        model, scoring = PoissonRegressor(max_iter=1000), "neg_mean_poisson_deviance"
        return GridSearchCV(model, {"alpha": STRENGTHS}, scoring=scoring, cv=folds)
    asked = {"labels": [False, True], "response_method": "predict_proba"}
    scoring = make_scorer(log_loss, greater_is_better=False, **asked)
    model = LogisticRegression(max_iter=1000)
    return GridSearchCV(model, {"C": STRENGTHS}, scoring=scoring, cv=folds)


def alone(train, test):
    """Answers of a model for each column, of the rows that have a label of it."""
    found = {}
    for name, column in Y.items():
        known = train[column.iloc[train].notna().to_numpy()]
        model = make_pipeline(StandardScaler(), baseline(KINDS[name]))
        model.fit(X.iloc[known], column.iloc[known])
        labels = KINDS[name] == "logistic"
        found[name] = (
            model.predict_proba(X.iloc[test])[:, 1] if labels else model.predict(X.iloc[test])
        )
    return found


def together(inside, options, train, test):
    """Answers of one fit: numbers, means of counts, probabilities."""
    mixed = MixedTargets(inside(alphas=15), loss={"visits": "poisson"}, **options)
    model = make_pipeline(StandardScaler(), mixed).fit(X.iloc[train], Y.iloc[train])
    chances = {name: p[:, 1] for name, p in model.predict_proba(X.iloc[test]).items()}
    return dict(model.predict(X.iloc[test])) | chances


def losses(found, test):
    """Of each column, on the labels that are there."""
    out = {}
    for name, column in Y.iloc[test].items():
        known = column.notna().to_numpy()
        guess = np.asarray(found[name], dtype=float)[known]
        out[name] = MEASURES[KINDS[name]](column[known].astype(float), guess)
    return pd.Series(out)


def one_draw(seed, n):
    """Losses of each model, each over that of a constant."""
    train = np.random.default_rng(seed).choice(len(X), n, replace=False)
    test = np.setdiff1d(np.arange(len(X)), train)
    level = Y.iloc[train].astype(float).mean()
    constant = losses({name: np.full(len(test), level[name]) for name in Y}, test)
    found = {"a model each": losses(alone(train, test), test)}
    for name, (inside, options) in TOGETHER.items():
        found[name] = losses(together(inside, options, train, test), test)
    return pd.DataFrame(found).div(constant, axis=0)


def main(n, draws):
    start = time.perf_counter()
    every = pd.concat({seed: one_draw(seed, n) for seed in range(draws)})
    mean = every.groupby(level=1, sort=False).mean()
    print(f"\n| {n} persons, {draws} draws | loss | {' | '.join(mean.columns)} |")
    print("|---|---|" + "--:|" * len(mean.columns))
    for name, row in mean.iterrows():
        print(f"| {name} | {CALLED[KINDS[name]]} | {' | '.join(f'{x:.3f}' for x in row)} |")
    over_columns = every.groupby(level=0).mean()
    cells = []
    for name, of_draws in over_columns.items():
        ahead = of_draws - over_columns["a model each"]
        error = ahead.std() / np.sqrt(draws)
        more = f" ({ahead.mean():+.3f} ± {error:.3f})" if name != "a model each" else ""
        cells.append(f"{of_draws.mean():.3f}{more}")
    print(f"| mean | | {' | '.join(cells)} |")
    print(f"\n{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:] or ("80", "8")))
