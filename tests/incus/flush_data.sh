#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A forced flush of running containers that use the data leaves every byte of it, whatever way the
# base is reached by.

# shellcheck source=tests/incus/lib.sh
. "$(dirname "$0")/lib.sh"
need incus fuse fsctl

domain=$(unique_domain p)
machine=$domain-dev

write_infra() {
	cat <<-Y
		project_name: test
		global:
		  base_subnet: "10.100"
		  persistent_data_base: $ANKLUME_MOUNT
		  shared_volumes_base: $site/shares
		shared_volumes:
		  docs: {path: /shared/docs, consumers: {$domain: rw}}
		domains:
		  $domain:
		    subnet_id: 0
		    machines:
		      $machine:
		        persistent_data:
		          db: {path: /data/db}
		          free: {path: /data/free, protected: false}
	Y
}

start_incus

# begin NAME: a site whose base is reached over a symlink and mounted at a second place.
begin() {
	new_site "$1"
	mkdir "$site/again" "$site/shares" "$site/shares/docs"
	mv "$site/base" "$site/disk"
	ln -s disk "$site/base"
	mount --bind "$site/disk" "$site/again"
	on_exit umount "$site/again"
	cd "$site"
	write_infra >infra.yml
	fsctl apply -q
	start_daemon
	echo shared >"$site/shares/docs/page"
	chmod 777 "$site/shares/docs"
}

# A running container that has all of it attached, and has written there.
attach() {
	incus project create -q "$domain"
	incus --project "$domain" profile device add -q default root disk path=/ pool=default
	incus --project "$domain" image import -q "${INCUS_DIR%/dir}/image.tar" --alias busybox
	launch "$domain" "$machine"
	fsctl devices "$machine" -f commands >devices.sh
	sh -e devices.sh >/dev/null
	incus --project "$domain" config device add -q "$machine" sv-docs disk \
		source="$site/shares/docs" path=/shared/docs
	incus --project "$domain" config device add -q "$machine" pd-again disk \
		source="$site/again/$domain/$machine/free" path=/again
	incus --project "$domain" config set "$machine" security.protection.delete=true
	inside "$domain" "$machine" sh -c 'echo precious >/data/db/file; mkdir -p /data/free/a/b
		ln /data/db/file /data/db/hard; echo x >/data/free/a/b/c; chown -R 33:34 /data/free'
}

hashes() {
	tree_hash "$site/disk" --inodes
	tree_hash "$site/shares" --inodes
	tree_hash "$ANKLUME_MOUNT"
}

# S0-6 FP-3-001
test_a_forced_flush_leaves_data_mount_and_shares() {
	local before

	begin flush
	attach
	before=$(hashes)
	assert_status 0 "$ANKLUME_FSCTL" flush --force
	assert_file_has "$tmp/out" "^Deleted: instance $domain/$machine \(protection cleared\)"
	! incus project show "$domain" >/dev/null 2>&1 || fail "the project is still there"
	assert_eq "$(hashes)" "$before"
	assert_eq "$(fsctl status --json | jq -r .state)" 'in force'
	mountpoint -q "$ANKLUME_MOUNT"
	mountpoint -q "$site/again"

	# And the next one finds it as it was.
	attach_again_and_read
}

attach_again_and_read() {
	incus project create -q "$domain"
	incus --project "$domain" profile device add -q default root disk path=/ pool=default
	incus --project "$domain" image import -q "${INCUS_DIR%/dir}/image.tar" --alias busybox
	launch "$domain" "$machine"
	sh -e devices.sh >/dev/null
	assert_eq "$(inside "$domain" "$machine" cat /data/db/hard)" precious
	assert_eq "$(inside "$domain" "$machine" stat -c %u:%g /data/free/a/b/c)" 33:34
	fsctl remove -q --instance "$machine"
	fsctl flush -q --force
}

# S0-6 S0-9
test_a_removal_leaves_data_mount_and_shares() {
	local before

	begin remove
	attach
	before=$(hashes)
	assert_status 0 "$ANKLUME_FSCTL" remove --domain "$domain" --scope all --force
	assert_eq "$(hashes)" "$before"
	assert_file_has "$tmp/out" "anklume-fsctl volume rm $domain/$machine/db"
	fsctl flush -q --yes
}

run_tests
