# SPDX-License-Identifier: LGPL-2.1-or-later
"""A mount whose daemon may die at any moment, and how to ask whoever serves it now."""

import json
import os
import signal
import socket
import subprocess
import traceback


def pause(seconds):
    """Wait between two looks at something."""
    signal.sigtimedwait([], seconds)


def wait_until(seconds, is_so, what):
    """Look until IS_SO() is true. Fails after SECONDS."""
    for _ in range(int(seconds / 0.01)):
        if is_so():
            return
        pause(0.01)
    raise AssertionError("not within %g s: %s" % (seconds, what))


def process_state(pid):
    """Its letter in /proc/PID/stat; Z also for one that is gone."""
    try:
        with open("/proc/%d/stat" % pid, encoding="ascii") as f:
            return f.read().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "Z"


def wait_until_state(pid, letter):
    wait_until(20, lambda: process_state(pid) == letter, "state %s of process %d" % (letter, pid))


def drop_caches():
    """Have the kernel forget every inode that nobody uses."""
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as f:
        f.write("2\n")


def expect(what, got, wanted):
    if got != wanted:
        raise AssertionError("%s is %r, should be %r" % (what, got, wanted))


class Site:
    """A plain mount of a directory by a daemon with failpoints."""

    def __init__(self, daemon, directory, base=None, options=()):
        self.daemon = daemon
        self.mount = os.path.join(directory, "mnt")
        self.base = base or os.path.join(directory, "base")
        self.control = os.path.join(directory, "control")
        self.failpoint = os.path.join(directory, "failpoint")
        for path in (self.mount, self.base):
            os.makedirs(path, exist_ok=True)
        self.log = open(os.path.join(directory, "log"), "a+b")
        env = dict(os.environ, ANKLUME_FAILPOINT=self.failpoint)
        env.pop("NOTIFY_SOCKET", None)
        self.process = subprocess.Popen(
            [daemon, "--foreground", *self.arguments(), "-o", "control=" + self.control, *options],
            env=env, stderr=self.log)
        self.wait_until_served()

    def arguments(self):
        """Those that say what is mounted."""
        return ["--plain", self.base, self.mount]

    def wait_until_served(self):
        while not os.path.ismount(self.mount):
            if self.process.poll() is not None:
                raise SystemExit("the daemon ended with %d" % self.process.returncode)
            pause(0.01)
        self.status()

    def is_stacked(self):
        """The base is on overlayfs, for which the kernel refuses passthrough."""
        fs_type = subprocess.run(["stat", "-f", "-c", "%T", self.base], check=True,
                                 capture_output=True, text=True).stdout
        return fs_type == "overlayfs\n"

    def ask_now(self, verb):
        """One exchange with the daemon that lives now; None: there is none."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
            s.settimeout(20)
            try:
                s.connect(self.control)
                s.send(json.dumps({"version": 1, "verb": verb}).encode())
                answer = s.recv(1 << 20)
            except (ConnectionError, FileNotFoundError):
                answer = b""
        return json.loads(answer) if answer else None

    def ask(self, verb):
        """One exchange with whichever daemon is there, or comes."""
        while True:
            answer = self.ask_now(verb)
            if answer:
                return answer
            pause(0.005)

    def status(self):
        return self.ask("status")

    def status_now(self):
        return self.ask_now("status")

    def arm(self, line):
        with open(self.failpoint, "w") as f:
            f.write(line + "\n")
        self.ask("reload")

    def stop(self, is_busy=False):
        """IS_BUSY: a test that failed may have left files open."""
        umount = ["umount", *(["--lazy"] if is_busy else []), self.mount]

        def is_unmounted():
            return subprocess.run(umount, stderr=subprocess.DEVNULL, check=False).returncode == 0

        # Whoever looks through the mounts of this machine makes one busy for a moment.
        wait_until(20, is_unmounted, "an unmount")
        self.process.wait()

    def kill(self, number=signal.SIGKILL):
        """Kill the daemon of this moment and wait for the next one. Returns the dead one's pid."""
        pid = self.status()["pid"]
        os.kill(pid, number)
        wait_until(30, lambda: self.status()["pid"] != pid, "another daemon")
        return pid

    def wait_until_kept(self):
        """The holder has heard everything that the daemon, not the first one, told it at its start."""
        last = "daemon %d serves again" % self.status()["pid"]
        wait_until(20, lambda: self.says(last), last)

    def holder(self):
        """The pid of the holder that runs now."""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/comm" % pid, encoding="ascii") as f:
                    name = f.read()
                with open("/proc/%s/environ" % pid, encoding="utf-8", errors="replace") as f:
                    is_ours = "ANKLUME_FAILPOINT=%s\0" % self.failpoint in f.read()
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
            if name == "anklume-hold\n" and is_ours:
                return int(pid)
        raise AssertionError("there is no holder")

    def daemons(self):
        """Those that the holder has started and that live, whether they serve or not."""
        holder = self.holder()
        with open("/proc/%d/task/%d/children" % (holder, holder), encoding="ascii") as f:
            return [int(pid) for pid in f.read().split()]

    def kept(self):
        """How many descriptors the holder keeps open."""
        return len(os.listdir("/proc/%d/fd" % self.holder()))

    def find_kept(self, name):
        """A way to the file NAME (of the link in /proc) that the holder keeps; None."""
        directory = "/proc/%d/fd" % self.holder()
        for fd in os.listdir(directory):
            path = os.path.join(directory, fd)
            try:
                if name in os.readlink(path):
                    return path
            except FileNotFoundError:  # closed while we looked
                pass
        return None

    def kept_file(self, name):
        """As find_kept(), once the holder has read what the daemon sent it."""
        wait_until(30, lambda: self.keeps(name), "'%s' at the holder" % name)
        return self.find_kept(name)

    def keeps(self, name):
        """True when the holder keeps the file NAME (of the link in /proc)."""
        return self.find_kept(name) is not None

    def says(self, text):
        """True when the log has TEXT."""
        with open(self.log.name, encoding="utf-8") as f:  # not at the offset where daemons write
            return text in f.read()

    def check_nothing_is_left(self):
        """Once all is closed and forgotten, nothing of it is known any more."""

        def is_clean():
            drop_caches()
            s = self.status()
            return s["inodes"] == 0 and s["open_files"] == 0

        wait_until(20, is_clean, "every inode and open file forgotten")


