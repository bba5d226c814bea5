#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The whole line: infra.yml, catalogue, mount, generated devices, unprivileged containers.

# shellcheck source=tests/incus/lib.sh
. "$(dirname "$0")/lib.sh"
need incus fuse fsctl getfattr

domain=$(unique_domain pro)

owner=$domain-dev
other=$domain-web

new_host volume <<-Y
	$owner:
	  persistent_data:
	    db: {path: /data/db, description: "protected: the machine is not ephemeral"}
	    free: {path: /data/free, protected: false}
	    book: {path: /data/book, readonly: true}
	$other:
	  persistent_data:
	    own: {path: /data/own}
Y
db=$ANKLUME_MOUNT/$domain/$owner/db
db_base=$ANKLUME_BASE/$domain/$owner/db
echo "read me" >"$ANKLUME_BASE/$domain/$owner/book/page"

# What anklume-fsctl prints is what is run, unchanged.
add_devices() {
	fsctl devices "$site/infra.yml" "$1" --format commands >"$tmp/devices.sh"
	sh -e "$tmp/devices.sh" >"$tmp/devices.out" 2>&1 || fail "$(cat "$tmp/devices.sh" "$tmp/devices.out")"
}

launch "$domain" "$owner"
add_devices "$owner"
launch "$domain" "$other"
add_devices "$other"
# The second instance gets the first one's volume too.
incus --project "$domain" config device add -q "$other" pd-foreign disk source="$db" path=/data/db \
	shift=true

in_owner() { inside "$domain" "$owner" "$@"; }
errno_in_owner() { assert_errno_inside "$domain" "$owner" "$@"; }
errno_in_other() { assert_errno_inside "$domain" "$other" "$@"; }

test_the_container_sees_an_idmapped_mount() {
	in_owner cat /proc/self/mountinfo >"$tmp/mounts"
	assert_file_has "$tmp/mounts" ' /data/db .*idmapped'
	assert_eq "$(awk '$1 == 0 { print ($2 > 0) }' "/proc/$(instance_pid "$domain" "$owner")/uid_map")" 1
}

# S0-1
test_root_and_another_user_create_chown_rename_and_delete() {
	errno_in_owner OK mkdir /data/db/dir
	errno_in_owner OK create /data/db/dir/file
	errno_in_owner OK write /data/db/dir/file text
	errno_in_owner OK chown /data/db/dir 33 33
	errno_in_owner OK --as 33:33 create /data/db/dir/of-web
	errno_in_owner OK --as 33:33 rename /data/db/dir/of-web /data/db/dir/renamed
	errno_in_owner OK --as 33:33 symlink target /data/db/dir/link
	errno_in_owner OK --as 33:33 setxattr /data/db/dir/renamed user.note value
	errno_in_owner EACCES --as 44:44 create /data/db/dir/foreign
	errno_in_owner OK chown /data/db/dir/file 100 200
	assert_eq "$(stat -c %u:%g "$db_base/dir")" 33:33
	assert_eq "$(stat -c %u:%g "$db_base/dir/renamed")" 33:33
	assert_eq "$(stat -c %u:%g "$db_base/dir/link")" 33:33
	assert_eq "$(stat -c %u:%g "$db_base/dir/file")" 100:200
	assert_eq "$(cat "$db_base/dir/file")" text
	assert_eq "$(stat -c %u:%g "$db/dir/file")" 100:200 "ids on the host's mount"
	errno_in_owner OK --as 33:33 unlink /data/db/dir/link
	errno_in_owner OK truncate /data/db/dir/file 1
	errno_in_owner OK unlink /data/db/dir/file
	[ ! -e "$db_base/dir/file" ] || fail "it is still on the base"
}

# The volume's data as the next tests want it.
fill() {
	in_owner sh -c 'mkdir -p /data/db/tree/sub && echo precious >/data/db/tree/sub/file &&
		ln -f /data/db/tree/sub/file /data/db/tree/hard && chown -R 33:34 /data/db/tree &&
		chmod 640 /data/db/tree/sub/file && fsop setxattr /data/db/tree/hard user.k v' >/dev/null
}

# DC-3 DC-5
test_rm_rf_on_the_host_changes_nothing() {
	local before

	fill
	before=$(tree_hash --inodes "$db_base")
	assert_status 1 rm -rf "$db/tree"
	assert_file_has "$tmp/err" "cannot remove '.*/tree/sub/file': Operation not permitted"
	assert_status 1 rm -rf "$ANKLUME_MOUNT/$domain"
	assert_eq "$(tree_hash --inodes "$db_base")" "$before"
	wait_log "denied: unlink 'tree/sub/file' in volume '$domain/$owner/db': protected.*unprotect"
}

