"""`mtlearn fit`: a model of a table, named or chosen by a comparison, saved for new rows."""

from __future__ import annotations

import shlex
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from pandas.api.types import infer_dtype
from rich.console import Console
from rich.text import Text
from threadpoolctl import threadpool_limits

from mtlearn.cli import options
from mtlearn.cli.comparing import compared, read_any
from mtlearn.cli.errors import SourceError, check_seed, check_source, did_you_mean, fail, one_line
from mtlearn.cli.folds import read_splitter
from mtlearn.cli.large import Asked, LargeTable, by_rows
from mtlearn.cli.outputs import STANDARD, check_outputs
from mtlearn.cli.progress import shown_progress
from mtlearn.cli.saved import (
    MODELS,
    PICKLES,
    RUNS_CODE,
    Saved,
    check_can_save,
    plain_list,
    save,
    versions_now,
)
from mtlearn.cli.source import Source, is_built_in
from mtlearn.compare import Comparison
from mtlearn.compare.contenders import (
    BASELINES,
    MULTITASK,
    NAMED,
    RANDOM_SLOPES,
    build_model,
)
from mtlearn.compare.losses import kind_of_loss
from mtlearn.compare.moment_jobs import kind_of
from mtlearn.compare.refit import refit
from mtlearn.compare.running import in_words
from mtlearn.compare.standing import others_in_words
from mtlearn.compare.task_table import TaskTable, read_table, with_times
from mtlearn.exceptions import counted, plain
from mtlearn.moments import fit_moments

AUTO = "auto"
STRENGTHS = ("alpha_", "alpha_intercept_", "alpha_mean_", "noise_std_", "shrinkage_")
CERTIFICATES = {
    "dual_gap_": "duality gap",
    "stationarity_": "to be gained nearby",
    "gradient_norm_": "gradient norm of the likelihood",
}


def fit(
    source: options.Source,
    target: options.Target = None,
    task: options.Task = None,
    drop: options.Drop = None,
    groups: options.Groups = None,
    encoding: options.Encoding = None,
    decimal: options.Decimal = None,
    sheet: options.Sheet = None,
    batches: options.Batches = None,
    model: options.Model = AUTO,
    kind: options.Kind = options.Question.AUTO,
    loss: options.Loss = options.Losses.SQUARED,
    quantile: options.Quantile = None,
    exposure: options.Exposure = None,
    bad_cells: options.BadCells = options.Cells.MISSING,
    folds: options.Folds = "5",
    seed: options.Seed = 0,
    save: options.Save = None,
    quiet: options.Quiet = False,
) -> None:
    """Fit a model of the tasks of SOURCE on all of its rows, and save it.

    By default the models of mtlearn compare are compared, and that of the least error on held-out
    rows is fitted on all of them.
    """
    with one_line():
        check_source(source, "fit")
        check_seed(seed)
        name = _known(model)
        if save in (None, STANDARD):
            raise SourceError("say with --save which file to write, such as --save model.skops.")
        check_can_save(save)
        check_outputs(
            {"source": None if is_built_in(source) else source}, {"--save": (save, MODELS)}
        )
        if name == RANDOM_SLOPES and loss == options.Losses.MULTINOMIAL:
            raise SourceError(
                f"--model {name} knows one class against the rest alone; leave --loss {loss.value} "
                "out, or take mean-regularized."
            )
        cv, time = read_splitter(folds)
        how = {"encoding": encoding, "decimal": decimal, "sheet": sheet, "time": time}
        asked: dict[str, Any] = {"kind": kind.value, "bad_cells": bad_cells.value, "cv": cv}
        asked |= {"loss": loss.value, "quantile": quantile, "exposure": exposure}
        whole = by_rows(how, None, loss.value) + [f"--model {name}"] * (name in BASELINES)
        columns = Asked.of((target, task, drop, groups), kind, bad_cells, folds, whole)
        result = None
        with shown_progress(quiet) as progress:
            table = read_any(source, columns, how, batches, progress)
            if name == AUTO:
                result = compared(table, progress, random_state=seed, **asked)
        if isinstance(table, LargeTable):
            saved, n_tasks, said = fit_large(table, name, result, bad_cells.value, seed)
        else:
            if result is not None:
                name = str(result.table[result.kind.error].idxmin())
            saved, data, said = fit_source(table, name, seed, **asked)
            n_tasks = len(data.tasks)
    saved.settings["model"] = model
    size = _save(saved, save)
    if not quiet:
        notes = dict.fromkeys([*table.notes, *(said if result is None else _joined(result, said))])
        _report(saved, n_tasks, result, [*notes], f"{save} ({_bytes(size)})")
        print(f"\nPredict new rows:\n  {_next(save, saved)}")
    if save.lower().endswith(PICKLES):
        console = Console(stderr=True)
        console.print(Text(f"Warning: {save}: {RUNS_CODE}. .skops has neither fault.", "yellow"))


