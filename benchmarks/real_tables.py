"""Accuracy on real tables: the README's table of results.

    python benchmarks/real_tables.py            # all tables, about ten minutes on two cores
    python benchmarks/real_tables.py exam bdf   # some of them

Every model is tuned by inner cross-validation and scored on the same five outer folds, all tasks
used (no sampling). Prints one row a table, in Markdown: R² over all held-out rows of each model,
and how many tasks mean-regularized helps and hurts against the baseline that each outer fold chose
by the inner folds of its training part.
"""

import sys
import time

import numpy as np

from mtlearn import compare_tasks
from mtlearn.datasets import load_bdf, load_chem97, load_egsingle, load_exam, load_hsb82


def small_exam():
    """650 rows of Exam, drawn at random: ten a school on average."""
    exam = load_exam()
    rows = np.sort(np.random.default_rng(0).choice(len(exam.data), 650, replace=False))
    for part in ("data", "target", "task"):
        exam[part] = exam[part].iloc[rows].reset_index(drop=True)
    return exam


TABLES = {
    "exam": ("Exam scores, London", load_exam, False),
    "exam-650": ("650 rows of it", small_exam, False),
    "hsb82": ("High School & Beyond", load_hsb82, False),
    "bdf": ("Language scores, Netherlands", load_bdf, False),
    "egsingle": ("Mathematics growth, US", load_egsingle, False),
    "egsingle-child": ("the same, children held out", load_egsingle, True),
    "chem97": ("A-level chemistry, by school", load_chem97, False),
}
MODELS = ["independent", "pooled", "pooled+dummies", "mean-regularized", "group-lasso"]


def main(names):
    print(
        "| table | rows | tasks |", *(f" {name} |" for name in MODELS), "helped / hurt | seconds |"
    )
    print("|---|--:|--:|" + "--:|" * (len(MODELS) + 2))
    for name in names or TABLES:
        title, load, by_group = TABLES[name]
        data = load()
        start = time.perf_counter()
        result = compare_tasks(
            data.data,
            data.target,
            task=data.task,
            groups=data.groups if by_group else None,
            full=True,
        )
        seconds = time.perf_counter() - start
        r2 = result.table["r2"]
        best = result.table.loc["mean-regularized"]
        cells = [f"{r2[model]:.3f}" for model in MODELS]
        print(
            f"| {title} | {result.n_rows:,} | {result.n_tasks:,} | {' | '.join(cells)} | "
            f"{best['helped']:.0f} / {best['hurt']:.0f} | {seconds:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main(sys.argv[1:])
