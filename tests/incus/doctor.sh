#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# doctor: what is right is ok, and each thing that comes between is named.

# shellcheck source=tests/incus/lib.sh
. "$(dirname "$0")/lib.sh"
need incus fuse fsctl bindfs

domain=$(unique_domain doc)
new_site doctor
write_spec <<-Y
	$domain-dev:
	  persistent_data:
	    db: {path: /data/db}
Y
fsctl apply "$site/infra.yml" >/dev/null

# verdicts: "check verdict, ..." and the exit status.
verdicts() {
	local status=0

	fsctl doctor --json >"$tmp/json" 2>/dev/null || status=$?
	jq -r '[.[] | "\(.check) \(.verdict)"] | join(", ")' "$tmp/json"
	echo "$status"
}
detail() { jq -r ".[] | select(.check == \"$1\") | .detail" "$tmp/json"; }

test_nothing_runs() {
	export INCUS_DIR=$tmp/nowhere
	assert_eq "$(verdicts)" "daemon fail, mount fail, requests unknown, threads ok, timeouts ok, idmap unknown, incus fail, other-fuse unknown, required unknown, restricted unknown
1"
	assert_match "$(detail incus)" 'cannot connect to Incus'
	assert_match "$(detail mount)" "nothing is mounted on '$ANKLUME_MOUNT'$"
	mkdir "$ANKLUME_MOUNT/pro"
	verdicts >/dev/null
	assert_match "$(detail mount)" 'it is not empty'
	rmdir "$ANKLUME_MOUNT/pro"
	[ -d "$ANKLUME_MOUNT" ] || fail "looking removed it"
}

# Asked of a FUSE that cannot be idmapped first, Incus has that answer for ours, too.
test_what_incus_remembers_of_another_fuse_is_recognised() {
	start_daemon
	start_incus
	new_project "$domain"
	launch "$domain" "$domain-dev"
	mkdir "$tmp/plain" "$tmp/bound"
	bindfs "$tmp/plain" "$tmp/bound"
	on_exit umount "$tmp/bound"
	! incus --project "$domain" config device add -q "$domain-dev" home disk source="$tmp/bound" \
		path=/home shift=true 2>"$tmp/err" || fail "bindfs was idmapped"
	assert_file_has "$tmp/err" 'idmapping abilities'
	assert_status 1 fsctl devices apply "$site/infra.yml"
	assert_file_has "$tmp/out" 'restart Incus'

	end_incusd
	run_incusd
	fsctl devices apply "$site/infra.yml" >/dev/null
	assert_eq "$(verdicts)" "daemon ok, mount ok, requests ok, threads ok, timeouts ok, idmap ok, incus ok, other-fuse ok, required ok, restricted ok
0"
	what_comes_between_is_named
}

what_comes_between_is_named() {
	incus --project "$domain" config device set -q "$domain-dev" pd-db required=false
	incus project create -q tight -c restricted=true
	incus --project "$domain" init -q busybox other
	incus --project "$domain" config device add -q other home disk source="$tmp/bound" path=/home \
		shift=true
	assert_eq "$(verdicts)" "daemon ok, mount ok, requests ok, threads ok, timeouts ok, idmap ok, incus ok, other-fuse warn, required warn, restricted warn
0"
	assert_match "$(detail other-fuse)" "'home' of '$domain/other' is another FUSE"
	assert_match "$(detail required)" "'pd-db' of '$domain/$domain-dev' is not required"
	assert_match "$(detail restricted)" "project 'tight' is restricted"
	incus project set tight restricted.devices.disk=allow \
		restricted.devices.disk.paths="/other,$ANKLUME_MOUNT"
	verdicts >/dev/null
	assert_eq "$(jq -r '.[] | select(.check == "restricted") | .verdict' "$tmp/json")" ok
}

run_tests
