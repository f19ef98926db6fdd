"""What a comparison found: a row for each model, a row for each task, a verdict in words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mtlearn.compare.task_table import TaskTable, import_pandas
from mtlearn.compare.verdict import verdict_in_words
from mtlearn.evidence import PairedEvidence, paired_evidence, verdicts

FEWEST_ROWS = 5  # a task with fewer held-out rows is not named the worst: that would be luck
CLUSTERS = 10  # with so many tasks, they are the units of the overall test, else rows or groups


@dataclass(frozen=True)
class Comparison:
    """The result of :func:`mtlearn.compare_tasks`; printing it shows the table and the verdict.

    Attributes
    ----------
    table : pandas.DataFrame
        One row per model. ``r2`` and ``rmse`` over all held-out rows; ``mean_task_r2`` and
        ``mean_task_rmse``, averages over tasks (R² where a task has two rows that differ);
        ``worst_task`` and ``worst_task_rmse``, among tasks of at least five held-out rows; the
        numbers of tasks ``helped`` and ``hurt`` against the best baseline, and with
        ``no_evidence``; ``new_task_r2`` and ``new_task_rmse`` where whole tasks were held out too;
        ``alpha``, the geometric mean over the folds, and ``seconds``. For a matrix of targets
        errors are in units of each column's standard deviation, and ``r2`` is the mean over
        columns.
    per_task : pandas.DataFrame
        One row per task: ``rows``, ``units`` (rows, or groups), ``loss <model>`` (mean squared
        error on its held-out rows), then the best multi-task model against the best baseline:
        ``difference`` of the two (below zero: helped), ``standard_error``, ``p_value``,
        ``verdict``.
    verdict : str
        The answer in plain words.
    best_model, best_baseline : str
        The multi-task model and the baseline of smallest error.
    predictions : dict of str to ndarray
        Held-out predictions of each model, in the shape of the target (rows without a target
        left out), NaN where a row was in no test fold.
    notes : list of str
        What the reader should know: rows left out, tasks sampled, warnings of the models.
    n_rows, n_tasks, n_features, n_folds : int
        What was compared on.
    target_name, task_name : str
        Their names.
    """

    table: Any
    per_task: Any
    verdict: str
    best_model: str
    best_baseline: str
    n_rows: int
    n_tasks: int
    n_features: int
    n_folds: int
    target_name: str
    task_name: str
    notes: list[str] = field(default_factory=list)
    predictions: dict[str, np.ndarray] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls,
        data: TaskTable,
        predictions: dict[str, np.ndarray],
        strangers: dict[str, np.ndarray] | None,
        *,
        baselines: list[str],
        alphas: dict[str, list[float]],
        seconds: dict[str, float],
        n_folds: int,
        notes: list[str],
    ) -> Comparison:
        """Measure the held-out predictions of all models."""
        pandas = import_pandas()
        held_out = HeldOut.of(data, predictions)
        losses = {name: held_out.loss(p) for name, p in predictions.items()}
        best_baseline = min(baselines, key=lambda name: losses[name].mean())
        others = [name for name in predictions if name not in baselines] or baselines
        best_model = min(others, key=lambda name: losses[name].mean())
        rows: dict[str, dict[str, Any]] = {}
        evidence: dict[str, PairedEvidence] = {}
        for name, loss in losses.items():
            row: dict[str, Any] = {"kind": "baseline" if name in baselines else "multi-task"}
            row |= held_out.scores(loss)
            evidence[name] = held_out.evidence(predictions[name], predictions[best_baseline])
            if name != best_baseline:
                said = verdicts(evidence[name])
                row |= {v.replace(" ", "_"): int((said == v).sum()) for v in VERDICTS}
            rows[name] = row
            if strangers is not None:
                new = HeldOut.of(data, strangers)
                scores = new.scores(new.loss(strangers[name]))
                row |= {f"new_task_{k}": scores[k] for k in ("r2", "rmse")}
            with np.errstate(invalid="ignore"):
                row["alpha"] = float(np.exp(np.mean(np.log(alphas[name]))))
            row["seconds"] = seconds[name]
        table = pandas.DataFrame.from_dict(rows, orient="index")
        counts = list(dict.fromkeys(v.replace(" ", "_") for v in VERDICTS))
        for column in counts:
            table[column] = table.get(column, np.nan)
        table[counts] = table[counts].astype("Int64")
        table.index.name = "model"
        per_task = held_out.per_task(losses, evidence[best_model])
        overall = held_out.overall(losses[best_model] - losses[best_baseline])
        result = cls(
            table=table,
            per_task=per_task,
            verdict="",
            best_model=best_model,
            best_baseline=best_baseline,
            n_rows=len(data.y),
            n_tasks=len(data.tasks),
            n_features=data.n_features,
            n_folds=n_folds,
            target_name=data.target_name,
            task_name=data.task_column or "column",
            notes=notes,
            predictions=predictions,
        )
        object.__setattr__(result, "verdict", verdict_in_words(result, overall))
        return result

    def __str__(self) -> str:
        shown = self.table.drop(columns=["alpha", "seconds"])
        lines = [self.title, "", shown.to_string(float_format="{:.3f}".format, na_rep="–"), ""]
        return "\n".join([*lines, self.verdict, *(f"Note: {note}" for note in self.notes)])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from html import escape

        shown = self.table.drop(columns=["alpha", "seconds"])
        notes = "".join(f"<p>Note: {escape(note)}</p>" for note in self.notes)
        table = shown.to_html(float_format="{:.3f}".format, na_rep="–")
        return f"<p>{escape(self.title)}</p>{table}<p>{escape(self.verdict)}</p>{notes}"

    @property
    def title(self) -> str:
        """What was compared on what."""
        return (
            f"{self.target_name}: {self.n_rows:,} rows, {self.n_tasks:,} tasks "
            f"({self.task_name}), {self.n_features} features, {self.n_folds} outer folds"
        )


VERDICTS = ("helped", "hurt", "no evidence")


@dataclass(frozen=True)
class HeldOut:
    """The observed labels that every model predicted, one entry each, whatever the shape of y."""

    where: Any  # index of the entries into y
    truth: np.ndarray
    task: np.ndarray  # position in tasks
    row: np.ndarray
    groups: np.ndarray | None
    scale: np.ndarray  # the units of errors: 1, or each column's deviation
    tasks: np.ndarray
    is_matrix: bool

    @classmethod
    def of(cls, data: TaskTable, predictions: dict[str, np.ndarray]) -> HeldOut:
        """Entries with a label and a prediction of every model."""
        known = ~np.isnan(data.y)
        for prediction in predictions.values():
            known &= ~np.isnan(prediction)
        where = np.nonzero(known)
        row, is_matrix = where[0], data.codes is None
        task = where[1] if is_matrix else data.codes[row]
        scale = np.ones(len(row))
        if is_matrix:
            deviation = np.nanstd(data.y, axis=0)
            scale = np.where(deviation > 0, deviation, 1.0)[task]
        groups = None if data.groups is None else data.groups[row]
        return cls(where, data.y[where], task, row, groups, scale, data.tasks, is_matrix)

    def loss(self, prediction: np.ndarray) -> np.ndarray:
        """Squared error of each entry."""
        return ((prediction[self.where] - self.truth) / self.scale) ** 2

    def by_task(self, values: np.ndarray) -> np.ndarray:
        """Sums over the entries of each task."""
        return np.bincount(self.task, values, minlength=len(self.tasks))

    def scores(self, loss: np.ndarray) -> dict[str, Any]:
        """R² and RMSE, over all, averaged over tasks, and of the worst task."""
        rows, truth = self.by_task(np.ones(len(loss))), self.truth / self.scale
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = self.by_task(truth) / rows
            total = self.by_task((truth - mean[self.task]) ** 2)
            r2 = 1 - self.by_task(loss) / total
            rmse = np.sqrt(self.by_task(loss) / rows)
        r2 = r2[(rows >= 2) & (total > 1e-12 * (1 + rows * mean**2))]
        mean_r2 = float(r2.mean()) if len(r2) else np.nan
        large = rows >= min(FEWEST_ROWS, rows.max())
        worst = int(np.argmax(np.where(large, rmse, -np.inf)))
        overall = 1 - loss.sum() / np.maximum(((truth - truth.mean()) ** 2).sum(), 1e-300)
        return {
            "r2": mean_r2 if self.is_matrix else float(overall),
            "rmse": float(np.sqrt(loss.mean())),
            "mean_task_r2": mean_r2,
            "mean_task_rmse": float(rmse[rows > 0].mean()),
            "worst_task": plain(self.tasks[worst]),
            "worst_task_rmse": float(rmse[worst]),
        }

    def evidence(self, prediction: np.ndarray, baseline: np.ndarray) -> PairedEvidence:
        """Task by task, how the losses of a model and of the baseline differ."""
        apart = np.abs(prediction[self.where] - baseline[self.where]) / self.scale
        return paired_evidence(
            self.task,
            self.loss(prediction) - self.loss(baseline),
            spread=apart,
            groups=self.groups,
            n_tasks=len(self.tasks),
        )

    def overall(self, difference: np.ndarray) -> tuple[float, float]:
        """Mean difference over all entries and its p-value.

        Rows of a task share a model, so tasks are the units where there are enough of them.
        """
        unit = self.row if self.groups is None else self.groups
        if not self.is_matrix and len(self.tasks) >= CLUSTERS:
            unit = self.task
        found = paired_evidence(np.zeros(len(unit), dtype=np.intp), difference, groups=unit)
        return float(found.difference[0]), float(found.p_value[0])

    def per_task(self, losses: dict[str, np.ndarray], evidence: PairedEvidence) -> Any:
        """The frame of the result."""
        columns: dict[str, Any] = {"task": [plain(task) for task in self.tasks]}
        columns |= {"rows": evidence.rows, "units": evidence.units}
        with np.errstate(invalid="ignore", divide="ignore"):
            for name, loss in losses.items():
                columns[f"loss {name}"] = self.by_task(loss) / evidence.rows
        columns |= {
            "difference": evidence.difference,
            "standard_error": evidence.standard_error,
            "p_value": evidence.p_value,
            "verdict": verdicts(evidence),
        }
        return import_pandas().DataFrame(columns)


def plain(label: Any) -> Any:
    """A label without NumPy around it."""
    return label.item() if isinstance(label, np.generic) else label
