"""What moments refuse, as rows of tests/contract/test_messages.py."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mtlearn import (
    MeanRegularizedClassifier,
    MeanRegularizedRegressor,
    MeanRegularizedRegressorCV,
    RandomSlopesRegressor,
    TaskMoments,
    collect_moments,
    fit_moments,
    make_table_pipeline,
)
from mtlearn.moments import path_moments
from mtlearn.table import TableEncoder

rng = np.random.default_rng(0)
X, y, TASK = rng.normal(size=(24, 3)), rng.normal(size=24), np.repeat(["a", "b"], 12)
TASK_C, TWELVE = np.repeat(["c", "b"], 12), np.full(24, 12)
FRAME = pd.DataFrame(X, columns=list("uvw")).assign(task=TASK, y=y)
NAMED = {"task_column": "task", "target_column": "y"}
MEAN = MeanRegularizedRegressor


def collect(*chunks, **options):
    return lambda: collect_moments(list(chunks), **options)


def fitted(model, *chunks, **options):
    return lambda: fit_moments(model, collect_moments(list(chunks), **options))


def encoder(**options):
    return TableEncoder(**options).fit(FRAME.drop(columns="y"))


def moments(*chunk, **options):
    whole = chunk or (X, y, TASK)
    return collect_moments([whole if len(whole) > 1 else whole[0]], **options)


def later():
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "moments.npz"
        np.savez(file, about=np.frombuffer(b"no JSON", dtype=np.uint8))
        TaskMoments.load(file)


def mixed_folder():
    with tempfile.TemporaryDirectory() as folder:
        FRAME.to_csv(Path(folder) / "a.csv")
        FRAME.to_parquet(Path(folder) / "a.parquet")
        collect_moments(folder, **NAMED)


def torn_file():
    with tempfile.TemporaryDirectory() as folder:
        FRAME.to_parquet(Path(folder) / "a.parquet")
        (Path(folder) / "b.parquet").write_bytes(b"PAR1")
        return collect_moments(folder, **NAMED)


def text(of_file, name="c"):
    """A file of a folder of text, after b or before it."""

    def collected():
        with tempfile.TemporaryDirectory() as folder:
            FRAME.to_csv(Path(folder) / "b.csv", index=False)
            (Path(folder) / f"{name}.csv").write_text(of_file)
            collect_moments(folder, **NAMED)

    return collected


def csv(**columns):
    """A file whose first block, of a megabyte, is of other types than what is further down."""

    def collected():
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "a.csv"
            early = ",".join(first for first, _ in columns.values())
            late = ",".join(last for _, last in columns.values())
            n = 3 * 2**20 // len(early)
            file.write_text("\n".join([",".join(columns), *[early] * n, late]))
            collect_moments(file, **NAMED)

    return collected


U, T, Y = ("1.234567890", "1.0"), ("1", "2"), ("1.5", "2")  # a feature, a task, a target
TABLE = make_table_pipeline(MEAN(task_column="task"))
MESSAGES = {
    "no target": (collect((X, np.full(24, np.nan))), ["no chunk", "observed"], ["iterator"]),
    "folds": (collect((X, y), n_folds=1), ["n_folds=1"], [">= 2"]),
    "one table": (lambda: collect_moments(FRAME), ["DataFrame"], ["[table]"]),
    "no chunk": (collect(3), ["chunk 0", "int"], ["(X, y, task)"]),
    "one part": (collect((X,)), ["tuple of 1"], ["(X, y, task)"]),
    "no matrix": (collect((X[:, 0], y)), ["tuple of 2"], ["(X, y, task)"]),
    "chunk without target": (collect(FRAME), ["no targets"], ["target_column"]),
    "no feature": (collect(FRAME[["task", "y"]], **NAMED), ["no column is left"], ["features"]),
    "other columns": (
        collect(FRAME, FRAME.rename(columns={"u": "U"}), **NAMED),
        ["chunk 1", "lacks ['u']", "['U'] more"],
        ["the same columns"],
    ),
    "names lost": (
        collect((FRAME[list("uvw")], y), (X, y)),
        ["chunk 1", "have none"],
        ["data frames"],
    ),
    "other width": (collect((X, y), (X[:, :2], y)), ["chunk 1", "2 features"], ["same columns"]),
    "labels twice": (
        collect((FRAME.drop(columns="y"), y, TASK), task_column="task"),
        ["both task_column"],
        ["give one of them"],
    ),
    "targets twice": (
        collect((FRAME, y), **NAMED),
        ["both target_column"],
        ["give one of them"],
    ),
    "missing features": (
        collect(FRAME, FRAME[["y", "w", "v", "u", "task"]].assign(v=np.nan), **NAMED),
        ["chunk 1", "['v']"],
        ["Drop such rows", "encoder=..."],
    ),
    "infinite features": (
        collect((np.where(np.arange(3) == 2, np.inf, X), y)),
        ["the columns [2]"],
        ["Drop such rows"],
    ),
    "labels of two kinds": (
        collect((X, y, TASK), (X, y, np.arange(24))),
        ["chunk 1", "labels of numbers", "text"],
        [".astype(str)"],
    ),
    "groups of two kinds": (
        collect(FRAME.assign(g=TWELVE), FRAME.assign(g="12"), group_column="g", n_folds=3, **NAMED),
        ["chunk 1", "labels that are text", "labels of numbers"],
        [".astype(str)"],
    ),
    "targets of two shapes": (
        collect((X, y), (X, np.column_stack([y, y]))),
        ["chunk 1", "2 dimension"],
        ["one target"],
    ),
    "targets in another order": (
        collect((X, FRAME[["u", "v"]]), (X, FRAME[["v", "u"]])),
        ["chunk 1", "['v', 'u']"],
        ["one order"],
    ),
    "weights twice": (
        collect((FRAME[list("uvw")], y, None, np.ones(24)), weight_column="u"),
        ["both weight_column"],
        ["give one of them"],
    ),
    "the target as a feature": (
        collect(FRAME, encoder=TableEncoder(task_column="task").fit(FRAME), **NAMED),
        ["'y'", "as a feature"],
        ["without that column"],
    ),
    "no table encoder": (
        collect(FRAME, encoder=StandardScaler(), **NAMED),
        ["StandardScaler"],
        ["a TableEncoder fitted"],
    ),
    "a file of a folder": (torn_file, ["b.parquet", "does not read"], ["Write the file again"]),
    "an empty file of text": (text(""), ["c.csv", "Empty"], ["Write the file again"]),
    "a torn row of text": (text("y,task\n1,2\n3,4,5\n"), ["c.csv", "3,4,5"], ["Write the file"]),
    "a column twice": (text("task,y,y\n1,1,1\n", "a"), ["a.csv", "'y'"], ["a name of its own"]),
    "a mixed folder": (mixed_folder, [".parquet and .csv"], ["alone"]),
    "text below numbers": (
        csv(u=U, v=("12", "A7"), task=T, y=Y),
        ["a.csv", "A7"],
        ["iterable of frames", "dtype"],
    ),
    "labels of text below numbers": (
        csv(u=U, task=("12", "A7"), y=Y),
        ["'task'", "text further down"],
        ["dtype={'task': str}"],
    ),
    "large labels beside fractions": (
        csv(u=U, task=("9007199254740993", "1.5"), y=Y),
        ["'task'", "9007199254740993"],
        ["text"],
    ),
    "a foreign file": (later, ["no file of moments"], ["TaskMoments.save"]),
    "rows": (lambda: fit_moments(MEAN(), X), ["ndarray"], ["collect_moments", "model.fit"]),
    "a classifier": (
        fitted(MeanRegularizedClassifier(), (X, y)),
        ["MeanRegularizedClassifier"],
        ["regressors of the squared loss", "rows"],
    ),
    "outliers by random slopes": (
        fitted(RandomSlopesRegressor(loss="huber"), (X, y)),
        ["loss='huber'", "looks at every row"],
        ['loss="squared"', "RandomSlopesRegressor to rows"],
    ),
    "a quantile by random slopes": (
        fitted(make_pipeline(StandardScaler(), RandomSlopesRegressor(loss="quantile")), (X, y)),
        ["loss='quantile'", "looks at every row"],
        ['loss="squared"', "RandomSlopesRegressor to rows"],
    ),
    "labels that are not there": (
        fitted(MEAN(task_column="task"), (X, y)),
        ["task_column='task'"],
        ["(X, y, task)"],
    ),
    "another task column": (
        fitted(MEAN(task_column="school"), FRAME, **NAMED),
        ["'school'", "'task'"],
        ["leave one out"],
    ),
    "no path": (
        lambda: path_moments(make_pipeline(StandardScaler(), MEAN()), moments()),
        ["Pipeline"],
        ["last step", "GroupLassoRegressor"],
    ),
    "another step": (
        fitted(make_pipeline(PCA(), MEAN()), (X, y)),
        ["PCA"],
        ["TableEncoder", "StandardScaler"],
    ),
    "no encoder": (fitted(TABLE, FRAME, **NAMED), ["as they were"], ["encoder=TableEncoder"]),
    "another encoder": (
        fitted(TABLE, FRAME, encoder=encoder(task_column="task", max_categories=3), **NAMED),
        ["max_categories", "100", "3"],
        ["the same"],
    ),
    "a scaler behind an encoder": (
        fitted(
            make_pipeline(TableEncoder(), StandardScaler(), MEAN()),
            (FRAME.drop(columns="y"), y),
            encoder=encoder(),
        ),
        ["StandardScaler", "dummies"],
        ["leave the scaler out"],
    ),
    "scaled labels": (
        fitted(make_pipeline(StandardScaler(), MEAN(task_column="task")), FRAME, **NAMED),
        ["task_column='task'", "labels too"],
        ["make_table_pipeline"],
    ),
    "no folds": (fitted(MeanRegularizedRegressorCV(3), (X, y)), ["all rows"], ["n_folds=5"]),
    "other folds": (
        fitted(MeanRegularizedRegressorCV(3, cv=7), (X, y), n_folds=3),
        ["cv=7", "3 folds"],
        ["cv=None"],
    ),
    "one fold": (
        fitted(
            MeanRegularizedRegressorCV(3), FRAME.assign(g=1), group_column="g", n_folds=3, **NAMED
        ),
        ["all rows", "fold of 3"],
        ["group_column"],
    ),
    "scoring": (
        fitted(MeanRegularizedRegressorCV(3, scoring="r2"), (X, y), n_folds=3),
        ["scoring='r2'"],
        ["scoring=None"],
    ),
    "squares beyond doubles": (
        fitted(MEAN(), (X * 1e40, y)),
        ["squares", "e+8"],
        ["power of ten"],
    ),
    "a task that was not added": (
        lambda: moments() - moments(X, y, np.repeat("c", 24)),
        ["'c'"],
        ["what was added"],
    ),
    "labels that would be rounded": (
        collect((X, y, np.arange(24) + 2**53), (X, y, np.full(24, 0.5))),
        ["9007199254740993"],
        ["as text"],
    ),
    "labels that would be rounded in a sum": (
        lambda: moments(X, y, np.full(24, 2**63 + 1, dtype=np.uint64)) + moments(X, y, -TWELVE),
        ["9223372036854775809 beside -12"],
        ["as text"],
    ),
    "rows without a target that were not added": (
        lambda: moments() - moments(X, np.append(np.full(23, np.nan), y[23]), np.full(24, "b")),
        ["task 'b'"],
        ["what was added"],
    ),
    "a task without a target that was not added": (
        lambda: moments() - moments(X, np.append(np.full(12, np.nan), y[12:]), TASK_C),
        ["task 'c'"],
        ["what was added"],
    ),
    "rows that were not added": (
        lambda: moments() - moments(5 * X[:8], y[:8], TASK[:8]),
        ["task 'a'"],
        ["with the same weights"],
    ),
    "more rows than were added": (
        lambda: moments() - (moments() + moments()),
        ["task 'a'"],
        ["with the same weights"],
    ),
    "rows with other targets": (
        lambda: moments() - moments(X[:8], 10 * y[:8], TASK[:8]),
        ["task 'a'"],
        ["weights and targets"],
    ),
    "rows with fractional weights": (
        lambda: moments() - moments(X[:8], y[:8], TASK[:8], np.full(8, 0.5)),
        ["task 'a'"],
        ["the same weights"],
    ),
    "rows without their fractional weights": (
        lambda: moments(X, y, TASK, np.full(24, 1.5)) - moments(X[:8], y[:8], TASK[:8]),
        ["task 'a'"],
        ["the same weights"],
    ),
    "rows with larger weights": (
        lambda: moments() - moments(X[:4], y[:4], TASK[:4], np.full(4, 2.0)),
        ["task 'a'"],
        ["the same weights"],
    ),
    "nothing left": (lambda: moments() - moments(), ["nothing would be left"], ["Keep"]),
    "an unknown task": (lambda: moments().subset(["z"]), ["'z'"], ["'a', 'b'"]),
    "tasks: none": (lambda: moments().subset([]), ["no task is named"], ["'a', 'b'"]),
    "tasks: an empty array": (
        lambda: moments().subset(np.array([])),
        ["no task is named"],
        ["'a', 'b'"],
    ),
    "other numbers of folds": (
        lambda: moments() + moments(n_folds=3),
        ["n_folds", "None and 3"],
        ["alike"],
    ),
    "other targets": (
        lambda: moments(X, FRAME[["u", "v"]]) + moments(X, FRAME[["v", "u"]]),
        ["'u', 'v'"],
        ["one order"],
    ),
    "other kinds of labels": (
        lambda: moments() + moments(X, y, np.arange(24)),
        ["text in one"],
        ["one kind"],
    ),
    "other encoders": (
        lambda: (
            moments(FRAME, encoder=encoder(), target_column="y")
            + moments(FRAME, encoder=encoder(max_categories=3), target_column="y")
        ),
        ["different encoders"],
        ["one encoder"],
    ),
    "other features": (
        lambda: (
            moments(FRAME[list("uvw")], y)
            + moments(FRAME[list("uvw")].rename(columns={"u": "U"}), y)
        ),
        ["'u'", "'U'"],
        ["the same columns"],
    ),
}
