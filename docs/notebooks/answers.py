"""
No, perhaps, yes
================

A bus fails to stop for you. Would you curse? 316 persons were asked 24 such questions, and said no,
perhaps or yes. Three answers are one choice among three, and persons are not alike: some never
curse, some always want to and never do. How likely is each answer of each person?
"""

# %%
# The table
# ---------
#
# A row is an answer (`resp`). The questions cross what one does (`btype`: curse, scold, shout) with
# whether one would want it or do it (`mode`), and with who is to blame (`situ`). Eight answers of
# every person, drawn at random, are held out.

import numpy as np
import pandas as pd

from mtlearn.datasets import load_verbagg

answers = load_verbagg()
table, said = answers.frame.drop(columns="resp"), answers.target
drawn = pd.Series(np.random.default_rng(0).random(len(table)), index=table.index)
held_out = drawn.groupby(table["id"]).rank() <= 8
names = np.unique(said)
answers.frame.iloc[[0, 3000, 6000]]

# %%
# One model for all, one for each, or together?
# ---------------------------------------------
#
# ``loss="multinomial"`` takes an answer for one choice, as scikit-learn's logistic regression does:
# the probabilities of the three are the softmax of three scores. The default takes one answer
# against the rest, three models whose probabilities are divided by their sum. Both are learned
# together here and choose their strength by folds of the rows that are left. Of each rival we
# keep the strength that does best on the very rows that are held out, more than it could know.

from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from mtlearn import (
    IndependentTasks,
    MeanRegularizedClassifierCV,
    PooledTasks,
    make_table_pipeline,
)


def chances(model):
    """Of the answers held out."""
    model = make_table_pipeline(model).fit(table[~held_out], said[~held_out])
    return model, model.predict_proba(table[held_out])


def rival(Baseline, **options):
    """The best of three strengths."""
    tried = [
        chances(Baseline(LogisticRegression(C=C, max_iter=1000), task_column="id", **options))[1]
        for C in (0.1, 1, 10)
    ]
    return min(tried, key=lambda chance: log_loss(said[held_out], chance))


def together(loss):
    alphas = np.geomspace(0.03, 1, 6)
    return chances(MeanRegularizedClassifierCV(alphas, cv=5, loss=loss, task_column="id"))


multinomial, chosen_at_once = together("multinomial")
one_vs_rest, against_the_rest = together("logistic")
found = {
    "one model for all": rival(PooledTasks, task_dummies=False),
    "one model, a level for each person": rival(PooledTasks, task_dummies=True),
    "a model for each person": rival(IndependentTasks),
    "together, one against the rest": against_the_rest,
    "together, multinomial": chosen_at_once,
}
measured = pd.DataFrame(
    {
        name: {
            "log loss": log_loss(said[held_out], chance),
            "foreseen": np.mean(names[chance.argmax(axis=1)] == said[held_out]),
        }
        for name, chance in found.items()
    }
).T
measured.round(3)

# %%
# One model for all knows the questions and little of the persons. A level for each says who curses
# easily, and that is most of it. What is left is that persons differ in *what* they would do, and
# sixteen answers are too few to learn that from alone: a model for each person foresees as many
# answers as the one with levels, and is far too sure of itself. Of an answer that a person did not
# give in these sixteen it even says that it is impossible:

given = table[~held_out].groupby([table["id"], said], observed=False).size()
never = given.reindex(pd.MultiIndex.from_arrays([table["id"], said])[held_out]).to_numpy() == 0
print(f"{never.mean():.1%} of the answers held out were never given before.")
others = {
    name: log_loss(said[held_out][~never], found[name][~never])
    for name in ("a model for each person", "together, multinomial")
}
pd.Series(others).round(2)

# %%
# Learned together these have a probability, and the others a better one.
#
# One answer against the rest
# ---------------------------
#
# Is one choice among three better than three models of one answer against the rest? Here is by how
# much, with the standard error of the difference:

position = np.searchsorted(names, said[held_out].astype(str))
rows = np.arange(len(position))
lost = -np.log([against_the_rest[rows, position], chosen_at_once[rows, position]])
difference = lost[1] - lost[0]
error = difference.std() / np.sqrt(len(difference))
print(f"multinomial minus one against the rest: {difference.mean():+.4f} +- {error:.4f}")

# %%
# That could as well be luck. What is different is where probabilities come from. Three logistic
# models do not know of each other: their probabilities add up to anything, and are divided by their
# sum. Those of the softmax add up to one as they are fitted.

from scipy.special import expit, softmax

apart = expit(one_vs_rest.decision_function(table[held_out])).sum(axis=1)
joint = softmax(multinomial.decision_function(table[held_out]), axis=1)
print("one against the rest, sums of three:", np.quantile(apart, [0.01, 0.5, 0.99]).round(2))
print("multinomial, the softmax of the scores:", bool(np.allclose(joint, chosen_at_once)))

# %%
# The picture
# -----------
#
# Three probabilities that add up to one are a point in a triangle: at a corner an answer is sure,
# in the middle all three are as likely. A dot is an answer held out, its colour what was said.

import matplotlib.pyplot as plt

corners = np.array([[0.0, 0.0], [0.5, np.sqrt(0.75)], [1.0, 0.0]])
colors = np.array(["tab:blue", "tab:orange", "tab:red"])
shown = ["one model for all", "a model for each person", "together, multinomial"]
figure, axes = plt.subplots(1, 3, figsize=(11, 3.7), layout="constrained")
shuffled = np.random.default_rng(0).permutation(len(position))
for ax, name in zip(axes, shown, strict=True):
    dots = found[name][shuffled] @ corners
    ax.fill(*corners.T, facecolor="0.96", edgecolor="0.5", zorder=0)
    ax.scatter(*dots.T, s=7, c=colors[position[shuffled]], alpha=0.5, linewidths=0, clip_on=False)
    for corner, answer, color, side in zip(
        corners, names, colors, ["top", "bottom", "top"], strict=True
    ):
        ax.annotate(
            answer,
            corner,
            (0, 4 if side == "bottom" else -4),
            textcoords="offset points",
            ha="center",
            va=side,
            color=color,
            weight="bold",
        )
    ax.set(ylim=(-0.1, 1.0), aspect="equal")
    ax.set_title(f"{name}: log loss {measured['log loss'][name]:.2f}", fontsize=10)
    ax.axis("off")
plt.show()

# %%
# One model for all has as many places as there are questions, moved a little by how angry a person
# is, and its colours are mixed. On the left edge of the second triangle are the many who had never
# said yes: their own models rule it out, and some said it. Learned together a dot is near a corner
# where it may be, and the colours part.
#
# Wanting and doing
# -----------------
#
# Now all rows, and for every person the average over questions: of wanting, and of doing.

everything = table.assign(**dict(zip(names, multinomial.predict_proba(table).T, strict=True)))
persons = everything.pivot_table(index="id", columns="mode", values=list(names), observed=True)
held_back = persons["no"]["do"] - persons["no"]["want"]
print(f"{np.mean(held_back > 0):.0%} say no to doing more often than to wanting.")
order = held_back.sort_values().index
persons.loc[order[[0, len(order) // 2, -1]]].round(2)

# %%
# The last of these three would like to, perhaps, and does not do it; the first would not like to,
# and does it more often than that. Most persons are like the one in the middle.
