"""What `mtlearn compare` prints: the table, the verdict, who is helped and hurt most."""

from __future__ import annotations

import math
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from mtlearn.exceptions import counted

MOST = 5  # tasks listed in each direction,
FEW_TASKS = 3  # and where none of them is sure


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
    console.print(_models(result))
    color = "green" if result.helps else "yellow"
    console.print(Panel(Text(result.verdict), border_style=color))
    for table in (_tasks(result), _strangers(result)):
        if table is not None:
            console.print(table)
    console.print(
        f"{escape(result.kind.legend(result))} Helped, hurt: the task's {result.kind.row_loss} "
        f"differs from that of the baseline of the verdict by more than luck explains (false "
        f"discovery rate 10 %). {escape(result.basis)}",
        style="dim",
        highlight=False,
    )


def _models(result: Any) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("model", no_wrap=True)
    kind = result.kind
    headings = [score.heading for score in kind.shown]
    for heading in (*headings, "worst task", "p", "helped", "hurt", "no evi-\ndence"):
        table.add_column(heading, justify="right")
    digits = _digits(result.table[kind.error].min())
    best = result.table[kind.error].idxmin()
    rows = list(result.table.iterrows())
    for i, (name, row) in enumerate(rows):
        p_value = "<.001" if row.p_value < 0.001 else f"{row.p_value:.3f}"
        against = [p_value, *map(str, (row.helped, row.hurt, row.no_evidence))]
        if math.isnan(row.p_value):  # the reference itself
            against = ["·"] * 4
        cells = [
            f"{name} *" if row.chosen else name,
            *(_shown(row, score, digits) for score in kind.shown),
            f"{row[f'worst_task_{kind.error}']:.{digits}f} ({row.worst_task})",
            *against,
        ]
        last = i + 1 < len(rows) and row.kind == "baseline" and rows[i + 1][1].kind != "baseline"
        table.add_row(*map(Text, cells), style="bold" if name == best else None, end_section=last)
    table.caption = (
        "* chosen inside the training parts, for the verdict; p, helped and hurt are against the "
        "baseline so chosen"
    )
    table.caption_justify = "left"
    return table


def _strangers(result: Any) -> Table | None:
    scores = result.kind.new_task_scores
    if f"new_task_{scores[0].key}" not in result.table:
        return None
    table = Table(
        title="Tasks never seen (whole tasks held out)",
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    table.add_column("model")
    for score in scores:
        table.add_column(score.heading, justify="right")
    digits = _digits(result.table[result.kind.error].min())
    for name, row in result.table.iterrows():
        table.add_row(name, *(_shown(row, score, digits, "new_task_") for score in scores))
    return table


def _shown(row: Any, score: Any, digits: int, prefix: str = "") -> str:
    return f"{row[prefix + score.key]:.{3 if score.fixed else digits}f}"


def _tasks(result: Any) -> Table | None:
    """The tasks that are sure, or where none is those that look so, by their shrunken gain."""
    tasks = result.per_task.sort_values("gain", ascending=False)
    sure = tasks[tasks.verdict != "no evidence"]
    title = f"Helped and hurt most by {result.best_model}"
    if len(sure):
        parts = sure[sure.verdict == "helped"].head(MOST), sure[sure.verdict == "hurt"].tail(MOST)
    elif len(tasks) >= 2 * FEW_TASKS and result.gains.std > 0:
        title = "Not sure of any single task, but most likely to gain and to lose"
        parts = tasks.head(FEW_TASKS), tasks.dropna(subset="gain").tail(FEW_TASKS)
    else:
        return None
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    table.add_column(Text(result.task_name))
    kind, two = result.kind, {"baseline": result.best_baseline, "model": result.best_model}
    for column in ("rows", *(f"{kind.error_name} {name}" for name in two.values())):
        table.add_column(column, justify="right")
    table.add_column("chance\nof a gain", justify="right")
    table.add_column("")
    digits = _digits(result.table[kind.error].min())
    for part, style in zip((parts[0], parts[1].iloc[::-1]), ("green", "red"), strict=True):
        for _, row in part.iterrows():
            errors = [kind.as_error(row[f"loss of the {which}"]) for which in two]
            chance = row.gain_probability
            table.add_row(
                Text(str(row.task)),
                f"{row.rows:,}",
                *(f"{error:.{digits}f}" for error in errors),
                "·" if math.isnan(chance) else f"{chance:.0%}",
                Text(row.verdict, style if len(sure) else ""),
            )
    return table


def _digits(size: float) -> int:
    """Decimals that show three significant digits or more."""
    return int(min(6, max(0, 2 - math.floor(math.log10(size))))) if size > 0 else 3
