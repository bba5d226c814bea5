#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Deaths at the worst moments: while it starts, while it stops, while nobody else could serve.

    attacks.py DAEMON FAILPOINT_DAEMON DIRECTORY --base DIR

Prints TAP.
"""

import contextlib
import ctypes
import errno
import os
import random
import resource
import signal
import socket
import subprocess
import sys
import threading

from mount_site import (Site, drop_caches, expect, kill_stopped_daemon, pause, process_state,
                        wait_until, wait_until_state)
from nameless import expect_usable, hold_without_a_name, many_descriptors
from runner import fails_with, main, test, test_with_failpoints

LIBC = ctypes.CDLL(None, use_errno=True)
MNT_DETACH, UMOUNT_NOFOLLOW = 2, 8
MS_RDONLY, MS_REMOUNT = 1, 32
POINTS = ("read", "started", "syscall", "done", "reply")


def write(path, text="content"):
    with open(path, "w", encoding="ascii") as f:
        f.write(text)


def umount(path, flags=0):
    """umount(2) alone: the command asks the daemon things before."""
    if LIBC.umount2(os.fsencode(path), flags | UMOUNT_NOFOLLOW) < 0:
        raise OSError(ctypes.get_errno(), "umount2")


def remount(path, flags):
    if LIBC.mount(b"none", os.fsencode(path), b"fuse", ctypes.c_ulong(MS_REMOUNT | flags), b"") < 0:
        raise OSError(ctypes.get_errno(), "remount")


@contextlib.contextmanager
def nobody_serves(site):
    """No daemon within, and none starts: its holder is stopped."""
    holder, pid = site.holder(), site.status()["pid"]
    os.kill(holder, signal.SIGSTOP)
    wait_until_state(holder, "T")
    try:
        os.kill(pid, signal.SIGKILL)
        wait_until_state(pid, "Z")
        yield
    finally:
        os.kill(holder, signal.SIGCONT)


def wait_until_all_end(site):
    def is_over():
        try:
            site.holder()
            return False
        except AssertionError:
            return True

    wait_until(30, is_over, "the end of holder and daemons")
    site.process.wait(30)


def goes_on(fd, path):
    """The open file FD, on the base at PATH, can do what needs the daemon."""
    os.pwrite(fd, b"text", 0)
    os.ftruncate(fd, 3)
    os.fsync(fd)
    expect("size", os.fstat(fd).st_size, 3)
    with open(path, encoding="ascii") as f:
        expect("content", f.read(), "tex")


# --- unmounted while nobody serves, or while it stops ------------------------------------------------


@test
def unmounted_while_nobody_serves_it_all_ends(site):
    with nobody_serves(site):
        umount(site.mount)
    wait_until_all_end(site)
    expect("mounted", os.path.ismount(site.mount), False)


@test
def taken_away_while_nobody_serves_what_is_open_goes_on(site):
    fd = os.open(os.path.join(site.mount, "f"), os.O_CREAT | os.O_RDWR)
    with nobody_serves(site):
        umount(site.mount, MNT_DETACH)
    goes_on(fd, os.path.join(site.base, "f"))
    os.close(fd)
    wait_until_all_end(site)


@test
def a_daemon_that_only_serves_what_is_open_may_die_too(site):
    fd = os.open(os.path.join(site.mount, "f"), os.O_CREAT | os.O_RDWR)
    os.kill(site.status()["pid"], signal.SIGINT)
    wait_until(20, lambda: not os.path.ismount(site.mount), "the unmount")
    for _ in range(3):
        site.kill()
        goes_on(fd, os.path.join(site.base, "f"))
    os.close(fd)
    wait_until_all_end(site)


@test
def a_death_while_it_stops_leaves_all_or_nothing(site):
    rng = random.Random(7)
    n_served = 0
    write(os.path.join(site.base, "f"))
    for _ in range(20):
        pid = site.status()["pid"]
        os.kill(pid, signal.SIGINT)
        if rng.random() < 0.5:
            pause(rng.random() * 0.01)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        # Within 5 s: the next one serves, or sees the unmount and ends, and the holder does.
        wait_until_settled(site, pid)
        if os.path.ismount(site.mount):
            n_served += 1
            expect("names", os.listdir(site.mount), ["f"])
        else:
            wait_until_all_end(site)
            again = Site(site.daemon, os.path.dirname(site.mount), site.base)
            site.process = again.process
    print("# served on after %d of 20 deaths" % n_served)


def wait_until_settled(site, dead):
    def is_settled():
        if not os.path.ismount(site.mount):
            return True
        s = site.status_now()
        return s is not None and s["pid"] != dead

    wait_until(30, is_settled, "another daemon, or no mount")


# --- deaths in the midst of a takeover --------------------------------------------------------------


def once_mkdir(d):
    os.mkdir(os.path.join(d, "new"))


def once_rmdir(d):
    os.rmdir(os.path.join(d, "directory"))


def once_unlink(d):
    os.unlink(os.path.join(d, "file"))


def once_rename(d):
    os.rename(os.path.join(d, "file"), os.path.join(d, "new"))


def once_link(d):
    os.link(os.path.join(d, "file"), os.path.join(d, "new"))


def once_create(d):
    os.close(os.open(os.path.join(d, "new"), os.O_CREAT | os.O_EXCL | os.O_RDWR))


ONCE = (("mkdir", once_mkdir, {"directory", "file", "new"}),
        ("rmdir", once_rmdir, {"file"}),
        ("unlink", once_unlink, {"directory"}),
        ("rename", once_rename, {"directory", "new"}),
        ("link", once_link, {"directory", "file", "new"}),
        ("create", once_create, {"directory", "file", "new"}))


class Caller(threading.Thread):
    """One call, and what came of it."""

    def __init__(self, function, *args):
        super().__init__()
        self.function, self.args, self.errno = function, args, None
        self.start()

    def run(self):
        self.errno = fails_with(self.function, *self.args)

    def answer(self):
        self.join(40)
        expect("still waiting", self.is_alive(), False)
        return self.errno


@test_with_failpoints
def deaths_in_a_takeover_repeat_nothing(site):
    """Five daemons in a row die when they have asked for the requests, before they read one."""
    site.kill()  # from now on daemons are children of the holder
    for point in POINTS[:4]:
        for op, function, left in ONCE:
            d = os.path.join(site.mount, "%s-%s" % (point, op))
            os.mkdir(d)
            os.mkdir(os.path.join(d, "directory"))
            write(os.path.join(d, "file"))
            pid = site.status()["pid"]
            takeovers = site.status()["takeovers"]
            site.arm("%s %s stop" % (point, op))
            call = Caller(function, d)
            wait_until_state(pid, "T")
            write(site.failpoint, "takeover * kill 5\n")
            os.kill(pid, signal.SIGKILL)
            expect("%s, death at %s" % (op, point), call.answer(), 0)
            expect("names after %s, death at %s" % (op, point), set(os.listdir(d)), left)
            expect("takeovers", site.status()["takeovers"], takeovers + 6)


def forget_listing(directory):
    """The kernel does not keep what it has listed of a directory that has changed since."""
    path = os.path.join(directory, "passing")
    write(path)
    os.unlink(path)


@test_with_failpoints
def a_listing_outlives_the_death_of_each_of_its_requests(site):
    """A large directory, no name twice, none lost, and nothing counted for answers nobody got."""
    directory = os.path.join(site.base, "d")
    os.mkdir(directory)
    names = {"file%05d" % i for i in range(20000)}
    for name in names:
        os.close(os.open(os.path.join(directory, name), os.O_CREAT | os.O_WRONLY))
    # Deaths at least; the kernel asks for attributes along with names in the first request only.
    for op, least in (("readdirplus", 1), ("readdir", 3), ("*", 5)):
        for point in ("read", "reply"):
            drop_caches()
            forget_listing(os.path.join(site.mount, "d"))
            takeovers = site.status()["takeovers"]
            site.arm("%s %s kill 12" % (point, op))
            listed = os.listdir(os.path.join(site.mount, "d"))
            expect("a name twice", len(listed), len(set(listed)))
            expect("names", set(listed), names)
            n = site.status()["takeovers"] - takeovers
            expect("deaths at %s of %s: %d" % (point, op, n), n >= least, True)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(site.failpoint)
            site.ask("reload")


@test
def deaths_in_an_upgrade_are_deaths_like_others(site):
    rng = random.Random(11)
    is_over = threading.Event()
    trouble = []

    def work():
        path = os.path.join(site.mount, "d")
        while not is_over.is_set():
            try:
                os.mkdir(path)
                os.rmdir(path)
            except OSError as e:
                trouble.append(e)
                return

    worker = threading.Thread(target=work)
    worker.start()
    try:
        for _ in range(30):
            pid = site.status()["pid"]
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
                s.connect(site.control)
                s.send(b'{"version": 1, "verb": "upgrade"}')
                pause(rng.random() * 0.03)
                os.kill(pid, signal.SIGKILL)
            wait_until(30, lambda p=pid: site.status()["pid"] != p, "another daemon")
    finally:
        is_over.set()
        worker.join()
    expect("errors", trouble, [])


# What a caller that is killed had its request do is not told to the kernel by an answer.
UNTOLD = (("mkdir", "os.mkdir(d + '/new')"),
          ("create", "os.open(d + '/new', os.O_CREAT | os.O_EXCL | os.O_RDWR)"),
          ("symlink", "os.symlink('target', d + '/new')"),
          ("mknod", "os.mknod(d + '/new', 0o10600)"),
          ("link", "os.link(d + '/file', d + '/new')"),
          ("unlink", "os.unlink(d + '/file')"),
          ("unlink", "os.unlink(d + '/other')"),
          ("rmdir", "os.rmdir(d + '/directory')"),
          ("rename", "os.rename(d + '/file', d + '/new')"),
          ("rename", "os.rename(d + '/file', d + '/other')"),
          ("rename", "os.rename(d + '/file', d + '/directory/new')"),
          ("setattr", "os.chmod(d + '/file', 0o4711)"),
          ("setattr", "os.truncate(d + '/file', 3)"),
          ("setxattr", "os.setxattr(d + '/file', 'user.a', b'1')"))
NAMES = (".", "file", "other", "directory", "new", "directory/new", "link")


def look(d):
    """What is seen below D: names, and attributes by name."""
    seen = {"names": sorted(os.listdir(d)), "below": None}
    if os.path.isdir(os.path.join(d, "directory")):
        seen["below"] = sorted(os.listdir(os.path.join(d, "directory")))
    for name in NAMES:
        try:
            s = os.lstat(os.path.join(d, name))
            seen[name] = (s.st_mode, s.st_nlink, s.st_size, s.st_mtime_ns, s.st_ctime_ns)
        except FileNotFoundError:
            seen[name] = None
    return seen


@test_with_failpoints
def what_a_killed_caller_had_done_is_seen_by_all(site):
    """The request was executed, its daemon died, and then its caller: nobody is answered."""
    site.kill()  # from now on daemons are children of the holder
    wrong = []
    for n, (op, code) in enumerate(UNTOLD):
        d = os.path.join(site.mount, "%d-%s" % (n, op))
        os.makedirs(os.path.join(d, "directory"))
        for name in ("file", "other"):
            write(os.path.join(d, name))
        os.link(os.path.join(d, "file"), os.path.join(d, "link"))
        look(d)  # the kernel knows names, absent ones, too, and attributes
        pid = site.status()["pid"]
        site.arm("done %s stop" % op)
        caller = subprocess.Popen([sys.executable, "-c", "import os; d = %r; %s" % (d, code)])
        wait_until_state(pid, "T")
        pid = kill_stopped_daemon(site, pid)
        caller.kill()
        expect("end of the caller", caller.wait(20), -signal.SIGKILL)
        os.kill(pid, signal.SIGKILL)
        wait_until(20, lambda p=pid: site.status()["pid"] != p, "another daemon")
        got, wanted = look(d), look(os.path.join(site.base, os.path.basename(d)))
        wrong += ["%s: %s is %s, should be %s" % (code, k, got[k], wanted[k])
                  for k in wanted if got[k] != wanted[k]]
    if wrong:
        raise AssertionError("\n".join(wrong))


@test_with_failpoints
def a_daemon_that_tells_the_kernel_can_be_killed(site):
    """It does so while a caller holds the directory who waits for the next daemon."""
    site.kill()
    d = os.path.join(site.mount, "d")
    os.makedirs(os.path.join(d, "directory"))
    look(d)
    pid = site.status()["pid"]
    site.arm("done mkdir stop")
    first = subprocess.Popen([sys.executable, "-c", "import os; os.mkdir(%r)" % os.path.join(d, "new")])
    wait_until_state(pid, "T")
    call = Caller(os.rmdir, os.path.join(d, "directory"))
    pid = kill_stopped_daemon(site, pid)
    first.kill()
    first.wait(20)
    # Now the other call has the directory's lock. The next daemon stops when it has read it.
    for _ in range(3):
        write(site.failpoint, "read rmdir stop\n")
        os.kill(pid, signal.SIGKILL)
        wait_until(20, lambda p=pid: [q for q in site.daemons() if is_daemon(q) and q != p],
                   "another daemon")
        pid = next(q for q in site.daemons() if is_daemon(q) and q != pid)
        wait_until_state(pid, "T")
    os.kill(pid, signal.SIGKILL)
    expect("rmdir", call.answer(), 0)
    expect("names", os.listdir(d), ["new"])
    expect("new", os.path.isdir(os.path.join(d, "new")), True)


def is_daemon(pid):
    """Not a process that one has left in the kernel, with nothing open but the connection."""
    try:
        return process_state(pid) != "Z" and len(os.listdir("/proc/%d/fd" % pid)) > 3
    except FileNotFoundError:
        return False


# --- more descriptors than one would think of ---------------------------------------------------------

MANY = 12000


def is_usable(site, fds):
    expect_usable(fds)
    write(os.path.join(site.mount, "another"))
    expect("names", sorted(os.listdir(site.mount)), ["another", "d"])
    os.unlink(os.path.join(site.mount, "another"))


@test
def thousands_of_files_without_a_name_outlive_every_death(site):
    """The next daemon is told each of them, in one string that may not be longer than 128 KiB."""
    os.mkdir(os.path.join(site.mount, "d"))
    with many_descriptors() as fds:
        hold_without_a_name(os.path.join(site.mount, "d"), fds, MANY)
        wait_until(20, lambda: site.kept() > MANY, "all of them at the holder")
        for _ in range(2):
            site.kill()
            is_usable(site, fds)
        site.wait_until_kept()
        expect("kept", site.kept() < MANY + 50, True)
        expect("upgrade", site.ask("upgrade").get("error"), None)
        is_usable(site, fds)
        site.kill()
        is_usable(site, fds)


@test
def a_daemon_that_cannot_be_given_everything_is_no_daemon(site):
    """With fewer descriptors than it needs nothing starts, rather than with the wrong ones."""
    os.mkdir(os.path.join(site.mount, "d"))
    with many_descriptors() as fds:
        hold_without_a_name(os.path.join(site.mount, "d"), fds, 200)
        site.kill()
        wait_until(20, lambda: site.kept() > 200, "all of them at the holder")
        holder = site.holder()
        limits = resource.prlimit(holder, resource.RLIMIT_NOFILE)
        resource.prlimit(holder, resource.RLIMIT_NOFILE, (100, limits[1]))
        try:
            os.kill(site.status()["pid"], signal.SIGKILL)
            wait_until(20, lambda: site.says("Too many open files"), "an error of the holder")
            wait_until(20, lambda: site.says("exited with 127 before it was ready"), "another try")
        finally:
            resource.prlimit(holder, resource.RLIMIT_NOFILE, limits)
        is_usable(site, fds)


# --- full disks, other mounts, other holders -----------------------------------------------------------


def fill(directory):
    """Take every block of its disk. Returns the file that has them."""
    path = os.path.join(directory, "filler")
    fd = os.open(path, os.O_CREAT | os.O_WRONLY)
    size = 0
    for step in (64 << 20, 1 << 20, 4096):
        while True:
            try:
                os.posix_fallocate(fd, size, step)
            except OSError as e:
                expect("errno", e.errno, errno.ENOSPC)
                break
            size += step
    os.close(fd)
    return path


@test_with_failpoints
def a_full_disk_is_told_once_whenever_the_daemon_dies(site):
    """ENOSPC, nothing half made, and room again when there is room."""
    d = os.path.join(site.mount, "d")
    os.mkdir(d)
    fd = os.open(os.path.join(d, "open"), os.O_CREAT | os.O_RDWR)
    filler = fill(site.base)
    calls = (("mkdir", os.mkdir, (os.path.join(d, "new"),)),
             ("symlink", os.symlink, ("t" * 2000, os.path.join(d, "new"))))
    try:
        for op, function, args in calls:
            for point in POINTS:
                site.arm("%s %s kill" % (point, op))
                expect("%s, death at %s" % (op, point), fails_with(function, *args), errno.ENOSPC)
                # At the last point the caller has its answer before the daemon dies.
                wait_until(30, lambda: not os.path.exists(site.failpoint),
                           "the death at %s of %s" % (point, op))
                expect("names", os.listdir(d), ["open"])
        expect("write", fails_with(os.pwrite, fd, b"x" * 8192, 0), errno.ENOSPC)
    finally:
        os.unlink(filler)
    for op, function, args in calls:
        function(*args)
        os.rename(args[-1], os.path.join(d, op))
    os.pwrite(fd, b"x" * 8192, 0)
    os.close(fd)


@test
def mount_options_changed_while_nobody_serves_hold(site):
    path = os.path.join(site.mount, "f")
    write(path)
    with nobody_serves(site):
        remount(site.mount, MS_RDONLY)
        call = Caller(os.mkdir, os.path.join(site.mount, "waits"))
    expect("mkdir on a read-only mount", call.answer(), errno.EROFS)
    expect("write", fails_with(write, path), errno.EROFS)
    with open(path, encoding="ascii") as f:
        expect("content", f.read(), "content")
    with nobody_serves(site):
        remount(site.mount, 0)
    write(path, "other")
    os.mkdir(os.path.join(site.mount, "d"))


def end_with_children(process):
    """Stopped first, so that it starts no other one meanwhile."""
    process.send_signal(signal.SIGSTOP)
    wait_until_state(process.pid, "T")
    with open("/proc/%d/task/%d/children" % (process.pid, process.pid), encoding="ascii") as f:
        for pid in f.read().split():
            os.kill(int(pid), signal.SIGKILL)
            wait_until_state(int(pid), "Z")
    process.kill()
    process.wait()


@test
def a_second_holder_starts_nothing_that_serves(site):
    """It watches the same daemon and tries to start another, which the base refuses."""
    site.kill()
    holder, pid = site.holder(), site.status()["pid"]
    program = os.path.realpath("/proc/%d/exe" % holder)
    with open("/proc/%d/environ" % pid, "rb") as f:
        env = dict(w.split(b"=", 1) for w in f.read().split(b"\0") if b"=" in w)
    with open("/proc/%d/cmdline" % pid, "rb") as f:
        command = f.read()
    name = "\0second-%d" % os.getpid()
    env[b"NOTIFY_SOCKET"] = b"@" + name[1:].encode()
    env.pop(b"ANKLUME_FAILPOINT", None)  # by which the site finds its own holder
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as inbox, \
            os.fdopen(os.memfd_create("command"), "r+b", 0) as words, \
            open(os.path.join(os.path.dirname(site.mount), "second"), "w+b") as log:
        inbox.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        inbox.bind(name)
        words.write(command)
        words.seek(0)
        pidfd = os.pidfd_open(pid)
        fds = (inbox.fileno(), pidfd, words.fileno())
        second = subprocess.Popen([program, "--inbox=%d" % fds[0], "--pidfd=%d" % fds[1], "--again",
                                   "--command=%d" % fds[2], "--daemon=%d" % pid], env=env,
                                  pass_fds=fds, stderr=log)
        os.close(pidfd)
        try:
            for _ in range(5):
                site.kill()
                os.mkdir(os.path.join(site.mount, "d"))
                os.rmdir(os.path.join(site.mount, "d"))
            log.seek(0)

            def has_tried():
                log.seek(0)
                return log.read().count(b"before it was ready") >= 3

            wait_until(20, has_tried, "three tries of the second holder")
            expect("holder", site.holder(), holder)
            expect("served by a child of the first", site.status()["pid"] in site.daemons(), True)
        finally:
            end_with_children(second)


@test
def who_mounts_again_while_nobody_serves_is_refused(site):
    write(os.path.join(site.base, "f"))
    with nobody_serves(site):
        r = subprocess.run([site.daemon, "--foreground", "--no-hold", *site.arguments(),
                            "-o", "control=" + site.control], capture_output=True, text=True,
                           timeout=20, check=False)
        expect("exit status (%s)" % r.stderr, r.returncode, 3)
    expect("names", os.listdir(site.mount), ["f"])


if __name__ == "__main__":
    sys.exit(main())
