"""Which model suits which kind of relatedness: a table of drawn structures x models.

    python -m benchmarks.structures --draws 2            # some 20 minutes on one core
    python -m benchmarks.structures --models robust trace-norm
    python -m benchmarks.structures --write docs/structures.csv

Tables are drawn in which tasks are related in a known way. Every name of `compare_tasks` is tuned
on five inner folds of each, as a fold of a comparison does it, and answers new rows. What is shown
is the squared error of these answers against the truth without noise, in percent of the variance
of the truth within tasks (0 is perfect, 100 as good as the level of the task alone), mean over
draws, the least with a star. What a comparison picks on these tables, and what of the differences
is noise: `benchmarks.picks`.

What is done is kept in a file (``--kept``), line by line: a run that was stopped goes on, and a
model that is new is added; take out the lines of what has changed. Names come from the library;
nothing here knows them but ``SUITED``.
"""

import argparse
import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from mtlearn.compare.contenders import BASELINES, COLUMNS, MULTITASK
from mtlearn.compare.running import run_job
from mtlearn.compare.task_table import read_table
from mtlearn.datasets import make_multitask_regression

T, ROWS, NEW, D = 20, 20, 30, 14  # tasks, rows of each to learn from and to answer, features
NOISE = 0.7  # standard deviation; the signal's is 1
N_OUTLIERS, FAR = 3, 2.5  # tasks that are unlike the others, and the length of their coefficients
KEPT = Path(__file__).parent / "results" / "structures.jsonl"


def of_library(structure, seed, n_outliers=0, **options):
    """Coefficients (T, d) of the library's generator, outliers far away."""
    drawn = make_multitask_regression(
        T, 1, D, structure=structure, outlier_tasks=n_outliers, random_state=seed, **options
    )
    drawn.coef[drawn.outlier_tasks] *= FAR
    return drawn.coef


def slopes(seed):
    """One model, but for two features that every task has its own coefficients of."""
    rng = np.random.default_rng(seed)
    W = np.tile(rng.normal(size=D), (T, 1))
    W[:, rng.permutation(D)[:2]] = 1.5 * rng.normal(size=(T, 2))
    return W / np.sqrt(np.mean(np.sum(W**2, axis=1)))


def private(seed):
    """Mixtures of two patterns, and a little of each task's own in every feature."""
    W, rng = of_library("low_rank", seed, rank=2), np.random.default_rng(seed)
    return (W + 0.45 * rng.normal(size=W.shape) / np.sqrt(D)) / np.hypot(1, 0.45)


def path(seed):
    """A walk from each task to the next."""
    W = np.cumsum(np.random.default_rng(seed).normal(size=(T, D)), axis=0)
    W -= W.mean(axis=0)
    return W / np.sqrt(np.mean(np.sum(W**2, axis=1)))


def opposed(seed):
    """Half of the tasks do the opposite of the others, each a little differently."""
    rng = np.random.default_rng(seed)
    signs = rng.permutation(np.arange(T) % 2 * 2 - 1)
    W = signs[:, None] * rng.normal(size=D) + 0.4 * rng.normal(size=(T, D))
    return W / np.sqrt(np.mean(np.sum(W**2, axis=1)))


STRUCTURES = {
    "one model": lambda seed: of_library("mean", seed, deviation=0.0),
    "nothing shared": lambda seed: of_library("none", seed),
    "around a mean": lambda seed: of_library("mean", seed, deviation=0.4),
    "in two features": slopes,
    "same features": lambda seed: of_library("group", seed, n_informative=3),
    "partly the same": lambda seed: of_library("dirty", seed, n_informative=2, n_specific=1),
    "low rank": lambda seed: of_library("low_rank", seed, rank=2),
    "and private": private,
    "clusters": lambda seed: of_library("clusters", seed, n_clusters=3, deviation=0.2),
    "wide clusters": lambda seed: of_library("clusters", seed, n_clusters=3, deviation=0.4),
    "outliers": lambda seed: of_library("mean", seed, N_OUTLIERS, deviation=0.0),
    "of low rank": lambda seed: of_library("low_rank", seed, N_OUTLIERS, rank=1),
    "of features": lambda seed: of_library("group", seed, N_OUTLIERS, n_informative=2),
    "neighbours": path,
    "opposed": opposed,
}
# Which model each structure was made for, of those that the library has.
SUITED = {
    "one model": {"pooled+dummies"},
    "nothing shared": {"independent"},
    "around a mean": {"mean-regularized"},
    "in two features": {"random-slopes"},
    "same features": {"group-lasso"},
    "partly the same": {"dirty"},
    "low rank": {"shared-subspace", "trace-norm", "task-relationships"},
    "and private": {"shared-subspace", "trace-norm", "task-relationships"},
    "clusters": {"clustered", "trace-norm+mean"},  # of no width they are a mean and two patterns
    "wide clusters": {"clustered"},
    "outliers": {"robust"},
    "of low rank": {"robust+low-rank"},
    "of features": {"robust+group"},
    "neighbours": {"graph-path"},
    "opposed": {"task-relationships", "trace-norm"},
}


