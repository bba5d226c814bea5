#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""hang.py DAEMON FSCTL DIRECTORY DISK: requests that never end, in the daemon and in its base."""

import errno
import json
import os
import signal
import subprocess
import sys
import threading
import traceback

from mount_site import Site, Tap, expect, wait_until

WATCHDOG_S = 2
PATIENT_S = 12  # half of it until a request is stuck, then as much again until the end


class Call(threading.Thread):
    """FUNCTION(ARGUMENT...) in a thread of its own; its errno, 0 = none."""

    def __init__(self, function, *arguments):
        super().__init__(daemon=True)
        self.function, self.arguments = function, arguments
        self.errno = 0
        self.start()

    def run(self):
        try:
            self.function(*self.arguments)
        except OSError as e:
            self.errno = e.errno

    def answer(self):
        self.join(60)
        expect("still waiting", self.is_alive(), False)
        return self.errno


class Doctor:
    """anklume-fsctl doctor, without an Incus. Its rows by name, its words, its exit status."""

    def __init__(self, fsctl, site, *options):
        r = subprocess.run(
            [fsctl, "doctor", "--json", "--control", site.control, "--mount", site.mount, *options],
            env=dict(os.environ, INCUS_DIR=site.mount + ".no-incus"),
            capture_output=True, text=True, check=False, timeout=120)
        self.words, self.status = r.stderr, r.returncode
        self.rows = {row["check"]: row for row in json.loads(r.stdout or "[]")}

    def expect(self, check, verdict, *texts):
        row = self.rows[check]
        expect(check, row["verdict"], verdict)
        for text in texts:
            expect("'%s' in '%s'" % (text, row["detail"]), text in row["detail"], True)


def freeze(disk):
    subprocess.run(["fsfreeze", "--freeze", disk], check=True)


def thaw(disk):
    subprocess.run(["fsfreeze", "--unfreeze", disk], check=True)


def wait_until_stuck(site, n=1):
    wait_until(30, lambda: site.status()["stuck"] >= n, "%d stuck requests" % n)
    return site.status()["oldest"]


def replaces_one_that(action):
    """The next daemon answers what the one before hangs at."""

    def run(site):
        before = site.status()
        directory = os.path.join(site.mount, action)
        site.arm("started mkdir " + action)
        call = Call(os.mkdir, directory)
        oldest = wait_until_stuck(site)
        expect("operation", oldest["operation"], "mkdir")
        expect("volume", oldest["volume"], "anklume-fs")
        expect("caller", (oldest["pid"], oldest["command"]), (call.native_id, "python3"))
        expect("place", oldest["place"], {"wait": "daemon", "spin": "running"}[action])
        expect("the caller's errno", call.answer(), 0)
        after = site.status()
        expect("another daemon", after["pid"] != before["pid"], True)
        expect("takeovers", after["takeovers"], before["takeovers"] + 1)
        expect("stuck", after["stuck"], 0)
        expect("said", site.says("stuck: mkdir") and site.says("this daemon is at fault") and
               site.says("is silent for"), True)
        os.rmdir(directory)

    return run


def gives_up_a_request_that_every_daemon_hangs_at(site):
    site.arm("started mkdir wait 20")
    expect("errno", Call(os.mkdir, os.path.join(site.mount, "poison")).answer(), errno.EIO)
    expect("said", site.says("daemons down: it is answered EIO"), True)
    os.unlink(site.failpoint)
    site.ask("reload")
    os.mkdir(os.path.join(site.mount, "wholesome"))


def doctor_replaces_a_daemon_with_a_stuck_thread(site, fsctl):
    before = site.status()
    Doctor(fsctl, site).expect("requests", "ok")
    site.arm("started mkdir wait")
    directory = os.path.join(site.mount, "doctored")
    call = Call(os.mkdir, directory)
    wait_until_stuck(site)
    doctor = Doctor(fsctl, site, "--restart")
    expect("words", "daemon %d was stuck: another one serves" % before["pid"] in doctor.words, True)
    for text in ("anklume-fs) S", "thread %d" % before["pid"]):
        expect("'%s' in '%s'" % (text, doctor.words), text in doctor.words, True)
    expect("errno", call.answer(), 0)
    expect("takeovers", site.status()["takeovers"], before["takeovers"] + 1)
    for check in ("daemon", "mount", "requests", "threads"):
        doctor.expect(check, "ok")
    # The next one is well, and left alone.
    doctor = Doctor(fsctl, site, "--restart")
    expect("words", "is not stuck: left alone" in doctor.words, True)
    expect("takeovers", site.status()["takeovers"], before["takeovers"] + 1)


def doctor_replaces_a_daemon_that_answers_nobody(site, fsctl):
    pid = site.status()["pid"]
    os.kill(pid, signal.SIGSTOP)
    doctor = Doctor(fsctl, site)
    expect("exit status", doctor.status, 1)
    doctor.expect("daemon", "fail", "process %d does not answer" % pid)
    doctor.expect("mount", "fail", "does not answer within")
    doctor.expect("threads", "warn", "thread %d" % pid)
    Doctor(fsctl, site, "--restart").expect("daemon", "ok")
    expect("another daemon", site.status()["pid"] != pid, True)


