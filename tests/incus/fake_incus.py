#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""An Incus daemon in memory, for faults that a real one cannot be made to show.

usage: fake_incus.py SOCKET STATE LOG [FAULTS]

STATE is a JSON object: reference ("/1.0/instances/web?project=pro", "/1.0/projects/pro") -> what a
GET of it returns. LOG gets a line per request. FAULTS is a JSON array, read before each request,
so that a test may write it at any time; the first that fits METHOD and PATH (a regular expression
on the whole reference) is used:

    {"method": "DELETE", "path": "/instances/web", "do": "...", ...}

    status     answer {"status": 423} with {"error": "..."}
    operation  accept, and let the operation fail with {"error": "..."}
    lie        say that it was done, and do nothing
    drop       leave {"key": "expanded_config"} out of every object
    add        {"reference": ..., "object": ...} appears before the request is answered
    hang       answer nothing until the client goes away
    half       send half of an answer, then close
    running    an operation that is waited for is not done yet
    garbage    send something that is no HTTP
    gather     answer none before {"n": 8} such requests wait at the same time; 500 after 20 s

A fault with {"times": N} is used N times. Prints READY when it listens.
"""

import http.server
import json
import pathlib
import re
import socketserver
import sys
import threading
import urllib.parse

ASYNC = re.compile(r"^/1\.0/(instances|images)/|/state$")


class Store:
    """What there is, and the faults."""

    def __init__(self, state, log, faults):
        self.objects = json.loads(pathlib.Path(state).read_text(encoding="utf-8"))
        self.log = log
        self.faults = faults
        self.used = {}
        self.operations = {}
        self.lock = threading.Lock()
        self.gathered = threading.Condition()
        self.n_gathered = 0

    def note(self, line):
        with open(self.log, "a", encoding="utf-8") as out:
            out.write(line + "\n")

    def fault(self, method, reference):
        if not self.faults or not pathlib.Path(self.faults).exists():
            return {}
        for i, fault in enumerate(json.loads(pathlib.Path(self.faults).read_text("utf-8"))):
            if fault.get("method", method) != method or not re.search(fault["path"], reference):
                continue
            if self.used.get(i, 0) >= fault.get("times", 1 << 30):
                continue
            self.used[i] = self.used.get(i, 0) + 1
            return fault
        return {}

    def gather(self, n):
        """True when N requests are here, this one among them."""
        with self.gathered:
            self.n_gathered += 1
            self.gathered.notify_all()
            return self.gathered.wait_for(lambda: self.n_gathered >= n, timeout=20)

    def list(self, path, query):
        """The objects right below PATH, in the project that QUERY names."""
        for reference, found in sorted(self.objects.items()):
            where = urllib.parse.urlsplit(reference)
            project = urllib.parse.parse_qs(where.query).get("project", [None])[0]
            if where.path.rpartition("/")[0] != path:
                continue
            if project and "all-projects" not in query and project != query.get("project"):
                continue
            yield reference, found

    def operation(self, error=""):
        name = f"op-{len(self.operations)}"
        self.operations[name] = {
            "id": name,
            "status_code": 400 if error else 200,
            "status": "Failure" if error else "Success",
            "err": error,
            "metadata": None,
        }
        return name


SERVER = {
    "auth": "trusted",
    "api_extensions": ["etag", "patch"],
    "environment": {"server_version": "6.0.4"},
}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    store = None

    def log_message(self, *args):
        pass

    def reply(self, body, status=200):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("ETag", '"fake"')
        self.end_headers()
        self.wfile.write(data)

    def done(self, metadata=None):
        self.reply({"type": "sync", "status_code": 200, "metadata": metadata})

    def failed(self, status, error):
        self.reply({"type": "error", "error_code": status, "error": error}, status)

    def accepted(self, error=""):
        name = self.store.operation(error)
        self.reply({"type": "async", "status_code": 100, "operation": f"/1.0/operations/{name}",
                    "metadata": {**self.store.operations[name], "status_code": 103}}, 202)

    def break_off(self, text):
        self.wfile.write(text)
        self.close_connection = True

    def misbehave(self, fault):
        """True when FAULT has answered."""
        kind = fault.get("do")
        if kind == "status":
            self.failed(fault["status"], fault.get("error", "no"))
        elif kind == "operation":
            self.accepted(fault.get("error", "no"))
        elif kind == "lie":
            self.accepted() if ASYNC.search(self.path) else self.done()
        elif kind == "hang":
            self.connection.recv(1)
            self.close_connection = True
        elif kind == "gather":
            if self.store.gather(fault["n"]):
                return False
            self.failed(500, f"only {self.store.n_gathered} requests at once")
        elif kind == "half":
            self.break_off(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"type\":")
        elif kind == "running":
            self.done({"id": "op-0", "status_code": 103, "status": "Running", "err": ""})
        elif kind == "garbage":
            self.break_off(b"what?\r\n\r\n")
        else:
            return False
        return True

    def find(self):
        """The stored reference that the request means."""
        where = urllib.parse.urlsplit(self.path)
        project = urllib.parse.parse_qs(where.query).get("project", ["default"])[0]
        path = urllib.parse.unquote(where.path)
        for reference in (f"{path}?project={project}", path):
            if reference in self.store.objects:
                return reference
        return None

    def get(self, drop):
        where = urllib.parse.urlsplit(self.path)
        query = {k: v[0] for k, v in urllib.parse.parse_qs(where.query).items()}
        found = self.find()
        if where.path == "/1.0":
            self.done(SERVER)
        elif where.path.startswith("/1.0/operations/"):
            self.done(self.store.operations[where.path.split("/")[3]])
        elif found:
            self.done({k: v for k, v in self.store.objects[found].items() if k != drop})
        elif where.path.count("/") in (2, 5):
            rows = list(self.store.list(where.path, query))
            self.done([{k: v for k, v in o.items() if k != drop} for _, o in rows]
                      if "recursion" in query else [r for r, _ in rows])
        else:
            self.failed(404, "not found")

    def change(self, body):
        found = self.find()
        if urllib.parse.urlsplit(self.path).path.endswith("/state"):
            self.accepted()
        elif not found:
            self.failed(404, "not found")
        elif self.command == "DELETE":
            del self.store.objects[found]
            self.accepted() if ASYNC.search(self.path) else self.done()
        else:
            self.store.objects[found].update(body)
            self.store.objects[found]["expanded_config"] = body.get("config", {})
            self.accepted() if ASYNC.search(self.path) else self.done()

    def handle_request(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else {}
        with self.store.lock:
            self.store.note(f"{self.command} {self.path}")
            fault = self.store.fault(self.command, self.path)
            if fault.get("do") == "add":
                self.store.objects[fault["reference"]] = fault["object"]
        if self.misbehave(fault):
            return
        with self.store.lock:
            if self.command == "GET":
                self.get(fault.get("key") if fault.get("do") == "drop" else None)
            else:
                self.change(body)

    do_GET = do_PUT = do_PATCH = do_POST = do_DELETE = handle_request


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        """A client that goes away is part of the game."""


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    Handler.store = Store(sys.argv[2], sys.argv[3], sys.argv[4] if len(sys.argv) > 4 else None)
    with Server(sys.argv[1], Handler) as server:
        print("READY", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
