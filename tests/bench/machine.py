# SPDX-License-Identifier: LGPL-2.1-or-later
"""The machine: what it is, what else it does, and the states in which it is measured."""

import contextlib
import datetime
import os
import pathlib
import platform
import subprocess

from subjects import BUILD, SMALLFILE, run


def drop_dentries():
    """Forget names and inodes, not data: the cold state of metadata, for everybody alike."""
    _drop(2)


def drop_pages():
    """Forget data: the bytes of a passthrough file are cached below the mount."""
    os.sync()
    _drop(1)


def _drop(what):
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as f:
        f.write(f"{what}\n")


@contextlib.contextmanager
def idle_cpus():
    yield


@contextlib.contextmanager
def busy_cpus():
    """Keep every CPU awake with work that yields to anything else."""
    spinners = [
        subprocess.Popen(["nice", "-n", "19", "sh", "-c", "while :; do :; done"])
        for _ in range(os.cpu_count() or 1)
    ]
    try:
        yield
    finally:
        for spinner in spinners:
            spinner.kill()
            spinner.wait()


STATES = {"idle": idle_cpus, "busy": busy_cpus}


def describe(top):
    cpu = "unknown CPU"
    for line in pathlib.Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            cpu = line.partition(":")[2].strip()
            break
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    virtual = run("sh", "-c", "systemd-detect-virt --vm || true").strip() or "unknown"
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "kernel": platform.release(),
        "cpus": f"{os.cpu_count()} x {cpu}",
        "memory": f"{memory:.0f} GiB",
        "virtualisation": virtual,
        "filesystem": run("stat", "-f", "-c", "%T", top).strip(),
        "load before": " ".join(f"{n:.2f}" for n in os.getloadavg()),
    }


@contextlib.contextmanager
def empty_fs(top):
    """The mount of emptyfs.c."""
    where = top / "empty"
    where.mkdir()
    process = subprocess.Popen([str(BUILD / "tests" / "bench" / "emptyfs"), str(where)],
                               stdout=subprocess.PIPE, text=True)
    try:
        if process.stdout.readline().strip() != "mounted":
            raise RuntimeError("emptyfs does not mount")
        yield where
    finally:
        process.terminate()
        process.wait(timeout=30)


def round_trip_us(where, calls):
    """One empty round trip on the mount of empty_fs()."""
    return 1e6 / float(run(SMALLFILE, "getxattr", where, calls))
