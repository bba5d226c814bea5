# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same subjects as an unprivileged Incus container sees them: through idmapped mounts."""

import contextlib
import os
import subprocess

from subjects import HERE, Subject, Unavailable, run

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/bin"


class Inside(Subject):
    smallfile = "/bin/smallfile"
    user = "33"  # "web" of the image, see tests/incus/lib.sh

    def __init__(self, outside, incus):
        super().__init__(outside.name, f"/{outside.name}", outside.settings)
        self.outside = outside
        self.incus = incus

    def run(self, *command):
        return run(*self.incus, "--", "env", PATH, *command, env=self.environment())

    def run_as(self, user, *command):
        return run(*self.incus, "--user", user, "--group", user, "--cwd", "/", "--", "env", PATH,
                   *command, env=self.environment())

    def environment(self):
        return {**os.environ, "INCUS_DIR": self.incus_dir, "INCUS_CONF": self.incus_conf}

    def counts(self):
        return self.outside.counts()


def wait_ready(process, log):
    """({name: why it was refused}, words of the line that says ready)."""
    refused = {}
    for line in process.stdout:
        word, _, rest = line.strip().partition(" ")
        if word == "ready":
            return refused, rest.split()
        if word == "refused":
            name, _, why = rest.partition(" ")
            refused[name] = why
    log.seek(0)
    raise Unavailable("container: " + log.read().strip()[-400:])


@contextlib.contextmanager
def entered(subjects, top):
    """Yields ({name: subject as the container sees it}, {name: why it cannot be attached})."""
    places = []
    # Ours first: after one FUSE mount that cannot be idmapped Incus tries no other.
    for subject in sorted(subjects.values(), key=lambda s: s.name):
        where = subject.where / "inside"
        where.mkdir()
        places.append(f"{subject.name}={where}")
    with open(top / "container.log", "w+", encoding="utf-8") as log:
        process = subprocess.Popen([str(HERE / "container.sh"), *places], text=True, stderr=log,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            refused, (incus_dir, incus_conf, project, name) = wait_ready(process, log)
            inside = {}
            for subject in subjects.values():
                if subject.name in refused:
                    continue
                one = Inside(subject, ("incus", "--project", project, "exec", "-T", name))
                one.incus_dir, one.incus_conf = incus_dir, incus_conf
                inside[subject.name] = one
            yield inside, refused
        finally:
            process.stdin.close()
            process.wait(timeout=120)
