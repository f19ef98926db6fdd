"""
Marks of 2,410 schools, and schools never seen
==============================================

31,022 pupils of 2,410 British schools sat the A-level in chemistry of 1997. What will a pupil get,
given the average in earlier exams (`gcsescore`) and the school? Half of the schools have eight
pupils or fewer in the table. We answer for pupils of schools that we know and for schools never
seen, ask statsmodels for the same, and look for what a mixed model misses.
"""

# %%
# Two kinds of pupils are held out
# --------------------------------
#
# A tenth of the schools, as a whole, and in the other schools a fifth of the pupils.

import numpy as np
import pandas as pd

from mtlearn.datasets import load_chem97
from mtlearn.model_selection import new_task_folds, task_folds

pupils = load_chem97().frame
never_seen = new_task_folds(pupils["school"], 10) == 0
known = ~never_seen & (task_folds(pupils["school"].where(~never_seen, 0), 5) == 0)
rest = ~never_seen & ~known

X, marks = pupils[["gcsescore", "school"]], pupils["score"]
parts = {"training": rest, "known school": known, "school never seen": never_seen}
pd.DataFrame(
    {
        "pupils": {name: rows.sum() for name, rows in parts.items()},
        "schools": {name: pupils["school"][rows].nunique() for name, rows in parts.items()},
    }
)

# %%
# A line for each school
# ----------------------
#
# Random slopes learn a level and a slope for each school, which are normal over schools; how much
# they differ is estimated. Beside it are the two obvious alternatives.

from sklearn.linear_model import LinearRegression, Ridge
from sklearn.metrics import r2_score

from mtlearn import IndependentTasks, PooledTasks, RandomSlopesRegressor

names = {"task_column": "school", "unseen_task": "mean"}
slopes = RandomSlopesRegressor(covariance="full", shrinkage=0, **names)
models = {
    "random slopes": slopes,
    "one line for all": PooledTasks(LinearRegression(), task_dummies=False, **names),
    "a ridge per school": IndependentTasks(Ridge(), **names),
}


def scores(values):
    held_out = {part: rows for part, rows in parts.items() if part != "training"}
    return {f"R², {part}": r2_score(marks[rows], values[rows]) for part, rows in held_out.items()}


predicted = {name: one.fit(X[rest], marks[rest]).predict(X) for name, one in models.items()}
table = pd.DataFrame({name: scores(values) for name, values in predicted.items()}).T
table.round(3)

# %%
# Knowing the school is worth a lot, if schools are learned together: R² 0.50 instead of 0.43.
#
# The same in statsmodels
# -----------------------
#
# ``covariance="full", shrinkage=0`` above is the model that statsmodels fits, with its default
# settings, as below (:doc:`../../mixed_models` has more of both notations). Since it takes its
# time, both get 500 of the schools. Should statsmodels warn, the page says so.

import time
import warnings

import statsmodels.formula.api as smf
from sklearn.base import clone

drawn = pupils["school"][rest].drop_duplicates().sample(500, random_state=0)
some = rest & pupils["school"].isin(drawn)

start = time.perf_counter()
ours = clone(slopes).fit(X[some], marks[some])
seconds = {"mtlearn": time.perf_counter() - start}

with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    start = time.perf_counter()
    theirs = smf.mixedlm(
        "score ~ gcsescore", pupils[some], groups="school", re_formula="~gcsescore"
    ).fit()
    seconds["statsmodels"] = time.perf_counter() - start

# its `predict` leaves out what is a school's own
own = pd.DataFrame(theirs.random_effects).T.reindex(pupils["school"]).fillna(0.0).to_numpy()
both = {
    "mtlearn": ours.predict(X),
    "statsmodels": theirs.predict(pupils) + own[:, 0] + own[:, 1] * pupils["gcsescore"],
}
held_out = known & pupils["school"].isin(drawn)
agreement = pd.DataFrame(
    {
        "R²": {name: r2_score(marks[held_out], p[held_out]) for name, p in both.items()},
        "log-likelihood": {"mtlearn": ours.log_likelihood_, "statsmodels": theirs.llf},
        "seconds": seconds,
    }
)
print("statsmodels warned:", sorted({str(one.message) for one in said}) or "no")
print(f"statsmodels took {seconds['statsmodels'] / seconds['mtlearn']:.0f} times as long.")
agreement.round(3)

