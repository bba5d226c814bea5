# SPDX-License-Identifier: LGPL-2.1-or-later
"""What works on a mount while its daemon dies: each load is started, stopped, and says its trouble."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading

from churn import difference, listing

HERE = pathlib.Path(__file__).resolve().parent
SQLITE_WRITER = HERE.parent / "programs" / "sqlite_writer.py"


class Place:
    """A directory, how commands are run in it, and where it lies on the base."""

    def __init__(self, name, directory, base, scratch, prefix=()):
        self.name, self.prefix = name, [str(p) for p in prefix]
        self.directory, self.base = pathlib.Path(directory), pathlib.Path(base)
        # For what commands say, and for their sockets: not of the mount.
        self.room = pathlib.Path(scratch, "room-" + name)
        self.room.mkdir()
        self.room.chmod(0o1777)

    def enter(self):
        """Make it one that commands can run in."""

    def leave(self):
        """Nothing of it keeps anything of the mount."""

    @property
    def room_inside(self):
        """The room, as commands in the place see it."""
        return self.room

    def start(self, below, *command, out, err):
        """
        COMMAND in the directory BELOW, as the place's own users see it. What it says is appended to
        the files OUT and ERR of the room.
        """
        words = [*self.prefix, "sh", "-c", 'mkdir -p "$0" && cd "$0" && exec "$@"', below, *command]
        with open(self.room / out, "ab") as o, open(self.room / err, "ab") as e:
            return subprocess.Popen([str(w) for w in words], stdin=subprocess.DEVNULL, stdout=o,
                                    stderr=e, cwd=self.directory)


class Load:
    """One process; its standard error tells what went wrong."""

    def __init__(self, place, name):
        self.place = place
        self.below = name
        self.name = "%s, %s" % (name, place.name)
        self.files = (name + ".out", name + ".err")
        self.process = None

    def launch(self, *command):
        out, err = self.files
        self.process = self.place.start(self.below, *command, out=out, err=err)

    def said(self, which):
        return (self.place.room / self.files[which]).read_text(encoding="utf-8")

    def end(self, number, timeout=120):
        """Ask it to end. Returns its exit status."""
        self.process.send_signal(number)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return "it does not end"

    def has_begun(self):
        """It has made something, or is over already."""
        made = self.place.base / self.below
        return not self.is_alive() or made.is_dir() and any(made.iterdir())

    def is_alive(self):
        return self.process.poll() is None

    def give_up(self):
        """Whatever happened: nothing of it goes on."""
        if self.process and self.process.poll() is None:
            self.process.kill()


class Churn(Load):
    """Names that come and go, each call compared with a model, the base at the end."""

    def __init__(self, place, number):
        super().__init__(place, "churn%d" % number)
        self.number = number
        self.amount = ""

    def start(self):
        self.launch(HERE / "churn.py", self.number)

    def stop(self):
        status = self.end(15)
        if status != 0:
            return "%s: %s" % (status, self.said(1)[-2000:])
        result = json.loads(self.said(0))
        self.amount = "%d calls" % result["calls"]
        if result["calls"] < 10:
            return "it has made %d calls only" % result["calls"]
        return difference(listing(self.place.base / self.below), result["listing"])


class Prober(Load):
    """How long callers wait."""

    def __init__(self, place):
        super().__init__(place, "probe")
        self.result = {"slow": []}
        self.amount = ""

    def start(self):
        self.launch(HERE / "prober.py")

    def stop(self):
        status = self.end(15)
        if status != 0:
            return "%s: %s" % (status, self.said(1)[-2000:])
        self.result = json.loads(self.said(0))
        self.amount = "%d calls, median %.0f us" % (self.result["calls"], self.result["median_ns"] / 1000)
        return None


class Repeated(Load):
    """A command that is run again and again; it must succeed every time."""

    def __init__(self, place, name, command):
        super().__init__(place, name)
        self.command = command
        self.is_over = threading.Event()
        self.n_runs, self.trouble = 0, None
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.is_over.is_set() and not self.trouble:
            self.launch(*self.command)
            if self.process.wait() != 0:
                self.trouble = "%s: %s %s" % (self.process.returncode, self.said(1)[-2000:],
                                              self.said(0)[-2000:])
            self.n_runs += 1

    def start(self):
        self.thread.start()

    def stop(self):
        self.is_over.set()
        self.thread.join(300)
        if self.thread.is_alive():
            self.process.kill()
            return "it does not end"
        return self.trouble

    def is_alive(self):
        return self.thread.is_alive()

    def give_up(self):
        self.is_over.set()
        super().give_up()

    @property
    def amount(self):
        return "%d runs" % self.n_runs


def fio(place, mib=4):
    """Data through open files: written at random places and read again, checksums compared."""
    return Repeated(place, "fio", [
        "fio", "--name=verify", "--rw=randwrite", "--bs=4k", "--size=%dm" % mib, "--verify=crc32c",
        "--do_verify=1", "--verify_fatal=1", "--verify_state_save=0", "--fsync=64", "--numjobs=2",
        "--thread",  # processes would outlive a fio that is killed
        "--unlink=1", "--ioengine=psync", "--output-format=terse"])


class Difftest(Repeated):
    """Every call and its result as on a directory beside the base, on the same disk."""

    def __init__(self, place, program):
        self.native = place.base.parent / "native"
        # What shows a difference stays, with all that was said: it may be long, and it is seldom.
        kept = os.path.join(tempfile.gettempdir(), "difference-%d" % os.getpid())
        self.kept = kept + ".txt"
        super().__init__(place, "difftest", [
            program, "--seconds", "5", "--script", kept + ".ops", self.native,
            place.directory / "difftest", place.base / "difftest"])

    def start(self):
        self.native.mkdir()
        super().start()

    def stop(self):
        trouble = super().stop()
        if trouble:
            with open(self.kept, "w", encoding="utf-8") as f:
                f.write(self.said(0) + self.said(1))
            trouble += "\nall of it: '%s'" % self.kept
        shutil.rmtree(self.native)
        return trouble


class Sqlite(Load):
    """Commits, and whether each that was acknowledged is there at the end."""

    def __init__(self, place, mode):
        super().__init__(place, "sqlite-" + mode.lower())
        self.mode = mode
        self.amount = ""

    def start(self):
        self.launch(SQLITE_WRITER, "write", "db", self.mode)

    def stop(self):
        if not self.is_alive():
            return "it ended: " + self.said(1)[-2000:]
        self.end(15)  # it knows no signal, and this one goes into a container, too
        database = self.place.base / self.below / "db"
        copy = self.place.room / (self.name + ".copy")
        copy.mkdir()
        for path in database.parent.glob("db*"):  # who reads it must not write to the base
            shutil.copy(path, copy)
        r = subprocess.run([SQLITE_WRITER, "verify", str(copy / "db"),
                            str(self.place.room / self.files[0])],
                           capture_output=True, text=True, check=False)
        self.amount = "%s commits" % r.stdout.strip()
        return None if r.returncode == 0 else r.stderr[-2000:]
