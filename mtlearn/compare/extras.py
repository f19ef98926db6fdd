"""What a comparison needs beyond the packages that the library does."""

from __future__ import annotations

from typing import Any


def import_pandas() -> Any:
    """Pandas, or a sentence that says how to get it."""
    try:
        import pandas
    except ImportError as error:
        raise ImportError(
            'compare_tasks needs pandas: python -m pip install "scikit-mtlearn[demo]"'
        ) from error
    return pandas
