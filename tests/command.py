"""Tables for the tests of the command, ways to read them, and options that make it quick."""

import numpy as np
import pandas as pd

from mtlearn.cli.source import read_source

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
