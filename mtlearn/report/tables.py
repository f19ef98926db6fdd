"""The tables of a report: models, tasks, features in which they differ, strangers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from mtlearn.compare.shown import TellingTasks, digits_for, score_text, sides
from mtlearn.exceptions import plain
from mtlearn.report.markup import Html, table

NOTHING = "–"


def models_table(result: Any) -> Html:
    """A row for each model, those of the verdict marked."""
    kind, shown = result.kind, result.kind.shown
    digits, best = _digits(result), result.table[result.kind.error].idxmin()
    headings = ["model", *(score.words for score in shown), "worst task", "which", "p"]
    headings += ["helped", "hurt", "no evidence"]

    def rows() -> Iterator[tuple[str | None, list[str]]]:
        for name, row in result.table.iterrows():
            against = [NOTHING] * 4
            if not math.isnan(row.p_value):  # the reference itself
                counts = (f"{row[said]:,}" for said in ("helped", "hurt", "no_evidence"))
                against = [_p_value(row.p_value), *counts]
            yield (
                "best" if name == best else None,
                [
                    f"{name}{' *' * bool(row.chosen)}",
                    *(_known(score_text(row, score, digits)) for score in shown),
                    _number(row[f"worst_task_{kind.error}"], digits),
                    _label(row.worst_task),
                    *against,
                ],
            )

    caption = (
        "Scores on held-out rows. * chosen inside the training parts, for the verdict; p, helped "
        "and hurt are against the baseline so chosen; the best in bold"
    )
    return table(caption, headings, rows(), texts=[headings.index("which")])


def telling_table(result: Any) -> Html | None:
    """The tasks that are helped and hurt most, if any."""
    told = TellingTasks.of(result)
    if told is None:
        return None
    rows = [row for part in (told.gain, told.lose) for _, row in part.iterrows()]
    return _tasks_table(result, told.title, rows)


def tasks_table(result: Any) -> Html:
    """All tasks, the largest gain first."""
    tasks = result.per_task.sort_values("gain", ascending=False, kind="stable")
    caption = (
        "All tasks, the largest gain first. What is expected is what the errors show, pulled to "
        "the gains of the other tasks where a task has few rows"
    )
    return _tasks_table(result, caption, tasks.to_dict("records"))


def _tasks_table(result: Any, caption: str, tasks: Any) -> Html:
    kind, two, digits = result.kind, sides(result), _digits(result)
    headings = [result.task_name, "rows", *(f"{kind.error_name}, {two[which]}" for which in two)]
    # what the errors beside it show is pulled to the other tasks, and may change its sign
    headings += [f"expected gain in {kind.row_loss}", "chance of a gain", "verdict"]

    def rows() -> Iterator[tuple[str | None, list[str]]]:
        for row in tasks:
            errors = (kind.as_error(row[f"loss of the {which}"]) for which in two)
            said = str(row["verdict"])
            chance = row["gain_probability"]
            yield (
                said if said in ("helped", "hurt") else None,
                [
                    _label(row["task"]),
                    f"{row['rows']:,}",
                    *(_number(error, digits) for error in errors),
                    _signed(row["gain"]),
                    NOTHING if math.isnan(chance) else f"{chance:.0%}",
                    said,
                ],
            )

    return table(caption, headings, rows(), texts=[len(headings) - 1])


def slopes_table(result: Any) -> Html | None:
    """In which features tasks differ, the most first."""
    slopes = result.slopes
    if slopes is None:
        return None
    several = "class" in slopes
    slopes = slopes.sort_values("std", ascending=False, kind="stable")
    headings = ["feature", *["class"] * several, "mean", "std over tasks", "the other way", "unit"]
    rows = (
        (
            None,
            [
                str(row["feature"]),
                *([_label(row["class"])] if several else []),
                _three(row["mean"]),
                _three(row["std"]),
                NOTHING if math.isnan(row["other_sign"]) else f"{row['other_sign']:.0%}",
                _three(row["unit"]),
            ],
        )
        for row in slopes.to_dict("records")
    )
    caption = (
        "Random slopes on all rows: what one standard deviation (unit) of a feature does, and the "
        "share of tasks in which it does the opposite"
    )
    return table(caption, headings, rows, texts=[1] if several else [])


def strangers_table(result: Any) -> Html | None:
    """Scores on tasks that were held out whole, where they were."""
    scores = result.kind.new_task_scores
    if f"new_task_{scores[0].key}" not in result.table:
        return None
    digits = _digits(result)
    rows = (
        (None, [str(name), *(_known(score_text(row, s, digits, "new_task_")) for s in scores)])
        for name, row in result.table.iterrows()
    )
    caption = "Tasks never seen: whole tasks held out"
    return table(caption, ["model", *(score.words for score in scores)], rows)


def _digits(result: Any) -> int:
    return digits_for(result.table[result.kind.error].min())


def _label(label: Any) -> str:
    return str(plain(label))


def _known(text: str) -> str:
    return NOTHING if text == "nan" else text.replace("-", "−")


def _number(value: float, digits: int) -> str:
    return _known(f"{value:.{digits}f}")


def _three(value: float) -> str:
    if math.isinf(value):
        return "∞"
    return _known(f"{value:.3g}")


def _signed(value: float) -> str:
    return _known(f"{value:+.3g}")


def _p_value(value: float) -> str:
    return "<.001" if value < 0.001 else f"{value:.3f}"
