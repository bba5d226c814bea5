#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# 'pod create' is killed between its steps: the volumes are whole or untouched, the same command
# goes on, and what was filled is not filled again.

# shellcheck source=tests/incus/lib.sh
. "$(dirname "$0")/lib.sh"
need incus fuse fsctl getfattr
[ -x "$KILLAT" ] || skip build "'$KILLAT' is not built"
"$KILLAT" 1000000 true 2>/dev/null || skip ptrace "no ptrace here"

domain=$(unique_domain kill)
pod=$domain-a

new_host kill 'ephemeral: true' <<-Y
	$pod: {persistent_data: [etc, opt]}
Y
data=$ANKLUME_BASE/$domain/$pod

# Volumes that were never filled, and an instance that was never started.
prepare() {
	local v

	incus --project "$domain" delete -qf "$pod" 2>/dev/null || true
	for v in etc opt; do
		if [ -e "$data/$v" ]; then
			fsctl volume rm "$domain/$pod/$v" --yes -q
		fi
	done
	fsctl trash empty --all --yes -q
	fsctl apply "$site/infra.yml" -q
	incus --project "$domain" init -q busybox "$pod" >/dev/null 2>&1
}

# A volume is empty, or has all that the instance has.
assert_whole_or_untouched() {
	local n

	n=$(find "$data/etc" -mindepth 1 | wc -l)
	[ "$n" = 0 ] || [ "$n" = "$files" ] || fail "kill $step: $n of $files files"
}

assert_done() {
	assert_eq "$(find "$data/etc" -mindepth 1 | wc -l)" "$files" "kill $step: files"
	assert_eq "$(find "$data" -mindepth 1 -maxdepth 1 -name '.part*')" "" "kill $step: left over"
	inside "$domain" "$pod" cat /etc/passwd >"$tmp/passwd"
	cmp "$tmp/passwd" "$data/etc/passwd"
	fsctl catalog check >"$tmp/check" || fail "kill $step: $(cat "$tmp/check")"
}

# kill_at STEP: $status is 137 when it was killed, 0 when it came to its end before.
kill_at() {
	step=$1 status=0
	prepare
	"$KILLAT" "$step" "$ANKLUME_FSCTL" pod create "$pod" >"$tmp/out" 2>"$tmp/err" || status=$?
	[ "$status" = 137 ] || [ "$status" = 0 ] || fail "kill $step: $status, $(cat "$tmp/err")"
	assert_whole_or_untouched
	fsctl pod create "$pod" >"$tmp/out" 2>"$tmp/err" || fail "kill $step: $(cat "$tmp/err")"
	assert_done
	inside "$domain" "$pod" rm /etc/group
	incus --project "$domain" stop -qf "$pod"
	fsctl pod create "$pod" -q
	[ ! -e "$data/etc/group" ] || fail "kill $step: it was filled twice"
}

# S2-5 S2-6: every kind of step, evenly over the run; all of the steps with KILL_STRIDE=1.
test_a_killed_create_goes_on() {
	local stride=${KILL_STRIDE:-23} n=0

	files=$(find "$tmp/incus/image/rootfs/etc" -mindepth 1 | wc -l)
	for ((at = 5; at < 5000; at += stride)); do
		kill_at "$at"
		[ "$status" = 137 ] || break
		n=$((n + 1))
	done
	[ "$n" -ge 5 ] || fail "it was killed at $n steps only"
	note "killed at $n of about $at steps"
}

run_tests
