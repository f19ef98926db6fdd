"""
Years that follow each other
============================

What does income buy in years of life, and how did that change from 1952 to 2007? Suppose you know
eight countries in each year, other ones every time. That is too little for a line per year. But
1962 is more like 1957 than like 2007: the years are neighbours. Does it help to say so?
"""

# %%
# Eight countries a year
# ----------------------
#
# The table has all 142 countries in twelve years. We draw eight of each year and keep the rest to
# see who is right. Income is counted in doublings from 4,096 dollars, so that the constant of a
# line is the life expectancy at that income, and its slope what twice the income adds.

import numpy as np
import pandas as pd

from mtlearn.datasets import load_gapminder

countries = load_gapminder().frame
countries["doublings"] = countries["log_gdp"] / np.log(2) - 12
countries["constant"] = 1.0
draws = [countries.groupby("year").sample(8, random_state=seed) for seed in range(6)]
print(f"{len(draws[0])} rows of {len(countries)}")

# %%
# Who predicts the other countries?
# ---------------------------------
#
# :class:`~mtlearn.GraphTasksRegressorCV` pulls the coefficients of neighbours to each other.
# ``graph="path"``, its default, makes each year the neighbour of the next. It ties slopes, not
# intercepts. We want the levels to follow each other, too: so the constant is a column of its own,
# and ``fit_intercept=False``.

from sklearn.linear_model import LinearRegression

from mtlearn import (
    GraphTasksRegressorCV,
    IndependentTasks,
    MeanRegularizedRegressorCV,
    PooledTasks,
)

by_year = {"task_column": "year"}
models = {
    "neighbours": GraphTasksRegressorCV(alphas=20, fit_intercept=False, **by_year),
    "pulled to a mean": MeanRegularizedRegressorCV(alphas=20, **by_year),
    "one slope, a level a year": PooledTasks(LinearRegression(), **by_year),
    "a line for each year": IndependentTasks(LinearRegression(), **by_year),
}
columns = {name: ["doublings", "year"] for name in models}
columns["neighbours"] = ["constant", "doublings", "year"]


def error(model, names, known, asked):
    """Root of the mean square, in years of life."""
    model.fit(known[names], known["lifeExp"])
    return np.sqrt(np.mean((model.predict(asked[names]) - asked["lifeExp"]) ** 2))


errors = pd.DataFrame(
    {
        name: [error(model, columns[name], few, countries.drop(few.index)) for few in draws]
        for name, model in models.items()
    }
)
errors.mean().sort_values().round(2)

# %%
# Neighbours are the best: 7.1 years, and 8.1 with a line for each year. Most of that is countries
# that differ from others of the same income, which no line knows. Against the lines of all
# countries the difference is larger, as the picture below shows.
#
# Years without any row
# ---------------------
#
# Suppose there are no rows of 1972 and 1992. A model that knows no order answers with its mean. In
# a graph that names them, years without rows lie between their neighbours: so we give the steps.

steps = [(year, year + 5) for year in range(1952, 2007, 5)]
between = GraphTasksRegressorCV(alphas=20, graph=steps, fit_intercept=False, **by_year)
mean = MeanRegularizedRegressorCV(alphas=20, unseen_task="mean", **by_year)
hidden = countries["year"].isin([1972, 1992])
asked = countries[hidden]
gaps = pd.DataFrame(
    {
        name: [error(model, names, few[~few["year"].isin([1972, 1992])], asked) for few in draws]
        for name, model, names in (
            ("neighbours", between, columns["neighbours"]),
            ("the mean of all years", mean, columns["pulled to a mean"]),
        )
    }
)
print("without rows:", between.neighbor_tasks_.tolist())
gaps.mean().round(2)

# %%
# Between its neighbours a year is 6.7 years off, little more than one that has rows; by the mean of
# all years it is 7.2.
#
# The lines
# ---------
#
# Grey are the lines of all 142 countries, which our models have not seen.

import matplotlib.pyplot as plt

years = np.array(sorted(countries["year"].unique()))
truth = pd.DataFrame(
    {
        year: np.linalg.lstsq(
            rows[["constant", "doublings"]].to_numpy(), rows["lifeExp"].to_numpy(), rcond=None
        )[0]
        for year, rows in countries.groupby("year")
    }
).T.to_numpy()
few = draws[0]
tied = models["neighbours"].fit(few[columns["neighbours"]], few["lifeExp"]).coef_
alone = models["a line for each year"].fit(few[["doublings", "year"]], few["lifeExp"])
lines = [alone.estimators_[k] for k in range(len(years))]
each = np.array([[line.intercept_, line.coef_[0]] for line in lines])

figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
titles = ["Life expectancy at 4,096 dollars", "What twice the income adds, in years"]
for k, ax in enumerate(axes):
    ax.plot(years, truth[:, k], color="0.6", linewidth=5, label="all 142 countries")
    ax.plot(years, each[:, k], "o--", color="C3", markersize=4, label="eight, a line each")
    ax.plot(years, tied[:, k], "o-", color="C0", markersize=4, label="eight, as neighbours")
    ax.set_title(titles[k])
axes[0].legend()
figure.suptitle("Eight countries a year find the drift, once years are neighbours")
plt.show()

# %%
# How far the coefficients are from those of all countries, in years of life: less than half as far.

off = {"neighbours": tied - truth, "a line for each year": each - truth}
pd.DataFrame({name: np.sqrt(np.mean(d**2, axis=0)) for name, d in off.items()}).set_axis(
    ["level", "slope"]
).round(2)
