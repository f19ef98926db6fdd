"""
Thirty stores, one model: from a table to predictions for a new store
=====================================================================

A chain wants to know how the sales of each of its stores react to prices. Stores differ, and many
have been open for a few weeks only. This page goes the whole way with scikit-learn's own tools: a
table with categories and missing values, a search for the best `alpha`, honest predictions, a
picture, and a saved model that another process loads to answer for a store it has never seen.
"""

# %%
# A table
# -------
#
# The data are **simulated**, so that we know the truth to compare with. There is a row for each
# week of each store, a column of text that says which store it is, a number and a category with
# missing values. Every store reacts in its own way to prices, to the weather and to adverts; these
# reactions are spread around common ones.

import numpy as np
import pandas as pd

rng = np.random.default_rng(7)
n_stores = 30
weeks = rng.integers(6, 30, n_stores)  # some stores have just opened
store = np.repeat(np.arange(n_stores), weeks)
n = len(store)

price = rng.normal(10, 1.5, n)
temperature = rng.normal(15, 8, n)
advert = rng.choice(["none", "leaflet", "radio"], n, p=[0.5, 0.3, 0.2])

true_reaction = rng.normal(-8, 4, n_stores)  # boxes sold more or less per euro of price
level = rng.normal(200, 15, n_stores)
warmth = rng.normal(0.5, 0.6, n_stores)
gain = {"none": np.zeros(n_stores), "leaflet": rng.normal(8, 8, n_stores)}
gain["radio"] = gain["leaflet"] + rng.normal(8, 8, n_stores)

sales = level[store] + true_reaction[store] * (price - 10) + warmth[store] * (temperature - 15)
sales += np.select([advert == name for name in gain], [gain[name][store] for name in gain])
sales += rng.normal(0, 12, n)

X = pd.DataFrame(
    {
        "store": [f"store {k:02d}" for k in store],
        "price": price,
        "temperature": np.where(rng.random(n) < 0.1, np.nan, temperature),
        "advert": np.where(rng.random(n) < 0.05, None, advert),
    }
)
y = pd.Series(sales, name="sales")
X.head()

# %%
# A model of the table as it is
# -----------------------------
#
# `task_column` names the column that says which task (here: store) a row belongs to.
# :func:`~mtlearn.make_table_pipeline` puts the preparation of the table in front: numbers are
# standardised, missing ones become the mean, categories become columns of zeros and ones, and the
# column of stores is passed on untouched.

from mtlearn import MeanRegularizedRegressor, make_table_pipeline

pipeline = make_table_pipeline(MeanRegularizedRegressor(task_column="store"))
pipeline

# %%
# How strongly should stores be pulled together?
# ----------------------------------------------
#
# That is `alpha`: from nearly 0 (a model for each store) to very large (one for all). A grid search
# finds it. :class:`~mtlearn.model_selection.StratifiedTaskKFold` deals the weeks of every store
# evenly over the folds, so that no store is missing when the others are tried.

from sklearn.model_selection import GridSearchCV

from mtlearn.model_selection import StratifiedTaskKFold

folds = StratifiedTaskKFold(3, task_column="store")
search = GridSearchCV(pipeline, {"model__alpha": np.geomspace(0.01, 10, 6)}, cv=folds)
search.fit(X, y)
print(f"alpha = {search.best_params_['model__alpha']:.2g}, R² {search.best_score_:.3f}")

# %%
# Is it worth it?
# ---------------
#
# Predictions of weeks that were held out, from the search (which looks for `alpha` again within the
# remaining weeks) and from the two obvious alternatives: a ridge for each store, a ridge for all.

from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score
from sklearn.model_selection import cross_val_predict

from mtlearn import IndependentTasks, PooledTasks

models = {
    "together": search,
    "a model per store": make_table_pipeline(IndependentTasks(RidgeCV(), task_column="store")),
    "one model for all": make_table_pipeline(PooledTasks(RidgeCV(), task_column="store")),
}
predicted = {name: cross_val_predict(model, X, y, cv=folds) for name, model in models.items()}
pd.Series({name: r2_score(y, values) for name, values in predicted.items()}, name="R²").round(3)

# %%
# :func:`~mtlearn.compare_tasks` asks this question of your own table, with more models, and store
# by store.
#
# What did it learn?
# ------------------
#
# `coef_` has a row for each store in `tasks_` and a column for each feature. Prices were
# standardised, so we divide by their standard deviation to get boxes per euro.

import matplotlib.pyplot as plt

best = search.best_estimator_
features = [name for name in best["table"].get_feature_names_out() if name != "store"]
j = features.index("price")
reaction = best["model"].coef_[:, j] / X["price"].std(ddof=0)

alone = make_table_pipeline(IndependentTasks(RidgeCV(), task_column="store")).fit(X, y)
reaction_alone = alone["model"].coef_[:, j] / X["price"].std(ddof=0)

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
left.scatter(y, predicted["together"], s=8, alpha=0.5)
left.axline((200, 200), slope=1, color="black", linewidth=0.8)
left.set(xlabel="boxes sold", ylabel="predicted, held out", title="Every week of every store")
right.scatter(true_reaction, reaction_alone, s=18, marker="x", label="a model per store")
right.scatter(true_reaction, reaction, s=18, label="together")
right.axline((-8, -8), slope=1, color="black", linewidth=0.8)
right.set(xlabel="true reaction to price", ylabel="estimated", title="A dot per store")
right.legend()
plt.show()

# %%
# Save it, load it in a new process, and ask about a new store
# ------------------------------------------------------------
#
# The pipeline is saved as any other of scikit-learn. The process that loads it needs mtlearn to be
# installed, and no more: the training data are not in the file.

import subprocess
import sys
import tempfile
from pathlib import Path

import joblib

folder = Path(tempfile.mkdtemp())
joblib.dump(best, folder / "stores.joblib")
X_new = pd.DataFrame(
    {
        "store": ["store 07", "store 99"],  # the second one opens next week
        "price": [9.0, 9.0],
        "temperature": [20.0, np.nan],
        "advert": ["radio", "radio"],
    }
)
X_new.to_csv(folder / "new.csv", index=False)

program = """
import joblib
import pandas as pd

model = joblib.load("stores.joblib")
print(model.predict(pd.read_csv("new.csv")).round(1).tolist())
"""
answer = subprocess.run(
    [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True
)
print(answer.stdout)
print(answer.stderr)

# %%
# Both stores get a prediction. For store 99 there are no coefficients, so the *shared model* has
# answered, what all stores have in common, and an
# :class:`~mtlearn.exceptions.UnseenTaskWarning` says so, with the number of rows and the first
# labels. It is there because an unknown store is often a misspelt one. If new stores are nothing
# unusual, set `unseen_task="mean"`: the same answer without the warning; `unseen_task="error"`
# refuses instead.
