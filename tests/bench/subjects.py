# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is measured: a directory each, all on one filesystem, mounted for the whole run."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
SUPERVISE = HERE.parent / "lib" / "supervise.py"
BUILD = pathlib.Path(os.environ.get("ANKLUME_BUILD", HERE.parents[1] / "build"))
DAEMON = os.environ.get("ANKLUME_FS", str(BUILD / "fs" / "anklume-fs"))
CTL = os.environ.get("ANKLUME_FSCTL", str(BUILD / "tools" / "anklume-fsctl"))
SMALLFILE = BUILD / "tests" / "bench" / "smallfile"
CALLCOST = BUILD / "tests" / "bench" / "callcost"

# The longest caches that each can be given without losing a feature that the others have. What
# the answer of `--version` begins with tells which of mergerfs' choices it understands.
BINDFS = ("multithreaded", "entry_timeout=3600", "attr_timeout=3600", "negative_timeout=3600",
          "kernel_cache", "big_writes", "allow_other")
MERGERFS = ("category.create=ff", "minfreespace=0", "cache.files=full", "cache.writeback=true",
            "cache.attr=3600", "cache.entry=3600", "cache.negative_entry=3600",
            "cache.readdir=true", "cache.symlinks=true", "cache.statfs=3600",
            "security_capability=false", "posix_acl=true", "allow_other")
# Passthrough, from 2.41, excludes the write-back cache.
MERGERFS_PASSTHROUGH = ("passthrough.io=rw",
                        *(o for o in MERGERFS if o != "cache.writeback=true"))


class Unavailable(Exception):
    """The subject cannot be measured on this machine."""


def run(*command, **kwargs):
    """Its standard output; what it said on standard error is part of the exception."""
    done = subprocess.run([str(c) for c in command], check=False, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, **kwargs)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr.strip()[-800:]}")
    return done.stdout


class Subject:
    """A directory to work in, and how to run a command that sees it."""

    smallfile = SMALLFILE
    user = "postgres"  # who owns a database, see run_as()

    def __init__(self, name, where, settings):
        self.name = name
        self.where = pathlib.Path(where)
        self.settings = settings

    def run(self, *command):
        return run(*command)

    def run_as(self, user, *command):
        """As an ordinary user of the machine."""
        return run("setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups",
                   "env", "-C", "/", *command)

    def counts(self):
        """Requests answered so far, by kind; None where nobody counts."""
        return None


def version_of(program):
    found = re.search(r"\d+(\.\d+)+", run(program, "--version"))
    return found.group() if found else "?"


def mount_peer(program, source, target, choices):
    for options in choices:
        done = subprocess.run([program, "-o", ",".join(options), str(source), str(target)],
                              capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return options
    raise Unavailable(f"'{program}': {done.stderr.strip()}")


@contextlib.contextmanager
def native(top):
    yield Subject("native", top, "the directory itself")


@contextlib.contextmanager
def peer(program, top, *choices):
    """A FUSE peer that forks once it is mounted; CHOICES are option strings, the best first."""
    if not shutil.which(program):
        raise Unavailable(f"'{program}' is not installed")
    source, target = top / "source", top / "mount"
    source.mkdir()
    target.mkdir()
    options = mount_peer(program, source, target, choices)
    try:
        yield Subject(program, target, f"{version_of(program)}: -o {','.join(options)}")
    finally:
        run("umount", str(target))


def bindfs(top):
    return peer("bindfs", top, BINDFS)


def mergerfs(top):
    return peer("mergerfs", top, MERGERFS_PASSTHROUGH, MERGERFS)


class Site:
    """Base, catalogue, mount and daemon of ours below one directory."""

    def __init__(self, top, arguments=()):
        self.top = top
        self.mount = top / "mnt"
        self.run_dir = top / "run"
        for path in (top / "base", self.mount, self.run_dir):
            path.mkdir(parents=True)
        self.env = {
            **os.environ,
            "ANKLUME_BASE": str(top / "base"),
            "ANKLUME_MOUNT": str(self.mount),
            "ANKLUME_CATALOG": str(top / "catalog.db"),
            "ANKLUME_CONTROL": str(self.run_dir / "control.sock"),
        }
        self.arguments = arguments
        self.supervisor = None

    def ctl(self, *arguments):
        return run(CTL, *arguments, env=self.env)

    def timed_ctl(self, *arguments):
        start = time.monotonic()
        self.ctl(*arguments)
        return time.monotonic() - start

    def status(self):
        return json.loads(self.ctl("status", "--json"))

    def start(self):
        """Start the daemon; returns the seconds until it was ready."""
        ready = self.run_dir / "ready"
        os.mkfifo(ready)
        start = time.monotonic()
        with open(self.top / "daemon.log", "ab") as log:
            self.supervisor = subprocess.Popen(
                [str(SUPERVISE), str(self.run_dir), DAEMON, "--foreground", *self.arguments],
                env=self.env, stdout=log, stderr=log)
        status = ready.read_text(encoding="utf-8").strip()
        seconds = time.monotonic() - start
        ready.unlink()
        if status != "READY":
            raise Unavailable(f"the daemon did not start ({status}): "
                              + (self.top / "daemon.log").read_text(encoding="utf-8")[-400:])
        return seconds

    def pid(self):
        return int((self.run_dir / "pid").read_text(encoding="utf-8"))

    def rss_bytes(self):
        for line in pathlib.Path(f"/proc/{self.pid()}/status").read_text("utf-8").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise Unavailable("no VmRSS")

    def stop(self):
        self.supervisor.terminate()
        self.supervisor.wait(timeout=60)


class Volume(Subject):
    """A volume of a site: the daemon counts its requests."""

    def __init__(self, site, where, settings):
        super().__init__("anklume-fs", where, settings)
        self.site = site

    def counts(self):
        return self.site.status()["operations"]

    def below(self):
        """The directory of the base that it shows."""
        return self.site.top / "base" / VOLUME


VOLUME = pathlib.Path("student-000", "s000-m0000", "vol0")


@contextlib.contextmanager
def started_site(top, arguments=()):
    """A site with one unprotected volume, served."""
    if not pathlib.Path(DAEMON).exists():
        raise Unavailable(f"'{DAEMON}' is not built")
    site = Site(top, arguments)
    spec = top / "infra.yml"
    spec.write_text(run(str(HERE.parent / "lib" / "gen_spec.py"), "1", "1", "--unprotected",
                        "--base", str(site.mount)),
                    encoding="utf-8")
    site.ctl("apply", str(spec))
    site.start()
    try:
        yield site
    finally:
        site.stop()


@contextlib.contextmanager
def ours(top):
    arguments = os.environ.get("ANKLUME_FS_ARGS", "").split()
    with started_site(top, arguments) as site:
        yield Volume(site, site.mount / VOLUME,
                     f"{version_of(DAEMON)}: {' '.join(arguments) or 'defaults'}")


SUBJECTS = {"native": native, "bindfs": bindfs, "mergerfs": mergerfs, "anklume-fs": ours}
