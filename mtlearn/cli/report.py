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

from mtlearn.exceptions import counted, shortened

MOST = 5  # tasks listed in each direction,
FEW_TASKS = 3  # and where none of them is sure
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
    color = "green" if result.helps else "yellow"
    console.print(Panel(Text(result.verdict), border_style=color))
    _print_table(_tasks(result), console)
    _print_table(_strangers(result), console)
    console.print(
        f"{escape(result.legend)} Helped, hurt: the task's {result.kind.row_loss} "
        f"differs from that of the baseline of the verdict by more than luck explains (false "
        f"discovery rate 10 %). {escape(result.basis)}",
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
    digits = _digits(result.table[kind.error].min())
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
            *(_shown(row, score, digits) for score in scores),
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
    digits = _digits(result.table[result.kind.error].min())
    for name, row in result.table.iterrows():
        shown = (_shown(row, score, digits, "new_task_") for score in scores)
        table.add_row(Text(shortened(name, LONG)), *shown)
    yield table


def _shown(row: Any, score: Any, digits: int, prefix: str = "") -> str:
    return f"{row[prefix + score.key]:.{3 if score.fixed else digits}f}"


def _titled(title: str) -> Table:
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )


def _tasks(result: Any) -> Iterable[Table]:
    """The tasks that are sure, or where none is those that look so, by their shrunken gain."""
    tasks = result.per_task.sort_values("gain", ascending=False)
    sure = tasks[tasks.verdict != "no evidence"]
    title = f"Helped and hurt most by {_chosen(result)['model']}"
    if len(sure):
        parts = sure[sure.verdict == "helped"].head(MOST), sure[sure.verdict == "hurt"].tail(MOST)
    elif len(tasks) >= 2 * FEW_TASKS and result.gains.std > 0:
        gain, lose = (tasks.gain_probability > 0.5), (tasks.gain_probability < 0.5)
        parts = tasks[gain].head(FEW_TASKS), tasks[lose].tail(FEW_TASKS)
        likely = " and ".join(
            f"to {what}" for what, part in zip(("gain", "lose"), parts, strict=True) if len(part)
        )
        title = f"Not sure of any single task, but most likely {likely}"
    else:
        return
    with_chance = any(part.gain_probability.notna().any() for part in parts)
    for label in (WIDE, LONG, 12, 6):
        yield _tasks_table(result, title, parts, label, with_chance, sure=bool(len(sure)))


def _chosen(result: Any) -> dict[str, str]:
    """What the two sides of the verdict are called: not all folds may have chosen the same."""
    two = {"baseline": result.best_baseline, "model": result.best_model}
    for which, kind in (("baseline", "baseline"), ("model", "multi-task")):
        if (result.table.chosen[result.table.kind == kind] > 0).sum() > 1:
            two[which] = f"chosen {which}"
    return two


def _tasks_table(
    result: Any, title: str, parts: tuple[Any, Any], label: int, with_chance: bool, *, sure: bool
) -> Table:
    """With so many characters of the labels of tasks."""
    table = _titled(title)
    table.add_column(Text(shortened(result.task_name, LONG)), no_wrap=True)
    kind, two = result.kind, _chosen(result)
    headings = [f"{kind.error_name}\n{shortened(name, LONG)}" for name in two.values()]
    for heading in ("rows", *headings, *["chance\nof a gain"] * with_chance):
        table.add_column(Text(heading), justify="right", no_wrap=True)
    if sure:
        table.add_column("", no_wrap=True)
    digits = _digits(result.table[kind.error].min())
    for part, style in zip((parts[0], parts[1].iloc[::-1]), ("green", "red"), strict=True):
        for _, row in part.iterrows():
            errors = [kind.as_error(row[f"loss of the {which}"]) for which in two]
            chance = row.gain_probability
            cells = [Text(shortened(row.task, label)), Text(f"{row.rows:,}")]
            cells += [Text(f"{error:.{digits}f}") for error in errors]
            if with_chance:
                cells.append(Text("·" if math.isnan(chance) else f"{chance:.0%}"))
            if sure:
                cells.append(Text(row.verdict, style))
            table.add_row(*cells)
    return table


def _digits(size: float) -> int:
    """Decimals that show three significant digits or more."""
    return int(min(6, max(0, 2 - math.floor(math.log10(size))))) if size > 0 else 3
