# SPDX-License-Identifier: LGPL-2.1-or-later
"""
What is measured. A group measures one subject once: a generator of (row, number), higher is
better, None where the subject refuses. Rows of metadata come once per state of the machine: "create, idle" and "create, busy".
"""

import json
import pathlib
import re
import shlex
import time

from machine import STATES, drop_dentries, drop_pages
from subjects import CALLCOST, Unavailable, run

HERE = pathlib.Path(__file__).resolve().parent

# row: (arguments of fio, whether the page cache is dropped first)
DATA = {
    "write 1M": ("--rw=write --bs=1M", False),
    "write 4k": ("--rw=write --bs=4k", False),
    "write 4k random": ("--rw=randwrite --bs=4k", False),
    "read 1M cold": ("--rw=read --bs=1M --time_based=0 --runtime=0", True),
    "read 1M": ("--rw=read --bs=1M", False),
    "read 4k": ("--rw=read --bs=4k", False),
    "read 4k random": ("--rw=randread --bs=4k", False),
    "direct read 4k random": ("--rw=randread --bs=4k --direct=1", False),
    "direct read 1M": ("--rw=read --bs=1M --direct=1", False),
    "direct write 4k random": ("--rw=randwrite --bs=4k --direct=1", False),
    "direct write 1M": ("--rw=write --bs=1M --direct=1", False),
    "mmap read 4k random": ("--rw=randread --bs=4k --ioengine=mmap", False),
    "mmap write 4k random": ("--rw=randwrite --bs=4k --ioengine=mmap", False),
    "write 4k, fdatasync each": ("--rw=write --bs=4k --fdatasync=1", False),
}


def fio(subject, options, arguments, jobs):
    """MB/s of all jobs together; None where the subject refuses."""
    try:
        said = subject.run(
            "fio", "--name=b", f"--directory={subject.where}", f"--size={options.size}M",
            "--ioengine=psync", "--fallocate=none", "--invalidate=0", "--group_reporting",
            f"--numjobs={jobs}", "--thread", "--time_based=1",
            f"--runtime={round(options.seconds * 1000)}ms", "--output-format=json",
            *shlex.split(arguments))
    except RuntimeError:
        return None
    done = json.loads(said)["jobs"][0]
    side = done["write"] if done["write"]["total_ios"] else done["read"]
    return side["bw_bytes"] / 1e6


def data(subject, options):
    """Into files that have their blocks already: the first write alone pays for those."""
    jobs_max = max(options.jobs)
    subject.run("fio", "--name=b", f"--directory={subject.where}", f"--size={options.size}M",
                "--rw=write", "--bs=1M", f"--numjobs={jobs_max}", "--thread", "--end_fsync=1")
    for jobs in options.jobs:
        for name, (arguments, is_cold) in DATA.items():
            if is_cold:
                drop_pages()
            yield (f"{name}, {jobs} job" + "s" * (jobs > 1),
                   fio(subject, options, arguments, jobs))
    subject.run("find", subject.where, "-name", "b.*", "-delete")


# (row, phase of smallfile.c, whether names and inodes are forgotten before it); order matters.
LIFE = (
    ("create+write+close", "create", False),
    ("stat cold", "stat", True),
    ("stat warm", "stat", False),
    ("absent name warm", "absent", False),
    ("open+read+close cold", "read", True),
    ("open+read+close warm", "read", False),
    ("append", "append", False),
    ("ls -l cold", "ls", True),
    ("ls -l warm", "ls", False),
    ("readdir warm", "readdir", False),
    ("chmod", "chmod", False),
    ("rename", "rename", False),
    ("rename back", "rename-back", False),
    ("unlink", "unlink", False),
    ("mkdir", "mkdir", False),
    ("rmdir", "rmdir", False),
)
# Done once, untimed, before these: what makes them warm.
WARM_UP = {"stat warm": "stat", "absent name warm": "absent", "readdir warm": "readdir",
           "ls -l warm": "ls"}


def live(subject, files):
    """(row, operations per second, what the daemon's counters said before and after)."""
    work = subject.where / "small"
    subject.run("mkdir", work)
    for name, phase, is_cold in LIFE:
        if is_cold:
            drop_dentries()
        if name in WARM_UP:
            subject.run(subject.smallfile, WARM_UP[name], work, files)
        before = subject.counts()
        rate = float(subject.run(subject.smallfile, phase, work, files))
        yield name, rate, before, subject.counts()
    subject.run("rmdir", work)


