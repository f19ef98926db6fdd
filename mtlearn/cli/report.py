"""What `mtlearn compare` prints: the table, the verdict, who is helped and hurt most.

A number is never cut: where the terminal is narrow, labels are shortened and scores left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from mtlearn.compare.shown import TellingTasks, digits_for, reading_help, score_text, sides
from mtlearn.compare.standing import standing_in_words
from mtlearn.exceptions import counted, shortened

LONG = 30  # characters of a name of a model, at most
WIDE = 10_000  # characters, more than any table has


def print_report(result: Any, name: str, console: Console) -> None:
    """Print a comparison for a reader who knows the data and not the method."""
    console.print()
    console.print(Text(f"Does learning these {result.n_tasks:,} tasks together help?", "bold"))
    if result.by_column:
        shown = ", ".join(map(str, result.per_task.task[:10])) + ", …" * (result.n_tasks > 10)
        what = f"predicting [bold]{escape(shown)}[/], one task each, for {result.n_rows:,} rows"
    else:
        what = (
            f"predicting [bold]{escape(result.target_name)}[/] for {result.n_rows:,} rows, one "
            f"task for each value of [bold]{escape(result.task_name)}[/]"
        )
    console.print(
        f"{escape(name)}: {what}, {counted(result.n_features, 'feature', 'features')}. "
        f"Every score is on rows held out ({result.n_folds} folds, the same for all models); each "
        "model is tuned without them.",
        highlight=False,
    )
    for note in result.notes:
        console.print(Text(f"Note: {note}", "yellow"))
    _print_table(_models(result), console)
    console.print(Text(standing_in_words(result)))
    color = "green" if result.helps else "yellow"
    console.print(Panel(Text(result.verdict), border_style=color))
    _print_table(_tasks(result), console)
    _print_table(_strangers(result), console)
    console.print(
        escape(reading_help(result)),
        style="dim",
        highlight=False,
    )


def _print_table(tables: Iterable[Table], console: Console) -> None:
    """Print the first that fits, or the last, for the terminal to wrap; nothing where none is."""
    options, printed = console.options.update_width(WIDE), None
    for printed in tables:
        printed.width = Measurement.get(console, options, printed).maximum
        if printed.width <= console.width:
            break
    if printed is not None:
        console.print(printed, crop=False)


def _models(result: Any) -> Iterable[Table]:
    """The table of the models, from the widest to the narrowest."""
    scores = result.kind.shown
    for label in (WIDE, LONG, 12):
        yield _models_table(result, scores, label)
    for label in (12, 6):  # the tasks without evidence are those that are left
        yield _models_table(result, scores, label, with_rest=False)
    for n_scores in range(len(scores) - 1, 0, -1):
        yield _models_table(result, scores[:n_scores], label, with_rest=False)
    yield _models_table(result, scores[:1], 0, with_rest=False)


def _models_table(
    result: Any, scores: tuple[Any, ...], label: int, *, with_rest: bool = True
) -> Table:
    """With some of the scores, and so many characters of the label of the worst task."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("model", no_wrap=True)
    kind = result.kind
    headings = [score.heading for score in scores]
    headings += ["worst\ntask", "p", "helped", "hurt", *["no evi-\ndence"] * with_rest]
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    digits = digits_for(result.table[kind.error].min())
    best = result.table[kind.error].idxmin()
    rows = list(result.table.iterrows())
    for i, (name, row) in enumerate(rows):
        p_value = "<.001" if row.p_value < 0.001 else f"{row.p_value:.3f}"
        against = [p_value, str(row.helped), str(row.hurt), *[str(row.no_evidence)] * with_rest]
        if math.isnan(row.p_value):  # the reference itself
            against = ["·"] * len(against)
        which = f" ({shortened(row.worst_task, label)})" if label else ""
        cells = [
            shortened(name, LONG) + " *" * bool(row.chosen),
            *(score_text(row, score, digits) for score in scores),
            f"{row[f'worst_task_{kind.error}']:.{digits}f}{which}",
            *against,
        ]
        last = i + 1 < len(rows) and row.kind == "baseline" and rows[i + 1][1].kind != "baseline"
        table.add_row(*map(Text, cells), style="bold" if name == best else None, end_section=last)
    table.caption = (
        "* chosen inside the training parts, for the verdict; p, helped and hurt are against the "
        "baseline so chosen"
    )
    if left_out := [score.words for score in kind.shown[len(scores) :]]:
        table.caption += f"; no room for {', '.join(left_out)} (--json has all)"
    table.caption_justify = "left"
    return table


def _strangers(result: Any) -> Iterable[Table]:
    scores = result.kind.new_task_scores
    if f"new_task_{scores[0].key}" not in result.table:
        return
    table = _titled("Tasks never seen (whole tasks held out)")
    table.add_column("model", no_wrap=True)
    for score in scores:
        table.add_column(score.heading, justify="right", no_wrap=True)
    digits = digits_for(result.table[result.kind.error].min())
    for name, row in result.table.iterrows():
        shown = (score_text(row, score, digits, "new_task_") for score in scores)
        table.add_row(Text(shortened(name, LONG)), *shown)
    yield table


def _titled(title: str) -> Table:
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )


def _tasks(result: Any) -> Iterable[Table]:
    """The tasks that tell most, from the widest table to the narrowest."""
    told = TellingTasks.of(result)
    if told is None:
        return
    for label in (WIDE, LONG, 12, 6):
        yield _tasks_table(result, told, label)


def _tasks_table(result: Any, told: TellingTasks, label: int) -> Table:
    """With so many characters of the labels of tasks."""
    table, parts = _titled(told.title), (told.gain, told.lose)
    with_chance = any(part.gain_probability.notna().any() for part in parts)
    table.add_column(Text(shortened(result.task_name, LONG)), no_wrap=True)
    kind, two = result.kind, sides(result)
    headings = [f"{kind.error_name}\n{shortened(name, LONG)}" for name in two.values()]
    for heading in ("rows", *headings, *["chance\nof a gain"] * with_chance):
        table.add_column(Text(heading), justify="right", no_wrap=True)
    if told.sure:
        table.add_column("", no_wrap=True)
    digits = digits_for(result.table[kind.error].min())
    for part, style in zip(parts, ("green", "red"), strict=True):
        for _, row in part.iterrows():
            errors = [kind.as_error(row[f"loss of the {which}"]) for which in two]
            chance = row.gain_probability
            cells = [Text(shortened(row.task, label)), Text(f"{row.rows:,}")]
            cells += [Text(f"{error:.{digits}f}") for error in errors]
            if with_chance:
                cells.append(Text("·" if math.isnan(chance) else f"{chance:.0%}"))
            if told.sure:
                cells.append(Text(row.verdict, style))
            table.add_row(*cells)
    return table