def waits_for_a_base_that_hangs(site, fsctl, disk):
    with open(os.path.join(site.mount, "f"), "w", encoding="ascii") as f:
        f.write("text")
    # The kernel lets one caller at a time into a directory.
    parents = [os.path.join(site.mount, "parent%d" % i) for i in range(3)]
    for path in parents:
        os.mkdir(path)
    before = site.status()
    freeze(disk)
    try:
        calls = [Call(os.mkdir, os.path.join(path, "frozen")) for path in parents]
        oldest = wait_until_stuck(site, 3)
        expect("operation", oldest["operation"], "mkdir")
        expect("place", oldest["place"], "base")
        wait_until(30, lambda: site.status()["oldest"]["age_ms"] > 3000 * WATCHDOG_S,
                   "a request much older than the watchdog allows")
        doctor = Doctor(fsctl, site, "--restart")
        expect("exit status", doctor.status, 5)
        doctor = Doctor(fsctl, site)
        doctor.expect("requests", "fail", "3 stuck", "mkdir in volume 'anklume-fs' for python3[",
                      "the base does not answer")
        doctor.expect("threads", "warn", ") D, system call", " < ")
        doctor.expect("daemon", "ok")
        doctor.expect("mount", "ok")
        with open(os.path.join(site.mount, "f"), encoding="ascii") as f:
            expect("what is read meanwhile", f.read(), "text")
        expect("listed", "f" in os.listdir(site.mount), True)
        expect("pid", site.status()["pid"], before["pid"])
        expect("takeovers", site.status()["takeovers"], before["takeovers"])
        expect("said", site.says("the base does not answer"), True)
    finally:
        thaw(disk)
    for call in calls:
        expect("errno", call.answer(), 0)
    # An answer reaches its caller before the worker has put the request down.
    wait_until(30, lambda: site.status()["stuck"] == 0, "the end of the last request")


def aborts_when_so_told(site, disk):
    freeze(disk)
    try:
        call = Call(os.mkdir, os.path.join(site.mount, "aborted"))
        expect("errno", call.answer(), errno.ECONNABORTED)
        wait_until(30, lambda: not os.path.ismount(site.mount), "the mount taken away")
    finally:
        thaw(disk)
    expect("exit status", site.process.wait(60), 0)
    expect("said", site.says("--on-hang=abort"), True)


def upgrades_only_when_nothing_of_before_hangs(site, disk):
    """A thread that nothing ends is in the way of another executable, and would stop everybody."""
    os.mkdir(os.path.join(site.mount, "other"))
    freeze(disk)
    try:
        call = Call(os.mkdir, os.path.join(site.mount, "other", "held-up"))
        wait_until_stuck(site)
        for _ in range(2):
            expect("errno", site.ask("upgrade").get("errno"), errno.ETIMEDOUT)
            wait_until(30, lambda: site.status()["stuck"] == 1, "word of what hangs")
        expect("listed", "other" in os.listdir(site.mount), True)
        # Flags that are changed now are not in force for it: nobody may be told that they are.
        expect("errno", site.ask("reload").get("errno"), errno.ETIMEDOUT)
    finally:
        thaw(disk)
    expect("errno", call.answer(), 0)
    wait_until(30, lambda: site.ask("upgrade").get("error") is None, "an upgrade")
    expect("takeovers", site.status()["takeovers"], 1)


def stop(site):
    """The base is free for another daemon."""
    pid = site.status()["pid"]
    site.stop()
    wait_until(30, lambda: not os.path.exists("/proc/%d" % pid), "the end of the daemon")


def main():
    daemon, fsctl, directory, disk = sys.argv[1:]
    base = os.path.join(disk, "base")
    tap = Tap()

    def attempt(run, *arguments):
        trouble = None
        try:
            run(*arguments)
        except Exception:  # pylint: disable=broad-except
            trouble = traceback.format_exc()
        tap.result(trouble, getattr(run, "title", run.__name__).replace("_", " "))

    def start(watchdog_s, *options):
        return Site(daemon, directory, base, ["--watchdog", str(watchdog_s), *options])

    site = start(WATCHDOG_S)
    for action in ("wait", "spin"):
        run = replaces_one_that(action)
        run.title = "replaces a daemon with a thread in " + action
        attempt(run, site)
    attempt(gives_up_a_request_that_every_daemon_hangs_at, site)
    attempt(waits_for_a_base_that_hangs, site, fsctl, disk)
    stop(site)
    # So patient that the doctor comes first.
    site = start(PATIENT_S)
    attempt(doctor_replaces_a_daemon_with_a_stuck_thread, site, fsctl)
    stop(site)
    site = start(PATIENT_S)
    attempt(upgrades_only_when_nothing_of_before_hangs, site, disk)
    stop(site)
    site = start(600)
    attempt(doctor_replaces_a_daemon_that_answers_nobody, site, fsctl)
    stop(site)
    attempt(aborts_when_so_told, start(WATCHDOG_S, "--on-hang", "abort"), disk)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
