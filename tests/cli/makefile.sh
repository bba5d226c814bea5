#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Makefile.anklume: upstream's targets and variables, and what they become.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need make python3

makefile=$root/dist/Makefile.anklume

# shown ARG...: the one command that make would run.
shown() { env -u ANKLUME_FSCTL make --no-print-directory -n -f "$makefile" "$@"; }

# S0-27
test_variables_become_options() {
	local args want

	while IFS='|' read -r args want; do
		# shellcheck disable=SC2086
		assert_eq "$(eval shown $args)" "anklume-fsctl $want" "make $args"
	done <<-'ROWS'
		data-dirs|apply
		data-dirs INFRA=infra|apply --spec 'infra'
		data-dirs DRY_RUN=true|apply --dry-run
		flush|flush --files .
		flush FORCE=true|flush --files . --force
		flush FORCE=1|flush --files . --force
		flush FORCE=yes|flush --files . --force
		flush FORCE=false|flush --files .
		flush FORCE=0|flush --files .
		flush FORCE=|flush --files .
		flush YES=true|flush --files . --yes
		flush INFRA=my.yml DRY_RUN=1|flush --files . --spec 'my.yml' --dry-run
		instance-remove I=pro-dev|remove --instance 'pro-dev'
		instance-remove I=pro-dev FORCE=true|remove --instance 'pro-dev' --force
		instance-remove DOMAIN=lab SCOPE=ephemeral|remove --domain 'lab' --scope 'ephemeral'
		instance-remove DOMAIN=lab SCOPE=all FORCE=true|remove --domain 'lab' --scope 'all' --force
		instance-remove DOMAIN=lab SCOPE=all YES=1|remove --domain 'lab' --scope 'all' --yes
		instance-remove "I=a'b; reboot"|remove --instance 'a'\''b; reboot'
	ROWS
}

test_a_force_that_is_neither_is_an_error() {
	assert_status 2 make -n -f "$makefile" flush FORCE=maybe
	assert_file_has "$tmp/err" "FORCE='maybe' is neither true nor false"
}

# Run for real, on an Incus in memory.
real() {
	assert_status "$1" make --no-print-directory -f "$makefile" ANKLUME_FSCTL="$ANKLUME_FSCTL" "${@:2}" \
		</dev/null
	out=$(cat "$tmp/out")
}

# S0-27
test_the_targets_work() {
	new_cli_site make
	jq -n '{("/1.0/projects/default"): {name: "default"}} + ([["pro", "pro-dev"], ["lab", "test"],
		["pro", "odd;name"], ["perso", "home"]] |
		map({("/1.0/projects/\(.[0])"): {name: .[0]},
		("/1.0/instances/\(.[1])?project=\(.[0])"): {name: .[1], project: .[0], type: "container",
		status_code: 102, expanded_config: {"security.protection.delete":
		(if .[1] == "home" then "true" else "false" end)}}}) | add)' >incus.json
	start_fake_incus "$PWD/incus.json"

	real 0 data-dirs
	[ -d "$ANKLUME_BASE/pro/pro-dev/db" ] || fail "no directory"
	real 0 instance-remove DOMAIN=lab SCOPE=ephemeral
	assert_match "$out" 'Deleted: instance lab/test'
	real 0 instance-remove I=pro-dev
	assert_match "$out" 'Deleted: instance pro/pro-dev'
	real 2 instance-remove I=none
	real 2 flush # nobody to ask
	real 0 flush YES=true
	assert_match "$out" 'PROTECTED \(skipped\): instance perso/home'
	assert_eq "$(tail -n 1 <<<"$out")" 'deleted=3 skipped=2 failed=0'
	real 0 flush FORCE=true
	assert_eq "$(tail -n 1 <<<"$out")" 'deleted=2 skipped=0 failed=0'
	[ -d "$ANKLUME_BASE/pro/pro-dev/db" ] || fail "the data is gone"
}

# It may stand in anklume's own Makefile.
test_it_can_be_included() {
	new_cli_site include
	printf 'all: data-dirs\n-include %s\n' "$makefile" >Makefile
	assert_eq "$(env -u ANKLUME_FSCTL make -n)" 'anklume-fsctl apply'
}

run_tests
