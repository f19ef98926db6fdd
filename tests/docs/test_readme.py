"""The README's examples run as they stand."""

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


def test_there_is_an_example_for_each_way_that_tasks_come_in():
    assert len(EXAMPLES) == 3


@pytest.mark.filterwarnings("ignore::mtlearn.exceptions.UnseenTaskWarning")
@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_of_the_readme_runs(example):
    exec(compile(example, "README.md", "exec"), {})


def test_links_and_pictures_are_there():
    places = re.findall(r"\]\((?!https?:)([^)#]+)", README.read_text(encoding="utf-8"))
    assert places and [place for place in places if not (README.parent / place).exists()] == []
