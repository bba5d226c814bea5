# SPDX-License-Identifier: LGPL-2.1-or-later
"""Numbers with a goal: big specs, many volumes, many cached inodes."""

import os
import pathlib
import statistics

from subjects import CTL, Site, Unavailable, run

GEN_SPEC = pathlib.Path(__file__).resolve().parents[1] / "lib" / "gen_spec.py"
MACHINES, VOLUMES = 1000, 4
INODES = 100_000


def write_spec(path, machines, volumes, site):
    path.write_text(run(str(GEN_SPEC), str(machines), str(volumes), "--unprotected",
                        "--base", str(site.mount)), "utf-8")


def make_files(base, count):
    """COUNT files in directories of 1,000, straight on the base."""
    for start in range(0, count, 1000):
        where = base / f"d{start // 1000:04d}"
        where.mkdir()
        for i in range(1000):
            os.close(os.open(where / f"f{i:03d}", os.O_CREAT | os.O_WRONLY, 0o644))


def stat_all(top):
    """Look at every file below TOP; returns how many there are."""
    count = 0
    for where, _, files in os.walk(top):
        for name in files:
            os.stat(os.path.join(where, name))
        count += len(files)
    return count


def measure_spec(top, rounds):
    """Seconds of validate, of a first apply, of an apply with nothing to do, and of the mount."""
    spec = top / "big.yml"
    site = Site(top / "big")
    write_spec(spec, MACHINES, VOLUMES, site)
    yield "validate, 1,000 machines x 4 (s)", 0.3, statistics.median(
        site.timed_ctl("validate", str(spec)) for _ in range(rounds))
    yield "apply, first (s)", 2.0, site.timed_ctl("apply", str(spec))
    yield "apply, again (s)", 2.0, statistics.median(
        site.timed_ctl("apply", str(spec)) for _ in range(rounds))
    seconds = []
    for _ in range(rounds):
        seconds.append(site.start())
        site.stop()
    yield "mount with 4,000 volumes (s)", 1.0, statistics.median(seconds)


def measure_memory(top):
    spec = top / "small.yml"
    site = Site(top / "small")
    write_spec(spec, 1, 1, site)
    site.ctl("apply", str(spec))
    volume = pathlib.Path("student-000", "s000-m0000", "vol0")
    make_files(site.top / "base" / volume, INODES)
    site.start()
    try:
        yield "RSS at start (MiB)", 40, site.rss_mib()
        seen = stat_all(site.mount / volume)
        if seen != INODES:
            raise Unavailable(f"{seen} of {INODES} files seen")
        yield "RSS with 100,000 inodes (MiB)", 40, site.rss_mib()
    finally:
        site.stop()


def measure(top, rounds):
    if not pathlib.Path(CTL).exists():
        raise Unavailable(f"'{CTL}' is not built")
    rows = list(measure_spec(top, rounds))
    return rows + list(measure_memory(top))
