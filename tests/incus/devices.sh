#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# devices diff, apply and heal on running containers: what the spec wants is what they see.

# shellcheck source=tests/incus/lib.sh
. "$(dirname "$0")/lib.sh"
need incus fuse fsctl

domain=$(unique_domain dev)
dev=$domain-dev
web=$domain-web

# write_infra [PATH_OF_DB] [more lines of the volumes]
write_infra() {
	cat <<-Y
		project_name: test
		global:
		  base_subnet: "10.100"
		  persistent_data_base: $ANKLUME_MOUNT
		  shared_volumes_base: $site/shares
		shared_volumes:
		  docs:
		    path: /shared/docs
		    consumers: {$domain: ro}
		domains:
		  $domain:
		    subnet_id: 0
		    machines:
		      $dev:
		        devices:
		          home: {type: disk, source: $site/home, path: /home}
		        persistent_data:
		          db: {path: ${1:-/data/db}}
		          book: {path: /data/book, readonly: true}
		${2:-}
		      $web:
		        persistent_data:
		          www: {path: /data/www}
		      $domain-absent:
		        persistent_data:
		          none: {path: /data/none}
	Y
}

new_site devices
mkdir "$site/home" "$site/shares" "$site/shares/docs" "$site/common"
write_infra >"$site/infra.yml"
fsctl() { (cd "$site" && "$ANKLUME_FSCTL" "$@"); }
fsctl apply >/dev/null
echo words >"$ANKLUME_BASE/$domain/$dev/db/file"
start_daemon
start_incus
new_project "$domain"
launch "$domain" "$dev"
launch "$domain" "$web"
# What is not ours: a share, the user's own, a pool volume, a profile's.
incus --project "$domain" config device add -q "$dev" sv-docs disk source="$site/shares/docs" \
	path=/shared/docs shift=true readonly=true
incus --project "$domain" config device add -q "$dev" home disk source="$site/home" path=/home \
	shift=true
incus storage volume create -q default vol
incus --project "$domain" storage volume create -q default vol 2>/dev/null || true
incus --project "$domain" config device add -q "$dev" vol disk pool=default source=vol path=/vol
incus profile create -q common
incus profile device add -q common common disk source="$site/common" path=/common
incus --project "$domain" profile add -q "$dev" common

devices_of() { incus query "/1.0/instances/$1?project=$domain" | jq -cS .devices; }
device() { incus query "/1.0/instances/$1?project=$domain" | jq -c ".devices[\"$2\"]"; }
in_dev() { inside "$domain" "$dev" "$@"; }

# rows FILTER COMMAND...: of the JSON result; see last_status for the exit status.
rows() {
	local filter=$1 status=0

	shift
	fsctl devices "$@" --json >"$tmp/json" 2>"$tmp/err" || status=$?
	echo "$status" >"$tmp/status"
	jq -c "$filter" "$tmp/json" || fail "no JSON: $(cat "$tmp/json" "$tmp/err")"
}

last_status() { cat "$tmp/status"; }

# "device action result" of one instance's rows that are not keep or foreign.
changes() { rows "[.devices[] | select(.instance == \"$domain/$dev\" and .action != \"keep\"
	and .action != \"foreign\") | \"\\(.device) \\(.action) \\(.result)\"]" "$@"; }

test_diff_shows_and_changes_nothing() {
	local before

	before=$(devices_of "$dev")
	assert_eq "$(changes diff)" '["pd-db add would","pd-book add would"]'
	assert_eq "$(rows '[.changed, .changes, .left, .failed, .absent]' diff)" '[true,3,0,0,1]'
	assert_eq "$(changes apply --dry-run)" '["pd-db add would","pd-book add would"]'
	assert_eq "$(devices_of "$dev")" "$before"
	fsctl devices diff >"$tmp/out"
	assert_file_has "$tmp/out" "^$domain/$dev +pd-db +add +would *$"
	assert_file_has "$tmp/out" '^3 to change, 0 left, 0 failed; 1 machine without an instance$'
	assert_file_has "$tmp/out" '^2 instances in [0-9]+ ms, and [0-9]+ ms of Incus$'
}

# S0-1 S0-18 S0-25
test_apply_attaches_and_a_second_one_changes_nothing() {
	local before

	assert_eq "$(rows '[.changed, .changes, .left, .failed]' apply)" '[true,3,0,0]'
	assert_eq "$(last_status)" 0
	assert_eq "$(in_dev cat /data/db/file)" words
	assert_file_has <(in_dev cat /proc/self/mountinfo) ' /data/db .*idmapped'
	assert_errno_inside "$domain" "$dev" EROFS create /data/book/new
	assert_errno_inside "$domain" "$web" OK create /data/www/new
	assert_eq "$(device "$dev" pd-db | jq -c '[.type, .source, .path, .shift, .required]')" \
		"[\"disk\",\"$ANKLUME_MOUNT/$domain/$dev/db\",\"/data/db\",\"true\",\"true\"]"
	before=$(devices_of "$dev")
	assert_eq "$(rows '[.changed, .changes, .left, .failed]' apply)" '[false,0,0,0]'
	assert_eq "$(devices_of "$dev")" "$before"
	assert_file_has <(fsctl devices apply) '^0 changed, 0 left, 0 failed'
	assert_eq "$(fsctl devices apply --quiet)" ""
}

