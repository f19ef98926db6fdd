"""What is saved predicts the same again, and only what a model is made of is loaded."""

import dataclasses
import io
import json
import os
import zipfile

import joblib
import numpy as np
import pytest
import skops.io as sio
from sklearn.linear_model import Ridge
from sklearn.preprocessing import FunctionTransformer

from mtlearn.cli import saved as saving
from mtlearn.cli.errors import SourceError
from mtlearn.cli.saved import HEADER, load, save, trusted_types
from mtlearn.compare.contenders import BASELINES, MULTITASK

from ..command import FEATURES, QUESTIONS, fitted, many_shops


def rows():
    """Rows with holes, of a task and a town that fit has not seen."""
    frame = many_shops()[[*FEATURES, "shop"]].iloc[::7].reset_index(drop=True)
    frame.loc[0, ["price", "kind"]] = None
    frame.loc[1, "shop"], frame.loc[2, "town"] = "elsewhere", "Oz"
    return frame


def answers(saved, X):
    X = X if saved.task else X.drop(columns="shop")
    given = ["predict", *["predict_proba"] * (saved.kind == "classification")]
    return [getattr(saved.pipeline, name)(X) for name in given]


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("model", [*MULTITASK, *BASELINES])
def test_every_model_of_every_question_is_the_same_when_loaded(tmp_path, coarse, question, model):
    once = fitted(question, model)
    path = tmp_path / "m.skops"
    assert save(once, str(path)) == path.stat().st_size
    again, said = load(str(path))
    assert said == []
    for one in dataclasses.fields(once):
        if one.name != "pipeline":
            assert getattr(again, one.name) == getattr(once, one.name)
    for was, now in zip(answers(once, rows()), answers(again, rows()), strict=True):
        np.testing.assert_array_equal(was, now)


def test_no_array_that_is_saved_has_an_entry_for_each_row(tmp_path):
    path, frame = tmp_path / "m.skops", many_shops()
    for model in ("mean-regularized", "pooled+dummies", "random-slopes"):
        save(fitted("number", model, frame), str(path))
        with zipfile.ZipFile(path) as archive:
            arrays = [name for name in archive.namelist() if name.endswith(".npy")]
            shapes = [np.load(io.BytesIO(archive.read(name))).shape for name in arrays]
        assert len(arrays) > 3 and all(len(frame) not in shape for shape in shapes)


@pytest.mark.parametrize("ending", [".joblib", ".pkl"])
def test_pickles_need_trust(run, table, tmp_path, ending):
    path = tmp_path / f"m{ending}"
    fit = ["fit", table, "--target", "sales", "--task", "shop", "--model", "pooled"]
    code, out, err = run(*fit, "--save", path, "--quiet")
    assert (code, out) == (0, "") and "runs whatever code is in it" in " ".join(err.split())
    code, out, err = run("predict", path, table)
    assert (code, out) == (2, "") and err.count("\n") == 1 and "give --trust" in err
    assert run("predict", path, table, "--trust")[0] == 0


class Evil:
    def __reduce__(self):
        return os.system, ("touch evil",)


def with_header(content, header=None):
    packed = io.BytesIO(content)
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr(HEADER, json.dumps(header or {"format": 1}))
    return packed.getvalue()


def replaced(text, new):
    """A good file in which another name stands for one."""

    def change(content):
        packed = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(packed, "w") as archive:
            for name in old.namelist():
                archive.writestr(name, old.read(name).replace(text, new))
        return packed.getvalue()

    return change


