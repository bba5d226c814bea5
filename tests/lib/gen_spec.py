#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Write an infra.yml of any size: a teacher's lab, four volumes a machine unless told.

usage: gen_spec.py MACHINES [VOLUMES] [--base DIR] [--unprotected]
"""

import argparse
import sys

DOMAINS_MAX = 250  # subnet_id goes to 254


def domain_lines(number, machines, volumes, unprotected):
    yield f"  student-{number:03d}:"
    yield f"    subnet_id: {number}"
    yield "    machines:"
    for machine in machines:
        yield f"      s{number:03d}-m{machine:04d}:"
        yield "        type: lxc"
        yield "        persistent_data:"
        for volume in range(volumes):
            yield f"          vol{volume}:"
            yield f"            path: /srv/vol{volume}"
            if unprotected:
                yield "            protected: false"


def spec_lines(machines, volumes, base, unprotected):
    yield "project_name: generated"
    yield "global:"
    yield '  base_subnet: "10.100"'
    if base:
        yield f"  persistent_data_base: {base}"
    yield "domains:"
    domains = min(machines, DOMAINS_MAX)
    for number in range(domains):
        yield from domain_lines(number, range(number, machines, domains), volumes, unprotected)


def main():
    parser = argparse.ArgumentParser(description="write an infra.yml of any size")
    parser.add_argument("machines", type=int)
    parser.add_argument("volumes", type=int, nargs="?", default=4)
    parser.add_argument("--base", help="persistent_data_base, what Incus finds")
    parser.add_argument("--unprotected", action="store_true")
    options = parser.parse_args()
    for line in spec_lines(options.machines, options.volumes, options.base,
                           options.unprotected):
        sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
