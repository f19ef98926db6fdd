"""Draw the picture at the top of the README: 64 London schools, ten pupils each.

    python docs/make_picture.py

One line per school, fitted to 650 of the 4,059 pupils of the exam data, on the intake test alone.
The R² under each panel is over the pupils that no model has seen.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score

from mtlearn import IndependentTasks, MeanRegularizedRegressorCV, PooledTasks
from mtlearn.datasets import load_exam

TARGET = Path(__file__).parent / "_static" / "three_ways.png"


def main():
    exam = load_exam()
    X, y, school = exam.data[["standLRT"]].to_numpy(), exam.target.to_numpy(), exam.task.to_numpy()
    seen = np.zeros(len(y), dtype=bool)
    seen[np.random.default_rng(0).choice(len(y), 650, replace=False)] = True
    models = {
        "one model per school": IndependentTasks(LinearRegression(), unseen_task="mean"),
        "learned together": MeanRegularizedRegressorCV(unseen_task="mean"),
        "one model for all": PooledTasks(
            LinearRegression(), task_dummies=False, unseen_task="mean"
        ),
    }
    figure, axes = plt.subplots(
        1, 3, figsize=(10, 3.4), sharex=True, sharey=True, layout="constrained"
    )
    ends = np.array([[-2.5], [2.5]])
    schools = np.unique(school[seen])
    for axis, (title, model) in zip(axes, models.items(), strict=True):
        model.fit(X[seen], y[seen], task=school[seen])
        unseen = ~seen & np.isin(school, schools)
        score = r2_score(y[unseen], model.predict(X[unseen], task=school[unseen]))
        axis.scatter(X[seen], y[seen], s=4, color="0.8", linewidths=0)
        for name in schools:
            axis.plot(ends, model.predict(ends, task=[name] * 2), color="C0", alpha=0.45, lw=0.9)
        axis.set(title=title, xlabel="intake test", ylim=(-3.5, 3.5), xlim=(-2.5, 2.5))
        axis.text(0.97, 0.05, f"R² {score:.2f}", transform=axis.transAxes, ha="right", size=12)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("exam score")
    figure.savefig(TARGET, dpi=130)


if __name__ == "__main__":
    main()
