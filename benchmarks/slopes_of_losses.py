"""Variances of random slopes that are found under Huber's loss and of quantiles, of drawn tables.

100 tasks, whose levels and second slopes have the variance 1 over tasks, and whose first slopes are
alike. "own m" is the likelihood of the asymmetric Laplace density at its likeliest scale,
which is known here: what a quantile's random slopes are without V (docs/random_slopes.rst).

    python benchmarks/slopes_of_losses.py --draws 25
"""

import argparse
import warnings
from unittest import mock

import numpy as np
import pandas as pd

from mtlearn import RandomSlopesRegressor
from mtlearn.exceptions import UnidentifiedVarianceWarning
from mtlearn.selection.likelihood import other_losses
from mtlearn.selection.likelihood.errors import Errors

TASKS = 100
ERRORS = ["normal", "t2", "outliers", "scatter that grows"]
MODELS = {
    "squared": {},
    "huber": {"loss": "huber"},
    "quantile .5": {"loss": "quantile"},
    "quantile .9": {"loss": "quantile", "quantile": 0.9},
}
SURE = 1.6449  # of a normal distribution, 90 % are as near to its mean


def draw(errors: str, rows: int, rng: np.random.Generator):
    """X, y, labels, coefficients (T, 2) and errors."""
    task = np.repeat(np.arange(TASKS), rows)
    own = rng.normal(size=(TASKS, 3)) * [1, 0, 1]
    X = rng.uniform(-np.sqrt(3), np.sqrt(3), size=(len(task), 2))
    e = rng.standard_t(2, size=len(task)) if errors == "t2" else rng.normal(size=len(task))
    if errors == "outliers":
        e = np.where(rng.random(len(task)) < 0.05, e + 20 * rng.choice([-1, 1], len(task)), e)
    if errors == "scatter that grows":
        e *= 1 + 0.5 * X[:, 0]
    coef = 1 + own[:, 1:]
    y = own[task, 0] + np.sum(X * coef[task], axis=1) + e
    return X, y, task, coef, e


def own_scale(e: np.ndarray):
    """What errors tell, if their density were that of the loss at its likeliest scale."""

    def errors(q: float, density: float, sigma: np.ndarray, least: float) -> Errors:
        r = e - np.quantile(e, q)
        kappa = density / sigma
        return Errors(kappa, np.mean(np.where(r > 0, q * r, (q - 1) * r)) / kappa)

    return errors


def line(name: str, model, table) -> list:
    """Variances, and how often intervals of 90 % hold the slopes that differ."""
    X, y, task, coef, _ = table
    model.fit(X, y, task=task)
    off = (model.coef_ - coef)[:, 1]
    covered = np.mean(np.abs(off) < SURE * model.coef_std_[:, 1])
    variances = np.diag(model.covariance_)
    return [name, *variances, variances[1] == 0, covered, np.mean(off**2)]


def found(rows: int, errors: str, draws: int) -> pd.DataFrame:
    """Means over draws, and standard deviations of the variances."""
    rng, lines = np.random.default_rng(0), []
    for _ in range(draws):
        table = draw(errors, rows, rng)
        for name, options in MODELS.items():
            lines.append(line(name, RandomSlopesRegressor(**options), table))
        for q in (0.5, 0.9):
            name = f"quantile {q}, own m".replace("0.", ".")
            with mock.patch.object(other_losses, "quantile_errors", own_scale(table[-1])):
                model = RandomSlopesRegressor(loss="quantile", quantile=q)
                lines.append(line(name, model, table))
    names = ["model", "level: 1", "slope: 0", "slope: 1", "is 0", "covered", "error"]
    grouped = pd.DataFrame(lines, columns=names).groupby("model", sort=False)
    spread = grouped[names[1:4]].std().add_prefix("sd of ")
    return pd.concat([grouped.mean(), spread], axis=1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=25)
    parser.add_argument("--rows", type=int, nargs="*", default=[10])
    parser.add_argument("--errors", nargs="*", default=ERRORS)
    asked = parser.parse_args()
    warnings.simplefilter("ignore", UnidentifiedVarianceWarning)
    pd.set_option("display.width", 200, "display.max_columns", 20)
    for rows in asked.rows:
        for errors in asked.errors:
            print(f"\n{errors}, {rows} rows a task")
            print(found(rows, errors, asked.draws).round(2), flush=True)
