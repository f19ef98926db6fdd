"""What the stored results say: a line a cell, the table of README.md, the figures of the docs."""

import math

from racing.cells import CELLS

NAMES = {"scikit_learn": "scikit-learn", "numpy_fista": "NumPy FISTA"}
OURS, PLAIN = "mtlearn", "numpy_fista"


def counted(record):
    """{name: time} of the peers that the ratio is about."""
    apart = {OURS} if record.get("plain_counts") else {OURS, PLAIN}
    return {name: time for name, time in record["times"].items() if name not in apart}


def best(record):
    """(name, seconds) of the fastest peer, (None, None) where no peer reached the gap."""
    reached = {k: t["seconds"] for k, t in counted(record).items() if t["seconds"]}
    name = min(reached, key=reached.get, default=None)
    return name, reached.get(name)


def ratio(record):
    """Best peer / ours; where all peers were stopped, what it is at least."""
    ours, peer = record["times"][OURS]["seconds"], best(record)[1]
    waits = [time["waited"] for time in counted(record).values() if time.get("waited")]
    peer = peer or min(waits, default=None)
    return peer / ours if ours and peer else math.nan


def ratio_shown(record):
    return f"{'' if best(record)[0] else '> '}{two_digits(ratio(record))}"


def two_digits(value):
    return f"{float(f'{value:.2g}'):g}"


def shown(time):
    return f"{time['seconds']:.3g}" if time["seconds"] else time["reason"]


def verdict(record):
    name, seconds = best(record)
    peer = f"{NAMES.get(name, name)} {seconds:.3g} s" if name else "no peer reached the gap"
    passed = "ok" if ratio(record) >= record["must"] else "BELOW"
    return (
        f"ours {shown(record['times'][OURS])}, best peer {peer}, ratio {ratio_shown(record)}"
        f" (must {record['must']:g}, aim {record['aim']:g}): {passed}"
    )


def mean_line(stored):
    """Geometric means of the two groups that have to reach one; a bound where a ratio is one."""
    lines = []
    for group, must, aim in [("L2,1 paths", 8, 15), ("L1,inf", 6, 10)]:
        records = [r for r in stored["cells"].values() if r["group"] == group and ratio(r) > 0]
        if records:
            mean = math.exp(sum(math.log(ratio(r)) for r in records) / len(records))
            least = "" if all(best(r)[0] for r in records) else "at least "
            text = f"{group}: geometric mean of {len(records)} cells {least}{mean:.2f}"
            lines.append(f"{text} (must {must}, aim {aim})")
    return "\n".join(lines)


def small(record):
    """Counts, with the names of the worst."""
    if not record:
        return "small problems: not run"
    counts = [f"{len(record[key])} {key}" for key in ("over .5 s", "over 2 s", "unconverged")]
    worst = "; ".join([*record["slowest"], *record["unconverged"][:5]])
    return f"{record['problems']} small problems: {', '.join(counts)} ({worst})"


def ordered(stored):
    """The cells in the order of cells.py."""
    return {c.name: stored["cells"][c.name] for c in CELLS if c.name in stored["cells"]}


def table(stored):
    """Markdown: a row a cell, the best peer in bold."""
    cells = ordered(stored)
    peers = [name for r in cells.values() for name in r["times"] if name != OURS]
    peers = sorted(set(peers), key=lambda name: (-peers.count(name), name))
    lines = [
        "| cell | " + " | ".join([OURS, *(NAMES.get(p, p) for p in peers)]) + " | ratio | must |",
        "|---|" + "--:|" * (len(peers) + 3),
    ]
    notes = {}
    for name, record in cells.items():
        first, row = best(record)[0], [name, shown(record["times"][OURS])]
        for peer in peers:
            time = record["times"].get(peer)
            text = shown(time) if time else "–"
            if text.startswith("does not run"):
                text = "no " + f"({notes.setdefault(text, len(notes) + 1)})"
            row.append(f"**{text}**" if peer == first else text)
        row += [ratio_shown(record), f"{record['must']:g}"]
        lines.append("| " + " | ".join(row) + " |")
    lines += ["", *(f"({number}) {text}." for text, number in notes.items())]
    return "\n".join(lines)


def write(stored):
    from racing.figures import draw

    print(table(stored), "", mean_line(stored), small(stored["small"]), sep="\n")
    print(f"\n{stored['date']}, {stored['processor']}, one thread, CPU seconds;", end=" ")
    print(", ".join(f"{name} {version}" for name, version in stored["versions"].items()))
    for path in draw(stored):
        print(path)
