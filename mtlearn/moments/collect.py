"""From chunks of rows to moments, in one pass."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from numbers import Integral
from pathlib import Path
from typing import Any

from sklearn.utils.validation import check_is_fitted

from mtlearn.inputs.batches import chunks_of
from mtlearn.moments.blocks import collect_blocks
from mtlearn.moments.chunks import ChunkReader
from mtlearn.moments.equal_rows import warn_of_equal
from mtlearn.moments.gathering import Gathering
from mtlearn.moments.task_moments import TaskMoments
from mtlearn.table import TableEncoder


def collect_moments(
    chunks: Any,
    *,
    task_column: Any = None,
    target_column: Any = None,
    weight_column: Any = None,
    encoder: Any = None,
    n_folds: int | None = None,
    group_column: Any = None,
    folder: Any = None,
) -> TaskMoments:
    """The moments of every task from chunks of rows, in one pass.

    For the squared loss they are all that a fit needs to know, and they take T (d + 1)² numbers
    (times ``n_folds``), whatever the number of rows::

        sum_i s_i      z̄ = sum_i s_i z_i / sum_i s_i      sum_i s_i (z_i - z̄)(z_i - z̄)'

    of z = (x, y) of each task. Tasks may appear at any time. In memory are one chunk, and rows of
    small ones that wait until they take 4 MB, or a quarter of what the moments take.

    Parameters
    ----------
    chunks : iterable of chunks, or path
        A chunk is a data frame (pandas, polars, pyarrow, …) that holds ``target_column``, or a
        tuple (X, y), (X, y, task) or (X, y, task, sample_weight); y of several targets is 2-D,
        NaN where not observed. A path is that of a Parquet or CSV file, or of a folder of such
        files (``pyarrow``). A dataset of pyarrow is taken as well.
    task_column : str or int, default=None
        Column that labels the tasks.
    target_column : str or list of str, default=None
        Column of the target, in chunks that are frames; a list makes each column a task.
    weight_column : str or int, default=None
        Column of sample weights.
    encoder : TableEncoder, default=None
        Fitted, on a sample of the table: it makes numbers of text, categories and missing values.
        Levels that it does not know count as rare or as none, with a warning. A table pipeline
        needs it, and is standardised by what all rows say, not by the sample.
    n_folds : int, default=None
        Deal the rows to so many folds, for a cross-validated model. A hash of the row says to
        which, so that folds do not depend on how rows are cut into chunks, nor on the library, nor
        on the order of columns that have names.
    group_column : str or int, default=None
        Column of groups that no fold tears apart; that of the tasks keeps tasks whole. It is no
        feature.
    folder : str or path, default=None
        A new or empty folder, for more moments than memory: rows are sorted by task through files
        there, the moments of blocks of tasks are made one after the other, and their scatters stay
        there. In memory are a chunk, one block and some 5 d numbers a task. Rows need task labels,
        and there are no folds. :meth:`TaskMoments.load` reads the folder again.

    Returns
    -------
    TaskMoments

    Raises
    ------
    ValueError
        If a chunk cannot be used, or has other columns, targets or kinds of labels than the first;
        the message begins with its number, from 0. If there is no row with a target. If the
        moments would take more than the memory of the machine, or than the disk of ``folder`` has.
    TypeError
        If ``chunks`` are no chunks, or ``encoder`` is none.
    ImportError
        If a path is given and pyarrow is missing.

    Warns
    -----
    MissingTargetWarning
        Where rows have no target.
    UserWarning
        Where so many rows of folds are equal that held-out errors come out too large.

    See Also
    --------
    fit_moments : Fits a model to moments.
    TaskMoments : What they can be asked for; they add up.

    References
    ----------
    Chan, Golub and LeVeque (1979). Updating formulae and a pairwise algorithm for computing
    sample variances. Stanford University, STAN-CS-79-773.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import MeanRegularizedRegressor, collect_moments, fit_moments
    >>> rng = np.random.default_rng(0)
    >>> def chunks():
    ...     for _ in range(10):
    ...         X, task = rng.normal(size=(100, 3)), rng.integers(20, size=100)
    ...         yield X, X @ [1, 2, 3] + task + rng.normal(size=100), task
    >>> moments = collect_moments(chunks())
    >>> moments
    <TaskMoments: 1,000 rows of 20 tasks, 3 features, 0.00240 MB>
    >>> model = fit_moments(MeanRegularizedRegressor(alpha="auto"), moments)
    >>> model.mean_coef_.round()
    array([1., 2., 3.])
    """
    if n_folds is not None and folder is not None:
        raise ValueError(
            f"n_folds={n_folds} would keep {n_folds} times the moments, and folder=... is for more "
            'of them than memory. Leave n_folds out, and estimate the strength (alpha="auto", '
            "RandomSlopesRegressor), or collect folds of some of the tasks to search it."
        )
    if folder is not None and isinstance(chunks, str | Path):
        rows, blocks = Path(chunks).resolve(), Path(folder).resolve()
        if rows == blocks or rows in blocks.parents:
            raise ValueError(
                f"folder={str(folder)!r} is inside {str(chunks)!r}, whose files are rows, and the "
                "next pass would read the blocks as rows. Give a folder beside it."
            )
    encoder = deepcopy(encoder)  # a pipeline that has it is scaled anew when it is fitted
    found = gathering(
        task_column, target_column, weight_column, encoder, n_folds, group_column=group_column
    )
    chunks = chunks_of(chunks, (task_column, group_column))
    if folder is not None:
        return collect_blocks(chunks, found.reader, found.n_numbers, folder, task_column)
    return collected(chunks, found, task_column, encoder)


def collected(
    chunks: Iterable[Any], found: Gathering, task_column: Any, encoder: Any
) -> TaskMoments:
    """The moments of chunks that are all of one kind, by what takes them in.

    Raises
    ------
    ValueError
        If there is nothing to collect.
    """
    for chunk in chunks:
        found.add(chunk)
    found.flush()
    if not found.folds:
        raise ValueError(
            "no chunk has a row with an observed target and a weight above zero; nothing to "
            "collect. Is the iterator used up, or the target missing everywhere?"
        )
    found.reader.left_out.say(several=found.reader.targets is not None)
    moments = TaskMoments._gathered(found, task_column, encoder)
    warn_of_equal(moments)
    return moments


def gathering(
    task_column: Any = None,
    target_column: Any = None,
    weight_column: Any = None,
    encoder: Any = None,
    n_folds: int | None = None,
    *,
    group_column: Any = None,
) -> Gathering:
    """What takes chunks in, of the options of :func:`collect_moments`.

    Raises
    ------
    ValueError
        If ``n_folds`` is not allowed, or the encoder is not fitted.
    TypeError
        If the encoder is none.
    """
    if n_folds is not None and not (isinstance(n_folds, Integral) and n_folds >= 2):
        raise ValueError(f"n_folds={n_folds!r} is not allowed; it must be None or a number >= 2.")
    whole = "rows"
    if group_column is not None:
        whole = "tasks" if group_column == task_column else "groups"
    if encoder is not None:
        if not isinstance(encoder, TableEncoder):
            raise TypeError(
                f"encoder is a {type(encoder).__name__}; give a TableEncoder fitted to a sample of "
                "the table, which is a frame without the target."
            )
        check_is_fitted(encoder)
    reader = ChunkReader(
        task_column,
        target_column,
        weight_column,
        group_column if whole == "groups" else None,
        encoder,
    )
    return Gathering(
        reader,
        None if n_folds is None else int(n_folds),
        whole,
        None if encoder is None else len(encoder.numbers_),
    )
