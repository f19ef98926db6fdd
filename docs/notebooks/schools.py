"""
What 65 schools share, in pictures
==================================

Pupils of 65 London schools: the exam at 16 (`normexam`), the reading test at 11 (`standLRT`), the
sex, and the mean of the school's intake (`schavg`). The pictures of :mod:`mtlearn.plotting` answer
which features differ between schools, who is alike, who gains, and how sure all that is. Each is
drawn from numbers that :doc:`mtlearn.inspection <../../inspection>` gives as a data frame, keeps
them, and says in its title what it shows. Pictures need the extra `plot`.
"""

# %%
# In which features do schools differ?
# ------------------------------------
#
# Random slopes estimate it. A dot is a school; the line across is what all share.

from mtlearn import GroupLassoRegressorCV, RandomSlopesRegressor, make_table_pipeline
from mtlearn.datasets import load_exam
from mtlearn.plotting import (
    CoefficientDisplay,
    PathDisplay,
    RelatednessDisplay,
    SlopesDisplay,
    StabilityDisplay,
    TaskSimilarityDisplay,
    TransferGainDisplay,
)

exam = load_exam()
X, y = exam.frame[["standLRT", "sex", "schavg", "school"]], exam.target
model = make_table_pipeline(RandomSlopesRegressor(task_column="school")).fit(X, y)
slopes = SlopesDisplay.from_estimator(model)

# %%
# Columns are as the model saw them, standardised, so that one can be compared with another. For one
# feature there is a line for each school:

lines = SlopesDisplay.from_estimator(model, feature="standLRT")

# %%
# Which school has which coefficients?
# ------------------------------------
#
# Features and schools are put in an order in which like is beside like. The frame with the numbers
# is `coefficients.frame`.

coefficients = CoefficientDisplay.from_estimator(model)

# %%
# Who is alike?
# -------------
#
# Schools are compared by what their deviations from the shared model do to the predictions.

alike = TaskSimilarityDisplay.from_estimator(model, X)

# %%
# Schools differ in two features only, so that their deviations point around a circle, and these
# clusters are pieces of it: one passes into the next. Clusters that are more than that have pale
# corners between them.
#
# Who gains?
# ----------
#
# On rows held out, against one model for all. Dots are what is to be expected of a school, shrunk
# towards the others where it has few pupils, and coloured by their number; triangles are schools
# that gain for sure.

gains = TransferGainDisplay.from_estimator(model, X, y, baseline="pooled")

# %%
# How related are they?
# ---------------------

related = RelatednessDisplay.from_estimator(model, X, y, n_alphas=12)

# %%
# What does alpha do?
# -------------------
#
# A group lasso with a shared mean selects the features in which schools differ. Without X a display
# of a `…CV` shows the scores that alpha was chosen by, with X the path of what differs.

lasso = make_table_pipeline(
    GroupLassoRegressorCV(task_column="school", shared_mean=True, alphas=30)
).fit(X, y)
scores = PathDisplay.from_estimator(lasso)

# %%

path = PathDisplay.from_estimator(lasso, X, y)

# %%
# Are the same features selected again?
# -------------------------------------
#
# On halves of the rows of every school, for any school, and for each.

stable = StabilityDisplay.from_estimator(lasso, X, y, random_state=0)

# %%
# Is a school that is good for its weakest pupils good for its best?
# ------------------------------------------------------------------
#
# So far all was about pupils on average. With ``loss="quantile"`` random slopes give each school a
# line that a share of its pupils lies below, here given their reading test: the weakest tenth of
# them, half, and all but the best tenth.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.linear_model import QuantileRegressor
from sklearn.metrics import mean_pinball_loss

from mtlearn import IndependentTasks, PooledTasks
from mtlearn.inspection import coef_frame
from mtlearn.model_selection import task_folds

reading, in_school = exam.frame[["standLRT", "school"]], {"task_column": "school"}
tenths = {
    q: RandomSlopesRegressor(loss="quantile", quantile=q, **in_school).fit(reading, y)
    for q in (0.1, 0.5, 0.9)
}

# %%
# First, is it worth it? On pupils held out, the loss that a quantile has the least of (times a
# hundred), and the share of them below the line, against one line for all schools and one for each.

