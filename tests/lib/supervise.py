#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Run a daemon and tell when it is ready, by sd_notify(3), and how it ended.

usage: supervise.py DIR COMMAND [ARG...]

DIR/pid     the daemon's pid, written before it runs
DIR/ready   a FIFO made by the caller: gets one line, "READY", or "EXITED n" when it died first
DIR/exit    its exit status, or 128 plus the signal, written when it has ended

The supervisor ends when the daemon does. SIGTERM and SIGINT are passed on.
"""

import os
import select
import signal
import socket
import subprocess
import sys


def write_file(path, text):
    with open(path + ".new", "w", encoding="utf-8") as f:
        f.write(text)
    os.rename(path + ".new", path)


def is_ready(sock):
    """True when one of the datagrams that wait says READY=1."""
    while True:
        try:
            message = sock.recv(65536)
        except BlockingIOError:
            return False
        if b"READY=1" in message.split(b"\n"):
            return True


def wait_ready(sock, pidfd):
    """True at READY=1, False when the daemon ended without it."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    poll.register(pidfd, select.POLLIN)
    while True:
        events = dict(poll.poll())
        if sock.fileno() in events and is_ready(sock):
            return True
        if pidfd in events:
            return False


def main():
    where, command = sys.argv[1], sys.argv[2:]
    notify = os.path.join(where, "notify")
    if os.path.exists(notify):
        os.unlink(notify)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    sock.bind(notify)
    child = subprocess.Popen(command, env={**os.environ, "NOTIFY_SOCKET": notify})
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda n, _frame: child.send_signal(n))
    write_file(os.path.join(where, "pid"), f"{child.pid}\n")

    ready = wait_ready(sock, os.pidfd_open(child.pid))
    if not ready:
        child.wait()
    with open(os.path.join(where, "ready"), "w", encoding="utf-8") as fifo:
        fifo.write("READY\n" if ready else f"EXITED {child.returncode}\n")
    sock.close()

    code = child.wait()
    write_file(os.path.join(where, "exit"), f"{code if code >= 0 else 128 - code}\n")


if __name__ == "__main__":
    main()
