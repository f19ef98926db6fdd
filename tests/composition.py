"""What the composition matrix is made of: the published table, small data, computations by hand.

``docs/composition.csv`` is the table that users read; the tests register what they show of each of
its cells, so that neither can say what the other does not.
"""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import PredefinedSplit

import mtlearn
from mtlearn.model_selection import StratifiedTaskKFold, task_folds

PAGE = Path(__file__).parents[1] / "docs" / "composition.rst"

# Ways in, and the column of the table that each belongs to.
COLUMN = {
    "columns": "2-D `y`",
    "holes": "2-D `y` with NaN",
    "position": "`task_column`",  # labels are numbers, the last column of an array
    "name": "`task_column`",  # labels are text, a column of a frame
    "beside": "`task=`",
    "routed": "`task=`",  # the same with metadata routing
}
SEVERAL, LABELLED, BESIDE = ("columns", "holes"), ("position", "name"), ("beside", "routed")
ALL = (*SEVERAL, *LABELLED, *BESIDE)
# Two families take turns, so that each tool and each column of the table meets both.
FAMILIES = ("GroupLasso", "MeanRegularized")
ALPHAS = [0.01, 0.3]

n, d, T = 48, 4, 3
ALL_ROWS = np.arange(n)
rng = np.random.default_rng(3)
F = rng.normal(size=(n, d))
TASK = ALL_ROWS % T
TREE = np.array(["ash", "elm", "oak"])[TASK]
W = [2.0, 1.0, 0.5, 0.0] + rng.normal(0, [0.4, 0.4, 0.4, 0.0], (T, d))
Y = F @ W.T + [0.0, 1.0, -1.0] + 0.8 * rng.normal(size=(n, T))
HOLES = np.where(rng.random((n, T)) < 0.15, np.nan, Y)
LABELS = np.where(np.isnan(HOLES), np.nan, Y > 0)


def model_of(kind, way):
    turn = (kind == "classifier") + list(COLUMN).index(way)
    return FAMILIES[turn % 2] + kind.capitalize()


def read_table():
    """{(tool, column): text} of the published table."""
    with (PAGE.parent / "composition.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        (row["tool"], column): row[column]
        for row in rows
        for column in dict.fromkeys(COLUMN.values())
    }


def take(X, rows):
    return X.iloc[rows] if hasattr(X, "iloc") else X[rows]


@dataclass(frozen=True)
class Case:
    """One model and one way in: what a user holds, and what they would compute by hand."""

    model: str
    way: str

    @property
    def classifies(self):
        return self.model.endswith("Classifier")

    @property
    def labelled(self):
        return self.way not in SEVERAL

    @property
    def X(self):
        if self.way == "name":
            return pd.DataFrame(F, columns=list("abcd")).assign(tree=TREE)
        return np.column_stack([F, TASK]) if self.way == "position" else F

    @property
    def y(self):
        if self.way == "holes":
            return LABELS if self.classifies else HOLES
        y = Y if self.way == "columns" else Y[ALL_ROWS, TASK]
        return (y > 0).astype(int) if self.classifies else y

    @property
    def beside(self):
        """What goes beside X and y."""
        return {"task": TASK} if self.way in BESIDE else {}

    @property
    def task_column(self):
        return {"position": -1, "name": "tree"}.get(self.way)

    @property
    def cv(self):
        """Folds that keep every task in every part."""
        if self.way in BESIDE:
            return PredefinedSplit(task_folds(TASK, 2))
        return StratifiedTaskKFold(2, task_column=self.task_column)

    @property
    def splits(self):
        return list(self.cv.split(self.X, self.y))

    def make(self, **parameters):
        """The estimator, unfitted."""
        own = {"unseen_task": "mean", "alpha": 0.05, "task_column": self.task_column}
        return getattr(mtlearn, self.model)(**own | parameters)

    def part(self, rows):
        return {name: value[rows] for name, value in self.beside.items()}

    def fit(self, rows=ALL_ROWS, **parameters):
        """A model of some of the rows."""
        return fit_once(self, tuple(rows), tuple(parameters.items()))

    def predict(self, fitted, rows=ALL_ROWS, method="predict"):
        return getattr(fitted, method)(take(self.X, rows), **self.part(rows))

    def score(self, fitted, rows=ALL_ROWS):
        return fitted.score(take(self.X, rows), take(self.y, rows), **self.part(rows))

    def held_out(self, method="predict", **parameters):
        """Predictions of every row by a model that has not seen it."""
        parts = [
            (test, self.predict(self.fit(train, **parameters), test, method))
            for train, test in self.splits
        ]
        answer = np.empty((n, *parts[0][1].shape[1:]), dtype=parts[0][1].dtype)
        for test, part in parts:
            answer[test] = part
        return answer

    def scores(self, splits=None, **parameters):
        """The score of every fold."""
        splits = self.splits if splits is None else splits
        return [self.score(self.fit(train, **parameters), test) for train, test in splits]

    def same(self, fitted, **parameters):
        """Whether a model predicts as one fitted by hand."""
        method = "decision_function" if self.classifies else "predict"
        by_hand = self.fit(**parameters)
        np.testing.assert_allclose(
            self.predict(fitted, method=method), self.predict(by_hand, method=method), atol=1e-6
        )


class Counts(Case):
    """The same of counts."""

    @property
    def y(self):
        return np.floor(np.exp(0.5 * super().y))


@cache  # many tools are compared with the same fits
def fit_once(case, rows, parameters):
    rows = np.array(rows)
    estimator = case.make(**dict(parameters))
    return estimator.fit(take(case.X, rows), take(case.y, rows), **case.part(rows))


BOTH = ("regressor", "classifier")
WORKS, REFUSED = [], []
# These take turns over ways and kinds, so that each meets every tool.
RELATED = ("RobustTasks", "ClusteredTasks", "TaskRelationships", "SharedSubspace", "GraphTasks")
# Few rows, whose classes are told apart: graphs charge nothing for what all tasks share, and warn.
SEPARABLE = ("nested cross-validation", "BaggingClassifier")


def related_of(tool, ways, kinds):
    """A case of a tool for each of these families, with another way and kind in each row.

    Rows of one loss or of MixedTargets are of those, not of families.
    """
    if tool.startswith("`"):
        return
    turn = sum(map(ord, tool))
    for k, family in enumerate(RELATED):
        way, kind = ways[(turn + k) % len(ways)], kinds[(turn + k // len(ways)) % len(kinds)]
        if family == "GraphTasks" and tool in SEPARABLE:
            kind = "regressor"
        if kind not in kinds:
            continue
        yield Case(family + kind.capitalize(), way)


def works(tool, *ways, kinds=BOTH):
    """The cells of a tool and these ways work, as the function shows."""

    def register(check):
        for way in ways:
            WORKS.extend(
                pytest.param(tool, check, Case(model_of(k, way), way), id=f"{tool}-{way}-{k}")
                for k in kinds
            )
        WORKS.extend(
            pytest.param(tool, check, case, id=f"{tool}-{case.way}-{case.model}")
            for case in related_of(tool, ways, kinds)
        )
        return check

    return register


def refused(tool, *ways, match, kinds=BOTH):
    """The function raises an error with this text."""

    def register(check):
        for way in ways:
            REFUSED.extend(
                pytest.param(
                    tool, check, match, Case(model_of(k, way), way), id=f"{tool}-{way}-{k}"
                )
                for k in kinds
            )
        return check

    return register
