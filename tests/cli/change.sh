#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The verbs that change: protect, unprotect, readonly, owner, hold, release, and their trail.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

applied_site() {
	new_cli_site "$1"
	run 0 apply -q
}

flags_of() { json '.[0].flags' ls "$1"; }

test_protection_is_lifted_and_restored() {
	applied_site protect
	run 0 unprotect db
	assert_eq "$out" 'Unprotected: pro/pro-dev/db'
	assert_eq "$(flags_of pro/pro-dev/db)" '[]'
	run 0 unprotect db
	assert_eq "$out" 'Unchanged: pro/pro-dev/db (already unprotected)'
	run 0 protect --inherit db
	assert_eq "$out" 'Protected: pro/pro-dev/db (as the spec says)'
	run 0 protect scratch
	assert_eq "$(flags_of lab/test/scratch)" '["protected"]'
	assert_eq "$(json .protected_override show scratch)" '"on"'
	run 0 unprotect --inherit scratch
	assert_eq "$(flags_of lab/test/scratch)" '[]'
	assert_eq "$(json .protected_override show scratch)" '"inherit"'
}

test_overrides_outlive_an_apply() {
	applied_site override
	run 0 unprotect db
	run 0 readonly on photos
	run 0 owner scratch default/other
	run 0 owner db --ids 70:70
	run 0 apply
	assert_eq "$out" "$(printf 'Exists: %s\n' lab/test/scratch perso/home/photos \
		pro/pro-dev/db pro/pro-dev/www)
4 unchanged"
	assert_eq "$(flags_of pro/pro-dev/db)" '[]'
	assert_eq "$(flags_of perso/home/photos)" '["readonly","protected"]'
	assert_eq "$(json .owner show scratch)" '"default/other"'
	assert_eq "$(json '[.uid,.gid]' show db)" '[70,70]'
	run 0 catalog check
}

test_readonly_is_turned_on_and_off() {
	applied_site readonly
	run 0 readonly on db photos
	assert_eq "$out" 'Read-only: perso/home/photos
Read-only: pro/pro-dev/db'
	run 0 readonly off 'pro/*/*'
	assert_eq "$out" 'Writable: pro/pro-dev/db
Writable: pro/pro-dev/www'
	run 0 readonly --inherit 'pro/*/*'
	assert_eq "$out" 'Unchanged: pro/pro-dev/db (already writable, as the spec says)
Read-only: pro/pro-dev/www (as the spec says)'
	run 2 readonly db
	assert_match "$err" "say 'readonly on' or 'readonly off', not 'db'"
	run 2 readonly on
}

test_a_path_is_a_name_too() {
	applied_site path
	run 0 unprotect /srv/anklume/data/pro/pro-dev/db
	run 0 protect "$site/base/pro/pro-dev/db/"
	run 4 protect /etc/passwd
}

test_wrong_names_change_nothing() {
	applied_site names
	run 4 protect pro/pro-dev/bd
	assert_match "$err" "no volume 'pro/pro-dev/bd'; is it 'pro/pro-dev/db'"
	run 4 unprotect pro
	assert_eq "$err" "anklume-fsctl: 'pro' means 2 volumes, name one of them:
  pro/pro-dev/db
  pro/pro-dev/www"
	run 4 unprotect db nothing
	run 4 unprotect 'x/*/*'
	run 2 unprotect
	assert_eq "$(json .catalog_generation status)" 1
}

test_hold_stacks_and_ends() {
	applied_site hold
	run 0 hold one db --reason 'first'
	run 0 hold two db --until 2d -r 'second'
	assert_eq "$(flags_of pro/pro-dev/db)" '["protected","held"]'
	run 5 hold one db --reason again
	assert_match "$err" "has a hold 'one' already"
	run 0 unprotect db
	assert_match "$err" 'still on hold'
	assert_eq "$(json '[.[] | [.tag,.reason,.expired]]' holds)" \
		'[["one","first",false],["two","second",false]]'
	run 0 release one db
	run 5 release one db
	assert_match "$err" "no hold 'one'"
	assert_eq "$(flags_of pro/pro-dev/db)" '["held"]'
	run 0 release two db
	assert_eq "$(flags_of pro/pro-dev/db)" '[]'
	run 0 holds
	assert_match "$err" 'No holds'
	assert_eq "$(json . holds)" '[]'
}

test_hold_wants_a_reason_and_a_future() {
	applied_site holdbad
	run 2 hold one db
	assert_match "$err" 'reason'
	run 2 hold one db -r ''
	run 2 hold 'On_e' db -r x
	run 2 hold one db -r "$(printf 'a\033[2Jb')"
	run 2 hold one db -r x --until yesterday
	run 2 hold one db -r x --until 2001-01-01
	assert_match "$err" 'is past|in the past'
	run 5 hold one db -r "$(printf 'x%.0s' {1..3000})"
	run 2 hold one
	assert_eq "$(json . holds)" '[]'
}

