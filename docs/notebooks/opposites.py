"""
Targets that go against each other
==================================

Meat with more fat has less water. From a near-infrared spectrum we predict the water, fat and
protein of a sample. Does a model find by itself which contents go together, and what is that
worth?
"""

# %%
# Spectra and contents
# --------------------
#
# :func:`~mtlearn.datasets.load_meats` has absorbances of 215 samples at 100 wavelengths. As in
# :doc:`spectra` each spectrum gets mean 0 and standard deviation 1, and we keep every second
# wavelength. Forty samples are analysed; the others are there to see who is right.

import numpy as np
import pandas as pd

from mtlearn.datasets import load_meats

meats = load_meats()
X = meats.data.sub(meats.data.mean(axis=1), axis=0).div(meats.data.std(axis=1), axis=0)
X = X.iloc[:, ::2]
X = (X - X.mean()) / X.std()
Y = meats.target
order = np.random.default_rng(0).permutation(len(X))
known, asked = order[:40], order[40:]

# %%
# Relations that are learned
# --------------------------
#
# :class:`~mtlearn.TaskRelationshipsRegressorCV` learns a covariance of the targets' coefficients
# together with these. ``scale_targets`` gives the contents one unit.

from mtlearn import MeanRegularizedRegressorCV, TaskRelationshipsRegressorCV

settings = {"alphas": 15, "scale_targets": True}
model = TaskRelationshipsRegressorCV(**settings).fit(X.iloc[known], Y.iloc[known])
relations = pd.DataFrame(model.task_correlation_, model.tasks_, model.tasks_)
relations.round(2)

# %%
# Water goes with protein and both go against fat: nobody has told the model. What the contents
# themselves do, in all 215 samples, is the same:

import matplotlib.pyplot as plt

truth = Y.corr()
figure, axes = plt.subplots(1, 2, figsize=(8, 3.8), layout="constrained")
pictures = {"Learned from 40 samples": relations, "The contents of all 215": truth}
for ax, (title, matrix) in zip(axes, pictures.items(), strict=True):
    image = ax.imshow(matrix, cmap="RdBu", vmin=-1, vmax=1)
    ax.set_xticks(range(3), matrix.columns)
    ax.set_yticks(range(3), matrix.index)
    ax.set_title(title)
    for (i, j), value in np.ndenumerate(matrix.to_numpy()):
        dark = "white" if abs(value) > 0.6 else "black"
        ax.text(j, i, f"{value:.2f}", ha="center", va="center", color=dark)
figure.colorbar(image, ax=axes, label="correlation", shrink=0.8)
figure.suptitle("Fat goes against water and protein")
plt.show()

# %%
# Is it a better prediction?
# --------------------------
#
# ``ridge_ratio=1`` is the same model without relations, a ridge for all; the other neighbour pulls
# to a mean. Errors are in standard deviations of each content.

models = {
    "relations": model,
    "no relations": TaskRelationshipsRegressorCV(ridge_ratio=1, **settings),
    "pulled to a mean": MeanRegularizedRegressorCV(**settings),
}
errors = {}
for name, one in models.items():
    missed = one.fit(X.iloc[known], Y.iloc[known]).predict(X.iloc[asked]) - Y.iloc[asked]
    errors[name] = np.sqrt((missed**2).mean()) / Y.std()
errors = pd.DataFrame(errors).T
errors.round(3)

# %%
# A little, for water and fat; protein is better off with a mean. Every sample has all three
# contents, so each target has seen the same spectra as the others, and knowing that they are
# opposed adds little. Relations are here for what they say. They are worth more where tasks have
# few rows of their own: :doc:`/task_relationships` draws such a case.
