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
# A display draws anywhere: `plot(ax)` into axes of yours, `fill(figure)` into a figure or a part of
# one, with a title of yours or none (`title=""`); `title_` has the words, `ax_` and `figure_` what
# matplotlib has to change anything else.

import matplotlib.pyplot as plt

figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
slopes.plot(axes[0], title="Features")
lines.plot(axes[1], title="One feature")
plt.show()
