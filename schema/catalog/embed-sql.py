#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Write the SQL migrations as a C table: embed-sql.py OUTPUT 0001-x.sql 0002-y.sql ..."""

import json
import os
import sys


def main() -> int:
    output, *sources = sys.argv[1:]
    rows = []
    for wanted, source in enumerate(sources, start=1):
        name = os.path.basename(source)
        if not name.startswith(f"{wanted:04d}-"):
            print(f"{source}: migration {wanted} must be called {wanted:04d}-*.sql", file=sys.stderr)
            return 1
        with open(source, encoding="ascii") as sql:
            lines = "\n".join("\t\t" + json.dumps(line) for line in sql)
        rows.append(f"\t{{{json.dumps(name)},\n{lines}}},\n")

    with open(output, "w", encoding="ascii") as out:
        out.write("/* Made by embed-sql.py from schema/migrations. */\n")
        out.write("static const struct migration migrations[] = {\n")
        out.writelines(rows)
        out.write("};\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
