"""
Ratings of 1,128 lecturers
==========================

Students of ETH Zurich gave 73,421 ratings, from 1 (poor) to 5 (very good), to 1,128 lecturers: to
some 10, to others 792. Who is best? A ranking by means puts those on top who were rated by few and
were lucky. This page measures by how much, on ratings that were held out, and what shrinking the
means does about it, and what it does not.
"""

# %%
# Half of the students rank, the other half judges
# ------------------------------------------------
#
# A student rates several lecturers, so whole students are dealt: nobody is in both halves.

import numpy as np
import pandas as pd

from mtlearn.datasets import load_insteval
from mtlearn.model_selection import task_folds

ratings = load_insteval()
X, y = ratings.data[["studage", "lectage", "service"]].join(ratings.task), ratings.target
lecturer, student = ratings.task, ratings.groups
judges = task_folds(lecturer, 2, groups=student) == 1
print(f"{(~judges).sum():,} ratings rank, {judges.sum():,} judge")

# %%
# How much do lecturers differ?
# -----------------------------
#
# Random slopes estimate it. The level may differ between lecturers, and so may what three
# circumstances do: the student's semester (`studage`), how long ago the lecture was (`lectage`),
# and whether it was held for another department (`service`).

from mtlearn import RandomSlopesRegressor, make_table_pipeline

model = make_table_pipeline(RandomSlopesRegressor(task_column="d"))
model.fit(X[~judges], y[~judges])
between, within = model[-1].intercept_std_, model[-1].noise_std_
print(f"Standard deviation over lecturers: {between:.2f}, over ratings of one: {within:.2f}")

# %%
# Lecturers differ by half a point, students in what they think of one and the same lecturer by more
# than a whole one. A few ratings do not tell much, and a mean of few has to be pulled towards the
# others: that is the level, the rating expected in average circumstances, with its standard error.

from mtlearn.inspection import coef_frame

levels = coef_frame(model).query("feature == '(level)'").set_index("task")
by_lecturer = y[~judges].groupby(lecturer[~judges])
lecturers = pd.DataFrame(
    {
        "ratings": by_lecturer.size(),
        "mean": by_lecturer.mean(),
        "level": levels["coef"],
        "std_error": levels["std_error"],
        "judged": y[judges].groupby(lecturer[judges]).mean(),  # by the other half
    }
)
lecturers.nlargest(6, "mean").round(2)

# %%
# What is luck, and what stays?
# -----------------------------
#
# How far from the average of all is a lecturer, and how far in the same direction are the other
# half's ratings? Levels say beforehand what will be left:

average = levels["shared"].iloc[0]
away = lecturers[["mean", "level", "judged"]] - average
away = away.mul(np.sign(away["mean"]), axis=0)
few_or_many = pd.cut(lecturers["ratings"], [0, 8, 16, 42, 500])
away.groupby(few_or_many, observed=True).mean().round(2)

# %%
# Of lecturers with eight ratings or fewer half of it was luck, with more than forty nearly all of
# it stays. Levels tell the two apart, and pull a little too far: they are about average
# circumstances, and what a lecturer does with beginners or guests is the same in both halves.
#
# The best twenty
# ---------------
#
# Ranked by mean and by level: what was promised, what the other half said, how many ratings.

best = {name: lecturers.nlargest(20, name) for name in ("mean", "level")}
promised = pd.DataFrame(
    {
        f"by {name}": {
            "promised": chosen[name].mean(),
            "judged": chosen["judged"].mean(),
            "ratings (median)": chosen["ratings"].median(),
        }
        for name, chosen in best.items()
    }
).T
promised.round(2)

# %%
# The best by mean were oversold by half a point, and are not even the best. Levels say less than
# was found. Over all lecturers, though, the two orders agree with the judges equally well; it is
# the numbers that differ, and the ends:

from scipy.stats import spearmanr

agreement = pd.DataFrame(
    {
        name: {
            "rank correlation": spearmanr(lecturers[name], lecturers["judged"]).statistic,
            "error": np.sqrt(np.mean((lecturers[name] - lecturers["judged"]) ** 2)),
        }
        for name in ("mean", "level")
    }
).T
agreement.round(2)

# %%
# If you want an order of everybody, means will do. If you want to praise or blame the first few, or
# say by how much they are better, they will not.
#
# Whose level is sure?
# --------------------

import matplotlib.pyplot as plt

in_order = lecturers.sort_values("level", ignore_index=True)
low, high = (in_order["level"] + sign * 1.645 * in_order["std_error"] for sign in (-1, 1))
sure = (high < average) | (low > average)
figure, ax = plt.subplots(figsize=(8, 3.6), layout="constrained")
for chosen, colour in ((~sure, "0.75"), (sure, "C0")):
    ax.vlines(in_order.index[chosen], low[chosen], high[chosen], color=colour, linewidth=0.6)
ax.plot(in_order["level"], color="black")
ax.axhline(average, color="black", linewidth=0.8)
ax.set(
    xlabel="lecturers, in order",
    ylabel="level, 90 % interval",
    title=f"{sure.sum()} of {len(sure):,} lecturers differ from the average for sure",
)
plt.show()

# %%
# What the model does not do
# --------------------------
#
# Students differ as well, some are strict with everybody. With the student as the task:

strictness = make_table_pipeline(RandomSlopesRegressor(task_column="s"))
strictness.fit(X.drop(columns="d").join(student), y)
print(f"Standard deviation over students: {strictness[-1].intercept_std_:.2f}")

# %%
# The two effects are crossed, and there is one grouping here: a strict student is noise. Nobody
# rates a lecturer twice, so the errors of one lecturer allow for it. But who is rated by strict
# students is rated down, and errors of two lecturers with the same students go together. For both
# effects at once there is lme4's ``(1 | s) + (1 | d)`` (:doc:`../../mixed_models`). How much would
# it matter? Take from each rating what its student is above others, and fit again:

of_students = coef_frame(strictness).query("feature == '(level)'").set_index("task")["deviation"]
fair = make_table_pipeline(RandomSlopesRegressor(task_column="d"))
fair.fit(X[~judges], (y - student.map(of_students))[~judges])
fair_levels = coef_frame(fair).query("feature == '(level)'").set_index("task")["coef"]
same_order = spearmanr(lecturers["level"], fair_levels.reindex(lecturers.index)).statistic
print(f"Rank correlation of the levels with and without: {same_order:.2f}")

# %%
# Little, in this table.
#
# The twenty highest means
# ------------------------
#
# And what the other half said, whose means are of few ratings too, and scatter:

# sphinx_gallery_thumbnail_number = -1
shown = best["mean"].sort_values("mean").reset_index(drop=True)
figure, ax = plt.subplots(figsize=(8, 5), layout="constrained")
ax.errorbar(
    shown["level"],
    shown.index,
    xerr=1.645 * shown["std_error"],
    fmt="o",
    label="level, 90 % interval",
)
ax.plot(shown["mean"], shown.index, "k|", markersize=11, label="mean")
ax.plot(shown["judged"], shown.index, "o", color="C3", mfc="none", label="mean of the other half")
ax.axvline(average, color="black", linewidth=0.8)
ax.set_yticks(shown.index, [f"{n} ratings" for n in shown["ratings"]])
figure.legend(loc="outside lower center", ncols=3)
ax.set(xlabel="rating", title="The highest means were luck in part, as their levels say")
plt.show()
