"""Fits and predictions of tables on one machine or many, with Dask as the engine.

What :mod:`mtlearn` does with rows in memory, on collections of Dask: its data frames, as from a
folder of Parquet files, or its arrays. A fit gives the plain estimator, which needs no Dask to
predict. The extra ``dask`` installs what it needs.
"""

try:
    import dask.array
    import dask.dataframe  # noqa: F401
except ImportError as error:
    raise ImportError(
        'mtlearn.dask needs Dask: python -m pip install "scikit-mtlearn[dask]"'
    ) from error

from mtlearn.dask.answers import predict, predict_proba
from mtlearn.dask.collecting import collect_moments
from mtlearn.dask.fitting import fit
from mtlearn.dask.scores import score

__all__ = ["collect_moments", "fit", "predict", "predict_proba", "score"]
