"""A comparison as one page that needs nothing else: no network, no script, no other file."""

from __future__ import annotations

from os import PathLike
from typing import Any

from mtlearn.compare.record import versions
from mtlearn.compare.shown import reading_help
from mtlearn.compare.standing import standing_in_words
from mtlearn.compare.writing import write_whole
from mtlearn.exceptions import counted
from mtlearn.plotting.drawing import check_matplotlib
from mtlearn.report.markup import Html, joined, tag
from mtlearn.report.pictures import gain_picture, slope_pictures
from mtlearn.report.repeat import code_of
from mtlearn.report.style import STYLE
from mtlearn.report.tables import (
    models_table,
    slopes_table,
    strangers_table,
    tasks_table,
    telling_table,
)

NAMES = {  # of settings, as a reader has them
    "source": "table",
    "target": "target",
    "task": "task",
    "groups": "groups",
    "drop": "left out",
    "encoding": "encoding",
    "decimal": "decimal mark",
    "sheet": "sheet",
    "models": "models",
    "kind": "kind",
    "bad_cells": "bad cells",
    "cv": "folds",
    "new_tasks": "whole tasks held out too",
    "time_budget": "seconds at most",
    "full": "all tasks however long",
    "random_state": "seed",
}
# nothing is fetched and nothing runs, whatever a name in the table may be
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def report_html(result: Any) -> str:
    """A comparison as one HTML page: verdict, tables, pictures, what was done, how to repeat it.

    The page fetches nothing and runs nothing; pictures are inside it, names from the table are
    escaped. It reads on a phone and on a desk, on white and on black.

    Parameters
    ----------
    result : mtlearn.compare.Comparison
        What :func:`mtlearn.compare_tasks` returned.

    Returns
    -------
    str

    Raises
    ------
    ImportError
        If matplotlib is not installed (the extra ``plot``).

    See Also
    --------
    save_report : Writes it to a file.
    mtlearn.compare.Comparison.to_json : The same for programs.

    Examples
    --------
    >>> from mtlearn import compare_tasks
    >>> from mtlearn.datasets import load_exam
    >>> from mtlearn.report import report_html
    >>> exam = load_exam()
    >>> rows = exam.task.isin(exam.task.unique()[:12])
    >>> result = compare_tasks(
    ...     exam.data[rows], exam.target[rows], task=exam.task[rows], models=["mean-regularized"]
    ... )
    >>> page = report_html(result)
    >>> page.startswith("<!DOCTYPE html>"), "http:" in page
    (True, False)
    """
    check_matplotlib()
    title = f"{result.target_name} by {result.task_name}: does learning together help?"
    if result.by_column:
        title = f"{result.n_tasks:,} targets: does learning together help?"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("title", title),
        tag("style", Html(STYLE)),
    )
    body = tag("body", tag("main", *_opening(result), *_sections(result)))
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"


def save_report(result: Any, path: str | PathLike[str]) -> None:
    """Write :func:`report_html` to a file, whole or not at all.

    Parameters
    ----------
    result : mtlearn.compare.Comparison
        What :func:`mtlearn.compare_tasks` returned.
    path : str or path-like
        The file; an existing one is replaced when the new one is complete.

    Raises
    ------
    ImportError
        If matplotlib is not installed (the extra ``plot``).
    OSError
        If the file cannot be written.

    See Also
    --------
    report_html : The page as text.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from mtlearn import compare_tasks
    >>> from mtlearn.datasets import load_sleepstudy
    >>> from mtlearn.report import save_report
    >>> study = load_sleepstudy()
    >>> result = compare_tasks(
    ...     study.data, study.target, task=study.task, models=["pooled", "random-slopes"]
    ... )
    >>> page = Path(tempfile.mkdtemp()) / "page.html"
    >>> save_report(result, page)
    >>> page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    True
    """
    write_whole(path, report_html(result).encode("utf-8", "replace"))


def _opening(result: Any) -> list[Any]:
    """The question, what it was asked of, and the answer."""
    if result.by_column:
        names = [str(task) for task in result.per_task["task"][:10]]
        what = f"{', '.join(names)}{', …' * (result.n_tasks > 10)}, one task each"
    else:
        what = f"{result.target_name}, one task for each value of {result.task_name}"
    asked = (
        f"Predicting {what}: {result.n_rows:,} rows, "
        f"{counted(result.n_features, 'feature', 'features')}. Every score is on rows held out "
        f"({result.n_folds} folds, the same for all models); each model is tuned without them."
    )
    return [
        tag("h1", f"Does learning these {result.n_tasks:,} tasks together help?"),
        tag("p", asked),
        tag("p", result.verdict, class_=f"verdict{' yes' * result.helps}"),
        *(tag("p", f"Note: {note}", class_="note") for note in result.notes),
    ]


def _sections(result: Any) -> list[Any]:
    parts = [
        _section(
            "Models",
            models_table(result),
            tag("p", standing_in_words(result)),
            tag("p", reading_help(result), class_="soft"),
        ),
        _section("Who gains", gain_picture(result), telling_table(result), _all_tasks(result)),
    ]
    slopes = slopes_table(result)
    if slopes is not None:
        pictures = tag("div", *slope_pictures(result), class_="pictures")
        parts.append(_section("In which features tasks differ", pictures, slopes))
    strangers = strangers_table(result)
    if strangers is not None:
        parts.append(_section("Tasks never seen", strangers))
    return [*parts, _done(result), _again(result)]


def _section(heading: str, *content: Any) -> Html:
    return tag("section", tag("h2", heading), *content)


def _all_tasks(result: Any) -> Html:
    summary = tag("summary", f"All {result.n_tasks:,} tasks")
    return tag("details", summary, tasks_table(result))


def _done(result: Any) -> Html:
    """Settings and versions, for the record."""
    said: dict[str, Any] = {
        "rows": f"{result.n_rows:,}",
        "tasks": f"{result.n_tasks:,}",
        "features": f"{result.n_features:,}",
        "outer folds": result.n_folds,
    }
    for name, value in result.settings.items():
        if value is None or value == [] or name == "cv":
            continue
        words = ", ".join(map(str, value)) if isinstance(value, list | tuple) else value
        words = {True: "yes", False: "no"}[words] if isinstance(words, bool) else words
        words = f"{words:g}" if isinstance(words, float) else words
        said[NAMES.get(name, name)] = words
    said["loss of a constant"] = f"{result.null_loss:.4g} ({result.kind.row_loss})"
    said |= {"versions": ", ".join(f"{name} {number}" for name, number in versions().items())}
    lines = (joined([tag("dt", name), tag("dd", value)]) for name, value in said.items())
    return _section("What was done", tag("dl", *lines))


def _again(result: Any) -> Html:
    return _section("Do it again", tag("pre", tag("code", code_of(result)), tabindex="0"))
