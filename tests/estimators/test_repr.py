"""What a model looks like at a prompt and in a notebook, and what it prints while it works."""

import re
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression, Ridge

import mtlearn
from mtlearn import base

from ..families import FAMILIES

API = Path(__file__).parents[2] / "docs" / "api.rst"
ESTIMATORS = [
    name
    for name in mtlearn.__all__
    if isinstance(found := getattr(mtlearn, name), type) and issubclass(found, BaseEstimator)
]
LABELLED = [name for name in ESTIMATORS if name != "MixedTargets"]  # takes columns alone
LINE = re.compile(r"(.*): alpha=(\S+), (\d+) iterations?, relative duality gap (\S+)")
ITERATION = re.compile(r"  iteration (\d+): relative duality gap (\S+)")


def build(name, **parameters):
    if name in ("IndependentTasks", "PooledTasks"):
        parameters["estimator"] = Ridge()
    return getattr(mtlearn, name)(**parameters)


def problem(kind, way):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(60, 4))
    y = X @ [1.0, -1.0, 0.0, 0.5] + rng.normal(size=60)
    if kind == "Classifier":
        y = y > 0
    if way == "columns":
        return {"X": X, "y": np.column_stack([y, y[::-1]])}
    return {"X": X, "y": y, "task": np.arange(60) % 3}


def as_printed(values):
    return [float(f"{value:.3g}") for value in np.atleast_1d(values)]


def lines_of(capsys, pattern=LINE):
    """The columns that the lines of this pattern have; every line is one that we know."""
    lines = capsys.readouterr().out.splitlines()
    assert all(LINE.fullmatch(line) or ITERATION.fullmatch(line) for line in lines), lines
    found = [match.groups() for line in lines if (match := pattern.fullmatch(line))]
    return list(zip(*found, strict=True)) if found else []


def test_all_estimators_are_found():
    assert len(ESTIMATORS) == 41


class TestRepr:
    @pytest.mark.parametrize("name", LABELLED)
    def test_of_a_typical_use_is_one_line_that_builds_it_again(self, name):
        for parameters in (
            {},
            {"task_column": "school"},
            {"task_column": "school", "unseen_task": "mean"},
        ):
            model = build(name, **parameters)
            shown = repr(model)
            assert "\n" not in shown and len(shown) <= 80
            inside = "estimator=Ridge()" if name in ("IndependentTasks", "PooledTasks") else ""
            changed = ", ".join(f"{k}={v!r}" for k, v in parameters.items())
            assert shown == f"{name}({', '.join(filter(None, [inside, changed]))})"
            again = eval(shown, vars(mtlearn) | {"Ridge": Ridge})
            assert repr(again.get_params()) == repr(model.get_params())

    def test_names_every_parameter_that_was_changed(self):
        model = mtlearn.GroupLassoRegressorCV(20, task_column=0, alpha_intercept=np.inf, verbose=1)
        for part in ("alphas=20", "task_column=0", "alpha_intercept=inf", "verbose=1"):
            assert part in repr(model)
        assert "tol" not in repr(model) and "eps" not in repr(model)

    @pytest.mark.parametrize("name", LABELLED)
    def test_a_fit_does_not_change_it(self, name):
        kind = "Classifier" if "Classifier" in name else "Regressor"
        model = build(name, **({"alphas": 3, "cv": 2} if name.endswith("CV") else {}))
        before = repr(model)
        assert repr(model.fit(**problem(kind, "rows"))) == before


@pytest.fixture
def published(monkeypatch):
    monkeypatch.setattr(base, "documentation_url", lambda: "https://docs.test/stable")
    return "https://docs.test/stable"


class TestHtml:
    @pytest.mark.parametrize("name", ESTIMATORS)
    def test_links_to_the_page_of_the_reference(self, name, published):
        page = f"{published}/generated/mtlearn.{name}.html"
        shown = build(name)._repr_html_()
        assert f'href="{page}"' in shown and f"Documentation for {name}" in shown
        # sphinx writes such a page for every name in the lists of the API page
        assert re.search(rf"^    {name}$", API.read_text(encoding="utf-8"), re.MULTILINE)
        assert ":toctree: generated/" in API.read_text(encoding="utf-8")

    def test_of_a_pipeline_links_to_the_model_in_it(self, published):
        model = mtlearn.make_table_pipeline(mtlearn.DirtyRegressor(task_column="school"))
        assert f"{published}/generated/mtlearn.DirtyRegressor.html" in model._repr_html_()

    def test_of_a_baseline_links_both(self, published):
        shown = mtlearn.IndependentTasks(LogisticRegression())._repr_html_()
        assert f"{published}/generated/mtlearn.IndependentTasks.html" in shown
        assert "sklearn.linear_model.LogisticRegression.html" in shown

    def test_of_a_subclass_elsewhere_promises_no_page(self, published):
        class Mine(mtlearn.MeanRegularizedRegressor):
            pass

        assert published not in Mine()._repr_html_()

    @pytest.mark.parametrize(
        "urls, expected",
        [
            (["Source, https://a.test", "Documentation, https://b.test/x/"], "https://b.test/x"),
            (["Source, https://a.test"], ""),
            (None, ""),
        ],
    )
    def test_address_is_the_one_of_the_package(self, monkeypatch, urls, expected):
        class Metadata:
            def get_all(self, name):
                return urls if name == "Project-URL" else None

        monkeypatch.setattr(base, "metadata", lambda name: Metadata())
        assert base.published_url.__wrapped__() == expected

    def test_without_an_address_goes_to_what_was_built_beside_the_package(
        self, monkeypatch, tmp_path
    ):
        page = tmp_path / "generated" / "mtlearn.TraceNormRegressor.html"
        page.parent.mkdir()
        page.touch()
        monkeypatch.setattr(base, "published_url", lambda: "")
        monkeypatch.setattr(base, "BUILT", tmp_path)
        shown = mtlearn.TraceNormRegressor()._repr_html_()
        link = re.search(r'href="(file:[^"#]+\.html)"', shown).group(1)
        assert Path(url2pathname(urlparse(link).path)) == page

    def test_without_either_there_is_no_dead_link(self, monkeypatch, tmp_path):
        monkeypatch.setattr(base, "published_url", lambda: "")
        monkeypatch.setattr(base, "BUILT", tmp_path / "not built")
        assert "href" not in mtlearn.MeanRegularizedRegressor()._repr_html_()


