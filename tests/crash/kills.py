#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Kill the daemon at random moments while others work on its mount: nobody notices.

    kills.py DAEMON FSCTL IDMAPPED DIRECTORY --base DIR [--kind KIND] [--kills N]
        [--holder SHARE] [--seed N] [--report FILE] [--postgresql DIR] [--difftest FILE]
        [--project NAME]

plain: a mount of a directory; idmapped: two volumes of a catalogue, each through an idmapped bind
and as root of a user namespace; containers: a volume on the host and two as devices of two
containers of an Incus project. PostgreSQL (DIR: its programs) and, on the host, the tester of
tests/diff come on top when they are named. Prints TAP.
"""

import argparse
import collections
import os
import pathlib
import random
import re
import stat
import subprocess
import sys

from containers import Container
from killer import Killer, histogram, percentile
from loads import Churn, Difftest, Place, Prober, Sqlite, fio
from mount_site import Site, Tap, drop_caches, expect, wait_until
from passthrough import close_all
from postgres import Postgres

SPEC = """\
project_name: kills
global:
  base_subnet: "10.100"
  persistent_data_base: {mount}
domains:
  pro:
    subnet_id: 0
    machines:
      dev:
        type: lxc
        persistent_data:
"""
VOLUME = "          {name}:\n            path: /data/{name}\n            protected: false\n"


class CatalogueSite(Site):
    """The volumes NAMES of the machine pro/dev, declared and applied."""

    def __init__(self, daemon, fsctl, directory, base, names, options=()):
        self.catalog = os.path.join(directory, "catalog.db")
        spec = pathlib.Path(directory, "infra.yml")
        mount = os.path.join(directory, "mnt")
        os.makedirs(mount)
        spec.write_text(SPEC.format(mount=mount) + "".join(VOLUME.format(name=n) for n in names),
                        encoding="utf-8")
        env = dict(os.environ, ANKLUME_BASE=base, ANKLUME_CATALOG=self.catalog, ANKLUME_MOUNT=mount,
                   ANKLUME_CONTROL=os.path.join(directory, "control"),
                   ANKLUME_LEVEL_FILE=os.path.join(directory, "absolute_level"))
        subprocess.run([fsctl, "apply", str(spec)], env=env, check=True, stdout=subprocess.DEVNULL)
        super().__init__(daemon, directory, base, options)

    def arguments(self):
        return ["--base", self.base, "--catalog", self.catalog, "--mount", self.mount]

    def volume(self, name):
        return os.path.join("pro", "dev", name)


# What difftest compares with has no access times either.
FOR_DIFFTEST = ("-o", "noatime")


def plain_places(args):
    site = Site(args.daemon, args.directory, args.base, FOR_DIFFTEST)
    return site, [Place("plain", site.mount, site.base, args.directory)]


def idmapped_places(args):
    names = ("one", "two")
    site = CatalogueSite(args.daemon, args.fsctl, args.directory, args.base, names)
    places = []
    for name in names:
        target = os.path.join(args.directory, "in-" + name)
        os.mkdir(target)
        where = os.path.join(site.mount, site.volume(name))
        places.append(Place(name, where, os.path.join(site.base, site.volume(name)), args.directory,
                            [args.idmapped, where, target]))
    return site, places


def container_places(args):
    names = ("host", "one", "two")
    site = CatalogueSite(args.daemon, args.fsctl, args.directory, args.base, names, FOR_DIFFTEST)
    where = [(name, os.path.join(site.mount, site.volume(name)),
              os.path.join(site.base, site.volume(name)), args.directory) for name in names]
    return site, [Place(*where[0])] + [Container(*w, args.project) for w in where[1:]]


KINDS = {"plain": plain_places, "idmapped": idmapped_places, "containers": container_places}
TITLES = {"plain": "One plain mount", "idmapped": "Two volumes behind idmapped binds",
          "containers": "The host and two containers"}


def make_loads(places, args):
    loads = [Prober(place) for place in places]
    if args.postgresql:  # early: before others load the machine it begins sooner
        loads += [Postgres(place, args.postgresql) for place in dict.fromkeys((places[0], places[-1]))]
    for place in places:
        loads += [Churn(place, n) for n in range(1, 1 + 4 // len(places))]
        loads.append(fio(place))
    loads += [Sqlite(place, "WAL") for place in places[:-1] or places]
    loads.append(Sqlite(places[-1], "DELETE"))
    if args.difftest:
        loads.append(Difftest(places[0], args.difftest))
    return loads


def kill_them(killer, loads, number, holder_share):
    """NUMBER kills, or fewer when a load is at its end before."""
    for n in range(number):
        for load in loads:
            if not load.is_alive():
                raise AssertionError("%s is over after %d kills" % (load.name, n))
        if killer.random.random() < holder_share:
            killer.holder()
        killer.daemon()


DIRECTORIES = 16  # that a thread which has nothing to do keeps open, see fs/table/dircache.h


def is_directory_for_names(pid, fd):
    with open("/proc/%d/fdinfo/%s" % (pid, fd), encoding="ascii") as f:
        flags = int(re.search(r"^flags:\s*([0-7]+)", f.read(), re.M).group(1), 8)
    return flags & os.O_PATH and stat.S_ISDIR(os.stat("/proc/%d/fd/%s" % (pid, fd)).st_mode)


def descriptors(site):
    """What the holder and the daemon have open, but for the directories that it was in last."""
    found, n_directories = collections.Counter(), 0
    for who, pid in (("holder", site.holder()), ("daemon", site.status()["pid"])):
        directory = "/proc/%d/fd" % pid
        for fd in os.listdir(directory):
            if who == "daemon" and is_directory_for_names(pid, fd):
                n_directories += 1
                continue
            found[who + " " + re.sub("[0-9]+", "N", os.readlink(os.path.join(directory, fd)))] += 1
    if n_directories > DIRECTORIES:
        found["daemon directories"] = n_directories
    return found


def look_at_descriptors(site):
    """None: one was closed while it was looked at."""
    try:
        return descriptors(site)
    except FileNotFoundError:
        return None


def settled_descriptors(site):
    """As soon as two looks in a row say the same: a daemon that has just begun closes some."""
    looks = [None]

    def is_settled():
        looks.append(look_at_descriptors(site))
        return looks[-1] is not None and looks[-1] == looks[-2]

    wait_until(20, is_settled, "descriptors that stay")
    return looks[-1]


ALL_IS_WELL = """No load saw an error; databases,
checksums and trees are what they must be (docs/decisions/065, 066). Nothing was left: no inode, open
file, entry of the journal, descriptor, or one of the %d passthrough ids that were given out."""

WAITS = """Callers waited, for each kill the longest. "The death": until the killed daemon's last thread
had come back from the base, from fsync(2) and its journal, say. The next daemon begins then."""


class Kills:
    """The test: loads, kills, and what is left."""

    def __init__(self, args):
        self.args, self.tap = args, Tap()
        self.site, self.places = KINDS[args.kind](args)
        self.killer = Killer(self.site, random.Random(args.seed))
        self.killer.daemon()  # what comes after is compared with a daemon that has taken over
        self.site.wait_until_kept()
        self.before = settled_descriptors(self.site)
        self.n_ids = 0
        self.loads = make_loads(self.places, args)

    def attempt(self, name, function, *args):
        """FUNCTION's trouble, returned or raised, under NAME."""
        try:
            trouble = function(*args)
        except (AssertionError, OSError) as e:
            trouble = "%s: %s" % (type(e).__name__, e)
        if trouble:
            self.site.log.flush()
            trouble += "\n" + pathlib.Path(self.site.log.name).read_text(encoding="utf-8")[-3000:]
        self.tap.result(trouble, name)

    def check_descriptors(self):
        def is_as_before():
            return look_at_descriptors(self.site) == self.before

        try:
            wait_until(20, is_as_before, "the descriptors of before")
        except AssertionError as e:
            now = descriptors(self.site)
            return "%s; new: %s; gone: %s" % (e, dict(now - self.before), dict(self.before - now))
        return None

    def check_journal(self):
        """Each worker has an entry, and nobody else has."""

        def is_idle():
            s = self.site.status()
            return s["journal_entries"] == s["workers"]

        wait_until(20, is_idle, "an entry of the journal for each worker alone")

    def check_passthrough(self):
        """Nothing is open: no id may be either."""
        if self.site.is_stacked():
            expect("said so", self.site.says("refuses passthrough"), True)
            return
        drop_caches()
        another = pathlib.Path(self.site.base, "another-file")
        another.touch()
        self.n_ids, n_open = close_all(self.site.status()["pid"], another)
        another.unlink()
        print("# %d passthrough ids were given out" % self.n_ids)
        expect("passthrough ids that were given out", self.n_ids > 0, True)
        expect("passthrough ids that are left", n_open, 0)

    def check_end(self):
        """Unmounted, everybody ends."""
        last, holder = self.site.status()["pid"], self.site.holder()
        self.site.stop()
        for pid in (last, holder):
            wait_until(20, lambda p=pid: not os.path.exists("/proc/%d" % p), "the end of %d" % pid)

    def write_report(self, waits):
        """What docs/benchmarks/crash.md says of this run."""
        killer = self.killer
        lines = ["### %s, %d kills" % (TITLES[self.args.kind], self.args.kills), "",
                 "%d more daemons died before they served, and %d holders. %s" % (
                     killer.n_early, killer.n_holders,
                     ALL_IS_WELL % self.n_ids if self.tap.failed == 0
                     else "**%d checks failed.**" % self.tap.failed), "",
                 "| Load | Work done |", "|---|---|"]
        lines += ["| %s | %s |" % (load.name, load.amount) for load in self.loads]
        waits = dict(waits, **{"the death": killer.deaths_ms})
        lines += ["", WAITS, "",
                  "| At most (ms) | %s |" % " | ".join(waits), "|---:|" + "---:|" * len(waits)]
        columns = [histogram(w) for w in waits.values()]
        for rows in zip(*columns):
            lines.append("| %s | %s |" % (rows[0][0], " | ".join(str(n) for _, n in rows)))
        for words, share in (("median", 0.5), ("99%", 0.99), ("longest", 1)):
            lines.append("| %s | %s |" % (words, " | ".join(
                "%.0f ms" % percentile(w, share) for w in waits.values())))
        with open(self.args.report, "a", encoding="utf-8") as f:
            f.write("\n".join(lines) + "\n\n")

    def collect_waits(self):
        """{place: milliseconds, one for each kill that a call there met}."""
        found = {}
        for prober in (load for load in self.loads if isinstance(load, Prober)):
            waits = found[prober.place.name] = self.killer.waits_ms(prober.result["slow"])
            expect("calls that met a kill in " + prober.place.name, bool(waits), True)
            print("# callers waited, %s: median %.0f ms, 99%% %.0f ms, at most %.0f ms" % (
                prober.place.name, percentile(waits, 0.5), percentile(waits, 0.99), max(waits)))
        return found

    def run(self):
        try:
            return self.run_all()
        finally:
            for load in self.loads:
                load.give_up()
            if os.path.ismount(self.site.mount):
                subprocess.run(["umount", "-l", self.site.mount], check=False)

    def run_all(self):
        for place in self.places:
            place.enter()
        for load in self.loads:
            load.start()
        for load in self.loads:
            wait_until(120, load.has_begun, "a start of " + load.name)
        self.attempt("%d daemons are killed" % self.args.kills, kill_them, self.killer, self.loads,
                     self.args.kills, self.args.holder)
        print("# %d more died before they served, and %d holders" % (self.killer.n_early,
                                                                   self.killer.n_holders))
        for load in self.loads:
            self.attempt("no error: " + load.name, load.stop)
            print("# " + load.amount)
        for place in self.places:
            place.leave()
        waits = self.collect_waits()
        self.attempt("no inode and no open file is left", self.site.check_nothing_is_left)
        self.attempt("no entry of the journal is left", self.check_journal)
        self.attempt("no descriptor is left", self.check_descriptors)
        self.attempt("no passthrough id is left", self.check_passthrough)
        self.attempt("with the mount all end", self.check_end)
        if self.args.report:
            self.write_report(waits)
        return self.tap.end()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("daemon")
    parser.add_argument("fsctl")
    parser.add_argument("idmapped")
    parser.add_argument("directory")
    parser.add_argument("--base")
    parser.add_argument("--kind", choices=KINDS, default="plain")
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--holder", type=float, default=0)
    parser.add_argument("--report", help="append a section of Markdown to this file")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--project", help="of a private Incus daemon, see tests/incus/lib.sh")
    parser.add_argument("--postgresql", help="the directory of its programs")
    parser.add_argument("--difftest", help="the program, for a plain mount")
    return Kills(parser.parse_args()).run()


if __name__ == "__main__":
    sys.exit(main())
