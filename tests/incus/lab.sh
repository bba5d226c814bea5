#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A teacher's lab of 60 student machines: devices for all of them, and a flush at the end of term
# that takes half of the projects and spares the other half whole.

# shellcheck source=tests/incus/lib.sh
. "$(dirname "$0")/lib.sh"
need incus fuse fsctl jq

n=60
new_site lab
cd "$site"
# Every second domain is ephemeral: its machine's data is not protected.
"$tests_dir/lib/gen_spec.py" "$n" 1 --base "$ANKLUME_MOUNT" |
	awk '/^  student-.*[13579]:$/ { print; print "    ephemeral: true"; next } { print }' >infra.yml
fsctl apply -q
start_daemon
start_incus

numbers() { seq -f %03.0f 0 $((n - 1)); }

# One machine of the lab: a project, an instance that upstream protects unless it is ephemeral.
make_student() {
	local number=$1 project=student-$1 machine=s$1-m0$1

	new_project "$project"
	incus --project "$project" init -q busybox "$machine" 2>"$tmp/init.err" ||
		fail "'$machine' is not made: $(cat "$tmp/init.err")"
	[ $((10#$number % 2)) = 1 ] ||
		incus --project "$project" config set "$machine" security.protection.delete=true
	echo "work of $number" >"$ANKLUME_MOUNT/$project/$machine/vol0/file"
}

students() { incus list --all-projects -f csv -c n | sort; }
actions() { fsctl devices diff --json | jq -c '[.devices[].action] | group_by(.) | map({(.[0]): length}) | add'; }

test_devices_of_all_are_attached_and_then_kept() {
	local number

	for number in $(numbers); do make_student "$number"; done
	assert_eq "$(students | wc -l)" "$n"
	assert_eq "$(actions)" "{\"add\":$n}"
	fsctl devices apply >apply.out
	assert_eq "$(actions)" "{\"keep\":$n}"
}

test_some_of_them_start_and_see_their_own_work() {
	local number

	for number in 000 001 059; do
		incus --project "student-$number" start -q "s$number-m0$number" 2>/dev/null
		assert_eq "$(inside "student-$number" "s$number-m0$number" cat /srv/vol0/file)" \
			"work of $number"
	done
}

# S0-6
test_a_flush_takes_what_is_ephemeral_and_spares_the_rest_whole() {
	local before

	before=$(tree_hash "$ANKLUME_MOUNT")
	fsctl flush --dry-run >plan.out
	assert_eq "$(students | wc -l)" "$n"
	fsctl flush --yes >flush.out
	tail -n 1 flush.out | grep -q 'failed=0' || fail "$(tail -n 5 flush.out)"
	assert_eq "$(students | wc -l)" $((n / 2))
	assert_eq "$(students | grep '[13579]$' || true)" ""
	assert_eq "$(actions)" "{\"absent\":$((n / 2)),\"keep\":$((n / 2))}" "what is left"
	assert_eq "$(tree_hash "$ANKLUME_MOUNT")" "$before" "the work of all"
	assert_eq "$(inside student-000 s000-m0000 cat /srv/vol0/file)" "work of 000"
}

test_a_second_flush_finds_nothing() {
	fsctl flush --yes >flush.out
	tail -n 1 flush.out | grep -q 'deleted=0 .* failed=0' || fail "$(tail -n 5 flush.out)"
	assert_eq "$(students | wc -l)" $((n / 2))
}

run_tests
