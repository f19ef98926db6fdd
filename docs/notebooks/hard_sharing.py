"""
Hidden layers shared, or coefficients?
======================================

In deep learning tasks share a hidden layer, and each has its own outputs on top: *hard parameter
sharing* (Caruana, 1997). In this library tasks share what their coefficients have in common. Which
is better for a table? scikit-learn has such a net, :class:`~sklearn.neural_network.MLPRegressor`
with several outputs, or with the task as dummy columns. This page tries both on three real tables,
and each wins somewhere.
"""

# %%
# Nets of one hidden layer
# ------------------------
#
# The strength of a net's penalty decides a lot. We try three and look at all of them: the best of
# them is then known with hindsight, which favours the net. Models of this library choose theirs
# inside the training rows. All rows are predicted by models that have not seen them. Nets may stop
# before they converge, which does them good, and warn of it; we know.

import time
import warnings

import pandas as pd
from sklearn.compose import TransformedTargetRegressor
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

warnings.filterwarnings("ignore", message="lbfgs failed to converge")


def nets(*prepare):
    """Targets are standardised, as a net needs."""
    options = {"hidden_layer_sizes": 32, "solver": "lbfgs", "max_iter": 200, "random_state": 0}
    return {
        f"net, alpha={alpha:g}": TransformedTargetRegressor(
            make_pipeline(*prepare, MLPRegressor(alpha=alpha, **options)),
            transformer=StandardScaler(),
        )
        for alpha in (0.1, 1.0, 10.0)
    }


def held_out(models, X, y, cv, names):
    rows = {}
    for model_name, model in models.items():
        start = time.perf_counter()
        predicted = cross_val_predict(model, X, y, cv=cv)
        seconds = time.perf_counter() - start
        scores = r2_score(y, predicted, multioutput="raw_values")
        rows[model_name] = dict(zip(names, scores.round(4), strict=True)) | {
            "seconds": round(seconds, 1)
        }
    return pd.DataFrame(rows).T


# %%
# Several targets over one X: meat
# --------------------------------
#
# Water, fat and protein of 215 samples of meat, from their absorbance at 100 wavelengths
# (:func:`~mtlearn.datasets.load_meats`). Neighbouring wavelengths say the same, so all models get
# the first 20 principal components. A group lasso finds out which of these matter to the
# three targets together; given their squares and products too, which of 230.

from sklearn.decomposition import PCA
from sklearn.linear_model import RidgeCV
from sklearn.preprocessing import PolynomialFeatures

from mtlearn import GroupLassoRegressorCV
from mtlearn.datasets import load_meats

meats = load_meats()
components = PCA(20, whiten=True, random_state=0)
squares = [components, PolynomialFeatures(2, include_bias=False), StandardScaler()]
group_lasso = GroupLassoRegressorCV(alphas=15, scale_targets=True)
meat_models = {
    "a ridge per target": make_pipeline(components, RidgeCV([0.01, 0.1, 1, 10, 100])),
    "group lasso": make_pipeline(components, group_lasso),
    "group lasso, squares": make_pipeline(*squares, group_lasso),
    **nets(components),
}
meat = meats.data.to_numpy(), meats.target.to_numpy()
five = KFold(5, shuffle=True, random_state=0)
of_meats = held_out(meat_models, *meat, five, meats.target_names)
of_meats.round(3)

# %%
# Without the squares the net is far ahead: these targets bend with the spectrum. With them the
# linear model is as good for water and fat, and behind for protein. But it is at its limit: in five
# folds it learns from 172 rows, in three from 143, and that is too few for it, not for the net.

two = {name: meat_models[name] for name in ("group lasso, squares", "net, alpha=1")}
fewer = held_out(two, *meat, KFold(3, shuffle=True, random_state=0), meats.target_names)
fewer.round(3)

# %%
# Rows labelled by task: countries and schools
# --------------------------------------------
#
# Life expectancy in 142 countries by year, population and income, twelve rows each
# (:func:`~mtlearn.datasets.load_gapminder`), and the exams of 4,059 pupils in 65 schools
# (:func:`~mtlearn.datasets.load_exam`). For the net the task is a dummy column, for
# :class:`~mtlearn.MeanRegularizedRegressorCV` it is `task_column`; to let it bend, put a spline in
# front.

from sklearn.compose import make_column_transformer
from sklearn.preprocessing import OneHotEncoder, SplineTransformer

from mtlearn import MeanRegularizedRegressorCV, RandomSlopesRegressor, make_table_pipeline
from mtlearn.datasets import load_exam, load_gapminder
from mtlearn.model_selection import StratifiedTaskKFold


def of_table(table, numbers):
    task = table.task_name
    bent = make_column_transformer(
        (SplineTransformer(4, include_bias=False), numbers),
        remainder="passthrough",
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    dummies = make_column_transformer(
        (StandardScaler(), numbers), (OneHotEncoder(sparse_output=False), [task])
    )
    together = make_table_pipeline(MeanRegularizedRegressorCV(alphas=15, task_column=task))
    slopes = make_table_pipeline(RandomSlopesRegressor(task_column=task))
    models = {
        "random slopes": slopes,
        "mean-regularized": together,
        "random slopes, splines": make_pipeline(bent, slopes),
        "mean-regularized, splines": make_pipeline(bent, together),
        **nets(dummies),
    }
    folds = StratifiedTaskKFold(3, task_column=task)
    return held_out(models, table.frame[[*numbers, task]], table.target, folds, ["R²"])


of_life = of_table(load_gapminder(), ["year", "log_pop", "log_gdp"])
of_life.round(3)

# %%
# Here too the net beats straight lines by far (0.984 to 0.970), since life expectancy bends with
# income and over time. With a spline in front the linear model beats the net, in less time, and its
# coefficients, levels and intervals are still there to look at.

of_exam = of_table(load_exam(), ["standLRT", "schavg"])
of_exam.round(3)

# %%
# Marks are neither bent nor rich in data, and there is nothing for a net to find: at its best it is
# where the linear models are, at its worst it is much below.
#
# What to do with your table
# --------------------------
#
# `mtlearn compare table.csv --target … --task … --models +mlp,+boosting` (:doc:`../../command`)
# tunes a net that shares its hidden layer, and gradient boosting, beside its own models. If the net
# wins, something bends: try a spline or squares, and take the net where they do not reach it.
# Below straight lines are grey, linear models that bend are blue, and nets orange.

import matplotlib.pyplot as plt

tables = {
    "Fat in meat: a tie": of_meats["fat"],
    "Countries: splines win": of_life["R²"],
    "Schools: a tie": of_exam["R²"],
}
figure, axes = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
for ax, (title, scores) in zip(axes, tables.items(), strict=True):
    is_net = scores.index.str.startswith("net")
    is_bent = scores.index.str.contains("splines|squares")
    colours = [
        "C1" if net else "C0" if bent else "C7" for net, bent in zip(is_net, is_bent, strict=True)
    ]
    ax.barh(scores.index, 1 - scores, color=colours)
    ax.set(title=title, xlabel="1 - R² (less is better)")
    ax.invert_yaxis()
plt.show()
