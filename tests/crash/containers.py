# SPDX-License-Identifier: LGPL-2.1-or-later
"""A volume as the device of a real Incus container, and commands that run in there."""

import subprocess

from loads import HERE, Place

# The image is a busybox; the loads are programs of this machine.
PROGRAMS = {"usr": ("/usr", "/usr"), "lib": ("/usr/lib", "/lib"), "lib64": ("/usr/lib64", "/lib64"),
            "tests": (str(HERE.parent), str(HERE.parent))}


class Container(Place):
    """An unprivileged container of the same name, with the volume idmapped at /data."""

    def __init__(self, name, directory, base, project):
        self.incus = ["incus", "--project", project]
        super().__init__(name, directory, base, [*self.incus, "exec", name, "--cwd", "/data", "--"])

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
        self.must("start", self.name)

    def leave(self):
        self.must("delete", "--force", self.name)
