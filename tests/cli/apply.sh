#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# apply: records and directories from the spec.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# S0-17 S0-25
test_apply_creates_then_finds_everything_there() {
	new_cli_site twice
	run 0 apply
	assert_eq "$out" "Created: lab/test/scratch
Created: perso/home/photos
Created: pro/pro-dev/db
Created: pro/pro-dev/www
4 created"
	assert_eq "$err" ""
	run 0 apply
	assert_eq "$out" "Exists: lab/test/scratch
Exists: perso/home/photos
Exists: pro/pro-dev/db
Exists: pro/pro-dev/www
4 unchanged"
	assert_eq "$(json '[.changed,.created,.exists,.volumes[0].action]' apply)" '[false,0,4,"exists"]'
}

# S0-25
test_json_says_whether_something_changed() {
	new_cli_site json
	assert_eq "$(json '[.changed,.created,.daemon]' apply)" '[true,4,"not running"]'
	assert_eq "$(json .changed apply)" false
	assert_eq "$(json .generation apply)" "$(json .catalog_generation status)"
}

# S0-17
test_new_directories_have_the_declared_owner_and_mode() {
	new_cli_site modes
	run 0 apply -q
	assert_eq "$out" ""
	assert_eq "$(stat -c '%u:%g %a' base/pro/pro-dev/db)" "999:998 2750"
	assert_eq "$(stat -c '%u:%g %a' base/pro/pro-dev/www)" "0:0 755"
}

# S0-17
test_existing_data_is_not_touched() {
	new_cli_site existing
	mkdir -p base/pro/pro-dev/db
	chmod 700 base/pro/pro-dev/db
	chown 7:8 base/pro/pro-dev/db
	echo data >base/pro/pro-dev/db/file
	touch -d '2001-02-03' base/pro/pro-dev/db
	run 0 apply
	assert_match "$out" 'Created: pro/pro-dev/db \(directory was there\)'
	assert_eq "$(stat -c '%u:%g %a %y' base/pro/pro-dev/db)" \
		"7:8 700 2001-02-03 00:00:00.000000000 +0000"
	assert_eq "$(cat base/pro/pro-dev/db/file)" data
}

test_dry_run_writes_nothing() {
	new_cli_site dry
	rmdir base
	run 0 apply --dry-run
	assert_match "$out" 'Would be created: pro/pro-dev/db'
	assert_match "$out" 'Dry run: nothing was changed'
	[ ! -e base ] || fail "a dry run made the base"
	[ ! -e catalog.db ] || fail "a dry run made a catalogue"

	run 0 apply -q
	spec_without_photos >infra.yml
	run 0 apply -n
	assert_match "$out" 'Would be orphaned: perso/home/photos'
	assert_eq "$(json '.[] | select(.name == "photos") | .flags' ls)" '["protected"]'
	assert_eq "$(json '[.changed,.dry_run,.daemon]' apply -n)" '[true,true,"not asked"]'
}

test_what_left_the_spec_is_an_orphan_and_stays_protected() {
	new_cli_site orphan
	run 0 apply -q
	spec_without_photos >infra.yml
	run 0 apply
	assert_match "$out" 'Orphaned: perso/home/photos'
	[ -d base/perso/home/photos ] || fail "apply deleted data"
	assert_eq "$(json '.[] | select(.name == "photos") | .flags' ls)" '["protected","orphan"]'
	run 0 orphans
	assert_match "$out" 'perso/home/photos +orphan +20'
	assert_eq "$(json '[.changed,.orphaned]' apply)" '[false,0]'

	spec_text >infra.yml
	run 0 apply
	assert_match "$out" 'Adopted: perso/home/photos'
	run 0 orphans
	assert_eq "$out" ""
	assert_match "$err" 'No orphans'
}

test_changes_of_the_spec_are_reported() {
	new_cli_site updates
	run 0 apply -q
	sed -i 's,path: /photos,path: /pictures,' infra.yml
	run 0 apply
	assert_match "$out" 'Updated: perso/home/photos \(.*/photos.*/pictures'
	assert_match "$out" '1 updated, *3 unchanged|3 unchanged, *1 updated'
	assert_eq "$(json '.[] | select(.name == "photos") | .path' ls)" '"/pictures"'
}

# A base whose disk is not mounted looks like this.
test_missing_directory_of_a_known_volume_stops_the_run() {
	new_cli_site missing
	run 0 apply -q
	rmdir base/pro/pro-dev/db
	sed -i 's,path: /photos,path: /pictures,' infra.yml
	run 5 apply
	assert_match "$err" 'missing, such as'
	assert_match "$err" "base/pro/pro-dev/db'.*mounted"
	[ ! -e base/pro/pro-dev/db ] || fail "the directory was made"
	assert_eq "$(json '.[] | select(.name == "photos") | .path' ls)" '"/photos"'

	run 0 apply --recreate
	assert_match "$out" 'Recreated: pro/pro-dev/db'
	assert_eq "$(stat -c '%u:%g %a' base/pro/pro-dev/db)" "999:998 2750"
	run 0 catalog check

	mv base gone
	run 5 apply
	[ ! -e base/pro ] || fail "directories were made in a missing base"
}

