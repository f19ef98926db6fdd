"""Figures of a test end with it."""

import pytest


@pytest.fixture(autouse=True)
def closed():
    yield
    pytest.importorskip("matplotlib.pyplot").close("all")
