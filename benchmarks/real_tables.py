"""Accuracy on real tables: the README's tables of results.

    python benchmarks/real_tables.py              # all tables, about half an hour on two cores
    python benchmarks/real_tables.py fares wages  # some of them
    python benchmarks/real_tables.py ticks patents wages-90  # by losses of their own

Every model is tuned by inner cross-validation (random slopes estimate their strengths) and scored
on the same five outer folds, all tasks used (no sampling). Prints one row a table, in Markdown: R²
over all held-out rows of each model, for classes the log loss; how much worse the better one of
random-slopes and mean-regularized is than the best of the baselines (negative: better); and how
many tasks random-slopes helps and hurts against the baseline that each outer fold chose by the
inner folds of its training part.

Of other losses: D², the share of the loss of the best constant that is explained; how much the best
multi-task model is behind the best baseline of the same loss; helped and hurt by, and the p-value
of, the model that the folds chose against the baseline that they chose.
"""

import sys
import time

import numpy as np

from mtlearn import compare_tasks
from mtlearn.datasets import load


def small_exam():
    """650 rows of Exam, drawn at random: ten a school on average."""
    exam = load("exam")
    rows = np.sort(np.random.default_rng(0).choice(len(exam.data), 650, replace=False))
    for part in ("data", "target", "task"):
        exam[part] = exam[part].iloc[rows].reset_index(drop=True)
    return exam


def some_wages():
    """Seven years of 50 persons, drawn at random."""
    wages = load("wages")
    persons = np.random.default_rng(0).choice(np.unique(wages.task), 50, replace=False)
    rows = wages.task.isin(persons)
    for part in ("data", "target", "task"):
        wages[part] = wages[part][rows].reset_index(drop=True)
    return wages


# Title, how to load it (None: by its name), whether groups are held out whole.
NUMBERS = {
    "exam": ("Exam scores, London", None, False),
    "exam-650": ("650 rows of it", small_exam, False),
    "hsb82": ("High School & Beyond", None, False),
    "bdf": ("Language scores, Netherlands", None, False),
    "egsingle": ("Mathematics growth, US", None, False),
    "egsingle-child": ("the same, children held out", lambda: load("egsingle"), True),
    "chem97": ("A-level chemistry, by school", None, False),
    "gapminder": ("Life expectancy, by country", None, False),
    "sleepstudy": ("Reaction times, sleep study", None, False),
    "wages": ("Wages of persons, US", None, False),
    "pbc": ("Bilirubin of patients", None, False),
}
CLASSES = {
    "fares": ("Choices of train journeys, by person", None, False),
    "catsup": ("Purchases of a catsup, by household", None, False),
    "contraception": ("Contraception, by district", None, False),
    "verbagg": ("Verbal aggression, 3 classes, by person", None, False),
}
# Title, how to load it, whether groups are held out whole, the loss, its quantile.
OTHER_LOSSES = {
    "ticks": ("Ticks on grouse chicks, by place", None, False, "poisson", None),
    "ticks-brood": ("the same, broods held out", lambda: load("ticks"), True, "poisson", None),
    "patents": ("Patents, by firm", None, False, "poisson", None),
    "wages-90": ("Wages of 50 persons, US", some_wages, False, "quantile", 0.9),
}
BASELINES = ["independent", "pooled", "pooled+dummies"]
MODELS = ["random-slopes", "mean-regularized", "group-lasso"]
SHARED = ["random-slopes", "mean-regularized", "group-lasso+mean"]


def run(name, title, loader, by_group):
    """One row of the table."""
    data = load(name) if loader is None else loader()
    start = time.perf_counter()
    result = compare_tasks(
        data.data,
        data.target,
        task=data.task,
        groups=data.groups if by_group else None,
        models=MODELS,
        full=True,
    )
    seconds = time.perf_counter() - start
    key = "log_loss" if result.kind.name == "classification" else "r2"
    score, sign = result.table[key], -1 if key == "r2" else 1
    behind = (sign * score[MODELS[:2]]).min() - (sign * score[BASELINES]).min()
    slopes = result.table.loc["random-slopes"]
    counts = "·" if np.isnan(slopes["p_value"]) else f"{slopes['helped']} / {slopes['hurt']}"
    cells = [f"{score[model]:.4f}" for model in BASELINES + MODELS]
    print(
        f"| {title} | {result.n_rows:,} | {result.n_tasks:,} | {' | '.join(cells)} | "
        f"{behind:+.4f} | {counts} | {seconds:.0f} |",
        flush=True,
    )


def other_loss(name, title, loader, by_group, loss, quantile):
    """One row of the table of losses: D² of each model, and how it comes out by the test."""
    data = load(name) if loader is None else loader()
    shared = SHARED if loss != "quantile" else SHARED[:2]  # of which others take long
    start = time.perf_counter()
    result = compare_tasks(
        data.data,
        data.target,
        task=data.task,
        groups=data.groups if by_group else None,
        models=shared,
        loss=loss,
        quantile=quantile,
        full=True,
    )
    seconds = time.perf_counter() - start
    score = result.table["d2"]
    cells = [f"{score[name]:.4f}" if name in score else "·" for name in BASELINES + SHARED]
    behind = score[BASELINES].max() - score[shared].max()
    counts = result.per_task["verdict"].value_counts()
    told = f"{counts.get('helped', 0)} / {counts.get('hurt', 0)}"
    loss = loss if quantile is None else f"{loss} {quantile:g}"
    print(
        f"| {title} | {loss} | {result.n_rows:,} | {result.n_tasks:,} | {' | '.join(cells)} | "
        f"{behind:+.4f} | {told} | {result.p_value:.2g} | {seconds:.0f} |",
        flush=True,
    )


def main(names):
    every = [*NUMBERS, *CLASSES, *OTHER_LOSSES]
    if unknown := set(names) - {*every}:
        sys.exit(f"no table {sorted(unknown)[0]!r}; there are {', '.join(every)}")
    for what, tables in (("R²", NUMBERS), ("log loss", CLASSES)):
        chosen = [name for name in names or tables if name in tables]
        if not chosen:
            continue
        headings = " | ".join([*BASELINES, *MODELS])
        print(f"\n| {what} | rows | tasks | {headings} | behind | helped / hurt | seconds |")
        print("|---|--:|--:|" + "--:|" * (len(BASELINES + MODELS) + 3))
        for name in chosen:
            run(name, *tables[name])
    chosen = [name for name in names or OTHER_LOSSES if name in OTHER_LOSSES]
    if chosen:
        headings = " | ".join([*BASELINES, *SHARED])
        print(f"\n| D² | loss | rows | tasks | {headings} | behind | helped / hurt | p | seconds |")
        print("|---|---|--:|--:|" + "--:|" * (len(BASELINES + SHARED) + 4))
    for name in chosen:
        other_loss(name, *OTHER_LOSSES[name])


if __name__ == "__main__":
    main(sys.argv[1:])