test_owner_belongs_to_the_machine() {
	applied_site owner
	run 0 owner db
	assert_match "$out" 'pro/pro-dev/db +pro +pro-dev +999 +998 2750'
	run 0 owner db default/other
	assert_eq "$out" 'Updated: pro/pro-dev/db (pro/pro-dev -> default/other)
Updated: pro/pro-dev/www (pro/pro-dev -> default/other)'
	assert_eq "$(json .owner show www)" '"default/other"'
	run 0 owner www default/other
	assert_match "$out" 'Unchanged'
	run 0 owner db --inherit
	assert_eq "$(json .owner show www)" '"pro/pro-dev"'
	run 0 owner db --ids 1:2
	assert_eq "$(stat -c %u:%g base/pro/pro-dev/db)" 999:998
	local bad

	for bad in other /x x/ a/b/c 'a b/c'; do
		run 2 owner db "$bad"
	done
	run 2 owner db --ids root
	run 2 owner db --ids 1:4294967295
	run 2 owner db --inherit --ids 1:1
}

test_dry_run_changes_nothing() {
	applied_site dry
	local before

	before=$(json . ls; mark_of base/pro/pro-dev/db)
	run 0 unprotect -n db
	assert_eq "$out" 'Would be unprotected: pro/pro-dev/db
Dry run: nothing was changed.'
	run 0 readonly -n on db
	assert_match "$out" 'Would be read-only: pro/pro-dev/db'
	run 0 hold -n x db -r y
	assert_match "$out" 'Would be held: pro/pro-dev/db \(x\)'
	run 0 owner -n db default/x
	assert_match "$out" 'Would be updated: pro/pro-dev/www'
	run 5 release -n x db
	assert_eq "$(json . ls; mark_of base/pro/pro-dev/db)" "$before"
	assert_eq "$(json .catalog_generation status)" 1
}

# S0-25
test_json_of_a_change() {
	applied_site json
	assert_eq "$(json '[.changed,.dry_run,.daemon,.volumes]' unprotect db)" \
		'[true,false,"not running",[{"volume":"pro/pro-dev/db","action":"unprotected","detail":null}]]'
	assert_eq "$(json .changed unprotect db)" false
}

test_every_change_is_in_the_trail() {
	applied_site audit
	SUDO_USER=alice "$ANKLUME_FSCTL" -q unprotect pro/pro-dev/db
	run 0 hold audit db -q --reason "it's due"
	run 0 owner db default/other -q
	assert_eq "$(json '.[] | select(.action == "flag.protected") | [.actor,.object,.command]' audit db)" \
		'["alice (root)","pro/pro-dev/db","anklume-fsctl -q unprotect pro/pro-dev/db"]'
	assert_eq "$(json '.[] | select(.action == "hold.add") | .command' audit db)" \
		"\"anklume-fsctl hold audit db -q --reason 'it'\\\\''s due'\""
	assert_eq "$(json '[.[] | .action]' audit db)" \
		'["machine.create","volume.create","flag.protected","hold.add","owner.instance"]'
	assert_eq "$(json 'length' audit db -n 2)" 2
	assert_eq "$(json '.[0].action' audit -n 1)" '"owner.instance"'
	run 4 audit nothing
	run 2 audit -n x
}

# No base, no change: a flag without its mark would not survive the loss of the catalogue.
test_missing_base_stops_a_change() {
	applied_site nobase
	mv base away
	run 1 unprotect db
	assert_match "$err" "$site/base"
	mv away base
	assert_eq "$(flags_of pro/pro-dev/db)" '["protected"]'
}

# The base is there, its disk is not: the same loss, so the same end.
test_missing_directory_stops_a_change() {
	applied_site nodir
	run 0 hold old db -r 'before'
	run 0 readonly on photos
	local before words

	before=$(json . ls; json . holds; json .catalog_generation status)
	mv base away
	mkdir base
	for words in 'hold zz db -r x' 'release old db' 'protect scratch' 'unprotect db' \
		'readonly on www' 'readonly --inherit photos' 'owner db default/x' 'owner db --ids 1:2' \
		'unprotect -n db'; do
		# shellcheck disable=SC2086 # words
		run 5 $words
		assert_match "$err" "directory of a volume is missing" "$words"
		assert_match "$err" "'$site/base/.*mounted" "$words"
		assert_eq "$out" "" "$words"
	done
	rmdir base
	mv away base
	assert_eq "$(json . ls; json . holds; json .catalog_generation status)" "$before"
	run 0 catalog check

	# One of several is enough, also when it is not the first, or a sibling of an owner's volume.
	mv base/pro/pro-dev/www away
	run 5 protect db www scratch
	assert_match "$err" "base/pro/pro-dev/www'"
	run 5 owner db default/x
	assert_eq "$(json . ls; json . holds; json .catalog_generation status)" "$before"
	run 0 owner db --ids 1:2
}

run_tests
