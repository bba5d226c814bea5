#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""manager.py DAEMON DIRECTORY: under a service manager that keeps descriptors over a stop.

As systemd does from 254 on (FileDescriptorStorePreserve=). The descriptors and the mount are real.
"""

import fcntl
import os
import select
import socket
import subprocess
import sys

from mount_site import Tap, expect, trouble_of

FIRST_FD = 3  # SD_LISTEN_FDS_START
ABOVE = 500


class Manager:
    """It starts the daemon when it is told to, and with what it keeps."""

    def __init__(self, daemon, directory):
        self.mount = os.path.join(directory, "mnt")
        self.base = os.path.join(directory, "base")
        os.mkdir(self.mount)
        os.mkdir(self.base)
        self.command = [daemon, "--foreground", "--keep-mount", "--plain", self.base, self.mount,
                        "-o", "control=" + os.path.join(directory, "control")]
        self.address = os.path.join(directory, "notify")
        self.inbox = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.inbox.bind(self.address)
        self.kept = []
        self.pid = self.pidfd = None

    def names(self):
        return sorted(name for name, _ in self.kept)

    def receive(self):
        """Take in one message; its assignments."""
        message, fds, _flags, _address = socket.recv_fds(self.inbox, 4096, 8)
        said = dict(line.split("=", 1) for line in message.decode().split("\n"))
        name = said.get("FDNAME")
        if "FDSTORE" in said:
            self.kept.append((name, fcntl.fcntl(fds[0], fcntl.F_DUPFD_CLOEXEC, ABOVE)))
        if "FDSTOREREMOVE" in said:
            for _, fd in (kept for kept in self.kept if kept[0] == name):
                os.close(fd)
            self.kept = [kept for kept in self.kept if kept[0] != name]
        for fd in fds:
            os.close(fd)
        return said

    def start(self, limits=":"):
        """True when it is ready, False when it has ended. LIMITS: a shell command before it."""
        env = dict(os.environ, NOTIFY_SOCKET=self.address)
        if self.kept:
            env.update(LISTEN_FDS=str(len(self.kept)), LISTEN_FDNAMES=":".join(
                name for name, _ in self.kept))
        actions = [(os.POSIX_SPAWN_DUP2, fd, FIRST_FD + i)
                   for i, (_, fd) in enumerate(self.kept)]
        self.pid = os.posix_spawn("/bin/sh", ["sh", "-c", limits + '; LISTEN_PID=$$ exec "$@"', "sh",
                                              *self.command], env, file_actions=actions)
        self.pidfd = os.pidfd_open(self.pid)
        while self.wait():
            if "READY" in self.receive():
                return True
        return False

    def wait(self):
        """True when a message is there, False when the daemon has ended and all are read."""
        readable, _, _ = select.select([self.inbox, self.pidfd], [], [])
        return self.inbox in readable

    def wait_for_end(self):
        """Its exit status."""
        while self.wait():
            self.receive()
        os.close(self.pidfd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def stopped_and_started_again_it_mounts_again(manager):
    for i in range(3):
        expect("ready", manager.start(), True)
        expect("mounted at start %d" % i, os.path.ismount(manager.mount), True)
        expect("fuse is kept", "fuse" in manager.names(), True)
        # One that is pinned while somebody has it, at the end, too.
        directory = os.path.join(manager.mount, "dir")
        os.mkdir(directory)
        fd = os.open(directory, os.O_PATH)
        os.rmdir(directory)
        while not [name for name in manager.names() if name.startswith("@")]:
            manager.receive()
        subprocess.run(["umount", "--lazy", manager.mount], check=True)
        os.close(fd)
        expect("exit status", manager.wait_for_end(), 0)
        expect("kept after an unmount", manager.names(), [])


# In KiB, as ulimit(1) counts. More than half of the memory the kernel might refuse at once.
GIB = 1 << 20
STACK = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGESIZE") // 2048
ALL_ELSE = 16 * GIB


def first_start_without_room_for_its_threads_leaves_nothing(manager):
    """At whichever thread it ends."""
    n_failures = 0
    while not manager.start("ulimit -s %d; ulimit -v %d" % (
            STACK, ALL_ELSE + n_failures * STACK)):
        expect("has failed", manager.wait_for_end() != 0, True)
        expect("mounted after failure %d" % n_failures, os.path.ismount(manager.mount), False)
        expect("kept after failure %d" % n_failures, manager.names(), [])
        n_failures += 1
    subprocess.run(["umount", manager.mount], check=True)
    expect("exit status", manager.wait_for_end(), 0)
    expect("failures", n_failures > 4, True)


def run(tap, test, manager):
    trouble = trouble_of(60, test, manager)
    if os.path.ismount(manager.mount):
        subprocess.run(["umount", "--lazy", manager.mount], check=False)
    tap.result(trouble, test.__name__.replace("_", " "))


def main():
    tap = Tap()
    manager = Manager(*sys.argv[1:])
    run(tap, stopped_and_started_again_it_mounts_again, manager)
    if os.environ.get("ANKLUME_JOB") in ("sanitize", "tsan"):
        tap.result(None, "address space cannot be limited # SKIP a sanitizer takes most of it")
    else:
        run(tap, first_start_without_room_for_its_threads_leaves_nothing, manager)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
