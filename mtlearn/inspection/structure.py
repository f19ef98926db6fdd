"""What a fitted model says of its tasks: features that differ, tasks far off, rank, certificate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlearn.exceptions import counted
from mtlearn.inputs.checks import check_flag
from mtlearn.inputs.frames import library_of, new_frame
from mtlearn.inspection.fitted import FittedTasks
from mtlearn.inspection.metric import expected_square, lines, metric_of

FAR = 3.5  # modified z-score from which Iglewicz and Hoaglin (1993) call a value an outlier
FEWEST_TASKS = 4  # of which a median and a deviation from it say something
ROUNDING = 1e-10  # of the largest coefficient, or singular value: what is smaller is zero
NAMED = 5  # features and tasks in the text
CERTIFICATE = (
    "dual_gap_",
    "stationarity_",
    "gradient_norm_",
    "n_iter_",
    "alpha_",
    "alpha_intercept_",
)


@dataclass(frozen=True, eq=False)
class StructureReport:
    """What :func:`structure_report` found; ``print`` it for a text.

    Attributes
    ----------
    features : data frame
        One row a feature (and class): ``feature``, ``shared``, ``spread``, ``effect``,
        ``n_tasks_used`` and, of dirty models, ``n_specific``.
    tasks : data frame
        One row a task, outliers first: ``task``, ``n_rows``, ``distance``, ``z``, ``is_outlier``.
    singular_values : data frame
        Of V: ``component``, ``value``, ``energy``.
    rank : int
        Of V.
    energy_joint, energy_specific : float
        Shares of the two parts of a dirty model; NaN for others.
    units : {"prediction", "coefficients"}
        Of ``distance``: over the rows of X, or without X of the coefficients as if columns were
        standardised and uncorrelated.
    certificate : dict
        Of the fit: the duality gap reached, ``tol``, iterations, strengths.
    words : tuple of str
        The sentences that are printed: how many tasks and features, which features differ, which
        tasks are outliers, the rank, how much is specific, the certificate.

    Examples
    --------
    >>> from mtlearn import RandomSlopesRegressor
    >>> from mtlearn.datasets import load_sleepstudy
    >>> from mtlearn.inspection import structure_report
    >>> study = load_sleepstudy()
    >>> model = RandomSlopesRegressor().fit(study.data, study.target, task=study.task)
    >>> report = structure_report(model, study.data)
    >>> report.features.round(1)
      feature  shared  spread  effect  n_tasks_used
    0    Days    10.5     5.2    14.9            18
    >>> report.tasks["task"].tolist()[:2]
    [309, 337]
    """

    features: Any
    tasks: Any
    singular_values: Any
    rank: int
    energy_joint: float
    energy_specific: float
    units: str
    certificate: dict[str, Any]
    words: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(self.words)


def structure_report(
    model: Any, X: Any = None, *, task: Any = None, original_units: bool = True
) -> StructureReport:
    """Which features differ between tasks, which tasks are outliers, how many directions there are.

    With D_t = (level, slopes) of task t at x̄ less those of the shared model, and M the second
    moment of (1, x - x̄) over the rows of X, the distance of a task in units of the prediction is

        distance_t = (D_t' M D_t)^½,

    the root mean square over all rows of the difference between its scores and those of the shared
    model. How sure it is that a task is an outlier says z, the modified z-score of its

        u_t = (distance_t² / E distance_t²)^⅓,        z_t = (u_t - median u) / (1.4826 MAD u).

    The expectation is what the model finds of a task of as many rows if it is one of many, where
    the model says it (random slopes and mean-regularised models, which pull tasks of few rows to
    the shared model; for the others it is the same for all tasks). The cube root makes a sum of
    squares of normal variables nearly normal. From z = 3.5 on a task is called an outlier.

    Parameters
    ----------
    model : estimator, Pipeline or search
        A fitted model of this library; a pipeline that ends in one; a finished search for one.
    X : array-like or data frame of shape (n, d), default=None
        Rows that say how features vary, as ``predict`` takes them: those of fit, or others. Without
        them M is the identity, which is right for columns that are standardised and uncorrelated.
    task : array-like of shape (n,), default=None
        Not needed, since all rows count for all tasks alike; taken so that calls look alike.
    original_units : bool, default=True
        Of ``features``, as in :func:`coef_frame`. Distances and singular values do not change.

    Returns
    -------
    StructureReport
        ``features``: ``shared`` (mean over tasks of the shared coefficient), ``spread`` (the
        standard deviation over tasks of the coefficient, every task counting the same), ``effect``
        (the same of what one standard deviation of the column does, over the rows of X; without X
        in the units that the estimator saw), ``n_tasks_used`` (in how many tasks V is not zero: the
        deviations, or without a shared mean the coefficients) and ``n_specific`` (tasks with a
        part of their own). ``tasks``, ``singular_values`` (of V as the estimator saw it, ``energy``
        the share of the squares), ``rank``, ``energy_joint`` and ``energy_specific``
        (‖B‖²/(‖B‖² + ‖S‖²), and the rest). In the library of X, otherwise pandas or polars.

    Raises
    ------
    TypeError
        If the model has no coefficients of tasks.
    ImportError
        If X is no data frame and neither pandas nor polars is installed.

    See Also
    --------
    coef_frame : The numbers behind it.
    task_similarity : Which tasks are alike.
    transfer_gain : Which tasks gain, on rows held out.

    Notes
    -----
    Levels of several targets over one X are their own affair and take no part in distances; under
    ``scale_targets``, and by random slopes, theirs are in standard deviations of the targets. With
    fewer than four tasks z is NaN, and of few it is rough: where 5 to 20 tasks are all drawn from
    one normal distribution, one table in ten has a task beyond 3.5. A model that shrinks little (a
    small alpha) shows the noise of small tasks as distance: random slopes, whose strengths are
    estimated, are the safest to ask. z compares a task with the others; where two groups of equal
    size differ nobody is an outlier.

    References
    ----------
    Iglewicz and Hoaglin (1993). How to detect and handle outliers. ASQC Quality Press.

    Laird and Ware (1982). Random-effects models for longitudinal data. Biometrics 38.

    Langford and Lewis (1998). Outliers in multilevel data. Journal of the Royal Statistical Society
    A 161.

    Wilson and Hilferty (1931). The distribution of chi-square. PNAS 17.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import RandomSlopesRegressor
    >>> from mtlearn.inspection import structure_report
    >>> rng = np.random.default_rng(0)
    >>> X, clinic = rng.standard_normal((600, 3)), np.repeat(np.arange(20), 30)
    >>> slopes = np.array([1.0, 0.5, 0.0]) + 0.2 * rng.standard_normal((20, 3))
    >>> slopes[7] = [-1.0, 0.5, 2.0]
    >>> y = np.sum(X * slopes[clinic], axis=1) + rng.standard_normal(600)
    >>> report = structure_report(RandomSlopesRegressor().fit(X, y, task=clinic), X)
    >>> report.tasks.head(2).round(1)
       task  n_rows  distance    z  is_outlier
    0     7      30       2.0  7.8        True
    1     2      30       0.6  1.6       False
    """
    check_flag("original_units", original_units)
    fitted = FittedTasks.of(model)
    library = library_of(X, asked_by="structure_report")
    rows = None if X is None else fitted.features_of(X)
    features = _features(fitted, rows, original_units)
    tasks = _tasks(fitted, metric_of(fitted, rows))
    value = _singular_values(fitted)
    rank = getattr(fitted.model, "rank_", int(np.sum(value > ROUNDING * value.max(initial=0.0))))
    joint, specific = _energies(fitted)
    certificate = {name: vars(fitted.model).get(name) for name in CERTIFICATE}
    certificate = {name: found for name, found in certificate.items() if found is not None}
    certificate["tol"] = fitted.model.tol
    return StructureReport(
        features=new_frame(features, library),
        tasks=new_frame(tasks, library),
        singular_values=new_frame(
            {
                "component": np.arange(1, len(value) + 1),
                "value": value,
                "energy": _shares(value**2),
            },
            library,
        ),
        rank=int(rank),
        energy_joint=joint,
        energy_specific=specific,
        units="coefficients" if X is None else "prediction",
        certificate=certificate,
        words=tuple(_in_words(fitted, features, tasks, int(rank), specific, certificate)),
    )


def _features(fitted: FittedTasks, rows: Any | None, original_units: bool) -> dict[str, Any]:
    """Columns of the frame of features, class by class."""
    shown = fitted.in_original_units() if original_units else fitted
    d, K = len(fitted.features), fitted.coef.shape[1]
    deviation = np.ones(d)
    if rows is not None:
        deviation = _standard_deviation(rows)
    used, spread = _nonzero(fitted.penalised), _spread(fitted)
    found: dict[str, Any] = {}
    if fitted.classes is not None:
        found["class"] = [label for label in fitted.classes for _ in range(d)]
    found |= {
        "feature": fitted.features * K,
        "shared": shown.shared_coef.mean(axis=0).ravel(),
        "spread": (spread / (fitted.scale if original_units else 1.0)).ravel(),
        "effect": (spread * deviation).ravel(),
        "n_tasks_used": used.sum(axis=0).ravel(),
    }
    if fitted.specific is not None:
        found["n_specific"] = _nonzero(fitted.specific).sum(axis=0).ravel()
    return found


def _spread(fitted: FittedTasks) -> np.ndarray:
    """Standard deviations over tasks (K, d); 0 of coefficients that are equal but for rounding."""
    spread = fitted.coef.std(axis=0)
    return np.where(spread > ROUNDING * np.abs(fitted.coef).max(axis=0), spread, 0.0)


def _standard_deviation(rows: Any) -> np.ndarray:
    mean = np.asarray(rows.mean(axis=0), dtype=float).ravel()
    if hasattr(rows, "toarray"):
        square = np.asarray(rows.multiply(rows).mean(axis=0), dtype=float).ravel()
        return np.sqrt(np.maximum(square - mean**2, 0.0))
    return np.asarray(rows, dtype=float).std(axis=0)


def _nonzero(part: np.ndarray) -> np.ndarray:
    return np.abs(part) > ROUNDING * np.abs(part).max(initial=0.0)


def _tasks(fitted: FittedTasks, M: np.ndarray) -> dict[str, Any]:
    """Columns of the frame of tasks, the farthest first."""
    D = lines(fitted)
    square = np.maximum(np.einsum("tki,ij,tkj->tk", D, M, D).mean(axis=1), 0.0)
    z = _modified_z(square, expected_square(fitted, M))
    order = np.lexsort((-square, np.where(np.isnan(z), 0.0, -z)))
    labels = fitted.labels
    return {
        "task": [labels[t] for t in order],
        "n_rows": fitted.n_rows[order],
        "distance": np.sqrt(square)[order],
        "z": z[order],
        "is_outlier": (z > FAR)[order],
    }


def _modified_z(square: np.ndarray, expected: np.ndarray | None) -> np.ndarray:
    """Of cube roots; where more than half are equal by their mean deviation, as the book has it."""
    if expected is not None:
        none = np.zeros_like(square)
        square = np.divide(square, expected, out=none, where=expected > 0)
    u = np.cbrt(square)
    away = u - np.median(u)
    unit = 1.4826 * np.median(np.abs(away))
    if unit <= ROUNDING * u.max(initial=0.0):
        unit = 1.2533 * np.mean(np.abs(away))
    if len(u) < FEWEST_TASKS or unit <= ROUNDING * u.max(initial=0.0):
        return np.full(len(u), np.nan)
    return away / unit


def _singular_values(fitted: FittedTasks) -> np.ndarray:
    V = fitted.penalised / fitted.target_scale[:, None, None]
    return np.linalg.svd(V.reshape(-1, V.shape[2]), compute_uv=False)


def _energies(fitted: FittedTasks) -> tuple[float, float]:
    """Shares of B and S in ‖B‖² + ‖S‖²."""
    if fitted.joint is None or fitted.specific is None:
        return np.nan, np.nan
    joint, specific = _shares(np.array([np.sum(fitted.joint**2), np.sum(fitted.specific**2)]))
    return float(joint), float(specific)


def _shares(square: np.ndarray) -> np.ndarray:
    return square / max(square.sum(), np.finfo(float).tiny)


def _in_words(
    fitted: FittedTasks,
    features: dict[str, Any],
    tasks: dict[str, Any],
    rank: int,
    specific: float,
    certificate: dict[str, Any],
) -> list[str]:
    """The report as sentences, one a line."""
    d, used, effect = len(fitted.features), features["n_tasks_used"], features["effect"]
    differ = int(np.sum(_nonzero(effect.reshape(-1, d)).any(axis=0)))
    said = [f"{counted(fitted.n_tasks, 'task', 'tasks')}, {counted(d, 'feature', 'features')}."]
    names = features["feature"]
    if "class" in features:
        names = [f"{n} for {c}" for n, c in zip(names, features["class"], strict=True)]
    most = [j for j in np.argsort(-effect, kind="stable")[:NAMED] if used[j] and effect[j] > 0]
    shown = ", ".join(f"{names[j]} (± {effect[j]:.3g})" for j in most)
    verb, most_of_all = (
        "differs" if differ == 1 else "differ",
        f", most of all {shown}" * bool(shown),
    )
    said.append(
        f"{differ} of {d} features {verb} between tasks{most_of_all}"
        "; ± is the standard deviation over tasks of what one standard deviation of a feature does."
        if differ
        else "No feature differs between tasks."
    )
    far = [k for k, out in enumerate(tasks["is_outlier"]) if out]
    if far:
        listed = [f"{tasks['task'][k]} (z {tasks['z'][k]:.1f})" for k in far[:NAMED]]
        more = ", …" * (len(far) > NAMED)
        said.append(f"{counted(len(far), 'outlier', 'outliers')}: {', '.join(listed)}{more}.")
    else:
        said.append("No task is an outlier.")
    said.append(f"Deviations have rank {rank} of at most {min(d, fitted.coef[..., 0].size)}.")
    if not np.isnan(specific):
        said.append(f"{specific:.0%} of their energy is specific to single tasks.")
    gap, tol = certificate.get("dual_gap_"), certificate["tol"]
    nearby = certificate.get("stationarity_")
    if nearby is not None:
        said.append(
            f"Nearby no more than {nearby:.2g} is to be gained (tol {tol:g}), elsewhere no more "
            f"than {gap:.2g}."
        )
    elif gap is not None:
        said.append(f"Duality gap {gap:.2g} (tol {tol:g}).")
    return said
