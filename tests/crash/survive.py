#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What was open, locked, mapped or half listed goes on over the death of the daemon.

    survive.py DAEMON FAILPOINT_DAEMON DIRECTORY --base DIR

Prints TAP.
"""

import errno
import fcntl
import mmap
import os
import signal
import subprocess
import sys
import threading

from mount_site import drop_caches, expect, kill_stopped_daemon, pause, wait_until, wait_until_state
from runner import fails_with, main, test, test_with_failpoints

def write(path, text="content"):
    with open(path, "w", encoding="ascii") as f:
        f.write(text)


@test
def an_open_file_reads_writes_and_knows_itself(site):
    """S2-14: I/O resumes"""
    path = os.path.join(site.mount, "f")
    fd = os.open(path, os.O_CREAT | os.O_RDWR)
    os.write(fd, b"before")
    site.kill()
    os.write(fd, b" after")
    os.fsync(fd)
    expect("content", os.pread(fd, 20, 0), b"before after")
    expect("size", os.fstat(fd).st_size, 12)
    other = os.open(path, os.O_RDWR)  # must share the passthrough id of the first
    os.pwrite(other, b"B", 0)
    expect("seen through the first", os.pread(fd, 6, 0), b"Before")
    os.close(other)
    os.close(fd)


@test
def a_file_without_a_name_goes_on(site):
    path = os.path.join(site.mount, "f")
    fd = os.open(path, os.O_CREAT | os.O_RDWR)
    os.unlink(path)
    for i in range(3):
        site.kill()
        os.pwrite(fd, b"text", i)
        os.ftruncate(fd, i + 2)
        os.fsync(fd)
        expect("size", os.fstat(fd).st_size, i + 2)
        expect("links", os.fstat(fd).st_nlink, 0)
    os.close(fd)


@test
def a_file_made_without_a_name_gets_one_afterwards(site):
    fd = os.open(site.mount, os.O_TMPFILE | os.O_RDWR)
    os.write(fd, b"text")
    site.kill()
    subprocess.run(["ln", "-L", "/proc/%d/fd/%d" % (os.getpid(), fd), os.path.join(site.mount, "f")],
                   check=True)
    os.close(fd)


@test
def locks_survive(site):
    path = os.path.join(site.mount, "f")
    write(path)
    with open(path, "r+", encoding="ascii") as mine, open(path, "r+", encoding="ascii") as other:
        fcntl.flock(mine, fcntl.LOCK_EX)
        site.kill()
        try:
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
            raise AssertionError("the flock is gone")
        except BlockingIOError:
            pass
        fcntl.lockf(mine, fcntl.LOCK_EX)
        site.kill()
        script = "import fcntl,sys; fcntl.lockf(open(sys.argv[1],'r+'), fcntl.LOCK_EX|fcntl.LOCK_NB)"
        r = subprocess.run([sys.executable, "-c", script, path], stderr=subprocess.DEVNULL, check=False)
        expect("another process gets the POSIX lock", r.returncode != 0, True)


@test
def long_writes_go_on(site):
    """also one that was being read when the daemon died: on overlay it is the daemon who writes"""
    is_over, errors = threading.Event(), []

    def write_on(number):
        data = bytes([number]) * (1 << 20)
        fd = os.open(os.path.join(site.mount, "f%d" % number), os.O_CREAT | os.O_RDWR)
        try:
            while not is_over.is_set():
                os.pwrite(fd, data, 0)
        except OSError as e:
            errors.append(e)
        os.close(fd)

    threads = [threading.Thread(target=write_on, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(30):
        site.kill()
    is_over.set()
    for thread in threads:
        thread.join()
    expect("errors", errors, [])


@test
def who_has_an_immutable_file_open_goes_on_reading(site):
    path = os.path.join(site.mount, "immutable")
    fd = os.open(path, os.O_CREAT | os.O_RDWR)
    os.write(fd, b"settings")
    subprocess.run(["chattr", "+i", path], check=True)
    site.kill()
    # Not from the page cache, where there is one.
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    expect("what is read", os.pread(fd, 100, 0), b"settings")
    subprocess.run(["chattr", "-i", path], check=True)
    os.write(fd, b" again")
    expect("what is read", os.pread(fd, 100, 0), b"settings again")
    os.close(fd)


@test
def who_has_an_append_only_file_open_goes_on_appending(site):
    path = os.path.join(site.mount, "log")
    fd = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    os.write(fd, b"one ")
    subprocess.run(["chattr", "+a", path], check=True)
    for word in (b"two ", b"three "):
        site.kill()
        os.write(fd, word)
    os.close(fd)
    with open(path, encoding="ascii") as f:
        expect("content", f.read(), "one two three ")
    subprocess.run(["chattr", "-a", path], check=True)


@test
def a_mapping_survives(site):
    path = os.path.join(site.mount, "f")
    write(path, "x" * 8192)
    fd = os.open(path, os.O_RDWR)
    with mmap.mmap(fd, 8192) as m:
        os.close(fd)
        site.kill()
        m[4096:4100] = b"text"
        m.flush()
    with open(os.path.join(site.base, "f"), encoding="ascii") as f:
        expect("content", f.read()[4090:4102], "xxxxxxtextxx")


@test
def a_listing_goes_on_where_it_was(site):
    """no name twice, none lost"""
    names = {"file%05d" % i for i in range(3000)}
    directory = os.path.join(site.mount, "d")
    os.mkdir(directory)
    for name in names:
        write(os.path.join(site.base, "d", name))
    drop_caches()
    seen = []
    with os.scandir(directory) as entries:
        for i, entry in enumerate(entries):
            if i in (1, 700, 2500):
                site.kill()
            seen.append(entry.name)
    expect("a name twice", len(seen) - len(set(seen)), 0)
    expect("names", set(seen), names)


@test
def a_removed_directory_that_somebody_is_in_goes_on(site):
    directory = os.path.join(site.mount, "d")
    os.mkdir(directory)
    fd = os.open(directory, os.O_PATH)
    os.rmdir(directory)
    expect("links", os.stat("/proc/self/fd/%d" % fd).st_nlink, 0)
    wait_until(10, lambda: site.keeps("/d (deleted)"), "the holder keeps the directory")
    site.kill()
    expect("links", os.stat("/proc/self/fd/%d" % fd).st_nlink, 0)
    os.close(fd)
    drop_caches()
    wait_until(10, lambda: not site.keeps("/d (deleted)"), "the holder lets go of it")


@test
def a_call_that_waits_is_answered_by_the_next_daemon(site):
    """SIGSTOP stands for every moment at which a daemon can be killed"""
    for i in range(5):
        pid = site.status()["pid"]
        os.kill(pid, signal.SIGSTOP)
        made = os.path.join(site.mount, "made%d" % i)
        caller = threading.Thread(target=os.mkdir, args=(made,))
        caller.start()
        pause(0.05)  # whether the request is read by now or not: both must do
        os.kill(pid, signal.SIGKILL)
        caller.join(30)
        expect("still waiting", caller.is_alive(), False)
        expect("made", os.path.isdir(made), True)


@test
def the_holder_dies_and_then_the_daemon(site):
    fd = os.open(os.path.join(site.mount, "f"), os.O_CREAT | os.O_RDWR)
    old = site.holder()
    os.kill(old, signal.SIGKILL)

    def is_replaced():
        try:
            return site.holder() != old
        except AssertionError:
            return False

    wait_until(10, is_replaced, "another holder")
    wait_until(10, lambda: site.kept() > 8, "everything kept again")
    site.kill()
    os.write(fd, b"text")
    expect("size", os.fstat(fd).st_size, 4)
    os.close(fd)


@test
def nothing_piles_up_in_the_holder(site):
    site.kill()
    site.wait_until_kept()
    before = site.kept()
    for _ in range(10):
        site.kill()
    wait_until(5, lambda: site.kept() == before, "as many descriptors kept as before")


@test
def the_answer_of_stat_is_the_same_inode(site):
    path = os.path.join(site.mount, "f")
    write(path)
    before = os.stat(path)
    site.kill()
    drop_caches()
    after = os.stat(path)
    expect("inode", (after.st_ino, after.st_dev), (before.st_ino, before.st_dev))


def corrupt(site, offset, data):
    """Write over the state that the holder keeps, while no daemon lives."""
    with open(site.kept_file("memfd:anklume-fs (deleted)"), "r+b") as f:
        f.seek(offset)
        f.write(data)


@test
def a_damaged_state_is_recognised(site):
    """With passthrough what is open goes on reading and writing; the rest must be opened again."""
    path = os.path.join(site.mount, "d", "f")
    os.mkdir(os.path.dirname(path))
    fd = os.open(path, os.O_CREAT | os.O_RDWR)
    pid = site.status()["pid"]
    os.kill(pid, signal.SIGSTOP)
    corrupt(site, 0, os.urandom(64))
    os.kill(pid, signal.SIGKILL)
    wait_until(30, lambda: site.status()["pid"] != pid, "another daemon")
    if site.is_stacked():
        expect("errno of write", fails_with(os.write, fd, b"text"), errno.ESTALE)
        expect("errno of read", fails_with(os.pread, fd, 4, 0), errno.ESTALE)
        write(path, "text")
    else:
        os.write(fd, b"text")
        expect("read through the old descriptor", os.pread(fd, 4, 0), b"text")
    expect("errno of fsync", fails_with(os.fsync, fd), errno.ESTALE)
    os.close(fd)
    with open(path, encoding="ascii") as f:
        expect("opened again", f.read(), "text")
    write(path + "2")
    expect("said so", site.says("the state is damaged"), True)


# The first bytes of one record of the table of inodes: found by the handle of a file.
@test
def a_damaged_record_costs_one_inode(site):
    for name in ("one", "two"):
        write(os.path.join(site.mount, name))
    fds = [os.open(os.path.join(site.mount, name), os.O_PATH) for name in ("one", "two")]
    pid = site.status()["pid"]
    os.kill(pid, signal.SIGSTOP)
    state = site.kept_file("memfd:anklume-fs (deleted)")
    with open(state, "r+b") as f:
        f.seek(4096)
        table = f.read(4096)
    ino = os.stat(os.path.join(site.base, "one")).st_ino
    at = table.index(ino.to_bytes(8, "little"))
    corrupt(site, 4096 + at, (ino ^ 1).to_bytes(8, "little"))
    os.kill(pid, signal.SIGKILL)
    wait_until(30, lambda: site.status()["pid"] != pid, "another daemon")
    drop_caches()
    results = []
    for fd in fds:
        try:
            os.getxattr("/proc/self/fd/%d" % fd, "user.none")
        except OSError as e:
            results.append(e.errno)
        os.close(fd)
    expect("errnos", results, [errno.ESTALE, errno.ENODATA])
    expect("said so", site.says("1 records are damaged"), True)


@test_with_failpoints
def a_request_that_kills_the_daemon_twice_is_refused_alone(site):
    """the rest lives"""
    site.arm("started mkdir abort 2")
    refused = os.path.join(site.mount, "refused")
    expect("errno", fails_with(os.mkdir, refused), errno.EIO)
    expect("made", os.path.lexists(refused), False)
    os.mkdir(refused)
    site.arm("started mkdir abort 1")
    os.mkdir(os.path.join(site.mount, "once"))
    expect("said so", site.says("mkdir of process %d brought 2 daemons down" % os.getpid()), True)


@test_with_failpoints
def who_is_killed_from_outside_blames_no_request(site):
    site.arm("started mkdir kill 5")
    os.mkdir(os.path.join(site.mount, "d"))
    expect("used up", os.path.exists(site.failpoint), False)


@test_with_failpoints
def a_caller_that_dies_while_nobody_serves_leaves_nothing(site):
    """The kernel takes its request back: what was made for the answer is unmade."""
    site.kill()  # from now on daemons are children of the holder
    for i, code in enumerate(("os.open('%s', os.O_CREAT | os.O_RDWR)", "os.stat('%s')")):
        path = os.path.join(site.mount, "f%d" % i)
        write(os.path.join(site.base, "f1"))
        pid = site.status()["pid"]
        site.arm("done %s stop" % ("create", "lookup")[i])
        caller = subprocess.Popen([sys.executable, "-c", "import os; " + code % path])
        wait_until_state(pid, "T")
        for _ in range(2):
            pid = kill_stopped_daemon(site, pid)
        caller.kill()
        expect("end of the caller", caller.wait(20), -signal.SIGKILL)
        os.kill(pid, signal.SIGKILL)
        wait_until(20, lambda p=pid: site.status()["pid"] != p, "another daemon")
        expect("open files", site.status()["open_files"], 0)
    expect("inodes", site.status()["inodes"], 0)


if __name__ == "__main__":
    sys.exit(main())