# %%
# It is one model, and the answers are the same. What differs is the time; seconds are those of the
# machine that built this page.
#
# What a mixed model misses
# -------------------------
#
# Look again at the schools never seen, in the first table. There one line for all, which knows
# nothing of schools, is *better* than random slopes. What goes wrong? A mixed model takes it that
# how good a school is has nothing to do with its size. By the number of pupils that their school
# has in the table, what pupils of schools never seen got beyond the prediction, on average:

size = pupils.groupby("school")["score"].transform("size")
bins = pd.cut(size, [0, 10, 20, 40, 200], labels=["1-10", "11-20", "21-40", "over 40"])
off = marks - predicted["random slopes"]
off[never_seen].groupby(bins[never_seen], observed=True).mean().round(2)

# %%
# Large schools get more. To a mixed model every school counts about as one, however small; to one
# line for all every pupil does. How many pupils sit the exam is known of a school that has never
# been seen, so it may be a feature:

X_size = X.assign(log_size=np.log(size))
better = clone(slopes).fit(X_size[rest], marks[rest])
line = clone(models["one line for all"]).fit(X_size[rest], marks[rest])
with_size = pd.DataFrame(
    {
        "random slopes, with size": scores(better.predict(X_size)),
        "one line for all, with size": scores(line.predict(X_size)),
    }
).T
with_size.round(3)

# %%
# Now the two are level for schools never seen, both better than before, and random slopes are ahead
# where the school is known.
#
# How sure is a prediction?
# -------------------------
#
# :func:`~mtlearn.prediction_interval` knows that less is known of a stranger.

from mtlearn import prediction_interval

for part in ("known school", "school never seen"):
    rows = parts[part]
    low, high = prediction_interval(better, X_size[rows], coverage=0.9).T
    covered = np.mean((low <= marks[rows]) & (marks[rows] <= high))
    print(f"{part}: 90 % intervals, {np.mean(high - low):.1f} points wide, cover {covered:.1%}")

# %%
# Wide they are: marks go from 0 to 10. Most of what a pupil gets is not in the table.
#
# Which schools are good?
# -----------------------
#
# The level of a school is the mark that a pupil with average earlier exams is expected to get
# there. :func:`~mtlearn.inspection.coef_frame` has it with its standard error, for all schools of
# the training rows. It is shrunk: a school with few pupils is near the average until it proves to
# be otherwise.

import matplotlib.pyplot as plt

from mtlearn.inspection import coef_frame

levels = coef_frame(slopes).query("feature == '(level)'").sort_values("coef", ignore_index=True)
low, high = (levels["coef"] + sign * 1.645 * levels["std_error"] for sign in (-1, 1))
average = levels["shared"].iloc[0]
below, above = high < average, low > average

figure, (left, right) = plt.subplots(
    1, 2, figsize=(10, 4.4), layout="constrained", width_ratios=[2, 3]
)
labels = bins.cat.categories
for name, values, marker in (
    ("without size", predicted["random slopes"], "o"),
    ("with size", better.predict(X_size), "s"),
):
    by_size = (marks - values)[never_seen].groupby(bins[never_seen], observed=True)
    left.errorbar(labels, by_size.mean(), 1.645 * by_size.sem(), marker=marker, label=name)
left.axhline(0, color="black", linewidth=0.8)
left.legend(loc="upper left")
left.set(
    xlabel="pupils of the school",
    ylabel="mark minus prediction",
    title="Schools never seen: size tells",
)
kinds = {"below": ("C3", below), "above": ("C0", above), "not sure": ("0.7", ~(below | above))}
for name, (colour, chosen) in kinds.items():
    lines = levels.index[chosen], low[chosen], high[chosen]
    right.vlines(*lines, color=colour, linewidth=0.5, label=f"{name}: {chosen.sum():,}")
right.plot(levels["coef"], color="black", linewidth=1.5)
right.axhline(average, color="black", linewidth=0.8)
for line in right.legend(title="90 % interval", loc="upper left").get_lines():
    line.set_linewidth(3)
right.set(
    xlabel="schools, in order",
    ylabel="mark of an average pupil",
    title=f"{(below | above).sum()} of {len(levels):,} schools surely differ from the average",
)
plt.show()