def life(subject, options):
    """Idle, a round trip costs waking two sleepers; busy, it costs what the code costs."""
    for state, enter in STATES.items():
        with enter():
            for name, rate, _, _ in live(subject, options.files):
                yield f"{name}, {state}", rate


def round_trips(subject, files):
    """{row: {request: how many per operation}}, by the daemon's own counters."""
    rows = {}
    for name, _, before, after in live(subject, files):
        spent = {op: (after[op] - before[op]) / files for op in after}
        rows[name] = {op: n for op, n in spent.items() if n >= 0.01}
    return rows


def timed(subject, command):
    """Runs of COMMAND (a line of shell) per second, start of the shell included."""
    start = time.monotonic()
    subject.run("sh", "-ec", command)
    return 1 / (time.monotonic() - start)


# (row, line of shell in the work directory, forget names and inodes first); order matters.
TREE = (
    ("untar", "tar -xf {tar} -C .", False),
    ("find, warm", "find tree -newer {tar} -type d >/dev/null", False),
    ("du cold", "du -s tree >/dev/null", True),
    ("du warm", "du -s tree >/dev/null", False),
    ("find cold", "find tree -name '*7' >/dev/null", True),
    ("git status cold", "git -C tree status --short >/dev/null", True),
    ("git status warm", "git -C tree status --short >/dev/null", False),
    ("rm -rf", "rm -rf tree", False),
)


def make_tar(top, files):
    """A git work tree of FILES small files, a hundred per directory, as a tar file."""
    tree = top / "make" / "tree"
    for number in range(files):
        where = tree / f"d{number // 1000:02d}" / f"e{number // 100 % 10}"
        if number % 100 == 0:
            where.mkdir(parents=True)
        (where / f"file{number % 100:02d}").write_bytes(b"%d\n" % number * 200)
    git = ("git", "-C", tree, "-c", "user.name=bench", "-c", "user.email=bench@localhost",
           "-c", "gc.auto=0")
    run(*git, "init", "-q")
    run(*git, "add", "-A")
    run(*git, "commit", "-q", "-m", "all of it")
    # One object per commit, not one per file: the tree is what is measured.
    run(*git, "repack", "-q", "-a", "-d")
    tar = top / "tree.tar"
    run("tar", "-cf", tar, "-C", tree.parent, "tree")
    run("rm", "-rf", tree.parent)
    return tar


def calls(subject):
    """{call: (rate in the base, rate through the mount)}, per second of the caller's CPU time."""
    lines = run(CALLCOST, subject.below(), subject.where).splitlines()
    return {name: (float(base), float(mount))
            for name, base, mount in (line.split("\t") for line in lines)}


def tree(subject, options):
    for state, enter in STATES.items():
        with enter():
            work = subject.where / "work"
            subject.run("mkdir", work)
            for name, line, is_cold in TREE:
                if is_cold:
                    drop_dentries()
                command = f"cd {shlex.quote(str(work))}; " + line.format(tar=options.tar)
                yield f"{name}, {state}", timed(subject, command)
            subject.run("rmdir", work)


def postgresql_bin():
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"),
                   key=lambda p: int(p.parts[4]))
    if not found:
        raise Unavailable("PostgreSQL is not installed")
    return found[-1].parent


def pgbench(subject, options):
    """Transactions per second, TPC-B-like, four clients; the database is made anew each time."""
    programs = postgresql_bin()
    where = subject.where / "pg"
    user = subject.user
    subject.run("mkdir", where)
    subject.run("chown", f"{user}:{user}", where)
    database, log = where / "data", where / "log"
    subject.run_as(user, programs / "initdb", "-D", database, "-A", "trust", "--locale=C",
                   "-E", "UTF8")
    subject.run_as(user, programs / "pg_ctl", "-w", "-D", database, "-l", log, "-o",
                   f"-k {where} -c listen_addresses= -c shared_buffers=64MB", "start")
    try:
        client = (programs / "pgbench", "-h", where, "postgres")
        subject.run_as(user, *client, "-i", "-q", "-s", str(options.scale))
        # The first seconds are PostgreSQL's own warming up.
        subject.run_as(user, *client, "-c4", "-j2", "-T1")
        said = subject.run_as(user, *client, "-c4", "-j2", f"-T{options.pg_seconds}")
    finally:
        subject.run_as(user, programs / "pg_ctl", "-w", "-m", "fast", "-D", database, "stop")
    yield "pgbench, 4 clients", float(re.search(r"tps = ([\d.]+)", said).group(1))
    subject.run("rm", "-rf", where)


GROUPS = {"data": data, "life": life, "tree": tree, "pgbench": pgbench}
