"""Models that were pickled by other versions of the library predict what they predicted then."""

import json
import pickle
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import InconsistentVersionWarning

from ..families import FAMILIES
from .models import models
from .write import PROTOCOL, VERSION, as_array, described

FILES = sorted(Path(__file__).parent.glob("*/*.pickle"))


def load(file):
    """Without a warning; but scikit-learn has one for what it pickled in another version of its."""
    content = file.read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if b"_sklearn_version" in content:  # in the state of its own classes, not of ours
            warnings.simplefilter("ignore", InconsistentVersionWarning)
        return pickle.loads(content)


@pytest.mark.parametrize("file", FILES, ids=[f"{f.parent.name} {f.stem}" for f in FILES])
def test_a_model_pickled_by_another_version_predicts_the_same(file):
    kept = json.loads(file.with_suffix(".json").read_text())
    X, columns = kept["X"], kept["columns"]
    X = np.array(X) if columns is None else pd.DataFrame(X, columns=columns)
    more = {} if kept["task"] is None else {"task": kept["task"]}
    model = load(file)
    for method, expected in kept["answers"].items():
        answer = as_array(getattr(model, method)(X, **more))
        if answer.dtype.kind == "f":
            np.testing.assert_allclose(answer, expected, rtol=1e-12)
        else:
            assert answer.tolist() == expected


def test_this_version_has_its_pickles():
    assert VERSION in {file.parent.name for file in FILES}


def test_what_is_kept_is_every_family_of_both_kinds_and_can_be_written():
    kept = models()
    prefixes = {family.prefix for family in FAMILIES.values()}
    wanted = {prefix + kind for prefix in prefixes for kind in ("Regressor", "Classifier")}
    assert wanted <= {type(each.model).__name__ for each in kept.values()}
    for each in kept.values():
        again = pickle.loads(pickle.dumps(each.model, PROTOCOL))
        assert described(replace(each, model=again)) == described(each)
