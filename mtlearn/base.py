"""What every estimator of the library shares towards scikit-learn, and the version of it all."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import cache, wraps
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np
from sklearn.utils.validation import check_is_fitted

__version__ = "0.2.0"

BUILT = Path(__file__).parents[1] / "docs" / "_build" / "html"


@cache
def published_url() -> str:
    """Where the documentation is published: what setup.cfg says, "" while that is nowhere."""
    try:
        urls = metadata("scikit-mtlearn").get_all("Project-URL") or []
    except PackageNotFoundError:  # run from a source tree
        return ""
    named = dict(url.split(", ", 1) for url in urls)
    return named.get("Documentation", "").rstrip("/")


def documentation_url() -> str:
    """Where the pages are: published, built beside the package, or "" for nowhere."""
    built = BUILT.as_uri() if (BUILT / "generated").is_dir() else ""
    return published_url() or built


class ReferenceLinkMixin:
    """The class attributes that scikit-learn's developer guide gives other libraries for this."""

    _doc_link_module = "mtlearn"

    @property
    def _doc_link_template(self) -> str:
        url = documentation_url()
        return f"{url}/generated/mtlearn.{{estimator_name}}.html" if url else ""


class TaskInputMixin(ReferenceLinkMixin):
    """The three ways tasks come in, as scikit-learn's tags and metadata requests see them.

    ``task`` is requested at class level, so that meta-estimators route it without any call of
    ``set_fit_request``.
    """

    __metadata_request__fit = {"task": True}
    __metadata_request__predict = {"task": True}
    __metadata_request__score = {"task": True}

    _of_strangers: ClassVar[str] = "the shared model"  # answers tasks not seen in fit
    task_column: Any
    coef_: Any
    _reader: Any  # what fit learned about its input, a Reader

    def _said_of_strangers(self) -> str:
        """What answers tasks not seen in fit, and what the reader should know of it."""
        more = getattr(self, "_more_of_strangers", None)  # of a family
        return self._of_strangers + ("" if more is None else more())

    def _read_rows(self, X: Any, task: Any) -> tuple[Any, np.ndarray | None]:
        """Features given to a method that predicts, and the task position of each row."""
        if not hasattr(self, "_reader"):
            check_is_fitted(self)
        return self._reader.rows(self, X, task)

    @property
    def column_norms_(self) -> np.ndarray:
        """Importances as selectors of features want them: one for every column of X."""
        check_is_fitted(self)
        norms = np.linalg.norm(self.coef_.reshape(-1, self.coef_.shape[-1]), axis=0)
        labels = self._reader.columns.labels
        return norms if labels is None else np.insert(norms, labels, norms.max())

    def _get_params_html(self, *args: Any, **kwargs: Any) -> Any:
        """Parameters for the picture of an estimator, which compares each with its default.

        An array has no one answer to that, and a sparse one raises TypeError beside text: they are
        shown by their text, which differs from any default.
        """
        shown = copy(self)
        for name, value in self.get_params(deep=False).items():  # type: ignore[attr-defined]
            if hasattr(value, "shape") and np.shape(value) != ():
                setattr(shown, name, _Text(repr(value)))
        return super(TaskInputMixin, shown)._get_params_html(*args, **kwargs)  # type: ignore[misc]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        labelled = self.task_column is not None
        tags.input_tags.string = labelled
        tags.target_tags.required = True
        tags.target_tags.multi_output = not labelled
        tags.target_tags.single_output = True
        return tags


class _Text:
    """What is shown as this text, and equals nothing else."""

    def __init__(self, text: str):
        self.text = text

    def __repr__(self) -> str:
        return self.text


Fit = TypeVar("Fit", bound=Callable[..., Any])


def all_or_nothing(fit: Fit) -> Fit:
    """Run ``fit`` on a shallow copy, whose attributes are taken over when it has ended well.

    An error, or the user who interrupts, then finds a fitted estimator with the coefficients,
    tasks and columns of one fit, and not some of the last and some of this.

    Examples
    --------
    >>> class Model:
    ...     @all_or_nothing
    ...     def fit(self, n):
    ...         self.n_rows_ = n
    ...         self.share_ = 1 / n
    ...         return self
    >>> model = Model().fit(4)
    >>> try:
    ...     model.fit(0)
    ... except ZeroDivisionError:
    ...     print(model.n_rows_, model.share_)
    4 0.25
    """

    @wraps(fit)
    def fit_whole(self: Any, *args: Any, **kwargs: Any) -> Any:
        trial = object.__new__(type(self))
        trial.__dict__.update(self.__dict__)
        fit(trial, *args, **kwargs)
        self.__dict__ = trial.__dict__  # one step, which nothing can interrupt
        return self

    return fit_whole  # type: ignore[return-value]
