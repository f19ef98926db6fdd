"""Print the oldest versions that setup.cfg promises, as a constraints file for pip.

``numpy>=1.24.1`` becomes ``numpy==1.24.1``, for every requirement of the library and of the extras
that the tests use. A requirement without a floor is an error: it would be a promise never tested.
"""

import re
import sys
from configparser import ConfigParser
from pathlib import Path

EXTRAS = ("dask", "demo", "excel", "data", "plot", "test")


def main() -> None:
    config = ConfigParser(interpolation=None)
    config.read(Path(__file__).parents[1] / "setup.cfg", encoding="utf-8")
    name = config["metadata"]["name"]
    lines = config["options"]["install_requires"].split("\n")
    for extra in EXTRAS:
        lines += config["options.extras_require"][extra].split("\n")

    floors: dict[str, str] = {}
    for line in filter(None, map(str.strip, lines)):
        if line.startswith(f"{name}["):  # an extra that includes another one of ours
            continue
        match = re.fullmatch(r"([\w.-]+)(?:\[[\w,]+\])?\s*>=\s*([\w.]+)", line)
        if match is None:
            sys.exit(f"setup.cfg: {line!r} names no floor; write it as package>=version")
        package, version = match.groups()
        if floors.setdefault(package, version) != version:
            sys.exit(f"setup.cfg: {package} has two floors, {floors[package]} and {version}")
    print("\n".join(f"{package}=={version}" for package, version in floors.items()))


if __name__ == "__main__":
    main()
