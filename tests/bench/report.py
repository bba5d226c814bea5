# SPDX-License-Identifier: LGPL-2.1-or-later
"""Medians as Markdown tables: native in its unit, everybody else as a ratio of it."""

import os
import pathlib
import platform
import statistics


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


def ratios(results):
    """results: subject -> workload -> list of numbers."""
    others = [s for s in results if s != "native"]
    rows = []
    for name, values in results["native"].items():
        base = statistics.median(values)
        rows.append([name, number(base)] + [
            f"{statistics.median(results[s][name]) / base:.2f}" for s in others])
    return table(["work", "native"] + [f"{s} / native" for s in others], rows)


def goals(rows):
    return table(["what", "goal", "measured"],
                 [[name, f"< {number(goal)}", number(value)] for name, goal, value in rows])


def machine(top):
    cpu = "unknown CPU"
    for line in pathlib.Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            cpu = line.partition(":")[2].strip()
            break
    fstype = os.popen(f"stat -f -c %T '{top}'").read().strip()
    return f"Linux {platform.release()}, {os.cpu_count()} x {cpu}, {fstype}."
