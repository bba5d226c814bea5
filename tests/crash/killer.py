# SPDX-License-Identifier: LGPL-2.1-or-later
"""Kill the daemon of a site, or its holder, at random moments, and tell how long callers waited."""

import os
import select
import signal
import time

from mount_site import pause, wait_until

HURRY = 0.15  # the share of daemons that die before they serve
PAUSE_S = 0.12  # at most, from one that serves to its death


def kill_and_see_it_die(pid):
    """Nanoseconds until its last thread has come back from the system call that it was in."""
    fd = os.pidfd_open(pid)
    try:
        end = select.poll()
        end.register(fd, select.POLLIN)
        killed = time.monotonic_ns()
        os.kill(pid, signal.SIGKILL)
        end.poll(60_000)
        return time.monotonic_ns() - killed
    finally:
        os.close(fd)


class Killer:
    """Kills, one at a time; each is over when a daemon serves again."""

    def __init__(self, site, rng):
        self.site, self.random = site, rng
        self.moments = []  # (nanoseconds of a kill, of the first answer after it)
        self.deaths_ms = []  # what each kill took
        self.n_early = self.n_holders = 0

    def daemon(self):
        pause(self.random.random() * PAUSE_S)
        pid = self.site.status()["pid"]
        killed = time.monotonic_ns()
        self.deaths_ms.append(kill_and_see_it_die(pid) / 1e6)
        while self.random.random() < HURRY:
            pid = self.one_that_starts(pid)
        wait_until(60, lambda: self.site.status()["pid"] != pid, "another daemon")
        self.moments.append((killed, time.monotonic_ns()))

    def one_that_starts(self, dead):
        """Kill the daemon after DEAD somewhere between its start and its first answer."""
        found = []

        def is_there():
            found[:] = [p for p in self.site.daemons() if p != dead]
            return found

        wait_until(30, is_there, "another daemon's start")
        pid = found[0]
        pause(self.random.random() * 0.03)
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:  # the holder gave it up, or it was what told the kernel
            return self.one_that_starts(dead)
        self.n_early += 1
        return pid

    def holder(self):
        old, wanted = self.site.holder(), self.site.kept()
        os.kill(old, signal.SIGKILL)
        self.n_holders += 1

        def is_complete():
            try:
                return self.site.holder() != old and self.site.kept() >= wanted
            except (AssertionError, FileNotFoundError):
                return False

        wait_until(30, is_complete, "another holder that has everything")

    def waits_ms(self, slow):
        """For each kill, the longest of the calls SLOW that it fell into or that came next."""
        found = []
        for killed, served in self.moments:
            hit = [end - start for start, end in slow if end > killed and start < served]
            if hit:
                found.append(max(hit) / 1e6)
        return found


def percentile(values, share):
    """Of VALUES, the one that SHARE of them do not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


BOUNDS_MS = (5, 10, 20, 50, 100, 200, 500, 1000, 2000)


def histogram(values):
    """(upper bound, how many) of VALUES in milliseconds."""
    left = sorted(values)
    for bound in BOUNDS_MS:
        n = sum(v <= bound for v in left)
        yield bound, n
        left = left[n:]
    yield "more", len(left)
