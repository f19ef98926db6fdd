"""The verdict in plain words; it may say no."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlearn.compare.choice import Choice
from mtlearn.compare.gains import TaskGains
from mtlearn.compare.held_losses import CLUSTERS, FEWEST_ROWS, HeldLosses, Overall
from mtlearn.compare.kinds import Kind
from mtlearn.compare.slopes import slopes_in_words
from mtlearn.compare.standing import MISSED
from mtlearn.exceptions import counted

LITTLE = 0.005  # a gain below this share of the null loss (for regressions in R²) is called small
SURE = 0.05  # a p-value above this is taken for luck
FEW = 0.05  # a share of tasks helped up to this is no reason to say yes to some
NAMED = 5  # tasks named in a sentence


@dataclass(frozen=True)
class Finding:
    """What the verdict speaks of: the chosen multi-task model against the chosen baseline."""

    model: Choice
    baseline: Choice
    scores: list[float]  # headline score of model, of baseline, of a model for each task alone
    overall: Overall
    gains: TaskGains
    counts: dict[str, int]  # tasks helped, hurt, no_evidence
    harmed: list[str]  # tasks that the baseline hurts against a model for each alone
    only_baselines: bool = False
    slopes: Any = None  # a frame: in which features tasks differ


def is_yes(overall: Overall) -> bool:
    """Whether learning together helps: the one place that decides it, for words and programs."""
    return bool(overall.share > 0 and overall.p_value < SURE)


def verdict_in_words(found: Finding, kind: Kind) -> str:
    """What the comparison says about learning together."""
    label = kind.headline[1]
    model, baseline, alone = (f"{score:.3f}" for score in found.scores)
    if found.only_baselines:
        return (
            f"Only baselines were compared; the best is {found.baseline.words('baseline')} "
            f"({label} {baseline})."
        )
    scores = (
        f"{label} {model} by {found.model.words('multi-task model')}, {baseline} by "
        f"{found.baseline.words('baseline')}"
    )
    if set(found.baseline.names) != {"independent"}:
        scores += f", {alone} with a model for each task alone"
    opening, advice = _opening(found)
    sentences = [
        opening,
        f"Held-out rows: {scores}",
        _sure_tasks(**found.counts),
        _all_tasks(found, kind),
        _harmed(found),
        slopes_in_words(found.slopes),
        advice,
    ]
    return " ".join(f"{sentence}." for sentence in sentences if sentence)


def _opening(found: Finding) -> tuple[str, str]:
    """Yes or no, and what to do then."""
    p, use = _p(found.overall.p_value), f"Use {found.baseline.name}"
    baseline = found.baseline.name if found.baseline.is_one else "the baselines"
    helped, hurt = found.counts["helped"], found.counts["hurt"]
    n_tasks = sum(found.counts.values())
    if is_yes(found.overall):
        little = ", but only a little" if found.overall.share < LITTLE else ""
        return f"Yes, learning together helps{little} ({p})", ""
    if found.overall.p_value < SURE:
        return f"No, the multi-task models do worse than {baseline} ({p})", use
    luck = f"the difference to {baseline} may be luck ({p})"
    if helped > hurt and helped <= FEW * n_tasks:
        return f"No clear gain overall: {luck}", ""
    if helped == n_tasks:  # called at a level that is not that of the overall test
        return f"Perhaps: {luck}", ""
    if helped > hurt:
        return f"For some tasks. Overall {luck}", ""
    return (
        f"No, learning together does not help beyond {baseline}: what differs may be luck ({p})",
        f"{use}, the simpler one",
    )


def _p(value: float) -> str:
    if np.isnan(value):
        return "no p-value"
    return "p < 0.001" if value < 0.001 else f"p = {value:.{3 if value < 0.1 else 2}f}"


def _sure_tasks(helped: int, hurt: int, no_evidence: int) -> str:
    n_tasks = helped + hurt + no_evidence
    if helped + hurt == 0:
        return "No single task is helped or hurt with certainty"
    said = [
        f"{count:,} {'is' if count == 1 else 'are'} {what}"
        for count, what in ((helped, "helped"), (hurt, "hurt"))
        if count
    ]
    said[0] = said[0].replace(" ", f" of {n_tasks:,} tasks ", 1)
    others = ""
    if no_evidence:
        rest = "one" if no_evidence == 1 else f"{no_evidence:,}"
        others = f"; for the other {rest} there is no evidence either way"
    return " and ".join(said) + others


def _all_tasks(found: Finding, kind: Kind) -> str:
    """Of tasks too small to be sure of, what all of them say together."""
    gains, n_tasks = found.gains, int((~np.isnan(found.gains.posterior_mean)).sum())
    if n_tasks > 2 and gains.std == 0:
        mean, error = found.overall.gain, found.overall.standard_error
        return (
            f"Tasks do not measurably differ in gain: {mean:.2g} ± {error:.1g} in {kind.row_loss} "
            "on average"
        )
    if n_tasks < CLUSTERS or np.isnan(gains.share):
        return ""
    low, share, high = (f"{x:.0%}" for x in (gains.share_low, gains.share, gains.share_high))
    return (
        f"Of all tasks together, sure or not, an estimated {share} gain (95% interval {low} to "
        f"{high})"
    )


def _harmed(found: Finding) -> str:
    if not found.harmed:
        return ""
    names = ", ".join(found.harmed[:NAMED]) + ", …" * (len(found.harmed) > NAMED)
    said = counted(
        len(found.harmed),
        "task that a model of its own serves better",
        "tasks that models of their own serve better",
    )
    who = found.baseline.name if found.baseline.is_one else "The baseline that each fold chose"
    return f"{who} hurts {said}: {names}"


def basis_in_words(held_out: HeldLosses) -> str:
    """How the p-value of the verdict comes about, and which tasks can be called the worst."""
    unit, raised = held_out.overall_unit, ""
    why = f"as they are from {CLUSTERS} tasks up"
    if unit != "tasks":
        raised = (
            " and their variance raised for the training rows that folds share, as in the tests of "
            "single tasks"
        )
        why = f"tasks are from {CLUSTERS} up"
        if not held_out.stacked:
            why = "one row answers several tasks"
    few = counted(min(FEWEST_ROWS, int(held_out.rows.max())), "held-out row", "held-out rows")
    return (
        "Each fold chose the multi-task model and the baseline of the verdict by inner folds of "
        "its training rows. p is that of a paired t-test of their losses on held-out rows, with "
        f"{unit} as the independent units ({why}){raised}; above {SURE:g} the difference is taken "
        "for luck. Surely worse than the model of least error is what such a test, one-sided, "
        f"finds worse at {MISSED:g} over the number of the others: the truly best one is among the "
        f"rest with a probability of {1 - MISSED:.0%}. The worst task is one with at least {few}."
        + held_out.basis
        + ("" if held_out.stacked else f" {held_out.kind.pooled_columns}")
    )
