#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The virtual levels: what is declared is there and nothing else, and nobody changes it by hand.

# shellcheck source=tests/fs/lib.sh
. "$(dirname "$0")/lib.sh"
need jq

new_site tree
declare_volumes db projects
mkdir -p "$ANKLUME_BASE/pro/pro-dev/undeclared" "$ANKLUME_BASE/pro/stranger/vol" \
	"$ANKLUME_BASE/elsewhere/m/v"
echo secret >"$ANKLUME_BASE/pro/pro-dev/stray-file"
echo data >"$base/db/file"
start_daemon

list() { find "$1" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | xargs; }

# DC-1
test_only_what_is_declared_is_shown() {
	assert_eq "$(list "$ANKLUME_MOUNT")" "pro"
	assert_eq "$(list "$ANKLUME_MOUNT/pro")" "pro-dev"
	assert_eq "$(list "$mnt")" "db projects"
	assert_eq "$(cat "$mnt/db/file")" data
}

# DC-1
test_what_is_not_declared_cannot_be_reached_by_name() {
	assert_errno ENOENT stat "$ANKLUME_MOUNT/elsewhere"
	assert_errno ENOENT stat "$ANKLUME_MOUNT/pro/stranger"
	assert_errno ENOENT stat "$mnt/undeclared"
	assert_errno ENOENT stat "$mnt/stray-file"
	assert_errno ENOENT stat "$mnt/db/../undeclared"
}

# DC-1
test_orphans_lists_what_is_not_shown() {
	fsctl orphans >"$tmp/orphans"
	assert_file_has "$tmp/orphans" 'pro/pro-dev/undeclared'
	assert_file_has "$tmp/orphans" 'pro/stranger/vol'
	assert_file_has "$tmp/orphans" 'elsewhere/m/v'
}

# Before the many refusals below: the log is rate-limited.
test_a_refusal_at_a_virtual_level_names_the_verb_to_use() {
	assert_errno EPERM mkdir "$ANKLUME_MOUNT/pro/told-apart"
	wait_log "denied: mkdir 'told-apart'.*anklume-fsctl apply"
}

# One row per way to change a virtual level: % is the level.
test_virtual_levels_refuse_every_change() {
	local level child

	for level in "$ANKLUME_MOUNT" "$ANKLUME_MOUNT/pro" "$mnt"; do
		child=$(list "$level" | cut -d' ' -f1)
		assert_errno EPERM mkdir "$level/new"
		assert_errno EPERM create "$level/new"
		assert_errno EPERM mknod "$level/new"
		assert_errno EPERM mkfifo "$level/new"
		assert_errno EPERM symlink target "$level/new"
		assert_errno EPERM rmdir "$level/$child"
		assert_errno EPERM rename "$level/$child" "$level/other"
		assert_errno EPERM chmod "$level" 0700
		assert_errno EPERM chown "$level" 1 1
		assert_errno ENOENT stat "$level/new"
	done
	assert_errno EPERM rename "$mnt/db/file" "$mnt/file"
	assert_errno EPERM rename "$mnt/db" "$mnt/projects/db"
	assert_errno EPERM link "$mnt/db/file" "$mnt/file"
	assert_eq "$(list "$mnt")" "db projects"
	assert_eq "$(cat "$base/db/file")" data
}

# S0-19
test_mkdir_of_an_invalid_name_is_einval() {
	local name level long

	long=$(printf 'a%.0s' {1..64})
	for level in "$ANKLUME_MOUNT" "$ANKLUME_MOUNT/pro" "$mnt"; do
		for name in -a a- A a_b a.b "é" "$long" $'a\n' "a b"; do
			assert_errno EINVAL mkdir "$level/$name"
		done
		for name in a a-b 0 "${long%a}"; do
			assert_errno EPERM mkdir "$level/$name"
		done
	done
}

# Below a volume names are the base's business.
test_any_name_is_good_below_a_volume() {
	local name

	for name in -a A a_b "é" $'two\nlines' "a b" ...; do
		assert_errno OK mkdir "$mnt/db/$name"
		[ -d "$base/db/$name" ] || fail "'$name' is not in the base"
	done
}

# Dashes join words inside a name, never two names: a + b-c and a-b + c stay apart, both ways.
# S2-3
test_names_with_dashes_lead_to_paths_that_do_not_collide_and_back() {
	local domain machine name source

	new_site dashes
	{
		printf 'project_name: test\nglobal: {base_subnet: "10.100"}\ndomains:\n'
		for name in 'a 0 b-c' 'a-b 1 c' 'a-b-c 2 d'; do
			read -r domain subnet machine <<<"$name"
			printf '  %s:\n    subnet_id: %s\n    machines:\n' "$domain" "$subnet"
			printf '      %s: {persistent_data: {vol: {path: /d}, vol-vol: {path: /e}}}\n' \
				"$machine"
		done
	} >"$site/infra.yml"
	fsctl apply --mount /srv/anklume/data "$site/infra.yml" >/dev/null
	assert_eq "$(find "$ANKLUME_BASE" -mindepth 3 -type d | wc -l)" 6
	for name in a/b-c/vol a-b/c/vol a-b-c/d/vol-vol; do
		source=$(fsctl which "$name" --json | jq -r '.. | .base? // empty')
		assert_eq "$source" "$ANKLUME_BASE/$name"
		assert_eq "$(fsctl which "$source" --json | jq -r '.. | .name? // empty')" "$name"
	done
}

# DC-1
test_a_volume_that_is_declared_later_appears_at_once() {
	declare_volumes db projects added
	assert_eq "$(list "$mnt")" "added db projects"
	assert_errno OK create "$mnt/added/file"
}

# What left the spec is kept, shown and protected.
test_a_volume_that_leaves_the_spec_stays() {
	declare_volumes projects added
	[ -d "$mnt/db" ] || fail "the orphan is gone"
	assert_errno EPERM unlink "$mnt/db/file"
	fsctl orphans >"$tmp/orphans"
	assert_file_has "$tmp/orphans" 'pro/pro-dev/db'
}

run_tests
