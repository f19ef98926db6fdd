"""The commands and their options."""

from __future__ import annotations

import difflib
import os
import sys
import time
from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

import mtlearn
from mtlearn.cli.report import print_report
from mtlearn.cli.source import SourceError, read_source
from mtlearn.compare import compare_tasks
from mtlearn.compare.contenders import BASELINES, DEFAULT, MULTITASK
from mtlearn.datasets import DATASETS

SMALL = 1000  # rows; below, starting processes takes longer than the work
QUIET = 5  # seconds between lines of progress where there is no terminal to draw a bar on


class Question(StrEnum):
    """The choices of --kind."""

    AUTO = "auto"
    REGRESSION = "regression"
    CLASSIFICATION = "classification"


app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Multi-task learning: many small related tasks, learned together.",
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"mtlearn {mtlearn.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


@app.command(epilog=f"Built-in data sets: {', '.join(DATASETS)}.")
def compare(
    source: Annotated[
        str,
        typer.Argument(
            help="A CSV or Parquet file, or the name of a built-in data set.",
            show_default=False,
        ),
    ],
    target: Annotated[
        list[str] | None,
        typer.Option(
            help="The column to predict; given several times, one task for each of them.",
            show_default=False,
        ),
    ] = None,
    task: Annotated[
        str | None, typer.Option(help="The column that names the task of each row.")
    ] = None,
    drop: Annotated[
        list[str] | None, typer.Option(help="Columns to leave out, separated by commas.")
    ] = None,
    models: Annotated[
        list[str] | None,
        typer.Option(
            help=f"Multi-task models, separated by commas: {', '.join(MULTITASK)} "
            f"(by default {', '.join(DEFAULT)})."
        ),
    ] = None,
    kind: Annotated[
        Question,
        typer.Option(
            help="Whether the target is a number or a class; auto: text and what has two values "
            "are classes.",
        ),
    ] = Question.AUTO,
    folds: Annotated[int, typer.Option(min=2, help="Number of outer folds.")] = 5,
    groups: Annotated[
        str | None,
        typer.Option(help="A column of repeated units (a person), kept on one side of each fold."),
    ] = None,
    new_tasks: Annotated[
        bool, typer.Option("--new-tasks", help="Also score predictions for tasks never seen.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Decides folds and samples.")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="Write the result of every task to this CSV file.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="All tasks, however long it takes.")] = False,
) -> None:
    """Tell whether learning the tasks of SOURCE together helps, by how much, and whom it hurts.

    The models are compared with three baselines: a ridge (for classes a logistic regression) per
    task, one for all, one for all with a dummy per task.
    """
    if not 0 <= seed < 2**32:
        _fail(f"--seed: {seed} is not between 0 and {2**32 - 1}.")
    if out is not None:
        _check_out(out)
    try:
        table = read_source(source, target or [], task, _split(drop), groups)
        result = _compare(
            table,
            models=_known(_split(models)),
            kind=kind.value,
            cv=folds,
            new_tasks=new_tasks,
            random_state=seed,
            full=full,
        )
    except (SourceError, ImportError, ValueError) as error:
        _fail(str(error))
    result.notes[:0] = table.notes
    console = Console()
    print_report(result, table.name, console)
    if out is None:
        console.print("\n--out FILE.csv writes the result of every task.", style="dim")
    else:
        try:
            result.per_task.to_csv(out, index=False)
        except OSError as error:  # a full disk, say
            _fail(f"--out: {out} cannot be written ({error.strerror or error}).")
        print(f"\nWrote {out}: one row for each task.")


def _check_out(out: Path) -> None:
    """Complain before the work, not after, about a file that cannot be written."""
    folder = out.absolute().parent
    try:
        if not folder.is_dir():
            _fail(f"--out: there is no folder {folder}.")
        if out.is_dir():
            _fail(f"--out: {out} is a folder; give the name of a file in it.")
        if not os.access(out if out.exists() else folder, os.W_OK):
            _fail(f"--out: {out} cannot be written (no permission).")
    except OSError as error:  # a name too long, say
        _fail(f"--out: {out} cannot be written ({error.strerror}).")


def _compare(table, **options):
    """Run the comparison, and say on stderr how far it is and how long it will take."""
    console = Console(stderr=True)
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[left]}"),
        console=console,
        transient=True,
    )
    line = bar.add_task("fitting models", total=None, left="estimating the time …")
    said = time.monotonic()

    def show(told):
        nonlocal said
        bar.update(line, completed=told.done, total=told.total, left=told.left)
        if (
            not console.is_terminal and time.monotonic() - said > QUIET
        ):  # a log file: a line now and then
            said = time.monotonic()
            print(
                f"mtlearn: {told.done} of {told.total} models fitted, {told.left}", file=sys.stderr
            )

    with bar if console.is_terminal else nullcontext():
        return compare_tasks(
            table.X,
            table.y,
            task_column=table.task,
            groups=table.groups,
            n_jobs=-1 if len(table.X) > SMALL else 1,
            progress=show,
            **options,
        )


def _known(models: list[str]) -> list[str] | None:
    for name in models:
        if name not in MULTITASK and name not in BASELINES:
            near = difflib.get_close_matches(name.lower(), [*MULTITASK, *BASELINES], n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise SourceError(
                f"--models: there is no {name!r}.{hint} There are {', '.join(MULTITASK)}; the "
                f"baselines {', '.join(BASELINES)} always take part."
            )
    return models or None


def _split(values: list[str] | None) -> list[str]:
    return [part.strip() for value in values or [] for part in value.split(",") if part.strip()]


def _fail(message: str) -> None:
    print(f"mtlearn: {' '.join(message.split())}", file=sys.stderr)
    raise typer.Exit(2)
