#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Volumes that instances have are neither removed nor renamed, whoever attached them and how.

# shellcheck source=tests/incus/lib.sh
. "$(dirname "$0")/lib.sh"
need incus fuse fsctl

domain=$(unique_domain vol)

new_host verbs 'ephemeral: true' <<-Y
	$domain-dev:
	  persistent_data:
	    db: {path: /data/db}
	    free: {path: /data/free}
Y
incus --project "$domain" init -q busybox stopped
vol=$domain/$domain-dev/db
db=$ANKLUME_MOUNT/$vol

attach() { incus --project "$domain" config device add -q stopped "$@"; }
detach() { incus --project "$domain" config device remove -q stopped "$1"; }

# assert_attached DEVICE: rm and rename say no, and name the instance and the device.
assert_attached() {
	assert_status 5 fsctl volume rm "$vol" --yes
	assert_file_has "$tmp/err" "'$vol' is attached to $domain/stopped \($1\)"
	assert_status 5 fsctl volume rename "$vol" other
	[ -d "$ANKLUME_BASE/$vol" ] || fail "it is gone"
}

test_a_stopped_instance_is_one_too() {
	attach pd-db disk source="$db" path=/data/db shift=true
	assert_attached pd-db
	detach pd-db
}

test_other_ways_to_the_same_directory_are_seen() {
	attach base disk source="$ANKLUME_BASE/$vol/" path=/data/db
	assert_attached base
	detach base
	attach above disk source="$ANKLUME_MOUNT/$domain" path=/data/all shift=true
	assert_attached above
	detach above
	mkdir "$db/sub"
	attach below disk source="$db/sub" path=/data/sub shift=true
	assert_attached below
	detach below
	ln -s "$db" "$site/link"
	attach link disk source="$site/link" path=/data/db shift=true
	assert_attached link
	detach link
}

test_a_profile_attaches_too() {
	incus profile create -q data
	incus profile device add -q data viaprofile disk source="$db" path=/data/db shift=true
	incus --project "$domain" profile add -q stopped data
	assert_attached viaprofile
	incus --project "$domain" profile remove -q stopped data
}

test_what_is_not_attached_goes() {
	attach pd-free disk source="$ANKLUME_MOUNT/$domain/$domain-dev/free" path=/data/free shift=true
	assert_status 0 fsctl volume rm "$vol" --yes
	[ ! -e "$ANKLUME_BASE/$vol" ] || fail "it is there"
	assert_status 0 fsctl volume undelete "$vol"
	assert_errno OK stat "$db/sub"
}

run_tests
