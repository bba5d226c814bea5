#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The harness on a plain directory: when this fails, Incus or the machine is at fault, not the
# filesystem under test.

# shellcheck source=tests/incus/lib.sh
. "$(dirname "$0")/lib.sh"
need incus

start_incus
project=$(unique_domain base)
new_project "$project"
launch "$project" one
source_dir=$tmp/plain
mkdir "$source_dir"
incus --project "$project" config device add -q one pd-data disk source="$source_dir" path=/data \
	shift=true

test_root_inside_is_root_on_the_source() {
	inside "$project" one fsop create /data/file >/dev/null
	inside "$project" one chown 33:33 /data/file
	assert_eq "$(stat -c %u:%g "$source_dir/file")" 33:33
	inside_as 33 "$project" one fsop write /data/file text >/dev/null
	assert_eq "$(cat "$source_dir/file")" text
}

test_the_container_is_unprivileged() {
	assert_eq "$(awk '{ print ($2 > 0) }' "/proc/$(instance_pid "$project" one)/uid_map")" 1
}

# What the daemon decides by: the first component names the instance, whatever is below it.
test_the_cgroup_names_project_and_instance() {
	local pid first

	pid=$(instance_pid "$project" one)
	first=$(sed -n 's|^0::/\([^/]*\).*|\1|p' "/proc/$pid/cgroup")
	assert_eq "$first" "lxc.payload.${project}_one"
}

test_nothing_is_left_after_the_daemon() {
	local dir=$tmp/incus

	(
		trap - ERR
		set +e
		stop_incus "$dir"
	)
	assert_eq "$(mounts_below "$dir")" "" "mounts"
	assert_eq "$(processes_of "$dir/dir")" "" "processes"
	assert_eq "$(find /sys/fs/cgroup -maxdepth 3 -name "lxc.*.${project}_one" 2>/dev/null || true)" "" cgroups
}

run_tests
