"""
Targets full of holes
=====================

Every pupil of 73 English schools has two marks: one for a written paper, one for course work. Or
should have: many a mark is missing. A library that takes no NaN in `y` makes you drop the pupils
with a missing mark. This page measures what that costs, whether learning both marks together makes
up for holes, and how best to fill one.
"""

# %%
# The marks
# ---------
#
# All we know of a pupil is the school and the gender. In :func:`~mtlearn.datasets.load_gcsemv` a
# tenth of the marks is missing, and every fifth pupil lacks one of the two.

from mtlearn.datasets import load_gcsemv

marks = load_gcsemv()
X, Y = marks.data, marks.target
print(f"{Y.isna().sum().sum()} of {Y.size} marks are missing")
print(f"{Y.isna().any(axis=1).sum()} of {len(Y)} pupils lack one")
Y.head()

# %%
# A model of both marks
# ---------------------
#
# With a frame of several targets each column is a task. NaN is allowed: a pupil serves the marks
# that are there. `scale_targets` divides each mark by its standard deviation, so that neither
# counts more, and `alpha_mean="auto"` searches the ridge on what the marks share, for schools are
# many weak columns.

from mtlearn import MeanRegularizedRegressorCV, make_table_pipeline

search = MeanRegularizedRegressorCV(scale_targets=True, alpha_mean="auto", alphas=20)
together = make_table_pipeline(search)
together.fit(X, Y)
together.predict(X[:3]).round(1)

# %%
# More and more holes
# -------------------
#
# A fifth of the pupils are kept for scoring. Of the marks of the others we hide a share, at random,
# up to 95 %, and learn from the rest: both marks together; a ridge regression for each mark, on the
# pupils who have it; and the same on the pupils who have both, the *complete cases*. All are tuned
# by cross-validation on what they see. The error is in standard deviations of the mark: 1 is what
# guessing the average is wrong by. We do it five times.

import numpy as np
import pandas as pd
from sklearn.linear_model import RidgeCV

from mtlearn import IndependentTasks

ridges = make_table_pipeline(IndependentTasks(RidgeCV(np.geomspace(0.1, 1e4, 16))))
models = {"together": together, "alone": ridges, "alone, complete cases": ridges}
shares = [0, 0.5, 0.8, 0.9, 0.95]

rows = []
for seed in range(5):
    rng = np.random.default_rng(seed)
    test = rng.random(len(Y)) < 0.2
    chance = rng.random(Y.shape)  # a mark once hidden stays hidden
    for share in shares:
        seen = Y.mask((chance < share) | test[:, None])
        for name, model in models.items():
            used = seen.dropna(how="any" if "complete" in name else "all")
            model.fit(X.loc[used.index], used)
            off = (model.predict(X[test]) - Y[test]) / Y.std()
            rows.append([name, share, seed, len(used), np.sqrt(np.nanmean(off**2))])
scores = pd.DataFrame(rows, columns=["model", "hidden", "seed", "pupils", "error"])
error = scores.pivot_table(index="hidden", columns="model", values="error")
pupils = scores.pivot_table(index="hidden", columns="model", values="pupils").round()
error.round(3)

# %%
# Keeping the pupils with holes matters most. Where half of the marks are hidden, seven in ten of
# the pupils who are left lack one, and at 95 % three complete pupils are left to learn from:

pupils[["alone", "alone, complete cases"]].astype(int)

# %%
# Learning together on top of that changes next to nothing on average up to 90 %: the ridges have
# marks enough. At 95 %, where some 70 of each mark are left for 75 columns, it helps every time. By
# how much the error of "together" is below that of "alone", over the five times:

gain = scores.pivot(index=["hidden", "seed"], columns="model", values="error")
gain = (gain["alone"] - gain["together"]).groupby("hidden").agg(["mean", "min", "max"])
gain.round(3)

# %%
import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
colours = {"together": "C0", "alone": "C1", "alone, complete cases": "C3"}
for name, colour in colours.items():
    axes.plot(100 * error.index, error[name], "o-", color=colour, label=name)
axes.axhline(1, color="grey", linewidth=0.8, linestyle="--")
axes.text(1, 1.004, "guessing the average", color="grey", va="bottom")
axes.set(
    xlabel="marks hidden (%)",
    ylabel="error on new pupils (standard deviations)",
    title="Dropping pupils with a hole costs most;\n"
    "learning together helps once hardly any marks are left",
)
axes.legend()
plt.show()

# %%
# Filling a hole
# --------------
#
# A pupil whose written mark is missing has one for course work, and good course work goes with a
# good paper. None of the models above uses that: they predict every mark from X alone, and X has no
# marks. If the hole is in a row whose other mark is known, make that one a feature. To see what it
# brings we hide a fifth of the written marks of the pupils who have both.

both = Y.dropna()
hidden = both.sample(frac=0.2, random_state=0).index
seen = Y.copy()
seen.loc[hidden, "written"] = np.nan

by_both = together.fit(X, seen).predict(X.loc[hidden])[:, 0]
known = seen.dropna().index
ridge = make_table_pipeline(RidgeCV(np.geomspace(0.1, 1e4, 16)))
with_course = X.assign(course=Y["course"])
by_other = ridge.fit(with_course.loc[known], seen.loc[known, "written"])
by_other = by_other.predict(with_course.loc[hidden])

truth = Y.loc[hidden, "written"]
filling = pd.Series(
    {
        "both marks from school and gender": np.sqrt(np.mean((by_both - truth) ** 2)),
        "and the course work as a feature": np.sqrt(np.mean((by_other - truth) ** 2)),
        "the average": np.sqrt(np.mean((seen["written"].mean() - truth) ** 2)),
    },
    name="error in marks",
)
filling.round(1)

# %%
# So: to predict new rows, keep every label and learn the targets together, which costs next
# to nothing on average where it does not help. To fill a hole beside a known label, let that label
# be a feature.
