#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The devices of a virtual machine that does not run: what Incus takes for one, it gets.

# shellcheck source=tests/incus/lib.sh
. "$(dirname "$0")/lib.sh"
need incus fuse fsctl

domain=$(unique_domain vm)
vm=$domain-a

# write_machine PATH [LINE]: of the volume db, and another volume.
write_machine() {
	write_spec <<-Y
		$vm:
		  type: vm
		  persistent_data:
		    db: {path: $1}
		    book: {path: /data/book, readonly: true}
		    ${2:-}
	Y
	fsctl apply -q "$site/infra.yml"
}

# A host without KVM, QEMU or vsock makes no virtual machine; but its Incus checks the devices of one
# whose record it has, so a container that never ran becomes one.
make_vm() {
	local project=$1 name=$2 pool=$INCUS_DIR/storage-pools/default

	! incus --project "$project" init -q --empty --vm "$name" 2>"$tmp/vm.err" || return 0
	note "by its record: $(head -n 1 "$tmp/vm.err")"
	incus --project "$project" init -q busybox "$name" 2>/dev/null
	incus admin sql global "UPDATE instances SET type = 1 WHERE name = '$name'" >/dev/null
	incus admin sql global "UPDATE storage_volumes SET type = 3, content_type = 1
		WHERE name = '$name'" >/dev/null
	mv "$pool/containers/${project}_$name" "$pool/virtual-machines/"
}

new_site vm
write_machine /data/db
echo words >"$ANKLUME_BASE/$domain/$vm/db/file"
start_daemon
start_incus
new_project "$domain"
make_vm "$domain" "$vm"

devices() { fsctl devices "$1" "$site/infra.yml" --json "${@:2}"; }
changes() { devices "$@" | jq -c '[.devices[] | select(.action != "keep") | [.device, .action, .result]]'; }
live() { incus query "/1.0/instances/$vm?project=$domain" | jq -cS ".devices[\"$1\"]"; }
source_of() { echo "$ANKLUME_MOUNT/$domain/$vm/$1"; }

test_incus_calls_it_a_virtual_machine() {
	assert_eq "$(incus query "/1.0/instances/$vm?project=$domain" | jq -r .type)" virtual-machine
}

# No shift, no propagation; a directory, required, read-only where it is said.
test_apply_gives_it_what_a_virtual_machine_can_do() {
	assert_eq "$(changes diff)" '[["pd-db","add","would"],["pd-book","add","would"]]'
	assert_eq "$(changes apply)" '[["pd-db","add","done"],["pd-book","add","done"]]'
	assert_eq "$(live pd-db)" \
		"{\"path\":\"/data/db\",\"required\":\"true\",\"source\":\"$(source_of db)\",\"type\":\"disk\"}"
	assert_eq "$(live pd-book | jq -c '[.readonly, .shift]')" '["true",null]'
	assert_eq "$(devices apply | jq -c '[.changed, .failed, .left]')" '[false,0,0]'
}

# Upstream's role writes shift for virtual machines, too; it says nothing there.
test_keys_of_containers_are_no_difference() {
	incus --project "$domain" config device set -q "$vm" pd-db shift=true
	assert_eq "$(changes diff)" '[]'
	incus --project "$domain" config device unset -q "$vm" pd-db shift
}

test_a_change_and_a_removal_need_no_replug() {
	write_machine /srv/db
	assert_eq "$(changes apply)" '[["pd-db","change","done"]]'
	assert_eq "$(live pd-db | jq -r .path)" /srv/db
	write_machine /srv/db 'more: {path: /more}'
	assert_eq "$(changes apply)" '[["pd-more","add","done"]]'
	write_machine /srv/db
	assert_eq "$(changes apply)" '[["pd-more","remove","done"]]'
	assert_eq "$(live pd-more)" null
	[ -d "$ANKLUME_BASE/$domain/$vm/more" ] || fail "its data is gone"
}

test_what_needs_the_files_of_a_container_is_refused() {
	assert_status 5 fsctl pod migrate "$vm"
	assert_file_has "$tmp/err" 'is a virtual machine: its files are in a disk image'
	assert_eq "$(fsctl devices heal --json | jq -c '[.changed, .failed]')" '[false,0]'
	assert_status 4 fsctl devices heal "$vm"
	assert_file_has "$tmp/err" "no running container '$vm'"
}

# S0-10
test_its_removal_leaves_the_data() {
	assert_status 0 fsctl remove --instance "$vm"
	assert_file_has "$tmp/out" "^Deleted: instance $domain/$vm"
	assert_file_has "$tmp/out" "anklume-fsctl volume rm $domain/$vm/db"
	assert_eq "$(cat "$ANKLUME_BASE/$domain/$vm/db/file")" words
	assert_eq "$(incus --project "$domain" list -f csv)" ""
}

run_tests
