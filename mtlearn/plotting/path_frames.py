"""The numbers of :class:`~mtlearn.plotting.PathDisplay`, from a fitted model and its data."""

from __future__ import annotations

from typing import Any

import numpy as np

from mtlearn.inputs.frames import library_of, new_frame
from mtlearn.inspection.fitted import FittedTasks, taken_apart

BEYOND = 4.0  # an alpha of 0 or infinity is drawn so many times beyond the last that is neither
SINGULAR = "singular values"
COEFFICIENTS, DEVIATIONS = "coefficients", "deviations from the shared model"


def last_step(model: Any) -> Any:
    """The estimator of this library in a pipeline or a search."""
    return taken_apart(model)[0]


def scores_of(model: Any) -> tuple[Any, str]:
    """Mean and standard error over folds of what was tried, and what it is.

    Of several searches beside each other (several ratios, say) the one that was chosen.

    Raises
    ------
    ValueError
        If the model has chosen nothing by cross-validation.
    """
    errors = hasattr(model, "mse_path_")
    found = getattr(model, "mse_path_", getattr(model, "scores_", None))
    if found is None:
        raise ValueError(
            f"{type(model).__name__} has no scores of a cross-validation to draw; give a fitted "
            "model that chooses its alpha (GroupLassoRegressorCV, ...), or X and y for the path of "
            "the coefficients."
        )
    alphas, means = model.alphas_, np.mean(found, axis=-1)
    if means.ndim > 1:
        line = _line_of(model, means if errors else -means)
        found, means = found[line], means[line]
        alphas = alphas[line] if alphas.ndim > 1 else alphas
    n_folds = found.shape[-1]
    error = np.std(found, axis=-1, ddof=min(1, n_folds - 1)) / np.sqrt(n_folds)
    columns = {"alpha": alphas, "score": means, "std_error": error}
    known = np.isfinite(means)
    name = "mean squared error" if errors else "score"
    if not errors and model.scoring is None:
        name = "minus the mean loss"
    frame = new_frame(
        {key: np.asarray(column, dtype=float)[known] for key, column in columns.items()},
        library_of(None, asked_by="PathDisplay"),
    )
    return frame, name


def _line_of(model: Any, losses: np.ndarray) -> int:
    """Which of several searches was chosen: that of the own number, or the one of least loss."""
    name = model._searched
    if name:
        tried = getattr(model, f"{name}_tried_")
        return int(np.flatnonzero(tried == getattr(model, f"{name}_"))[0])
    return int(np.argmin(np.nanmin(losses, axis=1)))


def path_of(model: Any, X: Any, y: Any, task: Any, alphas: Any, of: str) -> tuple[Any, str]:
    """Norms over tasks of each feature's coefficients, or their singular values, by alpha.

    With a shared mean those of the deviations from it, which the penalty is on. And what they are.
    """
    beside = {} if task is None else {"task": task}
    path = model.path(X, y, alphas=alphas, **beside)
    coefs, what = path.coefs, COEFFICIENTS  # (T, d, n) or (T, K, d, n)
    if path.mean_coefs is not None:
        coefs, what = coefs - path.mean_coefs, DEVIATIONS
    coefs = np.moveaxis(coefs, -1, 0)
    coefs = coefs.reshape(len(path.alphas), -1, coefs.shape[-1])
    if of == SINGULAR:
        values = np.linalg.svd(coefs, compute_uv=False)
        names = [str(k + 1) for k in range(values.shape[1])]
    else:
        values = np.linalg.norm(coefs, axis=1)
        names = FittedTasks.of(model).features
    frame = new_frame(
        {
            "alpha": np.repeat(path.alphas, len(names)),
            "name": names * len(path.alphas),
            "value": values.ravel(),
        },
        library_of(None, asked_by="PathDisplay"),
    )
    return frame, f"{'singular value' if of == SINGULAR else 'norm over tasks'} of the {what}"


def on_log_axis(alphas: np.ndarray) -> np.ndarray:
    """Places on a logarithmic axis, also of 0 and of infinity: a little beyond the others."""
    inside = alphas[(alphas > 0) & np.isfinite(alphas)]
    low, high = (inside.min(), inside.max()) if len(inside) else (1.0, 1.0)
    return np.where(alphas == 0, low / BEYOND, np.where(np.isinf(alphas), high * BEYOND, alphas))
