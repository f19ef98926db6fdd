"""The commands and their options."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

import mtlearn
from mtlearn.cli import options
from mtlearn.cli.comparing import compared, read_any
from mtlearn.cli.errors import SourceError, check_seed, check_source, did_you_mean, fail, one_line
from mtlearn.cli.export import export
from mtlearn.cli.fit import fit
from mtlearn.cli.folds import read_splitter
from mtlearn.cli.large import Asked, by_rows
from mtlearn.cli.outputs import (
    OBJECTS,
    PAGES,
    STANDARD,
    TABLES,
    check_outputs,
    write_table,
    write_text,
)
from mtlearn.cli.predict import predict
from mtlearn.cli.progress import shown_progress
from mtlearn.cli.report import print_report
from mtlearn.cli.source import is_built_in
from mtlearn.compare import Comparison
from mtlearn.compare.contenders import ALL, BASELINES, MULTITASK, NAMED
from mtlearn.compare.rivals import RIVALS
from mtlearn.datasets import DATASETS

CONTENTS = {"out": "one row for each task", "json": "all of the result", "report": "a page"}
NO_GAIN = 1  # exit code of --fail-if-no-gain


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
    source: options.Source,
    target: options.Target = None,
    task: options.Task = None,
    drop: options.Drop = None,
    groups: options.Groups = None,
    encoding: options.Encoding = None,
    decimal: options.Decimal = None,
    sheet: options.Sheet = None,
    batches: options.Batches = None,
    models: options.Models = None,
    kind: options.Kind = options.Question.AUTO,
    loss: options.Loss = options.Losses.SQUARED,
    quantile: options.Quantile = None,
    exposure: options.Exposure = None,
    bad_cells: options.BadCells = options.Cells.MISSING,
    folds: options.Folds = "5",
    new_tasks: options.NewTasks = False,
    seed: options.Seed = 0,
    full: options.Full = False,
    out: options.Out = None,
    json: options.Json = None,
    report: options.Report = None,
    quiet: options.Quiet = False,
    fail_if_no_gain: options.FailIfNoGain = False,
) -> None:
    """Tell whether learning the tasks of SOURCE together helps, by how much, and whom it hurts.

    The models are compared with baselines: a ridge (for classes a logistic regression) per task,
    one for all, one for all with a dummy per task; beside models that select features also a lasso
    per task.
    """
    with one_line():
        check_source(source, "compare")
        check_seed(seed)
        chosen = _known(models)
        check_outputs(
            {"source": None if is_built_in(source) else source},
            {"--out": (out, TABLES), "--json": (json, OBJECTS), "--report": (report, PAGES)},
        )
        cv, time = read_splitter(folds)
        how = {"encoding": encoding, "decimal": decimal, "sheet": sheet, "time": time}
        lossy = {"loss": loss.value, "quantile": quantile, "exposure": exposure}
        whole = by_rows(how, chosen, loss.value)
        columns = Asked.of((target, task, drop, groups), kind, bad_cells, folds, whole)
        with shown_progress(quiet) as progress:
            table = read_any(source, columns, how, batches, progress)
            result = compared(
                table,
                progress,
                models=chosen,
                kind=kind.value,
                **lossy,
                bad_cells=bad_cells.value,
                cv=cv,
                new_tasks=new_tasks,
                random_state=seed,
                full=full,
            )
    result.notes[:] = dict.fromkeys([*table.notes, *result.notes])  # some are of both
    result.settings.update(source=source, **table.settings)
    _deliver(result, table.name, {"out": out, "json": json, "report": report}, quiet)
    if fail_if_no_gain and not result.helps:
        raise typer.Exit(NO_GAIN)


app.command()(fit)
app.command()(predict)
app.command()(export)


def _deliver(result: Comparison, name: str, paths: dict[str, str | None], quiet: bool) -> None:
    """Write the files that were asked for, and print the report."""
    given = {option: path for option, path in paths.items() if path is not None}
    wrong = _write(result, given)  # before anything is printed: nobody may be reading
    if not quiet and STANDARD not in given.values():
        _report(result, name, None if wrong else given)
    if wrong:
        fail(wrong)


def _report(result: Comparison, name: str, written: dict[str, str] | None) -> None:
    """The report, and what was written where; None where that went wrong."""
    console = Console()
    print_report(result, name, console)
    if written is None:
        return
    said = [f"{path} ({CONTENTS[option]})" for option, path in written.items()]
    if said:
        print(f"\nWrote {' and '.join(said)}.")
    else:
        console.print(
            "\n--out FILE.csv writes the result of every task, --report FILE.html a page.",
            style="dim",
        )


def _write(result: Comparison, paths: dict[str, str]) -> str:
    """What went wrong, if anything did: the report is worth printing all the same."""
    for option, path in paths.items():
        try:
            if option == "out":
                write_table(result.per_task, path)
            elif option == "json":
                write_text(result.to_json(), path)
            else:
                from mtlearn.report import report_html  # it takes a second to import

                write_text(report_html(result), path)
        except OSError as error:  # a full disk, say
            return f"--{option}: {path} cannot be written ({error.strerror or error})."
    return ""


def _known(models: list[str] | None) -> list[str] | None:
    names = [part.strip() for value in models or [] for part in value.split(",") if part.strip()]
    for name in names:
        if name != ALL and name.removeprefix("+") not in NAMED:
            raise SourceError(
                f"--models: there is no {name!r}.{did_you_mean(name, NAMED)} There are "
                f"{', '.join(MULTITASK)}, or {ALL}; {' and '.join('+' + one for one in RIVALS)} "
                f"come in addition; the baselines {', '.join(BASELINES)} take part by themselves."
            )
    return names or None
