#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# catalog check and rebuild, and a catalogue that survives what is done to it.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need setfattr sqlite3 strace

rich_site() {
	new_cli_site "$1"
	run 0 apply -q
	run 0 unprotect -q db
	run 0 readonly -q on photos
	run 0 hold -q one www --reason 'first' --until 30d
	run 0 hold -q two www --reason 'zwölf "€"'
	run 0 owner -q scratch default/other
	run 0 owner -q db --ids 70:71
}

facts() { json '[.[] | del(.orphan_since)]' ls; json . holds; }

test_check_finds_a_sound_catalogue_sound() {
	rich_site sound
	run 0 catalog check
	assert_eq "$out" "The catalogue is sound: 4 volumes, all marks agree."
	assert_eq "$(json '[.ok,.findings]' catalog check)" '[true,[]]'
}

test_check_finds_marks_that_disagree_and_repairs_them() {
	rich_site repair
	cp --preserve=all -r base/pro/pro-dev/www base/pro/pro-dev/copy
	setfattr -x trusted.anklume.volume base/pro/pro-dev/db
	setfattr -n trusted.anklume.volume -v junk base/perso/home/photos
	setfattr -n trusted.anklume.volume -v "$(mark_of base/pro/pro-dev/www)" base/lab/test/scratch
	run 7 catalog check
	assert_match "$out" 'pro/pro-dev/db +no mark'
	assert_match "$out" 'perso/home/photos +mark damaged'
	assert_match "$out" 'lab/test/scratch +mark damaged'
	run 7 catalog check --repair --dry-run
	run 0 catalog check --repair
	assert_match "$out" '3 marks written anew'
	run 0 catalog check
}

# DC-2: every owner, flag and hold comes back from the marks.
test_rebuild_brings_everything_back() {
	rich_site rebuild
	local before

	before=$(facts)
	rm -f catalog.db catalog.db-wal catalog.db-shm
	run 0 catalog rebuild
	assert_match "$out" 'Recovered 4 volumes'
	assert_eq "$(facts)" "$before"
	run 0 catalog check
	run 0 apply
	assert_eq "$(facts)" "$before"
	run 0 apply
	assert_match "$out" '4 unchanged'

	mkdir "base/$(printf 'odd\xff')"
	run 0 catalog rebuild --force
	assert_match "$out" 'Skipped: odd\\xff'
	rmdir base/odd*

	printf 'garbage' | dd of=catalog.db bs=1 seek=30 conv=notrunc status=none
	dd if=/dev/urandom of=catalog.db bs=4096 count=4 seek=1 conv=notrunc status=none
	rm -f catalog.db-wal catalog.db-shm
	run 7 catalog check
	run 0 catalog rebuild
	assert_match "$err" 'old catalogue is kept as .*catalog.db.damaged-'
	assert_eq "$(facts)" "$before"
}

# Else the volumes that left the spec would vanish from the mount, their flags with them.
test_apply_over_marks_without_a_catalogue_asks_for_a_rebuild() {
	rich_site lost
	local before

	before=$(facts)
	rm -f catalog.db catalog.db-wal catalog.db-shm
	run 7 apply
	assert_match "$err" "catalog rebuild"
	[ ! -e catalog.db ] || fail "a new catalogue was made"
	run 7 apply --dry-run
	run 0 catalog rebuild
	assert_eq "$(facts)" "$before"
}

test_rebuild_spares_a_sound_catalogue() {
	rich_site spare
	run 5 catalog rebuild
	assert_match "$err" '--force'
	run 0 catalog rebuild --force -n
	assert_match "$out" 'Would recover 4 volumes'
	[ -z "$(find . -name '*damaged*')" ] || fail "a dry run moved the catalogue"
	assert_eq "$(json '[.changed,.recovered,.overrides,.holds,.volumes]' catalog rebuild --force)" \
		'[true,4,4,2,[]]'

	new_cli_site nomarks
	mkdir -p base/a/b/c
	run 5 catalog rebuild
	assert_match "$err" 'no marks'
	run 2 catalog burn
	run 2 catalog
}

