"""From held-out losses to the tables of a comparison: a row for each model, one for each task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlearn.compare.answers import Run
from mtlearn.compare.evidence import verdicts
from mtlearn.compare.extras import import_pandas
from mtlearn.compare.held_losses import HeldLosses
from mtlearn.compare.held_out import HeldOut
from mtlearn.compare.task_table import TaskTable
from mtlearn.compare.verdict import Finding

COUNTS = ["helped", "hurt", "no_evidence"]
PAIR = ("model", "baseline")


@dataclass(frozen=True)
class Subject:
    """What was compared on, for the reader."""

    n_rows: int
    n_features: int
    target_name: str
    task_name: str


def counts_of(said: np.ndarray) -> dict[str, int]:
    """How many tasks are helped, hurt, and neither for sure."""
    return {name: int((said == name.replace("_", " ")).sum()) for name in COUNTS}


def table_of(rows: dict[str, dict[str, Any]]) -> Any:
    """One row for each model, counts as whole numbers that may be missing."""
    table = import_pandas().DataFrame.from_dict(rows, orient="index")
    table[COUNTS] = table[COUNTS].astype("Int64")
    table.index.name = "model"
    return table


def rows_of_models(
    held_out: HeldLosses, run: Run, found: Finding, baseline: np.ndarray, new: dict[str, dict]
) -> dict[str, dict[str, Any]]:
    """Of each model its scores, how often it was chosen, and what it gains over the baseline."""
    kind, rows = held_out.kind, {}
    for name, prediction in run.predictions.items():
        multi = not found.only_baselines and name in found.model.ranking
        row: dict[str, Any] = {"kind": "multi-task" if multi else "baseline"}
        row |= held_out.scores(prediction)
        row[f"inner_{kind.error}"] = kind.as_error(np.mean(run.inner_losses[name]))
        row["chosen"] = (found.model if multi else found.baseline).names.count(name)
        is_it = {name} == set(found.baseline.names)
        row |= _against(held_out, prediction, None if is_it else baseline)
        row |= new.get(name, {})
        rows[name] = row | {"alpha": run.alpha(name), "seconds": run.seconds(name)}
    return rows


def new_task_scores(data: TaskTable, strangers: Run) -> dict[str, dict[str, Any]]:
    """Of each model the scores on tasks it was not fitted on."""
    held_out, shown = HeldOut.of(data, strangers.predictions, strangers.fold), {}
    for name, prediction in strangers.predictions.items():
        scores = held_out.scores(prediction)
        shown[name] = {f"new_task_{s.key}": scores[s.key] for s in data.kind.new_task_scores}
    return shown


def _against(
    held_out: HeldLosses, prediction: np.ndarray, baseline: np.ndarray | None
) -> dict[str, Any]:
    """P-value and counts of a model against the baseline; NaN for the baseline itself."""
    if baseline is None:
        return dict.fromkeys(("p_value", *COUNTS), np.nan)
    p_value = held_out.overall(prediction, baseline).p_value
    return {"p_value": p_value, **counts_of(verdicts(held_out.evidence(prediction, baseline)))}


def columns_of_tasks(
    held_out: HeldLosses, predictions: dict[str, np.ndarray], pair: list[np.ndarray]
) -> dict[str, Any]:
    """Columns with an entry for each task: losses, and what became of it."""
    gains, alone = held_out.gains(*pair), predictions["independent"]
    losses = {name: held_out.loss(p) for name, p in predictions.items()}
    losses |= {f"of the {k}": held_out.loss(p) for k, p in zip(PAIR, pair, strict=True)}
    return held_out.per_task(losses, held_out.evidence(*pair)) | {
        "gain": gains.posterior_mean,
        "gain_probability": gains.probability,
        "baseline_verdict": verdicts(held_out.evidence(pair[1], alone)),
        "baseline_gain": held_out.gains(pair[1], alone).posterior_mean,
    }


def harmed_tasks(per_task: dict[str, Any]) -> list[str]:
    """Tasks that the baseline hurts, the most first."""
    order = np.argsort(per_task["baseline_gain"])
    return [str(per_task["task"][t]) for t in order if per_task["baseline_verdict"][t] == "hurt"]
