"""What does `mtlearn compare --models all` pick where the right kind of model is known?

    python -m benchmarks.picks --draws 2            # some 25 minutes on one core

On the drawn tables of `benchmarks.structures` every model is tuned and judged as `compare_tasks`
does it: on five outer folds, tuned on five inner folds of their training parts. Each fit also
answers new rows, so that models can be judged by the truth without noise too. Two picks are looked
at:

* *held out*, the least error on held-out rows, which a comparison shows in bold and
  `mtlearn fit` takes;
* *inner*, what most folds chose by their inner folds, for the verdict (`Comparison.best_model`,
  here with baselines among the models).

Each is compared with the model that was made for the kind (``SUITED``; of several the one nearest
the truth) by the errors of answers to new rows, in percent of the variance of the truth within
tasks, paired over the 20 tasks. *Right*: of the kind. *One error*: not farther from the truth than
the suited one by more than one standard error of the mean difference. *95 %*: not farther by a
one-sided t-test at 5 %. *Lost*: how much farther than the nearest of all. The names that a
comparison gives as not surely worse (`Comparison.as_good`) are looked through for the
suited one and for the nearest.

Models whose loss on inner folds of the whole table is more than 6 % above the least, in
`results/structures.jsonl`, are not run unless they are made for the kind, and of models that agree
to three thousandths there the quickest is: a comparison would not pick the others. What is done is
kept, line by line, as there.
"""

import argparse
import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from benchmarks import structures
from benchmarks.structures import NEW, STRUCTURES, SUITED, T, draw, names
from mtlearn.compare.choice import Choice
from mtlearn.compare.contenders import NAMED
from mtlearn.compare.running import outer_folds, run_job
from mtlearn.compare.standing import MISSED

KEPT = Path(__file__).parent / "results" / "picks.jsonl"
NEAR, ALIKE = 1.06, 3e-3  # of inner losses: worth a run, and as good as the same model


def worth_a_run(screened, structure, seed):
    """The models that a comparison could pick, and those made for the kind, quickest first."""
    found = {m: one for (s, k, m), one in screened.items() if (s, k) == (structure, seed)}
    least = min(one["inner"] for one in found.values())
    chosen = []
    for name in sorted(found, key=lambda m: found[m]["seconds"]):
        one = found[name]
        twin = any(
            np.allclose([one["inner"], one["error"]], [x["inner"], x["error"]], rtol=ALIKE)
            for x in (found[m] for m in chosen)
        )
        if name in SUITED[structure] or (one["inner"] <= NEAR * least and not twin):
            chosen.append(name)
    return chosen


def measured(structure, seed, name):
    """A line of what is kept: errors of each task, held out and against the truth; inner losses."""
    start = time.process_time()
    data, (old, new), truth = draw(structure, seed)
    part, truth = data.take(old), truth[new].reshape(T, NEW)
    held, against, inner = np.zeros(T), [], []
    for train, test in outer_folds(None, part, 0):
        fold = old[train], np.concatenate([old[test], new])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            answer = run_job(0, NAMED[name], data, fold, 0, rated=True)
        loss = (answer.prediction[: len(test)] - part.y[test]) ** 2
        held += np.bincount(part.codes[test], loss, T)
        said = answer.prediction[len(test) :].reshape(T, NEW)
        against.append(100 * np.mean((said - truth) ** 2, axis=1) / truth.var(axis=1).mean())
        inner.append(answer.inner_loss)
    found = {"held": held / part.counts, "truth": np.mean(against, axis=0), "inner": inner}
    found = {what: [float(f"{v:.5g}") for v in values] for what, values in found.items()}
    seconds = round(time.process_time() - start, 2)
    return {"structure": structure, "seed": seed, "model": name, **found, "seconds": seconds}


def run(draws, kept, seconds):
    """Measure what is missing until the time is over."""
    screened, done = structures.read(structures.KEPT), structures.read(kept)
    start = time.perf_counter()
    with kept.open("a") as file:
        for seed in range(draws):
            for structure in STRUCTURES:
                for name in worth_a_run(screened, structure, seed):
                    if (structure, seed, name) in done:
                        continue
                    if time.perf_counter() - start > seconds:
                        return
                    print(json.dumps(measured(structure, seed, name)), file=file, flush=True)


def paired(one, other):
    """Mean difference over tasks, its standard error, and the p-value of being larger."""
    apart = np.subtract(one, other)
    error = apart.std(ddof=1) / np.sqrt(T)
    p = stats.t.sf(apart.mean() / error, T - 1) if error > 0 else 1.0
    return apart.mean(), error, p


def picked(found, structure):
    """A row for each of the two picks, from the lines of one drawn table by model."""
    held, truth = ({m: np.array(one[w]) for m, one in found.items()} for w in ("held", "truth"))
    suited = min(SUITED[structure], key=lambda m: truth[m].mean())
    nearest = min(truth, key=lambda m: truth[m].mean())
    first = min(held, key=lambda m: held[m].mean())
    level = MISSED / (len(names()) - 1)
    as_good = {m for m in held if paired(held[m], held[first])[2] >= level}
    inner = Choice.of({m: one["inner"] for m, one in found.items()}).name
    for how, pick in (("held out", first), ("inner", inner)):
        mean, error, p = paired(truth[pick], truth[suited])
        yield {
            "structure": structure,
            "how": how,
            "pick": pick,
            "suited": suited,
            "apart": mean,
            "error": error,
            "right": pick in SUITED[structure],
            "one error": mean <= error,
            "95 %": p >= 0.05,
            "lost": truth[pick].mean() - truth[nearest].mean(),
            "names suited": bool(SUITED[structure] & as_good),
            "names nearest": nearest in as_good,
            "number": len(as_good),
        }


def table_of(done, draws):
    """All picks of the drawn tables that are whole."""
    screened, rows = structures.read(structures.KEPT), []
    for structure in STRUCTURES:
        for seed in range(draws):
            asked = worth_a_run(screened, structure, seed)
            if all((structure, seed, m) in done for m in asked):
                found = {m: done[structure, seed, m] for m in asked}
                rows += [{"draw": seed, **row} for row in picked(found, structure)]
    return pd.DataFrame(rows)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--draws", type=int, default=2, help="of those of structures.jsonl")
    parser.add_argument("--seconds", type=float, default=np.inf, help="stop measuring after these")
    parser.add_argument("--kept", type=Path, default=KEPT, help="what was measured, line by line")
    asked = parser.parse_args(argv)
    run(asked.draws, asked.kept, asked.seconds)
    table = table_of(structures.read(asked.kept), asked.draws)
    print(table.round(2).to_string(index=False))
    counts = ["right", "one error", "95 %", "names suited", "names nearest"]
    told = table.groupby("how", sort=False)
    print(told.size().rename("tables"), told[counts].sum(), sep="\n\n")
    print(told[["apart", "lost", "number"]].mean().round(2))


if __name__ == "__main__":
    sys.exit(main())
