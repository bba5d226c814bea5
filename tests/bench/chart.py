# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ratios to native as an SVG of horizontal bars on a logarithmic scale."""

import math
from xml.sax.saxutils import escape

COLOURS = {"bindfs": "#b8a25a", "mergerfs": "#7d8fa8", "anklume-fs": "#b3261e"}
LEFT, WIDTH, BAR, GAP, TOP = 250, 560, 7, 7, 50
TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2)


def position(ratio):
    low, high = math.log(TICKS[0]), math.log(TICKS[-1])
    share = (math.log(max(TICKS[0], min(ratio, TICKS[-1]))) - low) / (high - low)
    return LEFT + share * WIDTH


def grid(height):
    for tick in TICKS:
        x = position(tick)
        stroke = "#444" if tick == 1 else "#ddd"
        yield f'<line x1="{x:.1f}" y1="{TOP - 6}" x2="{x:.1f}" y2="{height - 10}" stroke="{stroke}"/>'
        yield f'<text x="{x:.1f}" y="{TOP - 12}" text-anchor="middle">{tick:g}</text>'


def legend(names):
    x = LEFT
    for name in names:
        yield f'<rect x="{x}" y="8" width="10" height="10" fill="{COLOURS[name]}"/>'
        yield f'<text x="{x + 14}" y="17">{escape(name)}</text>'
        x += 100
    yield f'<text x="{x}" y="17">1 = the directory itself, longer is faster</text>'


def bars(title, values, y):
    """One row: a bar for each of VALUES, (subject, ratio)."""
    middle = y + len(values) * BAR / 2 + 3.5
    yield f'<text x="{LEFT - 8}" y="{middle:.1f}" text-anchor="end">{escape(title)}</text>'
    for i, (name, ratio) in enumerate(values):
        width = position(ratio) - LEFT
        yield (f'<rect x="{LEFT}" y="{y + i * BAR}" width="{width:.1f}" height="{BAR - 1}" '
               f'fill="{COLOURS[name]}"><title>{escape(name)}: {ratio:.2f}</title></rect>')


def draw(rows, names):
    """ROWS: (title, {subject: ratio}). Returns the text of the SVG."""
    body, y = [], TOP
    for title, ratios in rows:
        values = [(n, ratios[n]) for n in names if ratios.get(n)]
        if values:
            body += bars(title, values, y)
            y += len(values) * BAR + GAP
    height = y + 10
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 20}" '
            f'height="{height}" font-family="sans-serif" font-size="11">')
    return "\n".join([head, '<rect width="100%" height="100%" fill="#fff"/>',
                      *legend(names), *grid(height), *body, "</svg>", ""])
