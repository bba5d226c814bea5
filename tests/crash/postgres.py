# SPDX-License-Identifier: LGPL-2.1-or-later
"""PostgreSQL under pgbench while the daemon of the mount dies: what was committed, and every page."""

import pathlib
import re
import signal
import subprocess
import threading

from loads import Load
from mount_site import wait_until

CLIENTS, TRANSACTIONS = 4, 50
# Small segments and frequent checkpoints: files are made, renamed and synced all the time.
SETTINGS = {"listen_addresses": "", "checkpoint_timeout": "30s", "min_wal_size": "4MB",
            "max_wal_size": "8MB", "autovacuum_naptime": "5s", "log_checkpoints": "off"}
# Each transaction of pgbench adds one number to three balances and to one row of the history.
SUMS = """select (select count(*) from pgbench_history), (select coalesce(sum(delta), 0) from
pgbench_history), (select sum(abalance) from pgbench_accounts), (select sum(tbalance) from
pgbench_tellers), (select sum(bbalance) from pgbench_branches)"""
AS_POSTGRES = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups", "env",
               "LC_ALL=C.UTF-8"]


class Postgres(Load):
    """A server in a place, as the user postgres there, and pgbench again and again."""

    def __init__(self, place, programs):
        super().__init__(place, "postgresql")
        self.programs = pathlib.Path(programs)
        self.socket = str(place.room_inside)
        self.is_over = threading.Event()
        self.n_transactions, self.trouble = 0, None
        self.thread = threading.Thread(target=self.bench)

    # --- the server's side: as it sees the place --------------------------------------------------

    def in_place(self, *command):
        """Run to its end; fails with what it said."""
        self.launch(*command)
        if self.process.wait(300) != 0:
            raise AssertionError("%s: %s" % (command, (self.said(0) + self.said(1))[-2000:]))

    def program(self, name, *words):
        return [*AS_POSTGRES, str(self.programs / name), *words]

    def start(self):
        self.in_place("install", "-d", "-m", "700", "-o", "postgres", "-g", "postgres", "data")
        self.in_place(*self.program("initdb", "--data-checksums", "--wal-segsize=1", "-D", "data"))
        settings = [word for pair in SETTINGS.items() for word in ("-c", "%s=%s" % pair)]
        self.launch(*self.program("postgres", "-D", "data", "-k", self.socket, *settings))
        wait_until(120, self.is_up, "an answer of the server")
        self.must("pgbench", "-q", "-i", "-s", "2", "postgres")
        self.thread.start()

    # --- the client's side: through the socket, in the same place -----------------------------------

    def client(self, name, *words):
        """Its exit status and what it said."""
        file = "client.out"
        said = self.place.room / file
        said.unlink(missing_ok=True)
        process = self.place.start(self.below, self.programs / name, "-h", self.socket, "-U", "postgres",
                                   *words, out=file, err=file)
        return process.wait(), said.read_text(encoding="utf-8")

    def must(self, name, *words):
        status, said = self.client(name, *words)
        if status != 0:
            raise AssertionError("%s %s: %s: %s" % (name, " ".join(words), status, said[-2000:]))
        return said

    def is_up(self):
        return self.client("pg_isready", "-q")[0] == 0

    def bench(self):
        try:
            while not self.is_over.is_set():
                said = self.must("pgbench", "-n", "-c", str(CLIENTS), "-j", "2",
                                 "-t", str(TRANSACTIONS), "postgres")
                if not re.search(r"number of failed transactions: 0 ", said):
                    raise AssertionError("pgbench ended well, but said " + repr(said))
                self.n_transactions += CLIENTS * TRANSACTIONS
        except AssertionError as e:
            self.trouble = str(e)

    # --- the end ------------------------------------------------------------------------------------

    def check_sums(self):
        rows, *sums = self.must("psql", "-XAtq", "-F", " ", "-c", SUMS, "postgres").split()
        if int(rows) != self.n_transactions:
            raise AssertionError("%s rows of history after %d transactions" % (rows, self.n_transactions))
        if len(set(sums)) != 1:
            raise AssertionError("the balances have different sums: %s" % sums)

    def check_pages(self):
        """Once the server is down: on the mount, and what lies on the base below it."""
        self.in_place(*self.program("pg_checksums", "--check", "-D", "data"))
        if not re.search(r"Bad checksums: *0\n", self.said(0)):
            raise AssertionError(self.said(0))
        r = subprocess.run([self.programs / "pg_checksums", "--check", "-D",
                            self.place.base / self.below / "data"], capture_output=True, text=True,
                           check=False)
        if r.returncode != 0:
            raise AssertionError("on the base: " + r.stdout + r.stderr)

    def check_log(self):
        said = [line for line in self.said(1).splitlines()
                if re.search(r"\b(WARNING|ERROR|FATAL|PANIC):", line) and "is starting up" not in line]
        if said:
            raise AssertionError("the server says: " + "\n".join(said[:10]))

    def stop(self):
        try:
            return self.check_all()
        finally:
            self.give_up()  # a server that goes on keeps the mount busy

    def check_all(self):
        self.is_over.set()
        self.thread.join(300)
        if self.trouble or self.thread.is_alive():
            return "%s\n%s" % (self.trouble or "pgbench does not end", self.said(1)[-2000:])
        self.check_sums()
        self.must("pg_amcheck", "--install-missing", "--heapallindexed", "postgres")
        status = self.end(signal.SIGINT)  # the fast shutdown
        if status != 0:
            return "%s: %s" % (status, self.said(1)[-2000:])
        self.check_log()
        self.check_pages()
        return None

    def is_alive(self):
        return self.process.poll() is None and self.thread.is_alive()

    def give_up(self):
        self.is_over.set()
        if self.process and self.process.poll() is None:
            self.end(signal.SIGQUIT)  # its children, too

    @property
    def amount(self):
        return "%d transactions" % self.n_transactions
