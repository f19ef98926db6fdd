"""What a comparison found: a row for each model, a row for each task, a verdict in words."""

from __future__ import annotations

from dataclasses import dataclass, field
from os import PathLike
from typing import Any

import numpy as np

from mtlearn.compare.held_out import HeldOut
from mtlearn.compare.kinds import Kind
from mtlearn.compare.record import as_json, record_of
from mtlearn.compare.task_table import TaskTable, import_pandas
from mtlearn.compare.verdict import basis_in_words, is_yes, verdict_in_words
from mtlearn.evidence import PairedEvidence, verdicts
from mtlearn.exceptions import counted
from mtlearn.writing import write_whole

VERDICTS = ("helped", "hurt", "no evidence")


@dataclass(frozen=True)
class Comparison:
    """The result of :func:`mtlearn.compare_tasks`; printing it shows the table and the verdict.

    Attributes
    ----------
    table : pandas.DataFrame
        One row per model. Of a regression ``r2`` and ``rmse`` over all held-out rows;
        ``mean_task_r2`` and ``mean_task_rmse``, averages over tasks (R² where a task has two rows
        that differ); ``worst_task`` and ``worst_task_rmse``, among tasks of at least five
        held-out rows. Of a classification likewise ``log_loss``, ``auc`` (area under the ROC
        curve over pairs of rows of the same fold; one class against the rest, averaged, where
        there are more than two), ``brier`` (mean squared error of the probabilities, summed over
        classes where there are more than two) and ``accuracy``; ``mean_task_auc`` leaves out the
        ``tasks_without_auc``, which have no such pair. Then, of both, the numbers of tasks
        ``helped`` and ``hurt`` against the best baseline, and with ``no_evidence``;
        ``new_task_r2`` and ``new_task_rmse`` (``new_task_log_loss`` and ``new_task_auc``) where
        whole tasks were held out too; ``alpha``, the geometric mean over the folds (1/C of a
        logistic regression), and ``seconds``. For a matrix of targets errors are in units of each
        column's standard deviation, and ``r2`` and ``auc`` are means over columns.
    per_task : pandas.DataFrame
        One row per task: ``rows``, ``units`` (rows, or groups), ``loss <model>`` (mean squared
        error or log loss on its held-out rows), then the best multi-task model against the best
        baseline: ``difference`` of the two (below zero: helped), ``standard_error``, ``p_value``,
        ``verdict``.
    verdict : str
        The answer in plain words.
    helps : bool
        Whether that is a Yes: the multi-task model beats the baseline by more than luck explains.
    basis : str
        What the verdict rests on: how its p-value is computed, and which task can be the worst.
    best_model, best_baseline : str
        The multi-task model and the baseline of smallest error.
    kind : Kind
        What was asked: ``kind.name`` is "regression" or "classification", the latter with
        ``kind.classes``.
    null_loss : float
        Mean loss (squared error, log loss) of the best constant prediction.
    by_column : bool
        Whether tasks are the columns of a matrix of targets.
    predictions : dict of str to ndarray
        Held-out predictions of each model, in the shape of the target (rows without a target
        left out), NaN where a row was in no test fold. Of two classes the probability of
        ``kind.classes[1]``; of more, (n, K), in the order of ``kind.classes``.
    notes : list of str
        What the reader should know: rows left out, tasks sampled, warnings of the models.
    settings : dict
        The parameters of the comparison, for the record.
    n_rows, n_tasks, n_features, n_folds : int
        What was compared on.
    target_name, task_name : str
        Their names.
    """

    table: Any
    per_task: Any
    verdict: str
    helps: bool
    basis: str
    best_model: str
    best_baseline: str
    n_rows: int
    n_tasks: int
    n_features: int
    n_folds: int
    target_name: str
    task_name: str
    kind: Kind
    null_loss: float
    by_column: bool
    notes: list[str] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict, repr=False)
    predictions: dict[str, np.ndarray] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls,
        data: TaskTable,
        predictions: dict[str, np.ndarray],
        fold: np.ndarray,
        strangers: dict[str, np.ndarray] | None,
        strange_fold: np.ndarray,
        *,
        baselines: list[str],
        alphas: dict[str, list[float]],
        seconds: dict[str, float],
        n_folds: int,
        notes: list[str],
        settings: dict[str, Any],
    ) -> Comparison:
        """Measure the held-out predictions of all models."""
        pandas = import_pandas()
        held_out = HeldOut.of(data, predictions, fold)
        losses = {name: held_out.loss(p) for name, p in predictions.items()}
        best_baseline = min(baselines, key=lambda name: losses[name].mean())
        others = [name for name in predictions if name not in baselines] or baselines
        best_model = min(others, key=lambda name: losses[name].mean())
        rows: dict[str, dict[str, Any]] = {}
        evidence: dict[str, PairedEvidence] = {}
        new = None if strangers is None else HeldOut.of(data, strangers, strange_fold)
        for name in predictions:
            row: dict[str, Any] = {"kind": "baseline" if name in baselines else "multi-task"}
            row |= held_out.scores(predictions[name])
            evidence[name] = held_out.evidence(predictions[name], predictions[best_baseline])
            if name != best_baseline:
                said = verdicts(evidence[name])
                row |= {v.replace(" ", "_"): int((said == v).sum()) for v in VERDICTS}
            rows[name] = row
            if new is not None:
                scores = new.scores(strangers[name])
                row |= {f"new_task_{s.key}": scores[s.key] for s in data.kind.new_task_scores}
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
            helps=is_yes(*overall),
            basis=basis_in_words(held_out),
            best_model=best_model,
            best_baseline=best_baseline,
            n_rows=len(data.y),
            n_tasks=len(data.tasks),
            n_features=data.n_features,
            n_folds=n_folds,
            target_name=data.target_name,
            task_name=data.task_column or "column",
            kind=data.kind,
            null_loss=data.kind.null_loss(held_out),
            by_column=held_out.is_matrix,
            notes=notes,
            settings=settings,
            predictions=predictions,
        )
        object.__setattr__(result, "verdict", verdict_in_words(result, overall))
        return result

    def to_json(self, path: str | PathLike[str] | None = None) -> str | None:
        """All that was found as JSON, for other programs, except for the predictions.

        Parameters
        ----------
        path : str or path-like, default=None
            The file to write; an existing one is replaced when the new one is complete. None
            returns the text.

        Returns
        -------
        str or None
            An object with the attributes of this one by their names, where ``tasks`` is
            ``per_task``; ``table`` and ``tasks`` are lists with an object for each row.
            ``classes`` has the classes (null for a regression), ``versions`` those of Python and
            the packages. What is no number (NaN, infinities, missing values) is null.

        See Also
        --------
        mtlearn.compare_tasks : Makes a comparison.

        Examples
        --------
        >>> import json
        >>> from mtlearn import compare_tasks
        >>> from mtlearn.datasets import load_exam
        >>> exam = load_exam()
        >>> rows = exam.task.isin(exam.task.unique()[:12])
        >>> result = compare_tasks(
        ...     exam.data[rows],
        ...     exam.target[rows],
        ...     task=exam.task[rows],
        ...     models=["mean-regularized"],
        ... )
        >>> said = json.loads(result.to_json())
        >>> said["helps"], said["kind"], len(said["tasks"])
        (False, 'regression', 12)
        """
        text = as_json(record_of(self))
        if path is None:
            return text
        write_whole(path, text.encode())
        return None

    def __str__(self) -> str:
        shown = self.table.drop(columns=["alpha", "seconds"])
        lines = [self.title, "", shown.to_string(float_format="{:.3f}".format, na_rep="–"), ""]
        notes = (f"Note: {note}" for note in self.notes)
        return "\n".join([*lines, self.verdict, self.basis, *notes])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from html import escape

        shown = self.table.drop(columns=["alpha", "seconds"])
        notes = "".join(f"<p>Note: {escape(note)}</p>" for note in self.notes)
        table = shown.to_html(float_format="{:.3f}".format, na_rep="–")
        said = "".join(f"<p>{escape(words)}</p>" for words in (self.verdict, self.basis))
        return f"<p>{escape(self.title)}</p>{table}{said}{notes}"

    @property
    def title(self) -> str:
        """What was compared on what."""
        return (
            f"{self.target_name}: {self.n_rows:,} rows, {self.n_tasks:,} tasks "
            f"({self.task_name}), {counted(self.n_features, 'feature', 'features')}, "
            f"{self.n_folds} outer folds"
        )
