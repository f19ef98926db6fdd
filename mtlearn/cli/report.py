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

MOST = 5  # tasks listed in each direction


def print_report(result: Any, name: str, console: Console) -> None:
    """Print a comparison for a reader who knows the data and not the method."""
    console.print()
    console.print(Text(f"Does learning these {result.n_tasks:,} tasks together help?", "bold"))
    console.print(
        f"{escape(name)}: predicting [bold]{escape(result.target_name)}[/] for {result.n_rows:,} "
        f"rows, one task for each value of [bold]{escape(result.task_name)}[/], "
        f"{_count(result.n_features, 'feature')}. "
        f"Every score is on rows held out ({result.n_folds} folds, the same for all models); each "
        "model is tuned without them.",
        highlight=False,
    )
    for note in result.notes:
        console.print(Text(f"Note: {note}", "yellow"))
    console.print(_models(result))
    good = result.verdict.startswith("Yes")
    console.print(Panel(Text(result.verdict), border_style="green" if good else "yellow"))
    for table in (_tasks(result), _strangers(result)):
        if table is not None:
            console.print(table)
    console.print(
        "R²: share of the variance explained (1 is perfect, 0 no better than the mean). RMSE: "
        f"typical error, in units of {escape(result.target_name)}; its mean over tasks, and the "
        "worst task (which). Helped, hurt: the task's squared error differs from that of "
        f"{result.best_baseline} by more than luck explains (false discovery rate 10 %).",
        style="dim",
        highlight=False,
    )


def _models(result: Any) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("model", no_wrap=True)
    for column in (
        "R²",
        "RMSE",
        "task\nmean",
        "worst task",
        "helped",
        "hurt",
        "no evi-\ndence",
    ):
        table.add_column(column, justify="right")
    digits = _digits(result.table["rmse"].min())
    best = result.table["rmse"].idxmin()
    rows = list(result.table.itertuples())
    for i, row in enumerate(rows):
        is_reference = row.Index == result.best_baseline
        counts = [row.helped, row.hurt, row.no_evidence]
        if is_reference:
            counts = ["·", "·", "·"]
        cells = [
            f"{row.Index} *" if is_reference else row.Index,
            f"{row.r2:.3f}",
            f"{row.rmse:.{digits}f}",
            f"{row.mean_task_rmse:.{digits}f}",
            f"{row.worst_task_rmse:.{digits}f} ({row.worst_task})",
            *(str(count) for count in counts),
        ]
        last = i + 1 < len(rows) and row.kind == "baseline" and rows[i + 1].kind != "baseline"
        table.add_row(
            *map(Text, cells), style="bold" if row.Index == best else None, end_section=last
        )
    table.caption = "* the best baseline: helped and hurt are said against it"
    table.caption_justify = "left"
    return table


def _strangers(result: Any) -> Table | None:
    if "new_task_r2" not in result.table:
        return None
    table = Table(
        title="Tasks never seen (whole tasks held out)",
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    table.add_column("model")
    for column in ("R²", "RMSE"):
        table.add_column(column, justify="right")
    digits = _digits(result.table["rmse"].min())
    for row in result.table.itertuples():
        table.add_row(row.Index, f"{row.new_task_r2:.3f}", f"{row.new_task_rmse:.{digits}f}")
    return table


def _tasks(result: Any) -> Table | None:
    called = result.per_task[result.per_task.verdict != "no evidence"].sort_values("difference")
    if called.empty:
        return None
    helped = called[called.verdict == "helped"].head(MOST)
    hurt = called[called.verdict == "hurt"].tail(MOST).iloc[::-1]
    table = Table(
        title=f"Helped and hurt most by {result.best_model}",
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    table.add_column(Text(result.task_name))
    for column in ("rows", f"RMSE {result.best_baseline}", f"RMSE {result.best_model}"):
        table.add_column(column, justify="right")
    table.add_column("")
    digits = _digits(result.table["rmse"].min())
    for part, style in ((helped, "green"), (hurt, "red")):
        for _, row in part.iterrows():
            errors = [row[f"loss {m}"] ** 0.5 for m in (result.best_baseline, result.best_model)]
            table.add_row(
                Text(str(row.task)),
                f"{row.rows:,}",
                *(f"{error:.{digits}f}" for error in errors),
                Text(row.verdict, style),
            )
    return table


def _digits(size: float) -> int:
    """Decimals that show three significant digits or more."""
    return int(min(6, max(0, 2 - math.floor(math.log10(size))))) if size > 0 else 3


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