# DC-3
test_another_instance_may_write_but_not_delete() {
	local before

	errno_in_other OK create /data/db/from-other
	errno_in_other OK write /data/db/from-other text
	before=$(tree_hash --inodes "$db_base")
	errno_in_other EPERM unlink /data/db/from-other
	errno_in_other EPERM unlink /data/db/tree/hard
	errno_in_other EPERM rename /data/db/from-other /data/db/tree/hard
	errno_in_other EPERM truncate /data/db/from-other 0
	errno_in_other EPERM openas /data/db/from-other wronly,trunc
	! inside "$domain" "$other" rm -rf /data/db/tree 2>"$tmp/err" || fail "rm -rf worked"
	assert_eq "$(tree_hash --inodes "$db_base")" "$before"
	# It is no stranger in its own.
	errno_in_other OK create /data/own/file
	errno_in_other OK unlink /data/own/file
}

# A cgroup inside the container may have any name: only the first component counts.
test_an_instance_cannot_pass_for_the_owner_by_a_cgroup_of_its_own() {
	errno_in_other OK create /data/db/bait
	inside "$domain" "$other" sh -c "
		mkdir -p /tmp/cg && mount -t cgroup2 none /tmp/cg || exit 0
		mkdir -p /tmp/cg/lxc.payload.${domain}_$owner
		echo \$\$ >/tmp/cg/lxc.payload.${domain}_$owner/cgroup.procs
		fsop unlink /data/db/bait" >"$tmp/answer" 2>&1 || true
	assert_eq "$(grep -E '^[A-Z]+$' "$tmp/answer")" EPERM
	errno_in_owner OK unlink /data/db/bait
}

test_the_owner_may_delete() {
	errno_in_owner OK unlink /data/db/from-other
	errno_in_owner OK truncate /data/db/tree/hard 3
	errno_in_owner OK openas /data/db/tree/hard wronly,trunc
}

test_a_hold_binds_the_owner_too() {
	errno_in_owner OK create /data/db/held
	fsctl hold audit "$domain/$owner/db" --reason "for the test" >/dev/null
	errno_in_owner EPERM unlink /data/db/held
	errno_in_owner OK create /data/db/more
	fsctl release audit "$domain/$owner/db" >/dev/null
	errno_in_owner OK unlink /data/db/held
}

# DC-4
test_readonly_is_erofs_inside() {
	assert_eq "$(in_owner cat /data/book/page)" "read me"
	errno_in_owner EROFS create /data/book/new
	errno_in_owner EROFS openas /data/book/page wronly
	errno_in_owner EROFS chmod /data/book/page 600
	errno_in_owner EROFS unlink /data/book/page
	fsctl readonly on "$domain/$owner/free" >/dev/null
	errno_in_owner EROFS create /data/free/new
	fsctl readonly off "$domain/$owner/free" >/dev/null
	errno_in_owner OK create /data/free/new
}

# S2-7
test_the_data_survives_a_stop() {
	local before

	fill
	before=$(tree_hash --inodes "$db_base")
	incus --project "$domain" stop -f "$owner"
	incus --project "$domain" start "$owner"
	assert_eq "$(in_owner cat /data/db/tree/sub/file)" precious
	assert_eq "$(tree_hash --inodes "$db_base")" "$before"
}

# S0-1 S2-8 S2-10
test_the_data_survives_removal_and_is_the_same_when_attached_again() {
	local before inodes

	before=$(tree_hash --inodes "$db_base")
	inodes=$(in_owner stat -c %i /data/db/tree/sub/file)
	incus --project "$domain" delete -f "$owner"
	assert_eq "$(tree_hash --inodes "$db_base")" "$before" "after the delete"
	launch "$domain" "$owner"
	add_devices "$owner"
	assert_eq "$(tree_hash --inodes "$db_base")" "$before" "after it was created again"
	assert_eq "$(in_owner stat -c %i /data/db/tree/sub/file)" "$inodes" "inode number inside"
	assert_eq "$(in_owner stat -c %u:%g:%a /data/db/tree/sub/file)" 33:34:640
	assert_eq "$(getfattr --absolute-names --only-values -n user.k "$db/tree/hard")" v
	errno_in_owner OK unlink /data/db/tree/hard
}

run_tests
