"""Frames come in the library of X, or in the first that is installed."""

import pandas as pd
import polars as pl
import pytest

from mtlearn import MeanRegularizedRegressor
from mtlearn.inputs import frames
from mtlearn.inspection import coef_frame, structure_report

from .models import drawn

raw, y, codes = drawn("beside", "numbers")


def only(*installed):
    """What looks for packages, where these are the only ones."""
    return lambda name: object() if name in installed else None


def test_without_a_frame_pandas_comes_first_and_then_polars(monkeypatch):
    model = MeanRegularizedRegressor().fit(raw, y, task=codes)
    assert isinstance(coef_frame(model), pd.DataFrame)
    monkeypatch.setattr(frames, "find_spec", only("polars"))
    assert isinstance(coef_frame(model), pl.DataFrame)
    assert isinstance(structure_report(model, pd.DataFrame(raw)).tasks, pd.DataFrame)
    monkeypatch.setattr(frames, "find_spec", only())
    with pytest.raises(ImportError, match=r"coef_frame answers with.*scikit-mtlearn\[data\]"):
        coef_frame(model)