def names():
    """Baselines and families; columns of categories there are none."""
    return [name for name in (*BASELINES, *MULTITASK) if name != COLUMNS]


def draw(structure, seed):
    """The table with rows to learn from and new ones, the positions of both, and the truth."""
    W, rng = STRUCTURES[structure](seed), np.random.default_rng([1, seed])
    task = np.repeat(np.arange(T), ROWS + NEW)
    X = rng.normal(size=(len(task), D))
    truth = (X * W[task]).sum(axis=1) + rng.normal(size=T)[task]
    y = truth + NOISE * rng.normal(size=len(task))
    frame = pd.DataFrame(X, columns=[f"x{j}" for j in range(D)])
    new = np.tile(np.arange(ROWS + NEW) >= ROWS, T)
    fold = np.flatnonzero(~new), np.flatnonzero(new)
    return read_table(frame, y, task, None, None), fold, truth


def answered(structure, seed, name):
    """Errors of the answers in each task (T,), and the loss on inner folds."""
    data, fold, truth = draw(structure, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = {**BASELINES, **MULTITASK}[name]
        answer = run_job(0, model, data, fold, 0, rated=True)
    truth = truth[fold[1]].reshape(T, NEW)
    errors = np.mean((answer.prediction.reshape(T, NEW) - truth) ** 2, axis=1)
    return 100 * errors / truth.var(axis=1).mean(), answer.inner_loss


def measured(structure, seed, name):
    """A line of what is kept."""
    start = time.process_time()
    errors, inner = answered(structure, seed, name)
    found = {"error": float(errors.mean()), "inner": inner}
    seconds = round(time.process_time() - start, 2)
    return {"structure": structure, "seed": seed, "model": name, **found, "seconds": seconds}


def read(kept):
    """What was measured before, with each drawn table and model once."""
    lines = [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []
    return {(one["structure"], one["seed"], one["model"]): one for one in lines}


def run(structures, models, draws, kept, seconds):
    """Measure what is missing, draw after draw, until the time is over."""
    done, start = read(kept), time.perf_counter()
    kept.parent.mkdir(exist_ok=True)
    with kept.open("a") as file:
        for seed in range(draws):
            for structure in structures:
                for model in models:
                    if (structure, seed, model) in done:
                        continue
                    if time.perf_counter() - start > seconds:
                        return
                    print(json.dumps(measured(structure, seed, model)), file=file, flush=True)


def scored(rows, structures, models, draws):
    """Errors of each structure (draws, models), of the draws that are whole."""
    found = {}
    for structure in structures:
        seeds = [k for k in range(draws) if all((structure, k, m) in rows for m in models)]
        if seeds:
            errors = [[rows[structure, k, m]["error"] for m in models] for k in seeds]
            found[structure] = np.array(errors)
    return found


def table_of(found, models):
    """A row for each model, a column for each structure: percent, the least with a star."""
    columns = {}
    for structure, error in found.items():
        shown = error.mean(axis=0).round(1)
        columns[structure] = [f"{'*' * int(one == shown.min())}{one:.1f}" for one in shown]
    return pd.DataFrame(columns, index=pd.Index(models, name="model"))


def winners(found, models):
    """How far the model that was made for each structure is from the best."""
    said = []
    for structure, error in found.items():
        mean = pd.Series(error.mean(axis=0), models)
        suited = mean[[m for m in models if m in SUITED[structure]]]
        if len(suited):
            behind = suited.min() - mean.min()
            said.append((structure, len(error), suited.idxmin(), mean.idxmin(), behind))
    names = ["structure", "draws", "made for", "best", "behind"]
    return pd.DataFrame(said, columns=names).set_index("structure")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--structures", nargs="+", default=list(STRUCTURES), metavar="NAME")
    parser.add_argument("--models", nargs="+", default=names(), metavar="NAME")
    parser.add_argument("--seconds", type=float, default=np.inf, help="stop measuring after these")
    parser.add_argument("--kept", type=Path, default=KEPT, help="what was measured, line by line")
    parser.add_argument("--write", type=Path, help="the table, as CSV for the documentation")
    asked = parser.parse_args(argv)
    run(asked.structures, asked.models, asked.draws, asked.kept, asked.seconds)
    found = scored(read(asked.kept), asked.structures, asked.models, asked.draws)
    table = table_of(found, asked.models)
    print(table.to_string(), winners(found, asked.models).round(2).to_string(), sep="\n\n")
    if asked.write:
        bold = table.replace(r"^\*(.*)$", r"**\1**", regex=True)
        bold.to_csv(asked.write)


if __name__ == "__main__":
    sys.exit(main())
