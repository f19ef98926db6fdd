"""The verdict in plain words; it may say no."""

from __future__ import annotations

from typing import Any

from mtlearn.compare.held_out import CLUSTERS, FEWEST_ROWS, HeldOut
from mtlearn.exceptions import counted

LITTLE = 0.005  # a gain below this share of the null loss (for regressions in R²) is called small
SURE = 0.05  # a p-value above this is taken for luck
FEW = 0.05  # a share of tasks helped up to this is no reason to say yes to some


def is_yes(gain: float, p_value: float) -> bool:
    """Whether learning together helps: the one place that decides it, for words and programs."""
    return bool(gain > 0 and p_value < SURE)


def verdict_in_words(result: Any, overall: tuple[float, float]) -> str:
    """What the table says about learning together.

    ``overall`` is the gain of the best multi-task model over the best baseline, as a share of the
    null loss, and its p-value.
    """
    gain, p_value = overall
    column, label = result.kind.headline
    score, model, baseline = result.table[column], result.best_model, result.best_baseline
    if result.table["kind"][model] == "baseline":
        return (
            f"Only baselines were compared; the best is {baseline} ({label} {score[baseline]:.3f})."
        )
    scores = f"{label} {score[model]:.3f} by {model}, {score[baseline]:.3f} by {baseline}"
    if baseline != "independent":
        scores += f", {score['independent']:.3f} with a model for each task alone"
    helped, hurt = (int(result.table[column][model]) for column in ("helped", "hurt"))
    if is_yes(gain, p_value):
        little = ", but only a little" if gain < LITTLE else ""
        opening, advice = f"Yes, learning together helps{little}", ""
    elif p_value < SURE:
        opening = "No, the multi-task models do worse than the best baseline"
        advice = f" Use {baseline}."
    elif helped > hurt and helped <= FEW * result.n_tasks:
        opening = (
            f"No clear gain overall: the difference to {baseline} may be luck (p = {p_value:.2f})"
        )
        advice = ""
    elif helped > hurt:
        opening = (
            f"For some tasks. Overall the difference to {baseline} may be luck (p = {p_value:.2f})"
        )
        advice = ""
    else:
        opening = (
            f"No, learning together does not help beyond {baseline}: what differs may be luck "
            f"(p = {p_value:.2f})"
        )
        advice = f" Use {baseline}, the simpler one."
    return f"{opening}. Held-out rows: {scores}. {_tasks(result, helped, hurt)}{advice}"


def basis_in_words(held_out: HeldOut) -> str:
    """How the p-value of the verdict comes about, and which tasks can be called the worst."""
    unit = held_out.overall_unit
    why = f"as they are from {CLUSTERS} tasks up"
    if unit != "tasks":
        why = f"tasks are from {CLUSTERS} up"
        if held_out.is_matrix:
            why = "one row answers several tasks"
    few = counted(min(FEWEST_ROWS, int(held_out.rows.max())), "held-out row", "held-out rows")
    return (
        "p is that of a paired t-test of the losses on held-out rows, best multi-task model "
        f"against best baseline, with {unit} as the independent units ({why}); above "
        f"{SURE:g} the difference is taken for luck. The worst task is one with at least {few}."
        + (f" {held_out.kind.pooled_columns}" if held_out.is_matrix else "")
    )


def _tasks(result: Any, helped: int, hurt: int) -> str:
    if helped + hurt == 0:
        return "No single task is helped or hurt with certainty."
    return (
        f"Of {result.n_tasks:,} tasks {helped:,} {_are(helped)} helped and {hurt:,} {_are(hurt)} "
        "hurt; for the others there is no evidence either way."
    )


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
