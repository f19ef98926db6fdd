"""Tables for the tests of the command, ways to read them, and options that make it quick."""

import numpy as np
import pandas as pd

from mtlearn.cli.fit import fit_source
from mtlearn.cli.source import Source, read_source

QUICK = ["--models", "mean-regularized", "--folds", "2"]
OPTIONS = ["--target", "sales", "--task", "shop", *QUICK]


def shops(n_tasks=8, rows=14, seed=0):
    rng = np.random.default_rng(seed)
    task = np.repeat(np.arange(n_tasks), rows)
    x = rng.normal(size=len(task))
    return pd.DataFrame(
        {
            "price": x,
            "kind": rng.choice(["a", "b"], len(task)),
            "shop": [f"shop {t}" for t in task],
            "sales": 2 * x + rng.normal(size=n_tasks)[task] + rng.normal(size=len(task)),
        }
    )


QUESTIONS = {
    "number": ["sales"],
    "two classes": ["rich"],
    "three classes": ["size"],
    "numbers": ["sales", "profit"],
    "classes": ["rich", "glad"],
}


def many_shops():
    """Shops with holes, categories of rare levels, a flag, and targets of every kind."""
    frame, rng = shops(n_tasks=6, rows=20), np.random.default_rng(1)
    n = len(frame)
    # of few digits, which every pandas reads exactly
    frame["price"] = (2000 + frame.price).round(3).where(rng.random(n) > 0.1)
    frame["kind"] = frame.kind.where(rng.random(n) > 0.1)
    frame["open"] = rng.random(n) > 0.5
    frame["town"] = rng.choice(["Köln", "O'Brien", 'a "b"; --', "x\ny"], n)
    frame["profit"] = 10 * frame.sales + rng.normal(size=n)
    frame["rich"] = np.where(frame.sales > 0, "it's", "no")
    frame["glad"] = np.where(frame.profit + rng.normal(size=n) > 0, "it's", "no")
    frame["size"] = np.select([frame.sales < -1, frame.sales > 1], ["small", "large"], "middle")
    return frame


FEATURES = ["price", "kind", "open", "town"]


def fitted(question, model="mean-regularized", frame=None, **options):
    """What `mtlearn fit` would save of a frame."""
    targets = QUESTIONS[question]
    frame = many_shops() if frame is None else frame
    task = "shop" if len(targets) == 1 else None
    X = frame[[*FEATURES, *filter(None, [task])]]
    y = frame[targets[0]] if task else frame[targets]
    source = Source("shops.csv", X, y, task, None, [], {"target": targets})
    return fit_source(source, model, 0, **options)[0]


TRUTH = shops()


def read(path, *, target=("sales",), task="shop", drop=(), groups=None, **options):
    return read_source(str(path), list(target), task, drop, groups, **options)


def same_table(source, truth=TRUTH):
    pd.testing.assert_frame_equal(
        source.X[["price", "kind", "shop"]].assign(sales=source.y),
        truth[["price", "kind", "shop", "sales"]],
        check_dtype=False,
    )


def write_text(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path
