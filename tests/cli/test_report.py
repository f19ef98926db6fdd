"""What the command prints fits the terminal, or loses labels and scores, but never digits."""

import math
import re
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from mtlearn.cli.report import print_report
from mtlearn.compare import compare_tasks
from mtlearn.compare.standing import others_in_words

from ..comparisons import class_data, school_data


def compared(make, **options):
    X, y = make(12, 14)
    X["school"] = "the school of village number " + X.school.str[1:]
    return compare_tasks(
        X, y, task_column="school", models=["mean-regularized"], cv=2, new_tasks=True, **options
    )


@pytest.fixture(scope="module")
def results():
    return {"regression": compared(school_data), "classification": compared(class_data)}


def printed(result, width):
    out = StringIO()
    print_report(result, "t.csv", Console(file=out, width=width))
    return out.getvalue()


@pytest.mark.parametrize("width", [30, 60, 80, 100, 200])
@pytest.mark.parametrize("kind", ["regression", "classification"])
def test_numbers_are_never_cut(results, kind, width):
    result, text = results[kind], printed(results[kind], width)
    assert not re.search(r"\d…|acc…|help…", text)
    wide = printed(result, 300).splitlines()
    for name, row in result.table.iterrows():
        line, whole = (
            next(line for line in lines if line.startswith(f" {name} "))
            for lines in (text.splitlines(), wide)
        )
        numbers, known = (re.findall(r"<?[0-9]*\.[0-9]+", said) for said in (line, whole))
        worst = row[f"worst_task_{result.kind.error}"]
        assert set(numbers) <= set(known) and len(numbers) >= 2
        assert float(known[0]) == pytest.approx(row[result.kind.shown[0].key], abs=6e-4)
        assert any(float(number) == pytest.approx(worst, abs=6e-3) for number in numbers[1:])
        assert math.isnan(row.p_value) or numbers[-1] == f"{row.p_value:.3f}"
    if width == 80:
        assert max(map(len, text.splitlines())) <= 80
        assert "…" in line and f"{row.worst_task[-2:]})" in line  # the end tells villages apart
    if width == 200:
        assert f"({row.worst_task})" in line and "no room" not in text
        assert all(score.heading.split()[-1] in text for score in result.kind.shown)
    if "no room for" in text:
        assert "Brier" in text or "task mean" in text


@pytest.mark.parametrize("width", [30, 100])
def test_models_not_surely_worse_than_the_best_are_named(results, width):
    for result in results.values():
        text = " ".join(printed(result, width).split())
        assert f"{result.as_good[0]} has the least {result.kind.error_name} on held-out" in text
        assert f"{others_in_words(result)}." in text


@pytest.mark.parametrize(
    ("chance", "title"),
    [
        (0.8, "most likely to gain"),
        (0.2, "most likely to lose"),
        (None, "most likely to gain and to lose"),
    ],
)
def test_a_task_is_likely_to_lose_below_one_half_only(results, chance, title):
    result = results["regression"]
    tasks = result.per_task.assign(verdict="no evidence", gain=range(12))
    tasks["gain_probability"] = [i / 11 for i in range(12)] if chance is None else chance
    text = printed(replace(result, per_task=tasks, gains=replace(result.gains, std=0.1)), 120)
    assert f"Not sure of any single task, but {title} RMSE" in " ".join(text.split())
    listed = text.split("Not sure")[1].split("Tasks never")[0]
    assert len(re.findall(r"village number", listed)) == (6 if chance is None else 3)


def test_a_column_without_a_number_is_left_out(results):
    result = results["regression"]
    tasks = result.per_task.assign(verdict="helped", gain_probability=float("nan"))
    text = printed(replace(result, per_task=tasks), 120)
    listed = text.split("Helped and hurt most")[1].split("Tasks never")[0]
    assert "chance" not in listed and "·" not in listed and "helped" in listed
