"""The page of a comparison: complete, without a network, whatever names and labels are."""

import base64
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mtlearn.compare import compare_tasks
from mtlearn.compare.standing import standing_in_words
from mtlearn.report import report_html, save_report
from mtlearn.report.markup import Html, tag

from ..comparisons import class_data, school_data, target_matrix
from .reading import Page

pytest.importorskip("matplotlib")

SCRIPT, IMAGE = "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>'
HOSTILE = [SCRIPT, IMAGE, "</style><script>alert(2)</script>", "$\\frac$", "a\nb", "&amp;", "学校",
           "' onload='x", "<!--", "]]>", "\x01", "\u202eabc"]  # fmt: skip


@pytest.fixture(scope="module")
def schools():
    X, y = school_data()
    return compare_tasks(X, y, task_column="school", models=["random-slopes"], cv=2)


@pytest.fixture(scope="module")
def hostile():
    X, y = class_data(n_tasks=len(HOSTILE), n_classes=3)
    X.columns = [SCRIPT, IMAGE + "$\\frac$", "&lt;", IMAGE]
    X[IMAGE] = X[IMAGE].map(dict(zip(sorted(set(X[IMAGE])), HOSTILE, strict=True)))
    y = y.map({"low": SCRIPT, "mid": IMAGE, "top": "&lt;b&gt;"}).rename(SCRIPT + IMAGE)
    result = compare_tasks(X, y, task_column=IMAGE, models=["random-slopes"], cv=2, new_tasks=True)
    result.notes.append(f"a note about {SCRIPT}")
    result.settings.update(source=SCRIPT, target=[IMAGE], task=SCRIPT, drop=["a'b", IMAGE])
    return result


def pictures(page):
    for image in page.of("img"):
        kind, data = image["src"].split(",", 1)
        assert kind == "data:image/svg+xml;base64"
        yield ET.fromstring(base64.b64decode(data))


def rows_of(page, k):
    """Texts of the cells of the k-th table."""
    body = re.findall(r"<tbody>(.*?)</tbody>", page, re.S)[k]
    return [Page(row).texts for row in re.findall(r"<tr.*?</tr>", body, re.S)]


def test_markup_escapes_all_that_it_did_not_make():
    made = tag("p", SCRIPT, tag("b", IMAGE), None, title=IMAGE, class_=None)
    assert isinstance(made, Html) and "<script" not in made and "<img" not in made
    page = Page(made)
    assert page.elements == [("p", {"title": IMAGE}), ("b", {})] and page.texts == [SCRIPT, IMAGE]


def test_nothing_of_the_table_becomes_markup(hostile):
    text = report_html(hostile)
    page = Page(text)
    names = {name for name, _ in page.elements}
    assert not names & {"script", "iframe", "object", "link", "embed", "form", "base", "svg", "a"}
    for _, attributes in page.elements:
        assert not [key for key in attributes if key.startswith("on") or key in ("href", "style")]
        assert "src" not in attributes or attributes["src"].startswith("data:image/svg+xml;base64,")
    said = "\n".join(page.texts)
    for word in (SCRIPT, IMAGE, "</style><script>alert(2)</script>", "&amp;", "&lt;b&gt;", "学校"):
        assert word in said
    assert "img-src data:" in page.of("meta")[2]["content"] and len(page.of("style")) == 1


def test_gains_that_are_not_the_difference_of_the_errors_are_named_so(schools):
    text, tasks = report_html(schools), schools.per_task
    seen = tasks["loss of the baseline"] - tasks["loss of the model"]
    assert not np.allclose(seen, tasks["gain"], rtol=0.01)
    assert "expected gain in squared error" in text and "pulled to the gains of the other" in text


def test_pictures_of_any_label_are_whole(hostile):
    drawn = list(pictures(Page(report_html(hostile))))
    assert len(drawn) == 3
    for picture in drawn:
        assert picture.tag == "{http://www.w3.org/2000/svg}svg"
        names = {element.tag.split("}")[1] for element in picture.iter()}
        assert not names & {"script", "foreignObject", "a"}


