"""
Shops of three kinds
====================

A chain has 24 shops. In some a sunny week sells, in others a low price does, and nobody has written
down which shop is of which kind. Can a model find the kinds while it learns what sells?
"""

# %%
# Weeks of shops
# --------------
#
# **Simulated** data: sixteen weeks of each shop, eight things that may sell, and three kinds of
# shops. Shops of one kind differ a little.

import numpy as np
import pandas as pd

rng = np.random.default_rng(0)
things = ["price", "sun", "rain", "holiday", "flyer", "school", "payday", "match"]
kind = rng.permutation(np.arange(24) % 3)
means = 2 * np.linalg.qr(rng.normal(size=(8, 3)))[0].T
truth = means[kind] + 0.1 * rng.normal(size=(24, 8))
shops = [f"shop {number:02}" for number in range(24)]
shop = np.repeat(np.arange(24), 16)
X = pd.DataFrame(rng.normal(size=(len(shop), 8)), columns=things)
noise = 1.5 * rng.normal(size=len(shop))
sales = (X.to_numpy() * truth[shop]).sum(axis=1) + 0.5 * kind[shop] + noise
table = X.round(1).assign(shop=np.array(shops)[shop], sales=sales.round(1))
table.head()

# %%
# How many kinds?
# ---------------
#
# :class:`~mtlearn.ClusteredTasksRegressorCV` chooses the number of clusters together with `alpha`,
# by weeks that were held out.

from sklearn.metrics import adjusted_rand_score

from mtlearn import ClusteredTasksRegressorCV

X, y = table.drop(columns="sales"), table["sales"]
model = ClusteredTasksRegressorCV(alphas=10, n_clusters=[1, 2, 3, 4, 5], task_column="shop")
model.fit(X, y)
held_out = model.mse_path_.mean(axis=2).min(axis=1)
pd.DataFrame(
    {"held-out error": held_out}, pd.Index(model.n_clusters_tried_, name="clusters")
).round(3)

# %%
# One cluster is a pull to one mean, and two are too few. Three predict best. Which shop is in which
# cluster, it says as well; the adjusted Rand index is 1 where that is the truth, and about 0 for
# clusters by chance.

rand = adjusted_rand_score(kind, model.labels_)
model.n_clusters_, round(rand, 2)

# %%
# What sells where
# ----------------
#
# The coefficients, shops of a cluster beside each other: on the left as they were drawn, then as
# found, then those of a regression for each shop.

import matplotlib.pyplot as plt
from sklearn.linear_model import RidgeCV

from mtlearn import IndependentTasks, MeanRegularizedRegressorCV

mean = MeanRegularizedRegressorCV(alphas=20, task_column="shop").fit(X, y)
alone = IndependentTasks(RidgeCV(np.geomspace(0.01, 100, 20)), task_column="shop").fit(X, y)
order = np.argsort(model.labels_, kind="stable")
pictures = {"as drawn": truth, "in clusters": model.coef_, "each shop alone": alone.coef_}
figure, axes = plt.subplots(1, 3, figsize=(9, 5.5), layout="constrained", sharey=True)
for ax, (title, coef) in zip(axes, pictures.items(), strict=True):
    image = ax.imshow(coef[order], cmap="RdBu", vmin=-2, vmax=2, aspect="auto")
    for border in np.flatnonzero(np.diff(model.labels_[order])) + 0.5:
        ax.axhline(border, color="black", linewidth=1.5)
    ax.set_xticks(range(8), things, rotation=60, ha="right")
    ax.set_title(title)
axes[0].set_yticks(range(24), model.tasks_[order], fontsize=8)
figure.colorbar(image, ax=axes, label="coefficient", shrink=0.6)
figure.suptitle("Three kinds of shops, found from sixteen weeks of each")
plt.show()

# %%
# What is it worth?
# -----------------
#
# The error of the coefficients (distance to the drawn ones, as a share of their size), and that of
# predictions of a year of new weeks, beside the noise of 1.5 that nothing can predict.

new = pd.DataFrame(rng.normal(size=(24 * 52, 8)), columns=things)
of_new = np.repeat(np.arange(24), 52)
expected = (new.to_numpy() * truth[of_new]).sum(axis=1) + 0.5 * kind[of_new]
new["shop"] = np.array(shops)[of_new]
models = {"in clusters": model, "pulled to one mean": mean, "each shop alone": alone}
errors = pd.DataFrame(
    {
        "coefficients": {
            name: np.linalg.norm(one.coef_ - truth) / np.linalg.norm(truth)
            for name, one in models.items()
        },
        "new weeks": {
            name: np.sqrt(np.mean((one.predict(new) - expected) ** 2 + 1.5**2))
            for name, one in models.items()
        },
    }
)
errors.round(2)
