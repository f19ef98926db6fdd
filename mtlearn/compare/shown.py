"""What a report shows of a comparison, on a terminal or on a page: which tasks, how many digits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

MOST = 5  # tasks listed in each direction,
FEW_TASKS = 3  # and where none of them is sure


@dataclass(frozen=True)
class TellingTasks:
    """The tasks that are sure, or where none is those that look so, by their shrunken gain."""

    title: str
    gain: Any  # rows of per_task, the largest gain first
    lose: Any  # the largest loss first
    sure: bool

    @classmethod
    def of(cls, result: Any) -> TellingTasks | None:
        """None where there is nothing to tell."""
        tasks = result.per_task.sort_values("gain", ascending=False)
        sure = tasks[tasks.verdict != "no evidence"]
        if len(sure):
            helped, hurt = (sure[sure.verdict == said] for said in ("helped", "hurt"))
            title = f"Helped and hurt most by {sides(result)['model']}"
            return cls(title, helped.head(MOST), hurt.tail(MOST).iloc[::-1], True)
        if len(tasks) < 2 * FEW_TASKS or not result.gains.std > 0:
            return None
        gain = tasks[tasks.gain_probability > 0.5].head(FEW_TASKS)
        lose = tasks[tasks.gain_probability < 0.5].tail(FEW_TASKS).iloc[::-1]
        likely = " and ".join(
            f"to {what}" for what, part in (("gain", gain), ("lose", lose)) if len(part)
        )
        return cls(f"Not sure of any single task, but most likely {likely}", gain, lose, False)


def sides(result: Any) -> dict[str, str]:
    """What the two sides of the verdict are called: not all folds may have chosen the same."""
    two = {"baseline": result.best_baseline, "model": result.best_model}
    for which, kind in (("baseline", "baseline"), ("model", "multi-task")):
        if (result.table.chosen[result.table.kind == kind] > 0).sum() > 1:
            two[which] = f"chosen {which}"
    return two


def score_text(row: Any, score: Any, digits: int, prefix: str = "") -> str:
    """A score of a model as it is shown."""
    return f"{row[prefix + score.key]:.{3 if score.fixed else digits}f}"


def digits_for(size: float) -> int:
    """Decimals that show three significant digits or more."""
    return int(min(6, max(0, 2 - math.floor(math.log10(size))))) if size > 0 else 3


def reading_help(result: Any) -> str:
    """What the scores and the words of a report mean."""
    return (
        f"{result.legend} Helped, hurt: the task's {result.kind.row_loss} differs from that of the "
        "baseline of the verdict by more than luck explains (false discovery rate 10 %). "
        f"{result.basis}"
    )
