#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What callers see when the daemon of a file system is killed: ours, bindfs and mergerfs.

    peers.py DAEMON DIRECTORY

Prints a table of Markdown. Fails when a call on ours fails; of the others it says what happens.
"""

import errno
import os
import shutil
import subprocess
import sys
import time

from mount_site import Site, pause, wait_until


class Peer:
    """A file system whose daemon nobody starts again."""

    def __init__(self, program, directory):
        self.program = program
        self.base, self.mount = (os.path.join(directory, d) for d in ("base", "mnt"))
        for path in (self.base, self.mount):
            os.makedirs(path)
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen([self.program, "-f", self.base, self.mount],
                                        stderr=subprocess.DEVNULL)
        wait_until(20, lambda: os.path.ismount(self.mount), "a mount of " + self.program)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def mount_again(self):
        subprocess.run(["umount", "--lazy", self.mount], check=True)
        self.start()

    def stop(self):
        subprocess.run(["umount", "--lazy", self.mount], check=True)
        self.process.wait(20)

    def version(self):
        said = subprocess.run([self.program, "--version"], capture_output=True, text=True, check=False)
        return next((word for word in said.stdout.split() if word[:1].isdigit() or word[1:2].isdigit()), "")


class Ours(Site):
    program = "anklume-fs"

    def kill(self, number=9):
        os.kill(self.status()["pid"], number)

    def mount_again(self):
        """Not needed."""

    def version(self):
        return ""


def calls(where, fd):
    """Each name of a call with what makes it."""
    path = os.path.join(where, "new")
    return {
        "stat": lambda: os.stat(os.path.join(where, "file")),
        "open": lambda: os.close(os.open(os.path.join(where, "file"), os.O_RDONLY)),
        "list": lambda: os.listdir(where),
        "statvfs": lambda: os.statvfs(where),
        "mkdir": lambda: os.mkdir(path),
        "rename": lambda: os.rename(path, path + "er"),
        "rmdir": lambda: os.rmdir(path + "er"),
        "write": lambda: os.pwrite(fd, b"text", 0),
        "fsync": lambda: os.fsync(fd),
    }


def outcome(call):
    """The name of its error, None: none; and how long it took, in milliseconds."""
    start, error = time.monotonic(), None
    try:
        call()
    except OSError as e:
        error = errno.errorcode[e.errno]
    return error, (time.monotonic() - start) * 1000


def in_words(outcomes):
    failed = [error for error, _ in outcomes if error]
    if not failed:
        return "all succeed, the longest after %.0f ms" % max(ms for _, ms in outcomes)
    return "%d of %d fail: %s" % (len(failed), len(outcomes), ", ".join(sorted(set(failed))))


def row(peer, bind):
    """Kill it, and look at the mount, and at what an open file and a container's bind are later."""
    with open(os.path.join(peer.base, "file"), "w", encoding="ascii") as f:
        f.write("content")
    os.mkdir(bind)
    subprocess.run(["mount", "--bind", peer.mount, bind], check=True)
    fd = os.open(os.path.join(peer.mount, "file"), os.O_RDWR)
    try:
        peer.kill()
        at_once = [outcome(call) for call in calls(peer.mount, fd).values()]
        pause(2)  # long enough for whoever wants to start it again
        later = [outcome(call) for call in calls(peer.mount, fd).values()]
        peer.mount_again()
        fresh = [outcome(calls(peer.mount, fd)["stat"]), outcome(calls(peer.mount, fd)["open"])]
        opened = [outcome(calls(bind, fd)[name]) for name in ("write", "fsync")]
        bound = [outcome(calls(bind, fd)[name]) for name in ("stat", "open", "list")]
    finally:
        outcome(lambda: os.close(fd))
        subprocess.run(["umount", "--lazy", bind], check=True)
        peer.stop()
    return at_once, later, fresh, opened, bound


def main():
    daemon, directory = sys.argv[1:]
    print("| | At the kill | Two seconds later | Mounted again | Open file then | A bind then |")
    print("|---|---|---|---|---|---|")
    status = 0
    for name in ("anklume-fs", "bindfs", "mergerfs"):
        where = os.path.join(directory, name)
        os.mkdir(where)
        if name != "anklume-fs" and not shutil.which(name):
            print("| %s | is not installed here | | | | |" % name)
            continue
        peer = Ours(daemon, where) if name == "anklume-fs" else Peer(name, where)
        outcomes = row(peer, os.path.join(where, "bind"))
        if name == "anklume-fs" and any(error for part in outcomes for error, _ in part):
            status = 1
        print("| %s | %s |" % (" ".join((name, peer.version())).strip(),
                               " | ".join(in_words(part) for part in outcomes)), flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