fold = task_folds(reading["school"], 5, random_state=0)
found = []
for q, slopes_of_q in tenths.items():
    line = QuantileRegressor(quantile=q, alpha=0)
    rivals = {
        "random slopes": clone(slopes_of_q),
        "one line for all": PooledTasks(line, task_dummies=False, **in_school),
        "a line for each": IndependentTasks(line, **in_school),
    }
    for name, rival in rivals.items():
        lines_of = pd.Series(0.0, index=y.index)
        for k in range(5):
            rival.fit(reading[fold != k], y[fold != k])
            lines_of[fold == k] = rival.predict(reading[fold == k])
        loss = 100 * mean_pinball_loss(y, lines_of, alpha=q)
        found.append((name, q, loss, (y < lines_of).mean()))
held_out = pd.DataFrame(found, columns=["model", "quantile", "loss", "below"])
held_out.pivot(index="model", columns="quantile").round(2)

# %%
# Learned together the lines are the best at each quantile: a tenth of the pupils of a school is six
# of them, too few for a line of its own. Now the question. A dot on the right is a school: by how
# much its weakest tenth is above that of other schools, and its best.

levels = {
    q: coef_frame(one).query("feature == '(level)'").set_index("task") for q, one in tenths.items()
}
above = pd.DataFrame({q: frame["deviation"] for q, frame in levels.items()})
error = pd.DataFrame({q: frame["std_error"] for q, frame in levels.items()})
sure = np.sign(above).where(above.abs() > 1.645 * error, 0).astype(int)

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.4), layout="constrained")
left.plot(reading["standLRT"], y, ".", color="0.85", markersize=2)
ends = np.array([-2.5, 2.5])
for (q, one), colour in zip(tenths.items(), ("C3", "0.3", "C0"), strict=True):
    for school in one.tasks_:
        asked = pd.DataFrame({"standLRT": ends, "school": school})
        left.plot(ends, one.predict(asked), color=colour, linewidth=0.5, alpha=0.4)
    shared = one.mean_intercept_ + one.mean_coef_[0] * ends
    left.plot(ends, shared, color=colour, linewidth=2.5, label=f"{q:.0%} are below")
left.set(xlabel="reading test at 11", ylabel="exam at 16", title="Three lines for each school")
left.legend(loc="upper left")
bars = {"xerr": 1.645 * error[0.1], "yerr": 1.645 * error[0.9]}
right.errorbar(above[0.1], above[0.9], **bars, fmt="none", ecolor="0.85", elinewidth=0.6)
kinds = {
    "surely above at both ends": ("C0", (sure[0.1] > 0) & (sure[0.9] > 0)),
    "surely below at both ends": ("C3", (sure[0.1] < 0) & (sure[0.9] < 0)),
    "sure at one end": ("black", (sure[0.1] == 0) != (sure[0.9] == 0)),
    "not sure": ("0.6", (sure[0.1] == 0) & (sure[0.9] == 0)),
}
for name, (colour, chosen) in kinds.items():
    here = above[chosen]
    right.plot(here[0.1], here[0.9], "o", color=colour, markersize=4, label=f"{name}: {len(here)}")
right.axhline(0, color="black", linewidth=0.8)
right.axvline(0, color="black", linewidth=0.8)
right.set(xlabel="level, weakest tenth", ylabel="level, best tenth")
right.set(title="Good for the weak, good for the best")
right.legend(loc="lower right", fontsize=8)
plt.show()

# %%
# By and large it is (the correlation is .68): no school is surely above the others at one end and
# surely below at the other. Among the best, schools differ a little more, and the reading test at
# 11 says a little less.

pd.DataFrame(
    {
        q: {
            "levels differ by": np.sqrt(one.covariance_[0, 0]),
            "slopes differ by": one.slope_std_[0],
            "slope of all": one.mean_coef_[0],
            "its standard error": one.mean_coef_std_[0],
        }
        for q, one in tenths.items()
    }
).round(2)

# %%
# A display draws anywhere: `plot(ax)` into axes of yours, `fill(figure)` into a figure or a part of
# one, with a title of yours or none (`title=""`); `title_` has the words, `ax_` and `figure_` what
# matplotlib has to change anything else.

figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
slopes.plot(axes[0], title="Features")
lines.plot(axes[1], title="One feature")
plt.show()