def fit_source(
    table: Source,
    name: str,
    seed: int,
    kind: str = "auto",
    bad_cells: str = "missing",
    cv: Any = None,
    loss: str = "squared",
    quantile: float | None = None,
    exposure: str | None = None,
) -> tuple[Saved, TaskTable, list[str]]:
    """Fit a model on all rows; what is to be saved, what it was fitted on, and notes.

    Folds on which it is tuned go forward in time where ``cv`` does.

    Raises
    ------
    ValueError
        If the table cannot be used.
    """
    numbers = kind_of_loss(loss, quantile, kind, exposure)
    data = read_table(table.X, table.y, None, table.task, table.groups, kind, numbers, exposure)
    data = with_times(data, table.X, cv)
    found = refit(name, data, seed, bad_cells)
    width = 1 if data.stacked else data.y.shape[1]
    asked = {"kind": kind, "bad_cells": bad_cells, "model": name, "seed": seed, "loss": loss}
    asked |= {"quantile": numbers.options.get("quantile"), "exposure": exposure}
    if exposure is not None:
        found.notes.append(f"What is predicted is the rate: the count where {exposure} is 1.")
    saved = Saved(
        pipeline=found.pipeline,
        model=name,
        features=_features(found.pipeline[0], data.frame, table.task),
        task=table.task,
        targets=list(table.settings["target"]),
        kind=data.kind.name,
        classes=plain_list(getattr(data.kind, "classes", None)),
        unit=np.broadcast_to(data.kind.unit(data.y), width).tolist(),
        source=table.name,
        rows=len(data.y),
        settings={**table.settings, **asked},
        versions=versions_now(),
    )
    return saved, data, found.notes


def fit_large(
    table: LargeTable, name: str, result: Comparison | None, bad_cells: str, seed: int
) -> tuple[Saved, int, list[str]]:
    """Fit a multi-task model to the moments of all rows; what is to be saved, tasks, and notes.

    Where a comparison chooses, it is the one of the least error among these: baselines are not
    fitted to moments.
    """
    notes: list[str] = []
    if result is not None:
        error = result.table[result.kind.error]
        name = str(error[result.table.kind == "multi-task"].idxmin())
        if error.min() < error[name]:
            notes = [
                f"The baseline {error.idxmin()} has less error on held-out rows ({error.min():.4g} "
                f"against {error[name]:.4g}), and takes all rows at once to be fitted: "
                f"--no-batches --model {error.idxmin()}."
            ]
    moments, task = table.moments, table.columns.task
    pipeline = build_model(NAMED[name], task, None, kind_of(moments))
    pipeline.set_params(table__bad_cells=bad_cells)
    with threadpool_limits(1, user_api="blas"), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit_moments(pipeline, moments)
    asked = {"kind": "regression", "bad_cells": bad_cells, "model": name, "seed": seed}
    features = table.first[[*table.columns.features, task]]
    saved = Saved(
        pipeline=pipeline,
        model=name,
        features=_features(pipeline[0], features, task),
        task=task,
        targets=table.columns.targets,
        kind="regression",
        classes=None,
        unit=[1.0],
        source=table.name,
        rows=int(moments.counts.sum()),
        settings={**table.settings, **asked},
        versions=versions_now(),
    )
    return saved, len(moments.tasks), notes + in_words(caught)


def _known(model: str) -> str:
    names = [AUTO, *MULTITASK, *BASELINES]
    if model not in names:
        raise SourceError(
            f"--model: there is no {model!r}.{did_you_mean(model, names)} There are "
            f"{', '.join(names)}."
        )
    return model


def _features(encoder: Any, X: Any, task: str | None) -> dict[str, str]:
    """What became of each column: a number, a yes or no, a category, or nothing."""
    said = dict.fromkeys(encoder.ignored_, "left out")
    said |= dict.fromkeys(encoder.levels_, "category")
    for name in encoder.numbers_:
        said[name] = "boolean" if infer_dtype(X[name]) == "boolean" else "number"
    return {name: said[name] for name in map(str, X.columns) if name != task}


