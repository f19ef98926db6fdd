"""Two figures for the docs: how many times faster each cell is, and seconds of all solvers."""

from pathlib import Path

from racing.report import NAMES, OURS, best, ordered, ratio, two_digits

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "_static"
BLUE, RED, GREY = "#1f5f8b", "#b5482a", "#8a8a8a"
MARKS = "osD^vP*X<>"


def _axes(n):
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8.5, 0.26 * n + 1.2), layout="constrained")
    axes.set_xscale("log")
    axes.invert_yaxis()
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    return figure, axes


def _save(figure, name):
    path = FOLDER / name
    figure.savefig(path, dpi=150)
    return path


def ratios(stored):
    """A bar a cell from 1 to best peer / ours; a tick where we want to be."""
    cells = {k: r for k, r in ordered(stored).items() if ratio(r) > 0}
    figure, axes = _axes(len(cells))
    for y, record in enumerate(cells.values()):
        value = ratio(record)
        axes.barh(y, value - 1.0, left=1.0, height=0.65, color=BLUE if value >= 1 else RED)
        axes.plot([record["must"]] * 2, [y - 0.4, y + 0.4], color="black", linewidth=1)
        peer = NAMES.get(best(record)[0], best(record)[0]) or "at least"
        text = f"{two_digits(value)} {peer}"
        axes.text(max(value, 1.0) * 1.06, y, text, va="center", fontsize=7)
    axes.set_yticks(range(len(cells)), list(cells), fontsize=7)
    axes.axvline(1.0, color=GREY, linewidth=0.8)
    axes.set_xlabel(f"time of the best peer / time of {OURS}, same gap (ticks: the aim)")
    return _save(figure, "race_ratios.png")


def times(stored, group="L2,1 paths"):
    """A mark a solver and cell, in seconds."""
    cells = {k: r for k, r in ordered(stored).items() if r["group"] == group}
    solvers = list(dict.fromkeys(name for r in cells.values() for name in r["times"]))
    figure, axes = _axes(len(cells) + 4)
    for mark, solver in zip(MARKS, solvers, strict=False):
        found = [
            (r["times"].get(solver, {}).get("seconds"), y) for y, r in enumerate(cells.values())
        ]
        found = [pair for pair in found if pair[0]]
        if found:
            look = {"color": BLUE, "s": 70, "zorder": 3} if solver == OURS else {"alpha": 0.8}
            label = NAMES.get(solver, solver)
            axes.scatter(*zip(*found, strict=True), marker=mark, label=label, **look)
    axes.set_yticks(range(len(cells)), [name.split(": ")[1] for name in cells], fontsize=8)
    axes.grid(axis="x", color="#e5e5e5")
    axes.set_axisbelow(True)
    axes.set_xlabel("CPU seconds of the whole path, one thread (a solver that gave up has no mark)")
    axes.legend(ncols=4, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.2), frameon=False)
    return _save(figure, "race_paths.png")


def draw(stored):
    FOLDER.mkdir(exist_ok=True)
    return [ratios(stored), times(stored)]
