# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is measured: a directory each, all on one filesystem, mounted for the whole run."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
SUPERVISE = HERE.parent / "lib" / "supervise.py"
BUILD = pathlib.Path(os.environ.get("ANKLUME_BUILD", HERE.parents[1] / "build"))
DAEMON = os.environ.get("ANKLUME_FS", str(BUILD / "fs" / "anklume-fs"))
CTL = os.environ.get("ANKLUME_FSCTL", str(BUILD / "tools" / "anklume-fsctl"))


class Unavailable(Exception):
    """The subject cannot be measured on this machine."""


def run(*command, **kwargs):
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, **kwargs).stdout


@contextlib.contextmanager
def native(top):
    yield top


@contextlib.contextmanager
def mounted_by(program, top, *choices):
    """A FUSE peer that forks once it is mounted; CHOICES are option strings, the best first."""
    if not shutil.which(program):
        raise Unavailable(f"'{program}' is not installed")
    source, target = top / "source", top / "mount"
    source.mkdir()
    target.mkdir()
    for options in choices:
        done = subprocess.run([program, "-o", options, str(source), str(target)],
                              capture_output=True, text=True, check=False)
        if done.returncode == 0:
            break
    else:
        raise Unavailable(f"'{program}': {done.stderr.strip()}")
    try:
        yield target
    finally:
        run("umount", str(target))


def bindfs(top):
    return mounted_by("bindfs", top, "multithreaded", "allow_other")


def mergerfs(top):
    cached = ("cache.files=auto-full,cache.attr=60,cache.entry=60,cache.readdir=true,"
              "category.create=ff,allow_other")
    # Passthrough came with 2.41.
    return mounted_by("mergerfs", top, f"passthrough.io=rw,{cached}", cached)


class Site:
    """Base, catalogue, mount and daemon of ours below one directory."""

    def __init__(self, top):
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
        self.supervisor = None

    def ctl(self, *arguments):
        return run(CTL, *arguments, env=self.env)

    def timed_ctl(self, *arguments):
        start = time.monotonic()
        self.ctl(*arguments)
        return time.monotonic() - start

    def start(self):
        """Start the daemon; returns the seconds until it was ready."""
        ready = self.run_dir / "ready"
        os.mkfifo(ready)
        start = time.monotonic()
        with open(self.top / "daemon.log", "ab") as log:
            self.supervisor = subprocess.Popen(
                [str(SUPERVISE), str(self.run_dir), DAEMON, "--foreground"],
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

    def rss_mib(self):
        for line in pathlib.Path(f"/proc/{self.pid()}/status").read_text("utf-8").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise Unavailable("no VmRSS")

    def stop(self):
        self.supervisor.terminate()
        self.supervisor.wait(timeout=30)


@contextlib.contextmanager
def ours(top):
    if not pathlib.Path(DAEMON).exists():
        raise Unavailable(f"'{DAEMON}' is not built")
    site = Site(top)
    spec = top / "infra.yml"
    spec.write_text(run(str(HERE.parent / "lib" / "gen_spec.py"), "1", "1", "--unprotected",
                        "--base", str(site.mount)),
                    encoding="utf-8")
    site.ctl("apply", str(spec))
    site.start()
    try:
        yield site.mount / "student-000" / "s000-m0000" / "vol0"
    finally:
        site.stop()


SUBJECTS = {"native": native, "bindfs": bindfs, "mergerfs": mergerfs, "anklume-fs": ours}
