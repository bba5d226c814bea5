# SPDX-License-Identifier: LGPL-2.1-or-later
"""Numbers with a goal: big specs, many volumes, many cached inodes, many callers."""

import contextlib
import os
import pathlib
import statistics
import time

import machine
from subjects import CTL, HERE, SMALLFILE, VOLUME, Site, Unavailable, run, started_site

GEN_SPEC = HERE.parent / "lib" / "gen_spec.py"
MACHINES, VOLUMES = 1000, 4


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


def seconds_per_life(where, files, turns):
    """The quickest of some turns of create, look up anew, and remove."""
    best = []
    for _ in range(turns):
        start = time.monotonic()
        for phase in ("create", "stat", "rename", "rename-back", "unlink"):
            run(SMALLFILE, phase, where, files)
        best.append(time.monotonic() - start)
    return min(best)


def measure_inodes(top, inodes):
    """Memory and speed with that many inodes in the kernel's cache, and the storm of forgetting."""
    with started_site(top) as site:
        volume = site.mount / VOLUME
        work = volume / "work"
        work.mkdir()
        make_files(site.top / "base" / VOLUME, inodes)
        machine.drop_dentries()
        yield "RSS at start (MiB)", 40, site.rss_bytes() / 2**20

        before = seconds_per_life(work, 2000, 5)
        seen, rss = site.status()["inodes"], site.rss_bytes()
        if stat_all(volume) != inodes:
            raise Unavailable("not all files are seen")
        held = site.status()["inodes"] - seen
        yield "memory per cached inode (bytes)", 200, (site.rss_bytes() - rss) / held
        yield "descriptors with them", 64, len(os.listdir(f"/proc/{site.pid()}/fd"))
        yield f"small files with {held:,} inodes cached, to without", 1.1, seconds_per_life(
            work, 2000, 5) / before
        start = time.monotonic()
        machine.drop_dentries()
        while site.status()["inodes"] > inodes // 10 and time.monotonic() - start < 120:
            os.stat(work)
        yield "all of them forgotten (s)", 60, time.monotonic() - start


def measure_callers(top):
    """Requests of 64 callers at once, to one caller: more callers must not mean less work done."""
    with started_site(top) as site:
        one, many = (site.mount / VOLUME / name for name in ("one", "many"))
        one.mkdir()
        many.mkdir()
        for phase in ("create", "append", "unlink"):
            alone = float(run(SMALLFILE, phase, one, 3200))
            together = float(run(SMALLFILE, phase, many, 50, 64))
            yield f"{phase}: time per file of 64 callers, to one", 1.1, alone / together


def measure(top, options):
    if not pathlib.Path(CTL).exists():
        return
    with contextlib.suppress(Unavailable):
        yield from measure_spec(top, options.rounds)
    for name, part in (("inodes", lambda t: measure_inodes(t, options.inodes)),
                       ("callers", measure_callers)):
        where = top / name
        where.mkdir()
        yield from part(where)
