#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# kill -9 at any moment: the catalogue stays whole, and what was acknowledged stays said.

# shellcheck source=tests/fs/lib.sh
. "$(dirname "$0")/lib.sh"
need jq sqlite3

new_site crash
declare_volumes db
volume=pro/pro-dev/db
# A hundred of each; the slow builds of the other jobs prove the same with fewer.
kills=$((100 * ${ANKLUME_SOAK:-1}))
[ "${ANKLUME_JOB:-gcc}" = gcc ] || kills=20
seed=${SEED:-$RANDOM}
RANDOM=$seed
note "seed: $seed (SEED=$seed runs it again)"

integrity() { assert_eq "$(sqlite3 "$ANKLUME_CATALOG" 'PRAGMA integrity_check')" ok "catalogue"; }

is_protected() { fsctl show "$volume" --json | jq -r '.. | .flags? // empty | tostring' | grep -c protected || true; }

# A random moment of a command's life: most are over within some 20 ms.
random_delay() { read -rt "$(printf '0.%04d' $((RANDOM % 120)))" <>"$tmp/never" || true; }
mkfifo "$tmp/never"

# flip VERB: run `fsctl VERB volume`, killed at a random moment; sets acknowledged.
flip_and_kill() {
	local pid

	"$ANKLUME_FSCTL" "$1" "$volume" >/dev/null 2>&1 &
	pid=$!
	random_delay
	kill -KILL "$pid" 2>/dev/null || true
	acknowledged=true
	wait "$pid" 2>/dev/null || acknowledged=false
}

verb_of() { if [ "$1" = 1 ]; then echo protect; else echo unprotect; fi; }

# DC-2: state is the last acknowledged one; a command that was killed may have worked or not.
test_killing_the_tool_leaves_the_catalogue_whole_and_no_acknowledged_flag_is_lost() {
	local i state now want acknowledged=0 killed=0

	fsctl protect "$volume" >/dev/null
	state=1
	for ((i = 0; i < kills; i++)); do
		want=$((1 - state))
		flip_and_kill "$(verb_of "$want")"
		integrity
		now=$(is_protected)
		if $acknowledged; then
			assert_eq "$now" "$want" "flag after an acknowledged change"
		else
			killed=$((killed + 1))
		fi
		state=$now
	done
	note "$killed of $kills commands died on the way"
	[ "$killed" -gt 0 ] || fail "no command was killed in time"
}

# DC-2: the tool and the mark on the data tell one story once a command got through.
test_after_the_kills_show_equals_the_mark_and_check_is_content() {
	fsctl protect "$volume" >/dev/null
	fsctl catalog check >"$tmp/check" 2>&1 || fail "$(cat "$tmp/check")"
	assert_eq "$(is_protected)" 1
	getfattr --absolute-names -n trusted.anklume.volume --only-values "$base/db" >"$tmp/mark"
	assert_file_has "$tmp/mark" protected
	# From the marks alone the same catalogue comes back.
	mv "$ANKLUME_CATALOG" "$tmp/lost.db"
	rm -f "$ANKLUME_CATALOG"-wal "$ANKLUME_CATALOG"-shm
	fsctl catalog rebuild >/dev/null
	assert_eq "$(is_protected)" 1
}

# DC-2: the daemon dies while flags change; the next one serves the last acknowledged state.
test_killing_the_daemon_leaves_the_catalogue_whole_and_the_flags_in_force() {
	local i want answer

	want=1
	for ((i = 0; i < kills; i++)); do
		start_daemon
		want=$((1 - want))
		"$ANKLUME_FSCTL" "$(verb_of "$want")" "$volume" >/dev/null 2>&1 &
		random_delay
		kill -KILL "$daemon_pid"
		# Without a daemon the catalogue alone is enough; one that died under the command
		# is told by the exit status, and the record is made all the same.
		wait $! || true
		wait_pid "$daemon_supervisor"
		umount -l "$ANKLUME_MOUNT"
		integrity
		assert_eq "$(is_protected)" "$want" "flag after kill $i"
		answer=$([ "$want" = 1 ] && echo EPERM || echo OK)
		if [ $((i % 10)) = 0 ]; then
			start_daemon
			: >"$mnt/db/file"
			assert_errno "$answer" unlink "$mnt/db/file"
			stop_daemon
		fi
	done
}

run_tests