# S0-23 S0-24
test_what_is_not_ours_is_shown_as_foreign() {
	assert_eq "$(rows "[.devices[] | select(.action == \"foreign\") | [.device, .origin]] | sort" diff)" \
		'[["common","profile"],["home","user"],["sv-docs","shared"],["vol","pool"]]'
}

# The defect of upstream's role: it only ever adds what is missing.
test_a_changed_path_is_marked_asked_for_and_carried_out() {
	write_infra /srv/db >"$site/infra.yml"
	assert_eq "$(changes diff)" '["pd-db change needs-replug"]'
	assert_eq "$(rows '.devices[] | select(.device == "pd-db") | [.replug, .mark, .detail]' diff)" \
		'[true,"REPLUG","path /data/db -> /srv/db"]'
	assert_eq "$(changes apply)" '["pd-db change needs-replug"]'
	assert_eq "$(last_status)" 5
	assert_file_has "$tmp/err" '1 device was left as it was; --replug'
	assert_eq "$(in_dev cat /data/db/file)" words
	assert_eq "$(changes apply --replug)" '["pd-db change done"]'
	assert_eq "$(last_status)" 0
	assert_eq "$(in_dev cat /srv/db/file)" words
	! in_dev cat /data/db/file 2>/dev/null || fail "the old path is still there"
	write_infra >"$site/infra.yml"
	fsctl devices apply --replug >/dev/null
	assert_eq "$(in_dev cat /data/db/file)" words
}

test_an_instance_that_does_not_run_needs_no_replug() {
	incus --project "$domain" stop -qf "$web"
	sed -i 's,/data/www,/srv/www,' "$site/infra.yml"
	assert_eq "$(rows '[.changes, .left]' apply)" '[1,0]'
	incus --project "$domain" start -q "$web"
	assert_errno_inside "$domain" "$web" OK create /srv/www/file
	write_infra >"$site/infra.yml"
	fsctl devices apply --replug >/dev/null
}

test_a_volume_that_left_the_spec_is_taken_off() {
	write_infra /data/db '          more: {path: /data/more}' >"$site/infra.yml"
	fsctl apply >/dev/null
	assert_eq "$(changes apply)" '["pd-more add done"]'
	assert_errno_inside "$domain" "$dev" OK create /data/more/file
	write_infra >"$site/infra.yml"
	fsctl apply >/dev/null
	assert_eq "$(changes apply)" '["pd-more remove needs-replug"]'
	assert_eq "$(changes apply --replug)" '["pd-more remove done"]'
	assert_eq "$(device "$dev" pd-more)" null
	! in_dev ls /data/more/file 2>/dev/null || fail "it is still mounted"
	[ -e "$ANKLUME_BASE/$domain/$dev/more/file" ] || fail "its data is gone"
	assert_eq "$(changes diff)" '[]'
	assert_file_has <(fsctl audit "$domain/$dev") 'device.remove'
}

test_keys_of_an_administrator_stay() {
	incus --project "$domain" config device set -q "$dev" pd-db boot.priority=7 readonly=true
	assert_eq "$(rows '.devices[] | select(.device == "pd-db") | [.action, .drift]' diff)" \
		'["change",true]'
	fsctl devices apply --replug >/dev/null
	assert_eq "$(device "$dev" pd-db | jq -c '[.readonly, .["boot.priority"]]')" '[null,"7"]'
	assert_errno_inside "$domain" "$dev" OK create /data/db/writable
	incus --project "$domain" config device unset -q "$dev" pd-db boot.priority
}

# S0-15
test_a_device_of_that_name_that_is_not_ours_is_refused_or_adopted() {
	incus --project "$domain" config device remove -q "$web" pd-www
	sqlite3 "$ANKLUME_CATALOG" "DELETE FROM applied_device WHERE device = 'pd-www'"
	incus --project "$domain" config device add -q "$web" pd-www disk source="$site/home" path=/mine \
		shift=true
	assert_eq "$(rows '.devices[] | select(.device == "pd-www") | .action' apply --replug)" '"refuse"'
	assert_eq "$(last_status)" 5
	assert_eq "$(device "$web" pd-www | jq -r .path)" /mine
	assert_eq "$(rows '.devices[] | select(.device == "pd-www") | .result' apply --replug --adopt)" '"done"'
	assert_errno_inside "$domain" "$web" OK create /data/www/adopted
}

test_a_path_that_a_profile_has_is_refused() {
	incus profile device add -q common taken disk source="$site/common" path=/data/new
	write_infra /data/db '          new: {path: /data/new/}' >"$site/infra.yml"
	fsctl apply >/dev/null
	assert_eq "$(changes apply)" '["pd-new refuse null"]'
	assert_eq "$(last_status)" 5
	assert_eq "$(rows '.devices[] | select(.device == "pd-new") | .detail' diff)" \
		"\"path /data/new is taken by device 'taken' of a profile\""
	assert_eq "$(device "$dev" pd-new)" null
	incus profile device remove -q common taken
	write_infra >"$site/infra.yml"
	fsctl apply >/dev/null
}

test_what_incus_refuses_is_an_error_with_its_words() {
	write_infra /data/db '          gone: {path: /data/gone}' >"$site/infra.yml"
	assert_eq "$(changes apply)" '["pd-gone add failed"]'
	assert_eq "$(last_status)" 1
	assert_match "$(rows '.devices[] | select(.device == "pd-gone") | .detail' apply)" 'Incus: .*[Mm]issing source'
	write_infra >"$site/infra.yml"
	assert_eq "$(changes apply)" '[]'
}

test_instances_with_the_same_volume_are_flagged() {
	incus --project "$domain" copy -q "$dev" "$domain-copy"
	assert_eq "$(rows '[.devices[] | select(.action == "shared") | .instance] | unique' diff)" \
		"[\"$domain/$domain-copy\",\"$domain/$dev\"]"
	assert_match "$(rows '[.devices[] | select(.action == "shared") | .detail] | first' diff)" \
		"$ANKLUME_MOUNT/$domain/$dev/[a-z]* is on .*$domain-copy"
	incus --project "$domain" delete -q "$domain-copy"
	assert_eq "$(rows '[.devices[] | select(.action == "shared")] | length' diff)" 0
}

test_apply_with_devices_does_both() {
	write_infra /data/db '          both: {path: /data/both}' >"$site/infra.yml"
	fsctl apply --devices >"$tmp/out"
	assert_file_has "$tmp/out" "$domain/$dev/both"
	assert_file_has "$tmp/out" 'pd-both +add +done'
	assert_errno_inside "$domain" "$dev" OK create /data/both/file
}

test_nothing_to_heal_is_said() {
	assert_eq "$(rows '[.changed, .changes, .failed]' heal)" '[false,0,0]'
	assert_file_has <(fsctl devices heal) 'All running containers see their volumes'
}

# What the kernel does to a bind whose filesystem was replaced on the host.
test_heal_brings_back_what_a_new_mount_took_away() {
	local pid

	pid=$(instance_pid "$domain" "$dev")
	stop_daemon_lazily
	! in_dev cat /data/db/file 2>"$tmp/err" || fail "the dead mount answers"
	start_daemon
	assert_file_has <(fsctl devices heal --dry-run) "^$domain/$dev +pd-db +stale +would"
	assert_eq "$(rows '[.changed, .failed]' heal "$dev")" '[true,0]' "$(cat "$tmp/json")"
	assert_eq "$(last_status)" 0
	assert_eq "$(in_dev cat /data/db/file)" words
	assert_errno_inside "$domain" "$dev" EROFS create /data/book/new
	assert_eq "$(instance_pid "$domain" "$dev")" "$pid" "init"
	assert_match "$(rows '[.devices[] | .action] | unique' heal --dry-run)" stale
	assert_eq "$(rows '[.changed, .failed]' heal)" '[true,0]'
	assert_errno_inside "$domain" "$web" OK create /data/www/healed
	assert_eq "$(rows '[.changed, .failed]' heal)" '[false,0]'
	assert_eq "$(changes diff)" '[]'
}

# The daemon dies, its mount goes with it, as after `umount -l`.
stop_daemon_lazily() {
	umount -l "$ANKLUME_MOUNT"
	kill -KILL "$daemon_pid"
	wait_pid "$daemon_supervisor"
}

test_heal_of_an_unmounted_volume_inside() {
	start_daemon
	fsctl devices heal >/dev/null
	in_dev umount /data/db
	assert_eq "$(rows '[.devices[] | select(.device == "pd-db") | [.action, .result]]' heal)" \
		'[["missing","done"]]'
	assert_eq "$(in_dev cat /data/db/file)" words
}

test_a_mount_that_is_down_is_no_reason_to_unplug() {
	start_daemon
	fsctl devices heal >/dev/null
	kill -KILL "$daemon_pid"
	wait_pid "$daemon_supervisor"
	assert_match "$(rows '[.devices[] | select(.device == "pd-db") | [.action, .result, .detail]]' heal)" \
		'unknown.*failed.*source'
	assert_eq "$(last_status)" 1
	assert_eq "$(device "$dev" pd-db | jq -r .path)" /data/db
	umount -l "$ANKLUME_MOUNT"
}

test_a_name_that_nothing_has_is_said() {
	assert_status 4 fsctl devices heal nothing-of-that-name
	assert_status 4 fsctl devices diff nothing-of-that-name
}

test_without_incus_the_message_says_so() {
	assert_status 1 env INCUS_DIR="$tmp/nowhere" "$ANKLUME_FSCTL" devices diff "$site/infra.yml"
	assert_file_has "$tmp/err" "cannot connect to Incus at '$tmp/nowhere/unix.socket'"
}

run_tests
