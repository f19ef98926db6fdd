"""Draw the pictures of the README.

python docs/make_pictures.py
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score

from mtlearn import (
    IndependentTasks,
    MeanRegularizedRegressorCV,
    PooledTasks,
    RandomSlopesClassifier,
    make_table_pipeline,
)
from mtlearn.datasets import load_exam, load_fares
from mtlearn.plotting import SlopesDisplay, TransferGainDisplay

FOLDER = Path(__file__).parent / "_static"


def draw_schools():
    """64 London schools, ten pupils each: three ways to fit a line per school.

    To 650 of the 4,059 pupils of the exam data, on the intake test alone. The R² in each panel is
    over the pupils that no model has seen.
    """
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
    figure.savefig(FOLDER / "three_ways.png", dpi=130)


def draw_travellers():
    """235 travellers: what they differ in, and what each gains on choices that were held out."""
    fares = load_fares()
    X, y = fares.data.assign(id=fares.task), fares.target
    model = make_table_pipeline(RandomSlopesClassifier(task_column="id")).fit(X, y)
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    SlopesDisplay.from_estimator(model).plot(axes[0], title="What travellers differ in")
    gains = TransferGainDisplay.from_estimator(model, X, y)
    share = (gains.frame["shrunk"] > 0).mean()
    gains.plot(axes[1], title=f"{share:.0%} of them are expected to gain by learning together")
    figure.savefig(FOLDER / "travellers.png", dpi=110)


def main():
    draw_schools()
    draw_travellers()


if __name__ == "__main__":
    main()