# A base whose disk is not mounted has no marks: no reason to forget what was protected.
test_rebuild_without_the_disk_keeps_the_catalogue() {
	rich_site disk
	local before

	before=$(facts)
	mv base away
	mkdir base
	run 7 catalog check
	assert_match "$err" 'is the disk mounted'
	[[ $err != *rebuild* ]] || fail "check proposes a rebuild: $err"
	run 7 catalog check --repair
	assert_match "$err" 'is the disk mounted'
	run 5 catalog rebuild --force
	assert_match "$err" "for 4 recorded volumes"
	assert_match "$err" "'pro/pro-dev/db'"
	assert_match "$err" 'is the disk mounted'
	run 5 catalog rebuild --force --dry-run
	[ -z "$(find . -name '*damaged*')" ] || fail "the catalogue was moved"
	assert_eq "$(facts)" "$before" "catalogue after the refusal"

	rmdir base
	mv away base
	run 0 catalog check
	setfattr -x trusted.anklume.volume base/pro/pro-dev/db
	rm -r base/lab/test/scratch
	run 7 catalog check
	assert_match "$err" 'catalog check --repair'
	run 5 catalog rebuild --force
	assert_match "$err" "'pro/pro-dev/db'"
	assert_match "$err" "'lab/test/scratch'"
	[[ $err != *photos* && $err != *www* ]] || fail "volumes with a mark are listed: $err"
	assert_eq "$(json '.recovered' catalog rebuild --force --drop-missing)" 2
	assert_eq "$(json '[.[].volume]' ls)" '["perso/home/photos","pro/pro-dev/www"]'
}

test_unrecorded_directory_is_found_after_a_restored_backup() {
	new_cli_site restored
	run 0 apply -q
	sqlite3 catalog.db '.backup old.db'
	sed 's/photos:/films:/; s,path: /photos,path: /films,' infra.yml >more.yml
	run 0 apply -q more.yml
	rm -f catalog.db catalog.db-wal catalog.db-shm
	mv old.db catalog.db
	run 7 catalog check
	assert_match "$out" 'perso/home/films +record lost'
	assert_match "$out" 'perso/home/photos +mark differs'
	run 0 orphans
	assert_match "$out" 'perso/home/films +unrecorded'
}

# killed_at N VERB...: run anklume-fsctl, SIGKILL instead of its Nth call that writes. 0: it ended well.
killed_at() {
	local n=$1

	shift
	# The leak sanitizer, where there is one, does not work below a tracer.
	ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 strace -f -qq -o /dev/null -e trace="$writing_calls" \
		-e inject="$writing_calls:signal=KILL:when=$n" "$ANKLUME_FSCTL" "$@"
}

writing_calls=write,pwrite64,fsync,fdatasync,syncfs,ftruncate,fsetxattr,mkdirat,renameat2,unlink,unlinkat,fchown,fchmod

# DC-2: killed at any moment, the catalogue is whole, its flags are those of the last answer or of
# the change under way, and the next run heals the marks.
test_kill_at_every_write_leaves_a_whole_catalogue() {
	new_cli_site kill
	run 0 apply -q
	local n=0 verb flags last='["protected"]' next='[]' swap

	while [ "$n" -lt 300 ]; do
		n=$((n + 1))
		verb=$([ "$next" = '[]' ] && echo unprotect || echo protect)
		if killed_at "$n" -q "$verb" db 2>/dev/null; then
			assert_eq "$(json '.[0].flags' ls db)" "$next" "flags after the answer"
			break
		fi
		assert_eq "$(sqlite3 catalog.db 'PRAGMA integrity_check')" ok "integrity after $n"
		flags=$(json '.[0].flags' ls db)
		if [ "$flags" = "$next" ]; then
			swap=$last last=$next next=$swap
		else
			assert_eq "$flags" "$last" "flags after a kill at $n"
		fi
	done
	note "$n writing calls"
	[[ $n -gt 5 && $n -lt 300 ]] || fail "$n calls cannot be true"
	run 0 apply -q
	run 0 catalog check
}

# The same for an apply that creates: the next run finishes it.
test_kill_at_every_write_of_apply_is_healed_by_the_next() {
	local n=0

	while [ "$n" -lt 300 ]; do
		n=$((n + 1))
		new_cli_site "apply-$n"
		! killed_at "$n" -q apply 2>/dev/null || break
		run 0 apply -q
		assert_eq "$(json '[.[] | .flags]' ls)" \
			'[[],["protected"],["protected"],["readonly","protected"]]' "flags after $n"
		assert_eq "$(stat -c '%u:%g %a' base/pro/pro-dev/db)" "999:998 2750"
		run 0 catalog check
		run 0 orphans
		assert_match "$err" 'No orphans'
		rm -r "$site"
	done
	note "$n writing calls"
	[[ $n -gt 20 && $n -lt 300 ]] || fail "$n calls cannot be true"
}

test_two_writers_wait_for_each_other() {
	new_cli_site writers
	run 0 apply -q
	local i pids=()

	for i in 1 2 3 4 5 6 7 8; do
		"$ANKLUME_FSCTL" -q hold "tag-$i" db --reason "at once" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i" || fail "one of the writers failed"
	done
	assert_eq "$(json 'length' holds)" 8
	assert_eq "$(json .catalog_generation status)" 9
	run 0 catalog check
}

run_tests
