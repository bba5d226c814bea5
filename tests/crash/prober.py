#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""One call after the other in the working directory, each timed.

    prober.py

Each of them needs the daemon. Goes on until SIGTERM; then a line of JSON: how many calls there were,
their median, and those that took longer than a millisecond as [start, end] in nanoseconds of
CLOCK_MONOTONIC. An error ends it with 1.
"""

import json
import os
import signal
import statistics
import sys
import time

SLOW_NS = 1_000_000
SAMPLE = 16  # one call of so many counts for the median


def calls():
    name = "probe-%d" % os.getpid()
    yield lambda: os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    yield lambda: os.chmod(name, 0o640)
    yield lambda: os.listxattr(name)
    yield lambda: os.statvfs(".")
    yield lambda: os.unlink(name)


def main():
    is_over = []
    signal.signal(signal.SIGTERM, lambda *_: is_over.append(True))
    cycle = list(calls())
    number, slow, sample = 0, [], []
    try:
        while not is_over or number % len(cycle):
            start = time.monotonic_ns()
            cycle[number % len(cycle)]()
            end = time.monotonic_ns()
            if number % SAMPLE == 0:
                sample.append(end - start)
            if end - start > SLOW_NS:
                slow.append((start, end))
            number += 1
    except OSError as e:
        sys.exit("prober: call %d (number %d of its cycle): %s" % (number, number % len(cycle), e))
    print(json.dumps({"calls": number, "median_ns": statistics.median(sample), "slow": slow}))


if __name__ == "__main__":
    main()
