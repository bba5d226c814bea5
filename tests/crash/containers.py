# SPDX-License-Identifier: LGPL-2.1-or-later
"""A volume as the device of a real Incus container, and commands that run in there."""

import grp
import pathlib
import pwd
import subprocess

from loads import HERE, Place

# The image is a busybox; the loads are programs of this machine.
PROGRAMS = {"usr": ("/usr", "/usr"), "lib": ("/usr/lib", "/lib"), "lib64": ("/usr/lib64", "/lib64"),
            "tests": (str(HERE.parent), str(HERE.parent))}

# Users of this machine that programs in there want to be.
USERS = ("postgres",)


def accounts():
    """Lines for /etc/passwd and for /etc/group of the users that this machine has."""
    found = [p for p in pwd.getpwall() if p.pw_name in USERS]
    passwd = ["%s:x:%d:%d::/tmp:/bin/sh\n" % (p.pw_name, p.pw_uid, p.pw_gid) for p in found]
    group = ["%s:x:%d:\n" % (grp.getgrgid(p.pw_gid).gr_name, p.pw_gid) for p in found]
    return "".join(passwd), "".join(group)


class Container(Place):
    """An unprivileged container of the same name, with the volume idmapped at /data."""

    def __init__(self, name, directory, base, scratch, project):
        self.incus = ["incus", "--project", project]
        super().__init__(name, directory, base, scratch,
                         [*self.incus, "exec", name, "--cwd", "/data", "--"])

    room_inside = pathlib.Path("/room")

    def start(self, below, *command, out, err):
        """As on the host nobody stands between the command and the files."""
        words = ["sh", "-c", 'out=$0 err=$1; shift; exec "$@" >>"$out" 2>>"$err"',
                 self.room_inside / out, self.room_inside / err, *command]
        return super().start(below, *words, out=out, err=err)

    def must(self, *words):
        r = subprocess.run([*self.incus, *words], stdin=subprocess.DEVNULL, capture_output=True,
                           text=True, check=False)
        if r.returncode != 0:
            raise AssertionError("incus %s: %s" % (" ".join(words), r.stderr))

    def add_disk(self, device, source, path, *options):
        self.must("config", "device", "add", self.name, device, "disk", "source=" + source,
                  "path=" + path, *options)

    def enter(self):
        self.must("init", "busybox", self.name)
        for device, (source, path) in PROGRAMS.items():
            self.add_disk(device, source, path, "readonly=true")
        self.add_disk("pd-data", str(self.directory), "/data", "shift=true")
        self.add_disk("room", str(self.room), str(self.room_inside), "shift=true")
        self.must("start", self.name)
        self.must("exec", self.name, "--", "sh", "-c",
                  'printf %s "$0" >>/etc/passwd && printf %s "$1" >>/etc/group', *accounts())

    def leave(self):
        self.must("delete", "--force", self.name)
