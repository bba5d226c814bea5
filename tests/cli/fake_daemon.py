#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A control socket without a daemon behind it: fake_daemon.py SOCKET LOG MODE.

Each request is a line of LOG. MODE decides the answers:
  good      the generation asked for is in force
  writers   the same, with files open for writing
  behind    an older generation
  refuse    {"ok": false}
  hangup    no answer at all
  garbage   not JSON
  alien     another protocol version
"""
import json
import os
import socket
import sys

path, log, mode = sys.argv[1:]
generation = 0


def answer(request):
    global generation
    asked = request.get("generation", generation)
    generation = asked
    reply = {"version": 1, "ok": True, "generation": asked, "volumes": 4}
    if request["verb"] == "status":
        reply.update(pid=os.getpid(), uptime_s=90061, passthrough=True, idmap=False, base="/b",
                     mystery="x\x1b[2J")
    if mode == "writers":
        reply["writers"] = [{"volume": "pro/pro-dev/db", "open": 3},
                            {"volume": "perso/home/photos", "open": 0}]
    if mode == "behind":
        reply["generation"] = 0
    if mode == "refuse":
        reply = {"version": 1, "ok": False, "errno": 12, "error": "no room for 4 volumes"}
    if mode == "alien":
        reply["version"] = 99
    return b"{]" if mode == "garbage" else json.dumps(reply).encode()


if os.path.exists(path):
    os.unlink(path)
server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
server.bind(path)
server.listen(4)
print("READY", flush=True)
while True:
    peer, _ = server.accept()
    with peer:
        data = peer.recv(1 << 20)
        with open(log, "a", encoding="utf-8") as f:
            f.write(data.decode() + "\n")
        if mode != "hangup":
            peer.send(answer(json.loads(data)))
