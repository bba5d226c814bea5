#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# incus copy, snapshot and restore: devices come and go with them, data does not.

# shellcheck source=tests/incus/lib.sh
. "$(dirname "$0")/lib.sh"
need incus fuse fsctl

domain=$(unique_domain copy)
dev=$domain-dev

new_host copy <<-Y
	$dev:
	  persistent_data:
	    db: {path: /data/db}
Y
launch "$domain" "$dev"
fsctl devices apply -q "$site/infra.yml"
in_dev() { inside "$domain" "$dev" "$@"; }
in_dev sh -c 'echo one >/data/db/file; echo one >/root/own'

rows() { fsctl devices diff "$site/infra.yml" --json | jq -c "[.devices[] | $1]"; }
shared() { rows 'select(.action == "shared") | .instance' | jq -c unique; }

# The owner may delete, its copy may not: it is another instance.
test_a_copy_is_flagged_and_is_a_stranger() {
	incus --project "$domain" copy -q "$dev" "$domain-copy"
	assert_eq "$(shared)" "[\"$domain/$domain-copy\",\"$domain/$dev\"]"
	incus --project "$domain" start -q "$domain-copy"
	assert_eq "$(inside "$domain" "$domain-copy" cat /data/db/file)" one
	assert_errno_inside "$domain" "$domain-copy" EPERM unlink /data/db/file
	assert_errno_inside "$domain" "$domain-copy" OK create /data/db/from-copy
	assert_errno_inside "$domain" "$dev" OK unlink /data/db/from-copy
	fsctl watch --once 2>"$tmp/watch"
	fsctl remove -q --instance "$domain-copy"
	assert_eq "$(shared)" '[]'
	assert_eq "$(in_dev cat /data/db/file)" one
}

# A snapshot has the devices of its time, and none of the data.
test_a_restored_snapshot_brings_old_devices_back() {
	incus --project "$domain" snapshot create "$dev" before
	in_dev sh -c 'echo two >/data/db/file; echo two >/root/own'
	sed -i 's,path: /data/db,path: /srv/db,' "$site/infra.yml"
	fsctl apply -q "$site/infra.yml"
	fsctl devices apply -q --replug "$site/infra.yml"
	assert_eq "$(in_dev cat /srv/db/file)" two
	incus --project "$domain" snapshot restore "$dev" before
	assert_eq "$(in_dev cat /root/own)" one
	assert_eq "$(in_dev cat /data/db/file)" two "data is not rolled back"
	assert_eq "$(rows 'select(.device == "pd-db") | [.action, .drift, .mark]')" '[["change",true,"REPLUG"]]'
	fsctl watch --once 2>"$tmp/watch"
	assert_file_has "$tmp/watch" "drift: device 'pd-db' of '$domain/$dev' is not as it was applied: path"
	fsctl devices apply -q --replug "$site/infra.yml"
	assert_eq "$(in_dev cat /srv/db/file)" two
	assert_eq "$(rows 'select(.action != "keep" and .action != "foreign")')" '[]'
}

# Exported and imported under its own name, it is the owner again.
test_an_instance_from_a_backup_has_its_volumes() {
	incus --project "$domain" export -q "$dev" "$tmp/backup.tar.gz" >/dev/null
	incus --project "$domain" delete -qf "$dev"
	incus --project "$domain" import -q "$tmp/backup.tar.gz" >/dev/null
	incus --project "$domain" start -q "$dev"
	assert_eq "$(in_dev cat /srv/db/file)" two
	assert_errno_inside "$domain" "$dev" OK create /srv/db/new
	assert_errno_inside "$domain" "$dev" OK unlink /srv/db/new
	assert_eq "$(rows 'select(.action != "keep" and .action != "foreign")')" '[]'
}

run_tests
