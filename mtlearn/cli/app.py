"""The commands and their options."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console

import mtlearn
from mtlearn.cli.errors import UNUSABLE, SourceError, did_you_mean
from mtlearn.cli.outputs import STANDARD, check_outputs, write_table, write_text
from mtlearn.cli.progress import shown_progress
from mtlearn.cli.report import print_report
from mtlearn.cli.source import is_built_in, read_source
from mtlearn.compare import Comparison, compare_tasks
from mtlearn.compare.contenders import BASELINES, DEFAULT, MULTITASK
from mtlearn.datasets import DATASETS

SMALL = 1000  # rows; below, starting processes takes longer than the work
NO_GAIN = 1  # exit code of --fail-if-no-gain
READING, ASKING, ANSWERING = "The table", "The comparison", "What comes out"


class Question(StrEnum):
    """The choices of --kind."""

    AUTO = "auto"
    REGRESSION = "regression"
    CLASSIFICATION = "classification"


class BadCells(StrEnum):
    """The choices of --bad-cells."""

    MISSING = "missing"
    ERROR = "error"
    CATEGORY = "category"


app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
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


@app.command(
    epilog=f"Built-in data sets: {', '.join(DATASETS)}.\n\n"
    "Exit codes: 0 it ran, whatever the answer; 1 --fail-if-no-gain and the answer is not Yes; "
    "2 no answer, because of the table, an option or an output; 130 interrupted."
)
def compare(
    source: Annotated[
        str,
        typer.Argument(
            help="A CSV, Excel or Parquet file, the name of a built-in data set, or - for CSV on "
            "standard input.",
            show_default=False,
        ),
    ],
    target: Annotated[
        list[str] | None,
        typer.Option(
            help="The column to predict; of several (separated by commas, or the option repeated) "
            "each is a task.",
            show_default=False,
            rich_help_panel=READING,
        ),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(help="The column that names the task of each row.", rich_help_panel=READING),
    ] = None,
    drop: Annotated[
        list[str] | None,
        typer.Option(help="Columns to leave out, separated by commas.", rich_help_panel=READING),
    ] = None,
    groups: Annotated[
        str | None,
        typer.Option(
            help="A column of repeated units (a person), kept on one side of each fold.",
            rich_help_panel=READING,
        ),
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option(
            help="Of text, where it is not UTF-8: cp1252, utf-16, …", rich_help_panel=READING
        ),
    ] = None,
    decimal: Annotated[
        str | None,
        typer.Option(help="The decimal mark of text: , or .", rich_help_panel=READING),
    ] = None,
    sheet: Annotated[
        str | None,
        typer.Option(
            help="The sheet of an Excel file, by its name or number (by default the first).",
            rich_help_panel=READING,
        ),
    ] = None,
    models: Annotated[
        list[str] | None,
        typer.Option(
            help=f"Multi-task models, separated by commas: {', '.join(MULTITASK)} "
            f"(by default {', '.join(DEFAULT)}).",
            rich_help_panel=ASKING,
        ),
    ] = None,
    kind: Annotated[
        Question,
        typer.Option(
            help="Whether the target is a number or a class; auto: text and what has two values "
            "are classes.",
            rich_help_panel=ASKING,
        ),
    ] = Question.AUTO,
    bad_cells: Annotated[
        BadCells,
        typer.Option(
            help="What text in a column of numbers is (such as n.d.): missing, an error, or a "
            "reason to take the column as categories.",
            rich_help_panel=ASKING,
        ),
    ] = BadCells.MISSING,
    folds: Annotated[
        int, typer.Option(min=2, help="Number of outer folds.", rich_help_panel=ASKING)
    ] = 5,
    new_tasks: Annotated[
        bool,
        typer.Option(
            "--new-tasks",
            help="Also score predictions for tasks never seen.",
            rich_help_panel=ASKING,
        ),
    ] = False,
    seed: Annotated[
        int, typer.Option(help="Decides folds and samples.", rich_help_panel=ASKING)
    ] = 0,
    full: Annotated[
        bool,
        typer.Option("--full", help="All tasks, however long it takes.", rich_help_panel=ASKING),
    ] = False,
    out: Annotated[
        str | None,
        typer.Option(
            help="Write the result of every task to this file: .csv, .csv.gz, .tsv, .json or "
            ".parquet; - is CSV on standard output, in place of the report.",
            metavar="FILE",
            rich_help_panel=ANSWERING,
        ),
    ] = None,
    json: Annotated[
        str | None,
        typer.Option(
            help="Write all of the result to this .json file: verdict, table, tasks, settings, "
            "versions; - is standard output, in place of the report.",
            metavar="FILE",
            rich_help_panel=ANSWERING,
        ),
    ] = None,
    quiet: Annotated[
        bool,
        typer.Option("--quiet", help="Print nothing but what is wrong.", rich_help_panel=ANSWERING),
    ] = False,
    fail_if_no_gain: Annotated[
        bool,
        typer.Option(
            "--fail-if-no-gain",
            help="End with exit code 1 unless the answer is Yes.",
            rich_help_panel=ANSWERING,
        ),
    ] = False,
) -> None:
    """Tell whether learning the tasks of SOURCE together helps, by how much, and whom it hurts.

    The models are compared with baselines: a ridge (for classes a logistic regression) per task,
    one for all, one for all with a dummy per task; beside models that select features also a lasso
    per task.
    """
    try:
        if not source:  # or None: typer 0.16 lets that pass beside a newer click
            raise SourceError("which table? mtlearn compare SOURCE, or mtlearn compare --help.")
        if not 0 <= seed < 2**32:
            raise SourceError(f"--seed: {seed} is not between 0 and {2**32 - 1}.")
        chosen = _known(models)
        check_outputs("" if is_built_in(source) else source, out, json)
        table = read_source(
            source,
            target or [],
            task,
            drop or [],
            groups,
            encoding=encoding,
            decimal=decimal,
            sheet=sheet,
        )
        with shown_progress(quiet) as progress:
            result = compare_tasks(
                table.X,
                table.y,
                task_column=table.task,
                groups=table.groups,
                models=chosen,
                kind=kind.value,
                bad_cells=bad_cells.value,
                cv=folds,
                new_tasks=new_tasks,
                random_state=seed,
                full=full,
                n_jobs=-1 if len(table.X) > SMALL else 1,
                progress=progress,
            )
    except (SourceError, ImportError, ValueError, MemoryError) as error:
        _fail(str(error) or "there is not enough memory for this table.")
    result.notes[:0] = table.notes
    result.settings.update(source=source, **table.settings)
    wrong = _write(result, out, json)  # before anything is printed: nobody may be reading
    if not quiet and STANDARD not in (out, json):
        console = Console()
        print_report(result, table.name, console)
        if out is None and json is None:
            console.print("\n--out FILE.csv writes the result of every task.", style="dim")
        elif not wrong:
            written = {out: "one row for each task", json: "all of the result"}
            said = [f"{path} ({what})" for path, what in written.items() if path is not None]
            print(f"\nWrote {' and '.join(said)}.")
    if wrong:
        _fail(wrong)
    if fail_if_no_gain and not result.helps:
        raise typer.Exit(NO_GAIN)


def _write(result: Comparison, out: str | None, json: str | None) -> str:
    """What went wrong, if anything did: the report is worth printing all the same."""
    try:
        name = f"--out: {out}"
        if out is not None:
            write_table(result.per_task, out)
        name = f"--json: {json}"
        if json is not None:
            write_text(result.to_json(), json)
    except OSError as error:  # a full disk, say
        return f"{name} cannot be written ({error.strerror or error})."
    return ""


def _known(models: list[str] | None) -> list[str] | None:
    names = [part.strip() for value in models or [] for part in value.split(",") if part.strip()]
    for name in names:
        if name not in MULTITASK and name not in BASELINES:
            raise SourceError(
                f"--models: there is no {name!r}.{did_you_mean(name, [*MULTITASK, *BASELINES])} "
                f"There are {', '.join(MULTITASK)}; the baselines {', '.join(BASELINES)} take part "
                "by themselves."
            )
    return names or None


def _fail(message: str) -> None:
    print(f"mtlearn: {' '.join(message.split())}", file=sys.stderr)
    raise typer.Exit(UNUSABLE)
