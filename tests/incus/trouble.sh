#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What goes wrong between two calls: Incus dies, the catalogue is locked, names are not what one
# expects. Nothing is said that did not happen, and the same command goes on.

# shellcheck source=tests/incus/lib.sh
. "$(dirname "$0")/lib.sh"
need incus fuse fsctl sqlite3

domain=$(unique_domain bad)
machines=(a b c d e f)

new_host trouble 'ephemeral: true' < <(for m in "${machines[@]}"; do
	printf '%s-%s: {persistent_data: {db: {path: /data/db}}}\n' "$domain" "$m"
done)
cd "$site"

make_instances() {
	local m

	for m in "${machines[@]}"; do
		incus --project "$domain" init -q busybox "$domain-$m" 2>/dev/null
	done
}
make_instances

instances() { incus list --all-projects -f csv -c en | sort | xargs; }
attached() { incus query "/1.0/instances?recursion=1&project=$domain" | jq '[.[].devices | select(has("pd-db"))] | length'; }
said() { grep -qE -e "$1" "$tmp/err"; }

# killed_incusd REGEX VERB...: incusd dies when the verb has made a call like that. $status is the
# verb's.
killed_incusd() {
	local regex=$1 pid

	shift
	status=0
	"$ANKLUME_FSCTL" "$@" --debug >"$tmp/out" 2>"$tmp/err" </dev/null &
	pid=$!
	wait_until 30 said "$regex" || fail "no call like that: $(cat "$tmp/err")"
	end_incusd KILL
	wait "$pid" || status=$?
}

# What was done is recorded or found again; no device is there twice, none is missing.
test_incusd_killed_in_an_apply() {
	local status n

	killed_incusd 'incus: PUT /1.0/instances/' devices apply
	assert_eq "$status" 1
	assert_match "$(grep '^anklume-fsctl: ' "$tmp/err" | tail -n 1)" 'Incus'
	run_incusd
	n=$(attached)
	[ "$n" -lt 6 ] || fail "it was killed too late"
	note "$n of 6 instances had their device"
	assert_status 0 fsctl devices apply
	assert_eq "$(attached)" 6
	assert_eq "$(fsctl devices apply --json | jq -c '[.changed, .left, .failed]')" '[false,0,0]'
	assert_eq "$(sqlite3 "$ANKLUME_CATALOG" 'SELECT count(DISTINCT instance) FROM applied_device')" 6
	fsctl catalog check >/dev/null
}

# The device is there and not recorded: that is said, and made up for.
test_a_locked_catalogue_does_not_hide_what_was_done() {
	local lock

	incus --project "$domain" config device remove -q "$domain-a" pd-db
	coproc LOCK { exec sqlite3 "$ANKLUME_CATALOG"; }
	lock=$LOCK_PID
	echo "BEGIN IMMEDIATE; SELECT 'locked';" >&"${LOCK[1]}"
	read -r <&"${LOCK[0]}"
	assert_status 1 fsctl devices apply
	assert_file_has "$tmp/err" 'is being written by another process; try again'
	assert_file_has "$tmp/err" "'$domain/$domain-a' was changed, but that is not recorded"
	assert_eq "$(attached)" 6
	# A deletion is recorded before it is made.
	assert_status 1 fsctl flush --yes
	assert_file_has "$tmp/err" 'is being written by another process; try again'
	assert_eq "$(wc -w <<<"$(instances)")" 6
	kill "$lock"
	wait "$lock" 2>/dev/null || true
	assert_status 0 fsctl devices apply
	assert_eq "$(fsctl devices diff --json | jq -c '[.changed, .left]')" '[false,0]'
}

# Nobody else's instance of that name is touched.
test_the_same_name_in_another_project_is_left_alone() {
	incus init -q busybox "$domain-b" 2>/dev/null
	incus --project "$domain" config device remove -q "$domain-b" pd-db
	fsctl devices apply -q
	assert_eq "$(incus query "/1.0/instances/$domain-b" | jq -c .devices)" '{}'
	assert_eq "$(attached)" 6
	assert_status 0 fsctl remove --domain "$domain" --scope ephemeral --dry-run
	assert_eq "$(grep -c 'Would be deleted: instance' "$tmp/out")" 6
	! grep default/ "$tmp/out" || fail "it is of another project"
	incus delete -q "$domain-b"
}

test_a_mount_that_is_down_is_named() {
	incus --project "$domain" config device remove -q "$domain-a" pd-db
	umount -l "$ANKLUME_MOUNT"
	# It ends by itself, unless somebody's mount namespace has the mount, too.
	kill -KILL "$daemon_pid" 2>/dev/null || true
	wait_pid "$daemon_supervisor"
	assert_status 1 fsctl devices apply
	assert_file_has "$tmp/out" "and the data mounted"
	start_daemon
	assert_status 0 fsctl devices apply
}

# Nothing is called deleted that is there; a second run deletes the rest.
test_incusd_killed_in_a_flush() {
	local status name

	killed_incusd 'incus: DELETE /1.0/instances/' flush --force
	assert_eq "$status" 1
	assert_match "$(tail -n 1 "$tmp/out")" '^deleted=[0-5] skipped=[0-9]+ failed=[1-9]'
	run_incusd
	while read -r name; do
		! incus --project "$domain" info "$name" >/dev/null 2>&1 || fail "'$name' is there"
	done < <(sed -n "s|^Deleted: instance $domain/||p" "$tmp/out")
	assert_status 0 fsctl flush --force
	assert_eq "$(instances)" ""
	assert_eq "$(find "$ANKLUME_BASE/$domain" -mindepth 1 -maxdepth 1 | wc -l)" 6
}

# Names are quoted on the way to Incus, whatever is in them.
test_odd_names_and_features_are_flushed_with_the_rest() {
	local odd='o?&=%20#é' plain=$domain-plain

	incus project create -q "$odd" -c features.images=false -c features.profiles=false
	incus project create -q "$plain" -c features.storage.volumes=false
	incus profile create -q --project "$plain" 'p?&%41#'
	incus --project "$odd" init -q busybox one 2>/dev/null
	incus --project "$plain" storage volume create -q default 'v?&%41#'
	assert_status 0 fsctl flush --yes --all-projects --dry-run
	assert_file_has "$tmp/out" "Would be deleted: instance o\?&=%20#é/one"
	assert_status 0 fsctl flush --yes --all-projects
	assert_eq "$(instances)" ""
	assert_eq "$(incus project list -f csv -c n | xargs)" 'default (current)' "projects"
	# Without that feature a project has no volumes of its own: the default one's stay.
	incus storage volume show default 'v?&%41#' >/dev/null
}

run_tests