def test_a_page_refers_to_no_other(schools, hostile):
    for result in (schools, hostile):
        text = report_html(result)
        outside = re.sub(r'base64,[^"]*', "", text)
        assert "://" not in outside and "url(" not in outside and "@import" not in outside
        for picture in pictures(Page(text)):
            for element in picture.iter():
                for key, value in element.attrib.items():
                    if key.endswith("href"):
                        assert value.startswith(("#", "data:"))


def test_tables_have_the_numbers_of_the_comparison(schools):
    text = report_html(schools)
    models = rows_of(text, 0)
    assert [row[0].removesuffix(" *") for row in models] == schools.table.index.tolist()
    assert [float(row[2]) for row in models] == pytest.approx(schools.table["rmse"], abs=5e-3)
    chosen = [row[0].endswith(" *") for row in models]
    assert chosen == (schools.table["chosen"] > 0).tolist()
    every = rows_of(text, -2)
    truth = schools.per_task.sort_values("gain", ascending=False)
    assert [row[0] for row in every] == truth["task"].tolist()
    assert [int(row[1]) for row in every] == truth["rows"].tolist()
    gain = [float(row[4].replace("−", "-")) for row in every]
    assert gain == pytest.approx(truth["gain"], rel=6e-3)
    slopes = rows_of(text, -1)
    assert {row[0] for row in slopes} == set(schools.slopes["feature"])
    assert schools.verdict in Page(text).texts
    assert standing_in_words(schools) in Page(text).texts


def test_a_reader_who_hears_the_page_finds_the_way(schools):
    page = Page(report_html(schools))
    assert page.of("html") == [{"lang": "en"}] and len(page.of("h1")) == 1
    assert all(heading["scope"] in ("col", "row") for heading in page.of("th"))
    assert all(len(image["alt"]) > 30 for image in page.of("img"))
    frames = [frame for frame in page.of("div") if frame.get("role") == "region"]
    assert len(frames) == len(page.of("table")) == len(page.of("caption"))
    assert all(frame["tabindex"] == "0" and frame["aria-label"] for frame in frames)
    assert any(meta.get("name") == "viewport" for meta in page.of("meta"))


def test_the_same_comparison_makes_the_same_page(schools):
    assert report_html(schools) == report_html(schools)


def test_a_table_of_2000_tasks_is_below_3_mb(schools):
    n, rng = 2000, np.random.default_rng(0)
    per_task = pd.concat([schools.per_task] * (n // len(schools.per_task) + 1))[:n]
    tasks = [f"store number {t} of the north" for t in range(n)]
    per_task = per_task.assign(task=tasks, gain=rng.normal(size=n))
    features = [f"feature {j}" for j in range(40)]
    coef = rng.normal(size=n * len(features))
    coefs = pd.DataFrame(
        {
            "task": np.repeat(tasks, len(features)),
            "feature": features * n,
            "coef": coef,
            "shared": 0.0,
            "deviation": coef,
        }
    )
    large = replace(schools, per_task=per_task, coefs=coefs, n_tasks=n)
    page = report_html(large)
    assert len(page.encode()) < 3e6
    assert len(rows_of(page, -2)) == n


@pytest.mark.parametrize("way", ["targets", "baselines", "own"])
def test_any_comparison_makes_a_page(way):
    if way == "targets":
        X, Y = target_matrix()
        result = compare_tasks(X, Y, models=["random-slopes"], cv=2)
    else:
        X, y = school_data(n_tasks=4)
        models = ["independent"] if way == "baselines" else ["group-lasso"]
        result = compare_tasks(X, y, task_column="school", models=models, cv=2)
    text = report_html(result)
    assert result.verdict in Page(text).texts
    assert text.count("<img") == {"targets": 3, "baselines": 0, "own": 1}[way]


def test_the_code_repeats_the_comparison(schools):
    code = "".join(Page(report_html(schools)).texts).split("Do it again")[1]
    X, y = school_data()
    space = {"X": X, "y": y}
    exec(code, space)
    assert space["result"].verdict == schools.verdict


def test_a_page_is_written_whole_or_not_at_all(schools, tmp_path, monkeypatch):
    path = tmp_path / "page.html"
    save_report(schools, path)
    assert path.read_text(encoding="utf-8") == report_html(schools)
    with pytest.raises(OSError):
        save_report(schools, tmp_path / "gone" / "page.html")
