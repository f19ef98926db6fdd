"""Tables for the tests of the command, and the options that make it quick."""

import numpy as np
import pandas as pd

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