@pytest.mark.parametrize("kind", ["Regressor", "Classifier"])
@pytest.mark.parametrize("family", FAMILIES)
class TestVerbose:
    @pytest.mark.parametrize("way", ["rows", "columns"])
    def test_path_prints_a_line_per_alpha(self, capsys, family, kind, way):
        family = FAMILIES[family]
        model = family.estimator(kind)(**family.parameters(), verbose=1)
        path = model.path(**problem(kind, way), alphas=4, eps=1e-2)
        where, alpha, n_iter, gap = lines_of(capsys)
        assert list(where) == [f"alpha {k}/4" for k in range(1, 5)]
        assert list(map(float, alpha)) == as_printed(path.alphas)
        assert list(map(int, n_iter)) == path.n_iters.tolist()
        assert list(map(float, gap)) == as_printed(path.dual_gaps)

    def test_fit_prints_its_iterations_and_the_end(self, capsys, family, kind):
        family = FAMILIES[family]
        data = problem(kind, "rows")
        model = family.estimator(kind)(**family.parameters(alpha=0.02), verbose=1).fit(**data)
        printed = capsys.readouterr().out.splitlines()
        iterations = [ITERATION.fullmatch(line).groups() for line in printed[:-1]]
        name, alpha, n_iter, gap = LINE.fullmatch(printed[-1]).groups()
        assert (name, float(alpha)) == (type(model).__name__, 0.02)
        assert (int(n_iter), float(gap)) == (model.n_iter_, as_printed(model.dual_gap_)[0])
        closed = not family.iterates and kind == "Regressor"
        assert bool(iterations) != closed
        counts = [int(count) for count, _ in iterations]
        assert counts == sorted(set(counts)) and all(count <= model.n_iter_ for count in counts)
        assert all(float(gap) >= 0 for _, gap in iterations)

    def test_cross_validation_prints_fold_and_alpha(self, capsys, family, kind):
        family = FAMILIES[family]
        data = problem(kind, "rows")
        given = family.parameters(alphas=3, cv=2, verbose=1, eps=0.3, alpha_intercept=0.1)
        model = family.estimator(kind + "CV")(**given).fit(**data)
        where, alpha, n_iter, gap = lines_of(capsys)
        folds = [f"fold {i}/2, alpha {k}/3" for i in (1, 2) for k in (1, 2, 3)]
        assert list(where[:6]) == folds and where[-1] == type(model).__name__
        grid = model.alphas_  # goes on where its end is best
        first = next(
            k for k in range(len(grid)) if as_printed(grid[k : k + 1])[0] == float(alpha[0])
        )
        grid = grid[first : first + 3]
        assert list(map(float, alpha[:6])) == as_printed([*grid, *grid])
        assert float(alpha[-1]) == as_printed([model.alpha_])[0]
        gaps = np.array(gap, dtype=float)
        assert ((gaps >= 0) & (gaps <= model.tol)).all() and all(int(count) > 0 for count in n_iter)
        assert float(gap[-1]) == as_printed(model.dual_gap_)[0]

    def test_it_changes_nothing(self, family, kind):
        family = FAMILIES[family]
        data, Model = problem(kind, "rows"), family.estimator(kind + "CV")
        silent, told = (
            Model(**family.parameters(alphas=3, cv=2, verbose=verbose)).fit(**data)
            for verbose in (0, 1)
        )
        np.testing.assert_array_equal(told.coef_, silent.coef_)
        scores = silent._scores_name()
        np.testing.assert_array_equal(getattr(told, scores), getattr(silent, scores))

    def test_without_anything_to_iterate_there_is_still_a_line(self, capsys, family, kind):
        family = FAMILIES[family]
        model = family.estimator(kind)(**family.parameters(alpha=1e4), verbose=1)
        model.fit(**problem(kind, "rows"))
        *_, gap = lines_of(capsys)
        assert float(gap[-1]) == as_printed(model.dual_gap_)[0]


def test_silence_is_the_default(capsys):
    mtlearn.GroupLassoRegressorCV(alphas=3, cv=2).fit(**problem("Regressor", "rows"))
    mtlearn.MeanRegularizedClassifier().path(**problem("Classifier", "rows"), alphas=3)
    assert capsys.readouterr().out == ""


def test_several_ratios_are_told_apart(capsys):
    ratios = {"specific_ratio": [0.65, 0.8], "alpha_intercept": 0.1}
    model = mtlearn.DirtyRegressorCV([0.3, 0.1, 0.03], cv=2, **ratios, verbose=1)
    model.fit(**problem("Regressor", "rows"))
    lines = capsys.readouterr().out.splitlines()
    heads = [k for k, line in enumerate(lines) if line.startswith("DirtyRegressorCV(")]
    assert heads == [0, 8]  # two lines each
    assert "specific_ratio=0.65" in lines[1] and "specific_ratio=0.8" in lines[9]
