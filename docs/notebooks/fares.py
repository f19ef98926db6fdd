"""
Who cares about the price?
==========================

235 Dutch travellers were asked, five to nineteen times each, which of two train journeys they would
take. The journeys differ in price, time, changes of train and comfort. One model for all says what
the average traveller wants, and a dozen answers are too few for a model of one's own. Learned
together, each traveller gets an answer: what would this one pay to save an hour?
"""

# %%
# The table
# ---------
#
# A row is a question. Features are the second journey minus the first: guilders, hours, changes,
# and classes of discomfort. The target says which journey was chosen, `id` who was asked.

import numpy as np
import pandas as pd

from mtlearn.datasets import load_fares

fares = load_fares()
table, choice = fares.frame.drop(columns="choice"), fares.target
fares.frame.head(4)

# %%
# One model for all, one for each, or together?
# ---------------------------------------------
#
# The last three choices of every traveller are held out. For the other two models we try three
# strengths of the penalty and keep the one that does best on these very rows, which is more than
# they could know. Random slopes have nothing to choose: how much people differ is estimated.

from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss

from mtlearn import IndependentTasks, PooledTasks, RandomSlopesClassifier, make_table_pipeline

from_the_end = table.groupby("id").cumcount(ascending=False)
last = from_the_end < 3


def scores(model, held_out):
    model = make_table_pipeline(model).fit(table[~held_out], choice[~held_out])
    return {
        "log loss": log_loss(choice[held_out], model.predict_proba(table[held_out])),
        "foreseen": accuracy_score(choice[held_out], model.predict(table[held_out])),
    }


found = {"together": scores(RandomSlopesClassifier(task_column="id"), last)}
others = {
    "one model for all": PooledTasks(LogisticRegression(), task_dummies=False, task_column="id"),
    "a model for each": IndependentTasks(LogisticRegression(), task_column="id"),
}
for name, model in others.items():
    tried = [scores(model.set_params(estimator__C=C), last) for C in (0.01, 0.1, 1)]
    found[name] = min(tried, key=lambda score: score["log loss"])
held_out = pd.DataFrame(found).T
held_out.round(3)

# %%
# Tossing a coin has a log loss of 0.693, and one model for all hardly does better: people want
# different things. A model for each does worse. Three people gave one and the same answer to all
# their other questions, so that their models are certain, and wrong; without these three its log
# loss is 0.75. Learned together, 68 % of the answers are foreseen instead of 60 %.
#
# The last questions are the hardest, as if the survey had come to journeys between which people
# waver. On the *first* three, with the others to learn from, both of these do better, and together
# is ahead again:

first = table.groupby("id").cumcount() < 3
easier = pd.DataFrame(
    {
        "together": scores(RandomSlopesClassifier(task_column="id"), first),
        "one model for all": scores(others["one model for all"], first),
    }
).T
easier.round(3)

# %%
# In what do travellers differ?
# -----------------------------
#
# Now from all rows. A dot is a traveller. Columns are standardised here, so that one can be
# compared with another; to the left of zero, more of it makes a journey less likely to be taken.

from mtlearn.plotting import SlopesDisplay

model = make_table_pipeline(RandomSlopesClassifier(task_column="id")).fit(table, choice)
slopes = SlopesDisplay.from_estimator(model)

# %%
# Prices matter most, and people differ most in them. Six dots lie on the wrong side, people who
# seem to like high prices. Of none of them is that sure: zero lies within two standard errors.
#
# What is an hour worth?
# ----------------------
#
# :func:`~mtlearn.inspection.coef_frame` undoes the scaling: log-odds per guilder and per hour. The
# ratio of the two is what this person would pay to arrive an hour earlier. It says nothing where
# the price hardly counts, so we ask it of those whose price is below zero by two standard errors.

from mtlearn.inspection import coef_frame

part_worths = coef_frame(model).pivot(index="task", columns="feature", values=["coef", "std_error"])
person = part_worths["coef"]
sure = person["price"] < -2 * part_worths["std_error"]["price"]
hour = (person["time"] / person["price"])[sure]

shared = coef_frame(model).drop_duplicates("feature").set_index("feature")["shared"]
market = shared["time"] / shared["price"]
low, middle, high = hour.quantile([0.1, 0.5, 0.9])
error = part_worths["std_error"]["time"].median()
print(f"The average traveller: {market:.1f} guilders an hour.")
print(f"{sure.sum()} of {len(person)} travellers care about the price for sure. One in ten of them")
print(
    f"would pay less than {low:.0f}, half less than {middle:.0f}, one in ten more than {high:.0f}."
)
print(f"Standard error of a person's time, log-odds per hour: {error:.1f} (median).")

# %%
# Such a value is a best guess about a person, not a measurement: over people what an hour does to
# the log-odds is estimated to spread by 5.1, and that of one of them has a standard error of 3.5.
#
# Who cares about what?
# ---------------------
#
# To the left are those who care about the price, at the bottom those who are in a hurry. On a
# dashed line an hour is worth the same: 5, 10 and 20 guilders. Crosses are people whose price is
# not sure, and of many of them that is because it hardly counts: those at the bottom want to
# arrive, whatever it costs. Segments, shares of a market and more than two offers are in
# :doc:`../../conjoint`.

import matplotlib.pyplot as plt

# sphinx_gallery_thumbnail_number = -1

figure, (left, right) = plt.subplots(
    1, 2, figsize=(10, 4.6), layout="constrained", width_ratios=[3, 2]
)
for value in (5, 10, 20):
    left.axline((0, 0), slope=value, color="0.6", linewidth=0.8, linestyle="--", zorder=0)
dots = left.scatter(
    person["price"][sure], person["time"][sure], c=hour, s=22, vmin=0, vmax=25, cmap="viridis"
)
left.scatter(
    person["price"][~sure], person["time"][~sure], s=22, marker="x", color="0.5", label="not sure"
)
figure.colorbar(dots, ax=left, label="an hour is worth (guilders)", extend="both")
left.legend(loc="lower left")
left.set(
    xlabel="price: log-odds per guilder",
    ylabel="time: log-odds per hour",
    title="Some care about the price, some about the hour",
)
right.hist(hour, bins=np.arange(-2.5, 60, 2.5))
right.axvline(market, color="black", label="the average traveller")
right.legend()
right.set(
    xlabel="an hour is worth (guilders)",
    ylabel=f"travellers ({sure.sum()})",
    title=f"Most between {low:.0f} and {high:.0f} guilders",
)
plt.show()
