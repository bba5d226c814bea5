#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# watch: the catalogue follows what happens to owner instances.

# shellcheck source=tests/incus/lib.sh
. "$(dirname "$0")/lib.sh"
need incus fuse fsctl

domain=$(unique_domain watch)
dev=$domain-dev

new_host watch <<-Y
	$dev:
	  persistent_data:
	    db: {path: /data/db}
Y
launch "$domain" "$dev"
fsctl devices apply "$site/infra.yml" >/dev/null

start_watch() {
	watch_log=$tmp/watch.log
	"$ANKLUME_FSCTL" watch 2>"$watch_log" &
	watch_pid=$!
	on_exit stop_watch "$watch_pid"
}

stop_watch() {
	kill "$1" 2>/dev/null
	wait_pid "$1"
}
start_watch

# wait_watch REGEX: a line of the watcher.
wait_watch() {
	wait_until 20 grep -qE -e "$1" "$watch_log" ||
		fail "no line like '$1'; it says:"$'\n'"$(tail -n 20 "$watch_log")"
}
catalog_sql() { sqlite3 -cmd ".timeout 10000" "$ANKLUME_CATALOG" "$1"; }
owner() { fsctl show db --json | jq -r .owner; }
in_force() { fsctl status >/dev/null; }

test_it_says_when_it_watches() {
	wait_watch 'watching Incus [0-9.]+$'
	! grep drift "$watch_log" || fail "there is no drift"
}

# The owner may delete, under its new name too; whoever takes the old name may not.
test_a_renamed_owner_stays_the_owner() {
	incus --project "$domain" stop -qf "$dev"
	incus --project "$domain" rename "$dev" renamed
	wait_watch "'$domain/$dev' is '$domain/renamed' now, and stays the owner of '$domain/$dev'"
	assert_eq "$(owner)" "$domain/renamed"
	in_force || fail "the daemon is behind"
	incus --project "$domain" start -q renamed
	launch "$domain" "$dev"
	incus --project "$domain" config device add -q "$dev" pd-db disk \
		source="$ANKLUME_MOUNT/$domain/$dev/db" path=/data/db shift=true
	assert_errno_inside "$domain" renamed OK create /data/db/file
	assert_errno_inside "$domain" "$dev" EPERM unlink /data/db/file
	assert_errno_inside "$domain" renamed OK unlink /data/db/file
	wait_watch "drift: device 'pd-db' of '$domain/$dev' was declared by nobody"
	incus --project "$domain" delete -qf "$dev"
	assert_file_has <(fsctl audit "$domain/$dev") 'owner.instance|instance.rename'
	assert_eq "$(fsctl devices diff "$site/infra.yml" --json | jq -c '[.changes, .left]')" '[0,0]'
}

test_drift_is_said() {
	incus --project "$domain" config device set -q renamed pd-db readonly=true
	wait_watch "drift: device 'pd-db' of '$domain/renamed' is not as it was applied: readonly true -> false"
	incus --project "$domain" config device remove -q renamed pd-db
	wait_watch "drift: device 'pd-db' of '$domain/renamed' was removed"
	fsctl devices apply "$site/infra.yml" >/dev/null
}

test_a_name_that_comes_back_is_the_specs_again() {
	incus --project "$domain" stop -qf renamed
	incus --project "$domain" rename renamed "$dev"
	wait_watch "'$domain/renamed' is '$domain/$dev' now"
	assert_eq "$(owner)" "$domain/$dev"
	assert_eq "$(catalog_sql "SELECT count(*) FROM machine WHERE owner_instance IS NOT NULL")" 0
	incus --project "$domain" start -q "$dev"
}

gone() { catalog_sql "SELECT count(*) FROM gone_instance"; }

test_a_deleted_owner_is_noted_and_its_data_stays() {
	assert_errno_inside "$domain" "$dev" OK create /data/db/precious
	incus --project "$domain" delete -qf "$dev"
	wait_watch "instance '$domain/$dev' was deleted; its data stays in '$ANKLUME_BASE/$domain/$dev'"
	assert_eq "$(gone)" 1
	assert_match "$(fsctl show db --json | jq -r .owner_gone_since)" '^20[0-9-]*T'
	assert_file_has <(fsctl show db) 'Owner deleted'
	[ -e "$ANKLUME_BASE/$domain/$dev/db/precious" ] || fail "the data is gone"
	launch "$domain" "$dev"
	wait_watch "instance '$domain/$dev' is back"
	assert_eq "$(gone)" 0
	fsctl devices apply "$site/infra.yml" >/dev/null
	inside "$domain" "$dev" ls /data/db/precious >/dev/null
}

test_once_looks_once() {
	kill -TERM "$watch_pid"
	wait_pid "$watch_pid"
	assert_file_has "$watch_log" 'ending$'
	fsctl devices apply "$site/infra.yml" >/dev/null
	incus --project "$domain" config device set -q "$dev" pd-db readonly=true
	fsctl watch --once 2>"$tmp/once"
	assert_file_has "$tmp/once" "drift: device 'pd-db'"
	incus --project "$domain" delete -qf "$dev"
	fsctl watch --once 2>"$tmp/once"
	assert_file_has "$tmp/once" "instance '$domain/$dev' was deleted"
	assert_eq "$(gone)" 1
}

watching() { [ "$(grep -c 'watching Incus' "$watch_log")" -ge "$1" ]; }

# What happened while nobody listened is found afterwards.
test_it_connects_again_and_looks_at_everything() {
	start_watch
	launch "$domain" "$dev"
	wait_watch "instance '$domain/$dev' is back"
	end_incusd
	wait_watch 'trying again in'
	run_incusd
	wait_until 60 watching 2 || fail "$(tail -n 20 "$watch_log")"
	kill -STOP "$watch_pid"
	incus --project "$domain" stop -qf "$dev"
	incus --project "$domain" delete -q "$dev"
	kill -CONT "$watch_pid"
	wait_watch "instance '$domain/$dev' was deleted"
	assert_eq "$(gone)" 1
}

run_tests
