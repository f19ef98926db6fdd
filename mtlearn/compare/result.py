"""What a comparison found: a row for each model, a row for each task, a verdict in words."""

from __future__ import annotations

from dataclasses import dataclass, field
from os import PathLike
from typing import Any

import numpy as np

from mtlearn.compare.answers import Run
from mtlearn.compare.choice import Choice
from mtlearn.compare.contenders import SPARSE_BASELINE
from mtlearn.compare.extras import import_pandas
from mtlearn.compare.gains import TaskGains
from mtlearn.compare.held_losses import HeldLosses
from mtlearn.compare.kinds import Kind
from mtlearn.compare.measuring import (
    Subject,
    columns_of_tasks,
    counts_of,
    harmed_tasks,
    rows_of_models,
    table_of,
)
from mtlearn.compare.record import as_json, record_of
from mtlearn.compare.standing import not_surely_worse, standing_in_words
from mtlearn.compare.verdict import Finding, basis_in_words, is_yes, verdict_in_words
from mtlearn.compare.writing import write_whole
from mtlearn.exceptions import counted

ALONE = frozenset({"independent", SPARSE_BASELINE})  # baselines that learn from a task by itself
HIDDEN = ["alpha", "seconds"]  # of the table, where it is printed


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
        ``tasks_without_auc``, which have no such pair. Under another ``loss`` ``d2``, the share of
        the loss of the best constant that is explained, and ``deviance`` (mean Poisson deviance),
        ``huber_loss`` with ``mean_absolute_error``, or ``pinball_loss`` with ``share_below``, the
        share of targets not above the answer. Then, of all, ``inner_rmse``
        (``inner_log_loss``), the mean error on the inner folds of the training parts (NaN where
        it was not needed), and ``chosen``, the number of outer folds in which it made the model
        the one of the verdict; ``p_value`` of the model against the chosen baseline, and the
        numbers of tasks ``helped`` and ``hurt`` against it, and with ``no_evidence``;
        ``new_task_r2`` and ``new_task_rmse`` (``new_task_log_loss`` and ``new_task_auc``) where
        whole tasks were held out too; ``alpha``, the geometric mean over the folds (1/C of a
        logistic regression), and ``seconds``. For a matrix of targets errors are in units of each
        column's standard deviation, and ``r2`` and ``auc`` are means over columns.
    per_task : pandas.DataFrame
        One row per task: ``rows``, ``units`` (rows, or groups), ``loss <model>`` (mean squared
        error, log loss or another on its held-out rows), ``loss of the model`` and ``loss of the
        baseline`` of the verdict; then the one against the other: ``difference`` of the two (below
        zero: helped), ``standard_error``, ``p_value``, ``verdict``, ``gain`` (above zero: better),
        shrunk towards that of the other tasks, and ``gain_probability`` that the true one is
        above zero (NaN where tasks do not measurably differ); then that baseline against
        ``independent``: ``baseline_verdict``, and ``baseline_gain`` likewise.
    slopes : pandas.DataFrame or None
        In which features tasks differ, where ``"random-slopes"`` was compared: a row for the level
        and one for each column of the encoded table, fitted on all rows. ``mean`` and ``std`` over
        tasks of what one standard deviation of it does (``unit`` is that deviation; of a dummy, 1,
        the level itself), and the share of the tasks in which it does the opposite of its mean,
        ``other_sign``; in units of the target (of a matrix: of its columns' deviations), of classes
        in log-odds, with rows for each ``class`` of more than two.
    coefs : pandas.DataFrame or None
        The models of all tasks by random slopes, there too: a row for the level (at the mean of all
        rows) and each column of each task, ``coef`` = ``shared`` + ``deviation``, in the same
        units, as :func:`mtlearn.inspection.coef_frame` has them of a model.
    verdict : str
        The answer in plain words.
    helps : bool
        Whether that is a Yes: the multi-task model beats the baseline by more than luck explains.
    p_value : float
        Of the verdict: the chosen multi-task model against the chosen baseline.
    gains : TaskGains
        How the gains of the one over the other are distributed over tasks: ``share`` of the tasks
        that gain with its interval ``share_low``, ``share_high``; ``mean``, ``std``.
    basis : str
        What the verdict rests on: how its p-value is computed, and which task can be the worst.
    best_model, best_baseline : str
        The multi-task model and the baseline that most outer folds chose, by their loss inside the
        training part; the verdict is about what each fold chose.
    as_good : list of str
        The model of least error on held-out rows, baselines included, and those not surely worse:
        by a one-sided test like that of the verdict at 0.05 over the number of the others. The
        truly best model is among them with a probability of 0.95.
    kind : Kind
        What was asked: ``kind.name`` is "regression" or "classification", the latter with
        ``kind.classes``; ``kind.loss_name`` is the ``loss`` that was asked for.
    null_loss : float
        Mean loss (squared error, log loss or another) of the best constant prediction.
    by_column : bool
        Whether tasks are the columns of a matrix of targets.
    predictions : dict of str to ndarray
        Held-out predictions of each model, in the shape of the target (rows without a target
        left out), NaN where a row was in no test fold. Of two classes the probability of
        ``kind.classes[1]``; of more, (n, K), in the order of ``kind.classes``. None of a comparison
        on moments, which have no rows.
    notes : list of str
        What the reader should know: rows left out, tasks sampled, warnings of the models.
    settings : dict
        The parameters of the comparison, for the record.
    n_rows, n_tasks, n_features, n_folds : int
        What was compared on.
    target_name, task_name : str
        Their names.

    Examples
    --------
    >>> from mtlearn import compare_tasks
    >>> from mtlearn.datasets import load_sleepstudy
    >>> study = load_sleepstudy()
    >>> found = compare_tasks(study.data, study.target, task=study.task, models=["random-slopes"])
    >>> found.best_model, found.n_tasks
    ('random-slopes', 18)
    """

    table: Any
    per_task: Any
    slopes: Any
    verdict: str
    helps: bool
    p_value: float
    gains: TaskGains
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
    coefs: Any = field(default=None, repr=False)
    as_good: list[str] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        held_out: HeldLosses,
        run: Run,
        subject: Subject,
        *,
        new: dict[str, dict[str, Any]],
        baselines: list[str],
        slopes: Any,
        coefs: Any,
        notes: list[str],
        settings: dict[str, Any],
    ) -> Comparison:
        """Measure what all models predict; ``new`` has scores of each on tasks never seen."""
        predictions, losses, kind = run.predictions, run.inner_losses, held_out.kind
        shared = [name for name in predictions if name not in baselines]
        baseline = Choice.of({name: losses[name] for name in baselines})
        model = Choice.of({name: losses[name] for name in shared}) if shared else baseline
        pair = [choice.prediction(predictions, run.fold) for choice in (model, baseline)]
        per_task, gains = columns_of_tasks(held_out, predictions, pair), held_out.gains(*pair)
        finding = Finding(
            model=model,
            baseline=baseline,
            scores=[
                held_out.scores(p)[kind.headline[0]] for p in (*pair, predictions["independent"])
            ],
            overall=held_out.overall(*pair),
            gains=gains,
            counts=counts_of(per_task["verdict"]),
            harmed=[] if ALONE.issuperset(baseline.names) else harmed_tasks(per_task),
            only_baselines=not shared,
            slopes=slopes,
        )
        return cls(
            table=table_of(rows_of_models(held_out, run, finding, pair[1], new)),
            per_task=import_pandas().DataFrame(per_task),
            slopes=slopes,
            verdict=verdict_in_words(finding, kind),
            helps=is_yes(finding.overall),
            p_value=finding.overall.p_value,
            gains=gains,
            basis=basis_in_words(held_out),
            best_model=model.name,
            best_baseline=baseline.name,
            n_rows=subject.n_rows,
            n_tasks=held_out.n_tasks,
            n_features=subject.n_features,
            n_folds=len(run.folds),
            target_name=subject.target_name,
            task_name=subject.task_name,
            kind=kind,
            null_loss=held_out.null_loss,
            by_column=not held_out.stacked,
            notes=notes,
            settings=settings,
            predictions=run.of_rows,
            coefs=coefs,
            as_good=not_surely_worse(held_out, predictions),
        )

    def to_json(self, path: str | PathLike[str] | None = None) -> str | None:
        """All that was found as JSON, for other programs, but no predictions and coefficients.

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
        shown = self.table.drop(columns=HIDDEN)
        lines = [self.title, "", shown.to_string(float_format="{:.3f}".format, na_rep="–"), ""]
        notes = (f"Note: {note}" for note in self.notes)
        return "\n".join([*lines, self.verdict, standing_in_words(self), self.basis, *notes])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from html import escape

        shown = self.table.drop(columns=HIDDEN)
        notes = "".join(f"<p>Note: {escape(note)}</p>" for note in self.notes)
        table = shown.to_html(float_format="{:.3f}".format, na_rep="–")
        words = (self.verdict, standing_in_words(self), self.basis)
        said = "".join(f"<p>{escape(one)}</p>" for one in words)
        return f"<p>{escape(self.title)}</p>{table}{said}{notes}"

    @property
    def legend(self) -> str:
        """The scores explained to a reader."""
        unit = f"units of {self.target_name}"
        if self.by_column:
            unit = "standard deviations of each target"
        return self.kind.legend(unit, self.null_loss)

    @property
    def title(self) -> str:
        """What was compared on what."""
        return (
            f"{self.target_name}: {self.n_rows:,} rows, {self.n_tasks:,} tasks "
            f"({self.task_name}), {counted(self.n_features, 'feature', 'features')}, "
            f"{self.n_folds} outer folds"
        )
