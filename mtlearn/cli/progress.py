"""How far a comparison is: a bar on a terminal, a line now and then in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

EVERY = 5  # seconds between lines where there is no terminal to draw a bar on


@contextmanager
def shown_progress(quiet: bool) -> Iterator[Callable[[Any], None] | None]:
    """A callback for ``compare_tasks`` that says on stderr how far it is and how long it takes."""
    if quiet:
        yield None
        return
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

    def show(told: Any) -> None:
        nonlocal said
        what = getattr(told, "what", "models fitted")
        doing = "fitting models" if what == "models fitted" else what
        bar.update(line, description=doing, completed=told.done, total=told.total, left=told.left)
        if not console.is_terminal and time.monotonic() - said > EVERY:
            said = time.monotonic()
            of = "" if told.total is None else f" of {told.total:,}"
            print(f"mtlearn: {told.done:,}{of} {what}, {told.left}", file=sys.stderr)

    with bar if console.is_terminal else nullcontext():
        yield show