def kill_stopped_daemon(site, pid):
    """Returns the next one, which stops before it has read anything."""
    with open(site.failpoint, "w", encoding="ascii") as f:
        f.write("takeover * stop\n")
    os.kill(pid, signal.SIGKILL)
    wait_until(20, lambda: [p for p in site.daemons() if p != pid], "another daemon")
    pid = next(p for p in site.daemons() if p != pid)
    wait_until_state(pid, "T")
    return pid


class Timeout(Exception):
    pass


def on_alarm(_number, _frame):
    raise Timeout("it hangs")


def trouble_of(seconds, function, *args):
    """What goes wrong in FUNCTION, or that it takes longer than SECONDS. None: nothing."""
    signal.signal(signal.SIGALRM, on_alarm)
    signal.alarm(seconds)
    try:
        function(*args)
    except Exception as e:  # every kind of trouble is the test's
        return "%s: %s\n" % (type(e).__name__, e) + traceback.format_exc(limit=-2)
    finally:
        signal.alarm(0)
    return None


class Tap:
    """Count and print results."""

    def __init__(self):
        self.number = self.failed = 0

    def result(self, trouble, name):
        self.number += 1
        self.failed += trouble is not None
        print("%s %d - %s" % ("ok" if trouble is None else "not ok", self.number, name))
        if trouble is not None:
            print("# " + trouble.rstrip("\n").replace("\n", "\n# "), flush=True)

    def end(self):
        """The exit status."""
        print("1..%d" % self.number)
        return 1 if self.failed else 0
