"""mtlearn against its peers: the same problems to the same gap on one thread, best of three.

python benchmarks/race.py                    # everything; results/<date>.json
python benchmarks/race.py --only "L2,1 path" --peers scikit_learn,celer
python benchmarks/race.py --guard            # five quick cells, ours against the last results
python benchmarks/race.py --report           # the table of benchmarks/README.md, the figures
"""

import argparse
import sys
from fnmatch import fnmatch

from racing import report, results, small
from racing.cells import CELLS, GUARD
from racing.run import run


def parsed(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--only", nargs="+", default=[], help="cells whose name contains one, or fits it as pattern"
    )
    parser.add_argument("--peers", help="solver files to run besides mtlearn, comma separated")
    parser.add_argument("--quick", action="store_true", help="one run each, 5 s at most")
    parser.add_argument("--limit", type=float, default=30.0, help="CPU seconds a run may take")
    parser.add_argument("--guard", action="store_true", help="ours against the last results")
    parser.add_argument("--report", action="store_true", help="print the table, draw the figures")
    parser.add_argument("--to", help="name of the results file, the date if not given")
    return parser.parse_args(arguments)


def chosen(name, patterns):
    return not patterns or any(one in name or fnmatch(name, one) for one in patterns)


def guard():
    """Seconds of five cells now over those of the last results."""
    before = results.latest()["cells"]
    for cell in (cell for cell in CELLS if any(start in cell.name for start in GUARD)):
        now = run(cell, ["mtlearn"])["mtlearn"].seconds
        then = before.get(cell.name, {}).get("times", {}).get("mtlearn", {}).get("seconds")
        text = f"{now / then:.2f} of {then:.4g} s" if then else "no earlier figure"
        print(f"{cell.name}: {now:.4g} s, {text}", flush=True)


def main(arguments=None):
    options = parsed(arguments)
    if options.report:
        return report.write(results.latest(options.to))
    if options.guard:
        return guard()
    names = options.peers and ["mtlearn", *options.peers.split(",")]
    limit, repeats = (5.0, 1) if options.quick else (options.limit, 3)
    earlier = results.latest(missing={"cells": {}})["cells"]
    for cell in (cell for cell in CELLS if chosen(cell.name, options.only)):
        print(cell.name, flush=True)
        before = earlier.get(cell.name, {}).get("times")
        times = run(cell, names, limit, repeats, before)
        print("   ", report.verdict(results.keep(cell, times, options.to)), flush=True)
    if chosen(small.NAME, options.only):
        print(report.small(results.keep_small(small.run(quick=options.quick), options.to)))
    print(report.mean_line(results.latest(options.to)))


if __name__ == "__main__":
    sys.exit(main())
