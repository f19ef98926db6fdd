"""
Growth of countries, with intervals
===================================

How long will people live in fifteen years? For 142 countries we know the life expectancy every five
years from 1952 to 2007. We stand in 1962, in 1977 and in 1992, draw a line for every country, and
look at what became of it. Lines are learned together, and each has an interval. Do these keep their
promise?
"""

# %%
# Three times, the past and the future
# ------------------------------------
#
# :class:`~mtlearn.model_selection.TaskTimeSeriesSplit` cuts all countries at the same times, so
# that nothing of anybody's future is used.

import numpy as np
import pandas as pd

from mtlearn.datasets import load_gapminder
from mtlearn.model_selection import TaskTimeSeriesSplit

countries = load_gapminder().frame
X, years_lived = countries[["year", "country"]], countries["lifeExp"]
splitter = TaskTimeSeriesSplit("year", n_splits=3, task_column="country", shared_clock=True)
folds = list(splitter.split(X))
for past, future in folds:
    print("until", X["year"].iloc[past].max(), "->", *X["year"].iloc[future].unique())

# %%
# Is it worth it to learn lines together?
# ---------------------------------------
#
# The error of a forecast, in years (root of the mean square).

from sklearn.linear_model import LinearRegression

from mtlearn import (
    IndependentTasks,
    MeanRegularizedRegressorCV,
    PooledTasks,
    RandomSlopesRegressor,
    make_table_pipeline,
)

line = LinearRegression()
models = {
    "random slopes": RandomSlopesRegressor(covariance="full", task_column="country"),
    "mean-regularized": MeanRegularizedRegressorCV(task_column="country"),
    "a line for each": IndependentTasks(line, task_column="country"),
    "levels differ, slope for all": PooledTasks(line, task_column="country"),
    "one line for all": PooledTasks(line, task_dummies=False, task_column="country"),
}
errors = pd.DataFrame(index=list(models))
for past, future in folds:
    for name, model in models.items():
        model = make_table_pipeline(model).fit(X.iloc[past], years_lived.iloc[past])
        off = years_lived.iloc[future] - model.predict(X.iloc[future])
        errors.loc[name, f"after {X['year'].iloc[past].max()}"] = np.sqrt(np.mean(off**2))
errors.round(2)

# %%
# Countries differ in how fast they grow: one slope for all is the worse choice. But learning slopes
# together gains little over a line for each. A country's three to nine points lie so close to its
# line that it needs no others to find it. What goes wrong with the forecasts is something else.
#
# Do the intervals keep their promise?
# ------------------------------------
#
# :func:`~mtlearn.prediction_interval` promises to cover nine of ten. First the easy question: rows
# drawn at random are held out, with years before and after them in the training rows.

from mtlearn import prediction_interval
from mtlearn.model_selection import StratifiedTaskKFold

slopes = models["random slopes"]


def forecast(train, test):
    model = slopes.fit(X.iloc[train], years_lived.iloc[train])
    low, high = prediction_interval(model, X.iloc[test], coverage=0.9).T
    known = countries.iloc[test].assign(low=low, high=high)
    known["ahead"] = known["year"] - X["year"].iloc[train].max()
    return known.assign(covered=known["lifeExp"].between(low, high))


at_random = StratifiedTaskKFold(5, task_column="country").split(X)
between = pd.concat([forecast(*fold) for fold in at_random])
print(f"held out at random: {between['covered'].mean():.0%} are covered")

# %%
# They do. Now the future:

futures = {f"after {X['year'].iloc[past].max()}": forecast(past, future) for past, future in folds}
kept = pd.DataFrame(
    {name: future.groupby("ahead")["covered"].mean() for name, future in futures.items()}
)
kept.rename_axis("years ahead").round(2)

# %%
# They do not, and the less the further one looks. An interval says how far a country may be from a
# straight line, if the line goes on as it was. Lines did not go on:

last = futures["after 1992"].query("year == 2007")
below = last[last["lifeExp"] < last["low"]]
above = last[last["lifeExp"] > last["high"]]
print(f"In 2007, {len(below)} of {len(last)} countries were below their interval of 1992, ", end="")
print(f"{len(above)} above.")
print(
    "Deepest:", ", ".join((below["low"] - below["lifeExp"]).nlargest(6).index.map(last["country"]))
)

# %%
# The deepest are countries of southern Africa, where AIDS came. But Japan and Portugal are below as
# well: growth slows down where people live long already, and a straight line does not know. There
# is also one noise for all countries, too wide for quiet ones and too narrow for others.
#
# How far off were we last time?
# ------------------------------
#
# What the model cannot know, its record tells. We stretch the intervals of a forecast until those
# of the forecast fifteen years earlier would have covered nine of ten.


def misses(future):
    """How far off forecasts were, in half widths of their intervals."""
    middle, half = (future["low"] + future["high"]) / 2, (future["high"] - future["low"]) / 2
    return (future["lifeExp"] - middle).abs() / half


stretched = {}
for before, now in (("after 1962", "after 1977"), ("after 1977", "after 1992")):
    factor = misses(futures[before]).quantile(0.9)
    miss = misses(futures[now])
    covered = {"covered": np.mean(miss <= 1), "covered, stretched": np.mean(miss <= factor)}
    stretched[now] = {"factor": factor, **covered}
stretched = pd.DataFrame(stretched).T
stretched.round(2)

# %%
# That is better and still short of nine in ten: each time the world broke with its past more than
# the time before.
#
# Six countries
# -------------
#
# Full dots were known in 1992, open ones came later.

import matplotlib.pyplot as plt

slopes.fit(X[X["year"] <= 1992], years_lived[X["year"] <= 1992])
shown = ["Indonesia", "Bangladesh", "Japan", "Botswana", "Zimbabwe", "Rwanda"]
figure, axes = plt.subplots(2, 3, figsize=(9, 5.4), layout="constrained", sharex=True, sharey=True)
for ax, name in zip(axes.flat, shown, strict=True):
    seen = countries[countries["country"] == name]
    middle = slopes.predict(seen[["year", "country"]])
    low, high = prediction_interval(slopes, seen[["year", "country"]], coverage=0.9).T
    late = seen["year"] > 1992
    ax.fill_between(seen["year"], low, high, color="C0", alpha=0.2, linewidth=0)
    ax.plot(seen["year"], middle, color="C0")
    ax.plot(seen["year"][~late], seen["lifeExp"][~late], "o", color="black", markersize=4)
    ax.plot(seen["year"][late], seen["lifeExp"][late], "o", color="C3", mfc="none", markersize=5)
    ax.axvline(1994.5, color="0.7", linewidth=0.8)
    ax.set_title(name)
for ax in axes[:, 0]:
    ax.set_ylabel("life expectancy")
figure.suptitle("Lines of 1992: some countries kept to theirs, some left them")
plt.show()
