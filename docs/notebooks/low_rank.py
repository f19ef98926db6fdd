"""
A few patterns behind many tasks
================================

People live longer nearly everywhere. In some countries that went fast, some fell back when AIDS
came, some had a war. If every task is a mixture of a few such patterns, a task of few rows can
borrow the patterns, and has to find its mixture only. That is what the trace norm is for: first on
drawn data, where we know the truth, then on life expectancy in 142 countries.
"""

# %%
# Two patterns, drawn
# -------------------
#
# **Simulated** data: 40 tasks of 40 rows, 15 features, and every task's coefficients are a mixture
# of two patterns. There is as much noise as signal.

# sphinx_gallery_thumbnail_number = -1
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from mtlearn import MeanRegularizedRegressorCV, TraceNormRegressor, TraceNormRegressorCV
from mtlearn.datasets import make_multitask_regression

drawn = make_multitask_regression(40, 40, 15, structure="low_rank", rank=2, snr=1, random_state=0)
X, y, task = drawn.data, drawn.target, drawn.task
models = {
    "trace norm": TraceNormRegressorCV(alphas=30),
    "mean-regularized": MeanRegularizedRegressorCV(alphas=30),
    "least squares of each task": TraceNormRegressor(alpha=0),
}
size = np.linalg.norm(drawn.coef)
error = {
    name: np.linalg.norm(model.fit(X, y, task=task).coef_ - drawn.coef) / size
    for name, model in models.items()
}
pd.Series(error, name="error of the coefficients").round(2)

# %%
# The error is the distance to the true coefficients, relative to their size.
# :class:`~mtlearn.TraceNormRegressorCV`, which finds the two patterns, more than halves it. To pull
# all tasks to their mean (:class:`~mtlearn.MeanRegularizedRegressorCV`) helps less: the mean of
# mixtures says little.
#
# How many patterns?
# ------------------
#
# :class:`~mtlearn.plotting.PathDisplay` follows the singular values as `alpha` falls: each that
# leaves zero is one more pattern.

from mtlearn.plotting import PathDisplay

trace = models["trace norm"]
path = PathDisplay.from_estimator(trace, X, y, task=task)

# %%
# Two come first and stay alone for a while. The `alpha` that predicts best lets in four more, small
# ones: the penalty takes the same from all singular values, so it has to be weak to leave the two
# large ones. `rank_`, 6, is then too high, and the sizes say what there is. With `selection="1se"`
# it is the largest `alpha` within a standard error of the best, and the others are smaller still:

sparing = TraceNormRegressorCV(alphas=30, selection="1se").fit(X, y, task=task)
pd.DataFrame(
    {
        "truth": np.linalg.svd(drawn.coef, compute_uv=False),
        "best alpha": np.linalg.svd(trace.coef_, compute_uv=False),
        "largest alpha as good": np.linalg.svd(sparing.coef_, compute_uv=False),
    },
    index=np.arange(1, 16),
).head(6).round(2)

# %%
# :func:`~mtlearn.inspection.structure_report` says the same in words.

from mtlearn.inspection import structure_report

print(structure_report(trace, X))

# %%
# Or say how many
# ---------------
#
# :class:`~mtlearn.SharedSubspaceRegressorCV` has a number of directions instead of a price for
# them, a layer that all tasks share, and looks for the number that predicts best. It takes nothing
# from the patterns that it has.

from mtlearn import SharedSubspaceRegressorCV

layer = SharedSubspaceRegressorCV(alphas=10, rank=[1, 2, 3, 4]).fit(X, y, task=task)
error["shared subspace"] = np.linalg.norm(layer.coef_ - drawn.coef) / size
found = {"truth": drawn.coef, "shared subspace": layer.coef_, "trace norm": trace.coef_}
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained")
left.plot(layer.rank_tried_, np.nanmin(layer.mse_path_.mean(axis=2), axis=1), marker="o")
left.set(xlabel="number of directions", ylabel="mean squared error, held out")
left.set(title=f"{layer.rank_} directions predict best", xticks=layer.rank_tried_)
for k, (name, coef) in enumerate(found.items()):
    place = np.arange(1, 7) + 0.27 * (k - 1)
    right.bar(place, np.linalg.svd(coef, compute_uv=False)[:6], width=0.25, label=name)
right.set(xlabel="component", ylabel="singular value", title="The trace norm has six")
right.legend()
plt.show()
pd.Series(error, name="error of the coefficients").round(2)

