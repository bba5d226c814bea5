# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is done in each directory. A workload returns {name: number}, higher is better."""

import contextlib
import json
import os
import pathlib
import subprocess

HERE = pathlib.Path(__file__).resolve().parent

# name: (unit, arguments of fio, whether the page cache is dropped first)
FIO = {
    "write 1M": ("MB/s", ["--rw=write", "--bs=1M", "--end_fsync=1"], False),
    "read 1M, cold": ("MB/s", ["--rw=read", "--bs=1M", "--invalidate=0"], True),
    "read 1M, cached": ("MB/s", ["--rw=read", "--bs=1M", "--invalidate=0"], False),
    "read 4k random, cached": ("IO/s", ["--rw=randread", "--bs=4k", "--invalidate=0"], False),
    "read 4k random, direct": (
        "IO/s", ["--rw=randread", "--bs=4k", "--direct=1", "--io_size=32M"], False),
    "write 4k random": (
        "IO/s", ["--rw=randwrite", "--bs=4k", "--end_fsync=1", "--io_size=64M"], False),
    "write 4k, fdatasync each": (
        "IO/s", ["--rw=write", "--bs=4k", "--fdatasync=1", "--io_size=4M"], False),
}

SMALL = ("create", "stat", "stat-again", "open-read", "list", "rename", "unlink")


def drop_caches():
    """For every subject alike: the bytes of a passthrough file are cached below the mount."""
    os.sync()
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as f:
        f.write("1\n")


def fio(where, size_mb, unit, arguments):
    done = subprocess.run(
        ["fio", "--name=bench", f"--filename={where / 'fio'}", f"--size={size_mb}M",
         "--ioengine=psync", "--output-format=json", *arguments],
        check=True, capture_output=True, text=True)
    job = json.loads(done.stdout)["jobs"][0]
    side = job["write"] if job["write"]["total_ios"] else job["read"]
    return side["bw_bytes"] / 1e6 if unit == "MB/s" else side["iops"]


def run_fio(where, options):
    results = {}
    for name, (unit, arguments, is_cold) in FIO.items():
        if is_cold:
            drop_caches()
        results[f"{name} ({unit})"] = fio(where, options.size, unit, arguments)
    (where / "fio").unlink()
    return results


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


def smallfile(where, options):
    work = where / "small"
    work.mkdir()
    done = subprocess.run([str(options.smallfile), str(work), str(options.files)],
                          check=True, capture_output=True, text=True)
    work.rmdir()
    return json.loads(done.stdout)


def run_small(where, options):
    """Idle, a round trip costs waking two sleepers; busy, it costs what the code costs."""
    idle = smallfile(where, options)
    with busy_cpus():
        busy = smallfile(where, options)
    results = {f"{name} (/s, idle)": idle[name] for name in SMALL}
    results.update({f"{name} (/s, busy)": busy[name] for name in SMALL})
    return results


WORKLOADS = {"data": run_fio, "small": run_small}
