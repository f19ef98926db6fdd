"""Which models may be as good as the one of least error: of several, the first is partly luck."""

from __future__ import annotations

from typing import Any

import numpy as np

from mtlearn.compare.held_losses import HeldLosses

MISSED = 0.05  # probability at most that the truly best model is not named


def not_surely_worse(held_out: HeldLosses, predictions: dict[str, np.ndarray]) -> list[str]:
    """The model of least held-out loss, and those that are not surely worse, by their loss.

    Each of the K - 1 others is tested against the first, as the verdict is
    (:meth:`~mtlearn.compare.held_losses.HeldLosses.overall`), one-sided at 0.05 / (K - 1). The
    model of least expected loss is left out only where one of K - 1 such tests of it errs, and so
    is among the names with a probability of 0.95 or more, although the first was picked by the
    same losses.

    Parameters
    ----------
    held_out : HeldLosses
        What the predictions are judged by.
    predictions : dict of str to ndarray
        Held-out predictions of each model.

    Returns
    -------
    list of str
        One name or more, the least loss first.

    References
    ----------
    Gupta (1965), On some multiple decision (selection and ranking) rules, Technometrics 7, has
    subsets that hold the best with a given probability; Hsu (1984), Constrained simultaneous
    confidence intervals for multiple comparisons with the best, Annals of Statistics 12, the
    comparison with the one that looks best.

    See Also
    --------
    mtlearn.compare.Comparison : ``as_good`` has the names.
    """
    mean = {
        name: float(np.average(held_out.loss(answer), weights=held_out.size))
        for name, answer in predictions.items()
    }
    first, *others = sorted(mean, key=mean.__getitem__)  # of equal ones the first given
    named = [first]
    for name in others:
        p = held_out.overall(predictions[name], predictions[first]).p_value / 2
        if not p < MISSED / len(others):  # NaN where the losses are the same
            named.append(name)
    return named


def others_in_words(result: Any) -> str:
    """Who is not surely worse than the model of least error, the second half of a sentence."""
    _, *others = result.as_good
    if not others:
        return "all others are surely worse"
    if len(others) == len(result.table) - 1:
        return "no other is surely worse"
    *some, last = others
    return f"not surely worse: {' and '.join([', '.join(some)] * bool(some) + [last])}"


def standing_in_words(result: Any) -> str:
    """Which model of a comparison has the least error, and who is not surely worse."""
    first = result.as_good[0]
    return (
        f"{first} has the least {result.kind.error_name} on held-out rows; "
        f"{others_in_words(result)}."
    )