# S0-17
test_planted_symlink_is_not_followed() {
	local where

	for where in pro pro/pro-dev pro/pro-dev/db; do
		new_cli_site "link-${where//\//-}"
		mkdir -p elsewhere "base/$(dirname "$where")"
		ln -s "$site/elsewhere" "base/$where"
		run 1 apply
		assert_match "$err" "$where"
		assert_eq "$(ls -A elsewhere)" "" "what the symlink leads to"
		[ ! -e catalog.db ] || assert_eq "$(json length ls)" 0
		rm "base/$where"
		run 0 apply
		run 0 catalog check
	done
}

test_what_takes_the_unfinished_name_is_named() {
	local kind

	for kind in symlink file directory; do
		new_cli_site "unfinished-$kind"
		mkdir -p base/pro/pro-dev elsewhere
		case $kind in
		symlink) ln -s "$site/elsewhere" base/pro/pro-dev/.new-db ;;
		file) echo mine >base/pro/pro-dev/.new-db ;;
		directory) mkdir -p base/pro/pro-dev/.new-db/full ;;
		esac
		run 1 apply
		assert_match "$err" "'pro/pro-dev/db' cannot be made"
		assert_match "$err" "'pro/pro-dev/.new-db' is in the way, a $kind.*; move it away"
		assert_eq "$(ls -A elsewhere)" "" "what the symlink leads to"
		rm -r base/pro/pro-dev/.new-db
		run 0 apply
	done
}

test_file_in_the_way_is_named() {
	new_cli_site file
	mkdir -p base/pro
	echo x >base/pro/pro-dev
	run 1 apply
	assert_match "$err" 'pro/pro-dev'
	rmdir base/lab/test/scratch base/lab/test base/lab 2>/dev/null || true

	new_cli_site basefile
	rmdir base
	echo x >base
	run 1 apply
	assert_match "$err" "base"
	assert_eq "$(cat base)" x
}

test_base_is_made_where_it_is_missing() {
	new_cli_site makebase
	rmdir base
	export ANKLUME_BASE=$site/a/b/base
	run 0 apply -q
	[ -d a/b/base/pro/pro-dev/db ] || fail "no directories"
}

test_invalid_spec_changes_nothing() {
	new_cli_site invalid
	run 0 apply -q
	cp catalog.db before
	sed -i 's,path: /var/www,path: var/www,; s,readonly: true,readonly: "yes",; s/photos:/Photos:/' infra.yml
	run 3 apply
	assert_match "$err" 'infra.yml:[0-9]+:[0-9]+: error: .*www'
	assert_match "$err" 'Photos'
	assert_match "$err" 'infra.yml: 3 errors'
	assert_eq "$out" ""
	cmp -s catalog.db before || fail "the catalogue changed"
}

# Devices would point into the base: containers would go around the protection.
test_data_base_inside_the_base_is_refused() {
	new_cli_site around
	sed -i "s,^global:,&\n  persistent_data_base: $site/base/x," infra.yml
	run 5 apply
	assert_match "$err" 'go around the protection'
	run 5 devices
	[ ! -e catalog.db ] || fail "a catalogue was made"
}

test_other_mount_than_the_specs_is_a_warning() {
	new_cli_site mount
	run 0 apply --mount /elsewhere
	assert_match "$err" "warning: the mount is '/elsewhere'"
	run 0 apply --mount /srv/anklume//data/
	assert_eq "$err" ""
}

test_spec_is_found_as_upstream_finds_it() {
	new_cli_site find
	mkdir -p infra/domains
	{ echo 'project_name: dir'; echo 'global: {base_subnet: "10.100"}'; } >infra/base.yml
	printf 'one:\n  subnet_id: 0\n  machines: {}\n' >infra/domains/one.yml
	run 0 validate
	assert_match "$out" '^infra is valid: 1 domain'
	rm -r infra
	run 0 validate
	assert_match "$out" '^infra.yml is valid: 3 domains, 3 machines, 4 volumes'
	rm infra.yml
	printf 'schema_version: 1\n' >anklume.yml
	mkdir domains
	printf 'description: x\nmachines:\n  dev:\n    description: y\n    persistent: {home: /home}\n' \
		>domains/pro.yml
	run 0 validate
	assert_match "$out" '^anklume.yml is valid: 1 domain, 1 machine, 1 volume'
	rm -r anklume.yml domains
	run 2 validate
	assert_match "$err" 'name the spec'
	run 2 validate a.yml --spec b.yml
	run 1 validate nowhere.yml
	assert_match "$err" 'nowhere.yml'
}

test_spec_without_volumes_says_so() {
	new_cli_site empty
	printf 'project_name: x\nglobal: {}\ndomains: {}\n' >infra.yml
	run 0 apply
	assert_eq "$out" "No persistent_data in the spec."
	assert_eq "$(json '[.changed,.volumes]' apply)" '[false,[]]'
	run 0 ls
	assert_eq "$out" ""
	assert_match "$err" 'No volumes'
}

run_tests
