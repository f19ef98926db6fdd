"""
Sensors that were mounted wrong
===============================

Forty sensors measure the same thing from different places. What each of them makes of twelve
channels is a mixture of two patterns, but for three that were mounted wrong and follow nothing at
all. A model of few patterns has to find a pattern for each of these; can it leave them alone?
"""

# %%
# Forty sensors, three of them wrong
# ----------------------------------
#
# Drawn data, so that we know who is wrong: thirty rows for each sensor.

import numpy as np
import pandas as pd

rng = np.random.default_rng(0)
n_sensors, n_rows, n_channels = 40, 30, 12
truth = rng.normal(size=(n_sensors, 2)) @ rng.normal(size=(2, n_channels))
wrong = [5, 17, 31]
truth[wrong] = 3 * rng.normal(size=(3, n_channels))
sensor = np.repeat(np.arange(n_sensors), n_rows)
X = rng.normal(size=(len(sensor), n_channels))
y = (X * truth[sensor]).sum(axis=1) + 2 * rng.normal(size=len(sensor))

# %%
# Patterns, and what is no pattern
# --------------------------------
#
# The trace norm (:class:`~mtlearn.TraceNormRegressorCV`) looks for few patterns.
# :class:`~mtlearn.RobustTasksRegressorCV` with ``structure="low_rank"`` looks for few patterns and
# few sensors that have coefficients of their own, and takes the cheapest sum of both. ``alpha`` is
# chosen by cross-validation, in the rows that a sensor has.

from sklearn.linear_model import RidgeCV

from mtlearn import IndependentTasks, RobustTasksRegressorCV, TraceNormRegressorCV

models = {
    "patterns": TraceNormRegressorCV(alphas=20, cv=4),
    "patterns and outliers": RobustTasksRegressorCV(
        alphas=20, cv=4, structure="low_rank", shared_mean=False
    ),
    "each sensor alone": IndependentTasks(RidgeCV(np.geomspace(0.1, 100, 13))),
}
for model in models.values():
    model.fit(X, y, task=sensor)


def coefficients(model):
    """(sensors, channels)."""
    if hasattr(model, "coef_"):
        return model.coef_
    return np.array([one.coef_ for one in model.estimators_])


right = np.setdiff1d(np.arange(n_sensors), wrong)
errors = pd.DataFrame(
    {
        name: {
            "sensors that are right": np.sqrt(np.mean((coefficients(model) - truth)[right] ** 2)),
            "sensors that are wrong": np.sqrt(np.mean((coefficients(model) - truth)[wrong] ** 2)),
        }
        for name, model in models.items()
    }
).T
errors.round(2)

# %%
# The sensors that are right are nearer to the truth, .21 and not .27, because no pattern has to
# bend for the wrong ones. Of those nothing can be learned from others: alone they are best, at .43.

# %%
# Who is an outlier?
# ------------------
#
# Cross-validation asks what predicts best, and keeps a few sensors too many. From the top of the
# path the order says who leaves first: the three that are wrong.

robust = models["patterns and outliers"]
print("by cross-validation:", robust.outlier_tasks_.tolist())

from mtlearn import RobustTasksRegressor

own = {"structure": "low_rank", "shared_mean": False}
top = RobustTasksRegressor(**own).alpha_max(X, y, task=sensor)
firm = RobustTasksRegressor(0.3 * top, **own).fit(X, y, task=sensor)
print("at .3 of the largest alpha:", firm.outlier_tasks_.tolist())

# %%
# The two parts
# -------------
#
# On the left what was drawn, then the part that sensors share, of few patterns, and the part of
# single ones: exactly zero for 32 sensors, next to nothing for five, and large for the three.

import matplotlib.pyplot as plt

panels = {
    "drawn": truth,
    "patterns": robust.shared_coef_,
    "their own": robust.specific_coef_,
    "no outliers allowed": models["patterns"].coef_,
}
limit = np.abs(truth).max() / 2
figure, axes = plt.subplots(1, 4, figsize=(9, 5), sharey=True, layout="constrained")
for ax, (title, coef) in zip(axes, panels.items(), strict=True):
    image = ax.imshow(coef, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto")
    ax.set_title(title)
    ax.set_xlabel("channel")
axes[0].set_ylabel("sensor")
axes[0].set_yticks(wrong)
figure.colorbar(image, ax=axes, shrink=0.6, label="coefficient")
figure.suptitle("Three rows that follow no pattern get coefficients of their own")
plt.show()
