# SPDX-License-Identifier: LGPL-2.1-or-later
"""Results as Markdown: native in its unit, everybody else as a ratio to it, turn by turn."""

import math
import statistics

UNITS = {"data": "MB/s", "life": "/s", "tree": "/s", "pgbench": "/s"}
TITLES = {
    "data": "Data: sequential and random, buffered, direct and mapped",
    "life": "The life of a small file",
    "tree": "Trees of 20,000 files",
    "pgbench": "PostgreSQL",
}
PEERS = ("bindfs", "mergerfs")
OURS = "anklume-fs"
WARM = ("stat warm", "absent name warm", "readdir warm")


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def table(head, rows):
    """Aligned Markdown, the first column left, the others right."""
    cells = [head, *rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]

    def line(row):
        return "| " + " | ".join(
            c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths))
        ) + " |"

    rule = "|" + "|".join(
        "-" * (w + 2) if i == 0 else "-" * (w + 1) + ":" for i, w in enumerate(widths)) + "|"
    return "\n".join([line(head), rule, *map(line, rows)])


def geometric_mean(values):
    return math.exp(statistics.fmean(math.log(v) for v in values))


class Section:
    """Results of one place (host, container): subject -> group -> row -> one number per turn."""

    def __init__(self, results):
        self.results = results
        self.others = [s for s in results if s != "native"]

    def rows(self, group):
        return list(self.results["native"].get(group, {}))

    def values(self, subject, group, row):
        return self.results.get(subject, {}).get(group, {}).get(row)

    def ratios(self, subject, group, row, base="native"):
        """To BASE, each turn by itself: what slows one turn slows both."""
        mine, theirs = self.values(subject, group, row), self.values(base, group, row)
        if not mine or not theirs:
            return None
        return [a / b for a, b in zip(mine, theirs)]

    def ratio(self, subject, group, row, base="native"):
        found = self.ratios(subject, group, row, base)
        return statistics.median(found) if found else None

    def spread(self, subject, group, row):
        """Half of what lies between the quarters, in hundredths of the median."""
        found = self.ratios(subject, group, row)
        if not found or len(found) < 3:
            return None
        low, _, high = statistics.quantiles(found, n=4, method="inclusive")
        return 50 * (high - low) / statistics.median(found)

    def better_peer(self, group, row):
        """Us as a ratio of the better peer; None without peers."""
        found = [self.ratio(OURS, group, row, p) for p in PEERS]
        found = [f for f in found if f]
        return min(found) if found else None


def cell(section, subject, group, row):
    ratio, spread = section.ratio(subject, group, row), section.spread(subject, group, row)
    if ratio is None:
        return "-"
    return f"{ratio:.2f}" + (f" ±{spread:.0f}%" if spread is not None else "")


def group_table(section, group, floor_us, trips):
    """TRIPS: requests per operation, by row without its state; None where nobody counted."""
    head = ["work", f"native ({UNITS[group]})", *section.others]
    peers = [p for p in PEERS if p in section.others]
    if peers and OURS in section.others:
        head.append("us / better peer")
    with_floor = group == "life" and floor_us and OURS in section.others
    if with_floor:
        head += ["us, empty trips", "trips"]
    rows = []
    for row in section.rows(group):
        native = statistics.median(section.values("native", group, row))
        cells = [row, number(native)] + [cell(section, s, group, row) for s in section.others]
        if "us / better peer" in head:
            better = section.better_peer(group, row)
            cells.append("-" if better is None else f"{better:.2f}")
        if with_floor:
            name, _, state = row.rpartition(", ")
            us = 1e6 / statistics.median(section.values(OURS, group, row))
            cells += [f"{us / floor_us[state]:.2f}", f"{sum(trips.get(name, {}).values()):.2f}"]
        rows.append(cells)
    return table(head, rows)


def calls_table(calls):
    rows = [[name, f"{1e9 / base:,.0f}", f"{1e9 / mount:,.0f}", f"{mount / base:.2f}"]
            for name, (base, mount) in calls.items()]
    return table(["call", "native (ns)", f"{OURS} (ns)", "ratio"], rows)


def trips_table(trips):
    rows = [[name, f"{sum(ops.values()):.2f}",
             ", ".join(f"{op} {n:.2f}" for op, n in sorted(ops.items(), key=lambda i: -i[1]))]
            for name, ops in trips.items()]
    return table(["work", "requests", "which"], rows)


def verdict(what, goal, values):
    """One row of the goals: the worst of VALUES, {row: ratio}, against GOAL."""
    if not values:
        return [what, f">= {goal}", "not measured", "", ""]
    row, worst = min(values.items(), key=lambda item: item[1])
    n_met = sum(v >= goal for v in values.values())
    return [what, f">= {goal}", f"{n_met} of {len(values)}", f"{worst:.2f}", row]


def goals_table(section):
    def ours(group, wanted):
        rows = {r: section.ratio(OURS, group, r) for r in section.rows(group) if wanted(r)}
        return {r: v for r, v in rows.items() if v}

    def against_peers(group, wanted):
        rows = {r: section.better_peer(group, r) for r in section.rows(group) if wanted(r)}
        return {r: v for r, v in rows.items() if v}

    def is_warm(row):
        return row.rpartition(", ")[0] in WARM

    def is_sync(row):
        return "fdatasync" in row

    rows = [
        verdict("data, to native", 0.97, ours("data", lambda r: not is_sync(r))),
        verdict("fdatasync, to native", 0.95, ours("data", is_sync)),
        verdict("pgbench, to native", 0.95, ours("pgbench", lambda r: True)),
        verdict("warm metadata, to native", 0.9, ours("life", is_warm)),
        verdict("small files, to the better peer", 1.0,
                against_peers("life", lambda r: not is_warm(r))),
        verdict("trees, to the better peer", 1.0, against_peers("tree", lambda r: True)),
    ]
    for state in ("idle", "busy"):
        found = against_peers("life", lambda r, s=state: r.endswith(s) and not is_warm(r))
        mean = {"all of them": geometric_mean(found.values())} if found else {}
        rows.append(verdict(f"small files, {state}, geometric mean to the better peer", 1.5, mean))
    return table(["goal", "at least", "rows that meet it", "worst", "where"], rows)


def limits(rows):
    """Numbers with a goal of their own, (what, goal, measured): smaller is better."""
    return table(["what", "goal", "measured"],
                 [[name, f"<= {number(goal)}", number(value)] for name, goal, value in rows])
