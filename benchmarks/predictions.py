"""What `predict` costs beside the products that it is made of.

    OPENBLAS_NUM_THREADS=1 python benchmarks/predictions.py

A million rows of 20 features, 1,000 tasks whose labels are integers, text and categories. Prints
CPU seconds of `predict` (the best of five), those of an einsum that is told the position of each
row's task, their ratio, and milliseconds for a single row.
"""

import numpy as np
import pandas as pd
from racing.clock import least_seconds

from mtlearn import MeanRegularizedRegressor

ROWS, FEATURES, TASKS = 1_000_000, 20, 1_000


def main():
    rng = np.random.default_rng(0)
    X, codes = rng.standard_normal((ROWS, FEATURES)), rng.integers(0, TASKS, ROWS)
    y = X[:, 0] + rng.standard_normal(ROWS)
    names = np.array([f"school {k}" for k in range(TASKS)])
    labels = {
        "integers": codes * 7 + 3,
        "text (pandas)": pd.Series(names[codes], dtype="str"),
        "text (objects of NumPy)": names[codes].astype(object),
        "categories": pd.Series(pd.Categorical.from_codes(codes, names)),
    }
    print("| labels | predict, s | einsum, s | einsum / predict |\n|---|--:|--:|--:|")
    for kind, task in labels.items():
        model = MeanRegularizedRegressor().fit(X, y, task=task)
        coef = np.asarray(model.coef_)
        plain = least_seconds(lambda: np.einsum("ij,ij->i", X, coef[codes]), 5)  # noqa: B023
        ours = least_seconds(lambda: model.predict(X, task=task), 5)  # noqa: B023
        print(f"| {kind} | {ours:.3f} | {plain:.3f} | {plain / ours:.2f} |")
    row, label = X[:1], labels["integers"][:1]
    model = MeanRegularizedRegressor().fit(X, y, task=labels["integers"])
    once = least_seconds(lambda: [model.predict(row, task=label) for _ in range(1000)], 5)
    print(f"\nOne row: {once:.3f} ms")


if __name__ == "__main__":
    main()
