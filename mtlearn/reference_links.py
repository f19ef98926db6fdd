"""Links from scikit-learn's HTML representation of an estimator to its page of the reference.

They go to the documentation that setup.cfg says is published, while there is none to what was built
in the source tree that the package runs from, and nowhere where there is neither: no dead links.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

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