def _save(saved: Saved, path: str) -> int:
    try:
        return save(saved, path)
    except OSError as error:  # a full disk, say
        fail(f"--save: {path} cannot be written ({error.strerror or error}).")


def _joined(result: Comparison, notes: list[str]) -> list[str]:
    """What the comparison said, then what the fit says beside it."""
    return [*result.notes, *(note for note in notes if note not in result.notes)]


def _report(
    saved: Saved, n_tasks: int, result: Comparison | None, notes: list[str], where: str
) -> None:
    """What was fitted on what, and how sure it is to be the optimum."""
    console, target = Console(), ", ".join(saved.targets)
    by = f" ({saved.task})" if saved.task else ", a target each"
    print()
    console.print(
        Text(
            f"{saved.source}: {target} of {counted(saved.rows, 'row', 'rows')}, "
            f"{n_tasks:,} tasks{by}, {counted(len(saved.used), 'feature', 'features')}."
        )
    )
    for note in notes:
        console.print(Text(f"Note: {note}", "yellow"))
    if result is not None:
        for line in _choice(result, saved.model):
            console.print(Text(line))
    console.print(Text(f"Fitted {saved.model} on all rows.", "bold"))
    for line in fitted_in_words(saved.pipeline[-1]):
        console.print(Text(line))
    console.print(Text(f"Saved to {where}."))


def _choice(result: Comparison, name: str) -> list[str]:
    """The verdict in short, and why the model was taken."""
    kind, error = result.kind, result.table[result.kind.error]
    others = error.drop(name)
    beside = f", {others.min():.4g} by {others.idxmin()}" if len(others) else ""
    which = "" if error[name] == error.min() else " of the multi-task models"
    near = f"; {others_in_words(result)}" if result.as_good[0] == name else ""
    return [
        f"{result.verdict.split('. Held-out rows')[0].rstrip('.')}.",
        f"{name} has the least {kind.error_name}{which} on held-out rows: {error[name]:.4g}"
        f"{beside}{near}.",
    ]


def fitted_in_words(model: Any) -> list[str]:
    """Strengths that a fit chose or estimated, and its certificate."""
    strengths = [
        f"{name.rstrip('_')} {_number(getattr(model, name))}"
        for name in STRENGTHS
        if getattr(model, name, None) is not None
    ]
    sure = [
        f"{words} {_number(getattr(model, name))}"
        for name, words in CERTIFICATES.items()
        if hasattr(model, name)
    ]
    lines = [f"Strengths: {', '.join(strengths)}."] if strengths else []
    lines += _shared_in_words(model)
    if sure:
        asked = f" (asked: {model.tol:.2g})" if hasattr(model, "tol") else ""
        lines.append(f"Certificate: {', '.join(sure)}{asked}.")
    return lines


def _shared_in_words(model: Any) -> list[str]:
    """What a model found that tasks share, or do not."""
    lines = []
    if hasattr(model, "n_clusters_"):
        lines.append(f"Tasks are in {counted(model.n_clusters_, 'cluster', 'clusters')}.")
    if hasattr(model, "rank_"):
        lines.append(f"Tasks share {counted(model.rank_, 'direction', 'directions')}.")
    if hasattr(model, "outlier_tasks_"):
        found = [str(plain(one)) for one in model.outlier_tasks_]
        shown = ", ".join(found[:5]) + ", …" * (len(found) > 5)
        lines.append(f"Tasks unlike the others: {shown or 'none'}.")
    return lines


def _number(value: Any) -> str:
    """One number, or the first few of several."""
    values = np.atleast_1d(np.asarray(value, dtype=float)).ravel()
    return ", ".join(f"{one:.3g}" for one in values[:5]) + ", …" * (len(values) > 5)


def _bytes(size: int) -> str:
    return f"{size / 1e3:,.0f} kB" if size < 1e6 else f"{size / 1e6:,.1f} MB"


def _next(path: str, saved: Saved) -> str:
    trust = " --trust" if path.lower().endswith(PICKLES) else ""
    new = f"new{Path(saved.source).suffix or '.csv'}"
    return f"mtlearn predict {shlex.quote(path)} {shlex.quote(new)} --out predictions.csv{trust}"
