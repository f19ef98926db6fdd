"""
Digits one against the rest: where sharing does not help
========================================================

Ten tasks over the same images: is it a 0 or not, is it a 1 or not, and so on. They look like a case
for learning together, and are none. This page measures it, asks why, and shows how to find out in
a minute about tasks of yours.
"""

# %%
# Ten tasks
# ---------
#
# :func:`~mtlearn.datasets.load_digits_tasks` has a column of 0 and 1 for each digit. We learn from
# few images of each digit, and keep all others to score on.

from mtlearn.datasets import load_digits_tasks

digits = load_digits_tasks()
X, Y, digit = digits.data / 16, digits.target, digits.digit
Y.head(3)

# %%
# Three models
# ------------
#
# The rival is ten logistic regressions, one strength for all chosen by cross-validation. Against it
# a model that pulls the ten towards a common one, and a group lasso (all ten use the same pixels).

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split

from mtlearn import (
    GroupLassoClassifierCV,
    IndependentTasks,
    MeanRegularizedClassifierCV,
)
from mtlearn.metrics import neg_task_log_loss_scorer

ten = IndependentTasks(LogisticRegression(solver="newton-cholesky"))
strengths = {"estimator__C": np.geomspace(0.3, 30, 5)}
models = {
    "ten logistic regressions": GridSearchCV(
        ten, strengths, scoring=neg_task_log_loss_scorer, cv=3
    ),
    "mean-regularized": MeanRegularizedClassifierCV(alphas=20, cv=3),
    "group lasso": GroupLassoClassifierCV(alphas=10, cv=3),
}

rows = []
for n_images in (10, 20, 40):
    train, test = train_test_split(
        X.index, train_size=10 * n_images, stratify=digit, random_state=0
    )
    for name, model in models.items():
        model.fit(X.loc[train], Y.loc[train])
        loss = -neg_task_log_loss_scorer(model, X.loc[test], Y.loc[test])
        right = model.predict_proba(X.loc[test]).argmax(axis=1) == digit[test]
        rows.append([name, n_images, loss, right.mean()])
scores = pd.DataFrame(rows, columns=["model", "images", "log loss", "accuracy"])
scores.pivot(index="model", columns="images").loc[list(models)].round(3)

# %%
# Log loss is the mean over the ten tasks, accuracy that of the most probable digit. In log loss
# nobody beats the ten by more than a thousandth. The mean-regularized model stays within 0.002 of
# them, since its search may choose to share next to nothing; the group lasso loses 0.003 to 0.013.
#
# Ask before you build
# --------------------
#
# :func:`~mtlearn.compare_tasks` answers this of any table, by folds of the rows at hand. Here with
# 20 images of each digit:

from mtlearn import compare_tasks

few = load_digits_tasks(n_per_class=20, random_state=0)
answer = compare_tasks(few.data / 16, few.target, models=["mean-regularized"], cv=2)
print(answer.verdict)

# %%
# Why is there nothing to share?
# ------------------------------
#
# **Every task has all the rows.** Learning together pays where a task has few rows and others have
# more. Here each image is a row of all ten.
#
# **What is common is little.** An image shows one digit, so what makes a 3 likelier makes the
# other nine less likely. The coefficients of the ten tasks cancel out: their average, towards
# which a shared model pulls, has a fifth of the length of the coefficients themselves.

model = MeanRegularizedClassifierCV(alphas=20, cv=3).fit(few.data / 16, few.target)
length = np.linalg.norm(model.coef_, axis=1).mean()
print(f"average of the ten: {np.linalg.norm(model.coef_.mean(axis=0)):.2f}, one task: {length:.2f}")

# %%
# **Few are alike.** :func:`~mtlearn.inspection.task_similarity` compares what sets a task apart
# from the common model. 1 would be the same; ten tasks that cancel out have -1/9 on average.

from mtlearn.inspection import task_similarity

alike = task_similarity(model, few.data / 16)
others = alike.values[~np.eye(10, dtype=bool)]
print(f"on average {others.mean():.2f}, from {others.min():.2f} to {others.max():.2f}")

# %%
# **Each needs pixels of its own.** Blue pixels speak for the digit, red ones against it. A group
# lasso that drops a pixel has to drop it for all ten.

import matplotlib.pyplot as plt

largest = np.abs(model.coef_).max()
figure, axes = plt.subplots(2, 5, figsize=(8, 3.9), layout="constrained")
for name, coef, axis in zip(model.tasks_, model.coef_, axes.flat, strict=True):
    axis.imshow(coef.reshape(8, 8), cmap="RdBu", vmin=-largest, vmax=largest)
    axis.set(title=name.replace("_", " "), xticks=[], yticks=[])
figure.suptitle("Ten templates that have little in common")
plt.show()

# %%
# How much sharing would be best?
# -------------------------------
#
# :func:`~mtlearn.inspection.relatedness_path` goes from one model for all (1) to ten of their own
# (0). The best place is near the independent end, and it is not 0 because the same strength also
# keeps each of the ten from overfitting, as a ridge of its own would.

from mtlearn.plotting import RelatednessDisplay

related = RelatednessDisplay.from_estimator(model, few.data / 16, few.target, n_alphas=10)
plt.show()

# %%
# So keep the ten logistic regressions. Or, since an image shows exactly one digit, one multinomial
# regression, which knows that. Learn tasks together where each has few rows of its own and they
# ask nearly the same: pupils of many schools, not the letters of one alphabet.