TYPE = b'"MeanRegularizedRegressorCV"'
BROKEN = {
    "empty": (lambda good: b"", "cannot be read as a saved model"),
    "cut off": (lambda good: good[:3000], "cannot be read as a saved model"),
    "half of it": (lambda good: good[: len(good) // 2], "cannot be read as a saved model"),
    "no archive": (lambda good: b"PK\3\4 words", "cannot be read as a saved model"),
    "another archive": (
        lambda good: with_header(b"PK\5\6" + bytes(18)),
        "cannot be read as a saved model",
    ),
    "another model": (lambda good: sio.dumps(Ridge()), "it is not of mtlearn fit"),
    "another type": (
        lambda good: with_header(sio.dumps({"pipeline": FunctionTransformer(os.system)})),
        f"holds the type {os.system.__module__}.system, which no model of mtlearn fit does",
    ),
    "another class of ours": (
        replaced(TYPE, b'"LinearTasks"'),
        "holds the type mtlearn.estimators.mean_regularized.LinearTasks",
    ),
    "a later format": (
        replaced(b'{"format": 1', b'{"format": 2'),
        "is of a format (2) that this version of mtlearn",
    ),
    "no versions": (
        lambda good: with_header(
            sio.dumps(sio.loads(good, trusted=sorted(trusted_types())) | {"versions": None})
        ),
        "its parts are other",
    ),
    "other parts": (lambda good: with_header(sio.dumps({"model": "x"})), "its parts are other"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_or_foreign_file_gives_one_line(run, table, tmp_path, how):
    good, path = tmp_path / "good.skops", tmp_path / "m.skops"
    save(fitted("number"), str(good))
    change, words = BROKEN[how]
    path.write_bytes(change(good.read_bytes()))
    code, out, err = run("predict", path, table)
    assert (code, out) == (2, "") and err.count("\n") == 1 and words in err, err
    assert "Traceback" not in err


def test_a_type_that_went_away_names_the_versions(tmp_path, monkeypatch):
    path = tmp_path / "m.skops"
    save(fitted("number"), str(path))
    gone = "mtlearn.estimators.mean_regularized.Gone"
    path.write_bytes(replaced(TYPE, b'"Gone"')(path.read_bytes()))
    monkeypatch.setattr(saving, "trusted_types", lambda: {*trusted_types(), gone})
    with pytest.raises(SourceError, match=r"was written by mtlearn .*, scikit-learn .*; fit aga"):
        load(str(path))


def test_other_versions_are_said_and_read(tmp_path, monkeypatch):
    path = tmp_path / "m.skops"
    saved = fitted("number")
    save(dataclasses.replace(saved, versions={**saved.versions, "mtlearn": "0.0.1"}), str(path))
    _, said = load(str(path))
    assert len(said) == 1 and "was saved by mtlearn 0.0.1 (now " in said[0]


def test_a_broken_pickle_gives_one_line(run, table, tmp_path):
    path = tmp_path / "m.joblib"
    for content in (b"", b"\x80\x04words"):
        path.write_bytes(content)
        code, _, err = run("predict", path, table, "--trust")
        assert code == 2 and err.count("\n") == 1 and "cannot be read as a saved model" in err
    joblib.dump([1], path)
    code, _, err = run("predict", path, table, "--trust")
    assert code == 2 and "it is not of mtlearn fit" in err


def test_nothing_runs_without_trust(run, table, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    joblib.dump(Evil(), "m.joblib")
    for name in ("m.joblib", "m.skops"):
        (tmp_path / name).write_bytes((tmp_path / "m.joblib").read_bytes())
        assert run("predict", name, table)[0] == 2
    assert not (tmp_path / "evil").exists()


def test_what_is_trusted_are_classes_of_ours():
    others = [name for name in trusted_types() if not name.startswith("mtlearn.")]
    assert others == ["scipy.sparse._csr.csr_matrix"]  # numbers alone: the graph of tasks
    assert "mtlearn.estimators.dirty.DirtyClassifierCV" in trusted_types()


def test_skops_missing_is_said_before_the_work(run, table, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "skops.io", None)
    code, _, err = run("fit", table, "--target", "sales", "--task", "shop", "--save", "m.skops")
    assert code == 2 and 'install "scikit-mtlearn[demo]"' in err and err.count("\n") == 1
