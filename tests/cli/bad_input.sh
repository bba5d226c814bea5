#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What no administrator means and somebody will feed to the tool all the same.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# No crash: an exit code of ours, and a message.
assert_refused() {
	local code=0

	timeout 60 "$ANKLUME_FSCTL" "$@" >"$tmp/out" 2>"$tmp/err" || code=$?
	case $code in
	1 | 3) ;;
	*) fail "'$*' exited with $code: $(head -c 2000 "$tmp/err")" ;;
	esac
	[ -s "$tmp/err" ] || fail "'$*' says nothing"
	! LC_ALL=C grep -qP '[\x00-\x08\x0b-\x1f\x7f]' "$tmp/err" ||
		fail "'$*' prints control characters"
}

test_samples_of_upstream_are_valid_or_refused_clearly() {
	local file

	[ -d "$samples" ] || { note "SKIP: no '$samples'"; return 0; }
	new_cli_site samples
	for file in "$samples"/*.yml; do
		case $file in
		*live-os*)
			run 3 validate "$file"
			assert_match "$err" 'live-os.infra.yml:[0-9:]* error'
			run 3 apply "$file"
			;;
		*)
			run 0 validate "$file"
			assert_match "$out" 'is valid'
			run 0 apply "$file"
			run 0 devices "$file"
			;;
		esac
	done
}

test_empty_binary_and_huge_files_are_refused() {
	new_cli_site files
	: >empty.yml
	assert_refused validate empty.yml
	head -c 100000 /dev/urandom >random.yml
	assert_refused validate random.yml
	printf 'project_name: x\0y\n' >nul.yml
	assert_refused validate nul.yml
	python3 - >huge.yml <<-'P'
		print("project_name: x\nglobal: {}\ndomains:")
		for i in range(160000):
		    print("  d%06d:\n    machines: {}\n    description: '%s'" % (i, "x" * 20))
	P
	[ "$(stat -c %s huge.yml)" -gt 10000000 ] || fail "not 10 MB"
	# Valid or refused, but in time and without a word of the allocator.
	timeout 60 "$ANKLUME_FSCTL" validate huge.yml >"$tmp/out" 2>"$tmp/err" || [ $? = 3 ]
	mkdir dir.yml
	assert_refused validate dir.yml
	assert_refused validate /dev/null
}

test_alias_bomb_and_deep_nesting_are_refused() {
	new_cli_site bombs
	{
		echo 'a0: &a0 [x,x,x,x,x,x,x,x,x,x]'
		for i in 1 2 3 4 5 6 7 8 9; do
			printf 'a%d: &a%d [%s]\n' "$i" "$i" "$(printf "*a$((i - 1)),%.0s" 1 2 3 4 5 6 7 8 9)"
		done
	} >bomb.yml
	assert_refused validate bomb.yml
	python3 -c 'print("domains: " + "[" * 100000)' >deep.yml
	assert_refused validate deep.yml
	python3 -c '
for i in range(5000): print(" " * i + "a:")' >indent.yml
	assert_refused validate indent.yml
}

test_control_characters_and_utf8_in_names_are_refused() {
	new_cli_site names
	local name

	for name in '"d\e[2Jb"' '"db\n"' 'dé' 'DB' '"-db"' '".."' '"a/b"' "$(printf 'a%.0s' {1..64})"; do
		spec_text | sed "s/^\( *\)db:/\1$(printf %s "$name" | sed 's/[\\/&]/\\&/g'):/" >infra.yml
		assert_refused validate
		assert_refused apply
	done
	[ ! -e catalog.db ] || fail "something was recorded"
}

test_control_characters_in_texts_never_reach_the_terminal() {
	new_cli_site texts
	spec_text | sed 's/"Holidays"/"a\\u009b b"/' >infra.yml
	"$ANKLUME_FSCTL" apply >"$tmp/out" 2>&1 || true
	"$ANKLUME_FSCTL" show photos >>"$tmp/out" 2>&1 || true
	"$ANKLUME_FSCTL" ls "$(printf 'x\033[2J')" >>"$tmp/out" 2>&1 || true
	"$ANKLUME_FSCTL" "$(printf 'x\033[2J')" >>"$tmp/out" 2>&1 || true
	"$ANKLUME_FSCTL" show photos --base "$(printf '/x\033[2J')" >>"$tmp/out" 2>&1 || true
	! LC_ALL=C grep -qP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]' "$tmp/out" ||
		fail "control characters: $(cat -v "$tmp/out")"

	mkdir -p "base/$(printf 'x\033[2J')" "base/$(printf 'bad\xff')"
	spec_text >infra.yml
	run 0 apply -q
	run 0 orphans
	assert_match "$out" '\\x1b\[2J'
	assert_match "$out" 'bad\\xff'
	[ "$(json '[.[] | .kind] | unique' orphans)" = '["stray"]' ] || fail "orphans as JSON"
}

test_catalogue_that_is_no_database_is_named() {
	local verb

	new_cli_site nodb
	run 0 apply -q
	echo "this is no database, but long enough to look at" >catalog.db
	rm -f catalog.db-wal catalog.db-shm
	for verb in ls tree holds audit orphans "show db" "protect db" apply "catalog check" "which db"; do
		# shellcheck disable=SC2086
		run 7 $verb
		assert_match "$err" "catalog.db"
		assert_match "$err" "catalog rebuild"
	done
	run 7 status
	assert_match "$out" "Catalogue: *'$site/catalog.db' is damaged: "
	[[ $out != *rebuild* && $out != *": catalogue"* ]] || fail "status: $out"
	assert_match "$err" "^anklume-fsctl: restore it .*catalog rebuild'$"
	run 0 catalog rebuild
	run 0 show db
}

test_catalogue_that_is_a_directory_or_missing_is_named() {
	new_cli_site nocat
	run 1 ls
	assert_match "$err" "no catalogue '.*catalog.db'"$'\n'
	assert_match "$err" "'anklume-fsctl apply' makes"
	assert_match "$err" "catalog.*rebuild' brings a lost one back"
	[ "$(wc -L <<<"${err//$site//var/lib/anklume}")" -le 80 ] || fail "too wide: $err"
	run 6 status
	assert_match "$out" "Catalogue: *none at '$site/catalog.db'"
	assert_match "$err" "catalog"$'\n'"  rebuild' brings"
	run 1 protect db
	[ ! -e catalog.db ] || fail "protect made a catalogue"
	mkdir catalog.db
	run 1 ls
	run 1 apply
	assert_match "$err" "catalog.db"
}

# A full disk: nothing is half done that the next run does not heal.
test_full_disk_during_apply_is_healed_by_the_next_run() {
	local room

	new_cli_site full
	mkdir disk
	mount -t tmpfs -o size=1m,nr_inodes=12 tmpfs disk
	on_exit umount "$site/disk"
	export ANKLUME_BASE=$site/disk/base
	run 1 apply
	assert_match "$err" 'No space left on device|is full'
	[ ! -e catalog.db ] || assert_eq "$(json length ls)" 0 "recorded volumes"
	mount -o remount,nr_inodes=1000 disk
	run 0 apply
	run 0 catalog check

	# The same with no room for the catalogue.
	for room in 4 16 40; do
		umount disk
		mount -t tmpfs -o size="${room}k" tmpfs disk
		export ANKLUME_CATALOG=$site/disk/catalog.db ANKLUME_BASE=$site/base-$room
		"$ANKLUME_FSCTL" apply >"$tmp/out" 2>"$tmp/err" && fail "apply fits into ${room}k"
		assert_file_has "$tmp/err" 'space|full'
		mount -o remount,size=10m disk
		run 0 apply
		run 0 catalog check
		assert_eq "$(json length ls)" 4
	done
}

test_result_that_cannot_be_written_is_a_failure() {
	new_cli_site devfull
	run 0 apply -q
	local code=0

	"$ANKLUME_FSCTL" ls >/dev/full 2>"$tmp/err" || code=$?
	assert_eq "$code" 1
	assert_file_has "$tmp/err" 'cannot write'
	code=0
	"$ANKLUME_FSCTL" ls --json >/dev/full 2>"$tmp/err" || code=$?
	assert_eq "$code" 1
}

test_base_on_tmpfs_works_or_says_why() {
	new_cli_site tmpfs
	mount -t tmpfs tmpfs base
	on_exit umount "$site/base"
	if setfattr -n trusted.probe -v 1 base 2>/dev/null; then
		run 0 apply
		run 0 catalog check
	else
		run 1 apply
		assert_match "$err" 'attribute'
	fi
}

run_tests
