#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# flush and remove with the specs that anklume itself ships, on an Incus in memory that has every
# machine they declare, protected unless it is ephemeral, as anklume's role leaves them.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need python3
[ -d "$samples" ] || skip samples "no samples in '$samples'"

# begin SPEC: a site and a server.
begin() {
	new_cli_site "$(basename "$1" .infra.yml)"
	unset INCUS_DIR
	cp "$1" infra.yml
	run 0 apply -q
	fsctl devices -f json 2>/dev/null >machines.json
	python3 - <<-'P'
		import json, sqlite3, os
		rows = sqlite3.connect(os.environ["ANKLUME_CATALOG"]).execute(
		    "SELECT project, instance, is_ephemeral FROM machine").fetchall()
		state = {"/1.0/projects/default": {"name": "default"},
		         "/1.0/projects/other": {"name": "other"},
		         "/1.0/instances/mail?project=other": {
		             "name": "mail", "project": "other", "type": "container", "status_code": 103,
		             "expanded_config": {}}}
		for project, instance, is_ephemeral in rows:
		    protection = {} if is_ephemeral else {"security.protection.delete": "true"}
		    state[f"/1.0/projects/{project}"] = {"name": project}
		    state[f"/1.0/networks/net-{project}?project=default"] = {
		        "name": f"net-{project}", "project": "default", "managed": True, "used_by": [
		            f"/1.0/instances/{i}?project={p}" for p, i, _ in rows if p == project]}
		    state[f"/1.0/instances/{instance}?project={project}"] = {
		        "name": instance, "project": project, "type": "container", "status_code": 103,
		        "config": protection, "expanded_config": protection}
		with open("state.json", "w") as out:
		    json.dump(state, out)
		with open("counts", "w") as out:
		    projects = {p for p, _, _ in rows}
		    kept = {p for p, _, e in rows if not e}
		    eph = sum(e for _, _, e in rows)
		    # instances, projects, bridges
		    print(eph + 2 * len(projects - kept), len(rows) - eph + len(kept), file=out)
		    print(len(rows) + 2 * len(projects) - eph - 2 * len(projects - kept), file=out)
	P
	start_fake_incus "$PWD/state.json"
}

# S0-2 S0-31
test_a_flush_takes_the_ephemeral_ones_and_force_the_others() {
	local spec go_first stay go_forced count=0

	for spec in "$samples"/*.infra.yml; do
		fsctl validate "$spec" >/dev/null 2>&1 || continue
		begin "$spec"
		{ read -r go_first stay && read -r go_forced; } <counts
		run 0 flush --yes
		assert_eq "$(tail -n 1 <<<"$out")" "deleted=$go_first skipped=$stay failed=0" "$spec"
		run 0 flush --force
		assert_eq "$(tail -n 1 <<<"$out")" "deleted=$go_forced skipped=0 failed=0" "$spec"
		! grep -q 'DELETE.*other' "$fake_log" || fail "a foreign project was touched"
		count=$((count + 1))
	done
	[ "$count" -ge 2 ] || fail "only $count samples are valid"
}

# What is another format altogether is refused before anything is asked of Incus.
test_a_spec_that_is_wrong_stops_before_incus() {
	new_cli_site live
	INCUS_SOCKET=$tmp/none
	export INCUS_SOCKET
	run 3 flush --yes --spec "$samples/live-os.infra.yml"
	run 3 remove --instance x --spec "$samples/live-os.infra.yml"
}

run_tests