# %%
# Two, and the error is a quarter less than that of the trace norm. The price: the problem is not
# convex, and what is certified is that nothing nearby is better (`stationarity_`).
# :doc:`../../shared_subspace` says what the bound on the rest is worth.
#
# Life expectancy: 142 countries, half of the numbers hidden
# ----------------------------------------------------------
#
# Real data: life expectancy in 142 countries, every five years from 1952 to 2007. A country is a
# task, and its features are a spline of the year, so that its coefficients are its curve. We hide
# half of the numbers, three times, and have them predicted from the some six of each country that
# are left.

from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import SplineTransformer, StandardScaler

from mtlearn import IndependentTasks, RandomSlopesRegressor
from mtlearn.datasets import load_gapminder

life = load_gapminder().frame
year, country, age = life[["year"]].to_numpy(float), life["country"], life["lifeExp"]
spline = SplineTransformer(n_knots=5, include_bias=False).fit(year)
scaler = StandardScaler().fit(spline.transform(year))
curve = scaler.transform(spline.transform(year))

trace = TraceNormRegressorCV(alphas=10, cv=3, shared_mean=True, alpha_intercept=0)
of_years = {
    "curves, trace norm": (trace, curve),
    "curves, random slopes": (RandomSlopesRegressor(), curve),
    "curves, mean-regularized": (MeanRegularizedRegressorCV(alphas=15), curve),
    "a line per country": (IndependentTasks(LinearRegression()), year),
}
off = pd.DataFrame(columns=list(of_years), dtype=float)
for seed in range(3):
    hidden = np.random.default_rng(seed).random(len(age)) < 0.5
    for name, (model, X) in of_years.items():
        model.fit(X[~hidden], age[~hidden], task=country[~hidden])
        wrong = model.predict(X[hidden], task=country[hidden]) - age[hidden]
        off.loc[seed, name] = np.sqrt(np.mean(wrong**2))
off.T.round(2)

# %%
# By so many years hidden numbers are missed (root mean square). Curves that borrow from all
# countries beat a line for each by a third and more. The trace norm is better than the
# mean-regularised model each time. Random slopes estimate which coefficients vary together, so they
# know of patterns too, and are about as good: once in three times they are better.
#
# Which patterns?
# ---------------
#
# With all numbers now. A pattern is a curve, and a country has so much of it: a singular value
# decomposition of how the curves deviate from the shared one says both. A pattern is drawn as what
# a typical country has of it, and a mixture of 1 or -1 is typical.

trace.fit(curve, age, task=country)
deviations = trace.coef_ - trace.mean_coef_
grid = np.linspace(1952, 2007, 111)
on_grid = scaler.transform(spline.transform(grid[:, None])) @ deviations.T
patterns, sizes, mixtures = np.linalg.svd(on_grid, full_matrices=False)
n_countries = len(trace.tasks_)
patterns, mixtures = patterns * sizes / np.sqrt(n_countries), mixtures * np.sqrt(n_countries)
sign = np.sign(mixtures[np.arange(len(sizes)), np.abs(mixtures).argmax(axis=1)])
patterns, mixtures = patterns * sign, mixtures * sign[:, None]
mixtures = pd.DataFrame(mixtures[:3].T, index=trace.tasks_, columns=[1, 2, 3])
variation = sizes**2 / np.sum(sizes**2)
print(f"rank {trace.rank_}; share of the variation: {variation[:3].round(2)}")

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.8), layout="constrained")
names = ["1: how fast", "2: up until 1985, then down", "3: down between 1976 and 1993"]
left.axhline(0, color="grey", linewidth=0.8)
for k, name in enumerate(names):
    left.plot(grid, patterns[:, k], label=name)
left.set(
    xlabel="year",
    ylabel="years of life",
    title=f"{variation[:3].sum():.0%} of what differs is three patterns",
)
left.legend()
right.scatter(mixtures[2], mixtures[3], s=14, alpha=0.6)
far = mixtures[np.hypot(mixtures[2], mixtures[3]) > 3]
for name, mixture in far.iterrows():
    above = 3 if mixture[3] > -3.2 else -12  # so that names do not overlap
    right.annotate(name, (mixture[2], mixture[3]), xytext=(5, above), textcoords="offset points")
right.margins(x=0.2)
right.set(xlabel="of pattern 2", ylabel="of pattern 3", title=f"{len(far)} countries stand out")
plt.show()

# %%
# Who has most of each?

pd.DataFrame({k: mixtures[k].nlargest(5).index for k in mixtures})

# %%
# The first is how fast people came to live longer: Oman and Vietnam most of all. The second rises
# until 1985 and falls then, the years of AIDS; all five are in the south of Africa. The third
# is Rwanda's more than anyone's, with its genocide of 1994; Cambodia, whose own was from 1975 to
# 1979, has nearly as much of the opposite.
