#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# SQLite on a mount: the writer is killed in the middle, the machine loses power.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

rounds=$((2 * soak))

lines_reach() { [ "$(wc -l <"$1")" -ge "$2" ]; }

# write_rows MODE COUNT: a writer that has COUNT more rows acknowledged, still running.
write_rows() {
	local have

	touch "$ack"
	have=$(wc -l <"$ack")
	"$programs/sqlite_writer.py" write "$mnt/db" "$1" >>"$ack" 2>"$site/writer.err" &
	writer=$!
	on_exit end_writer
	wait_until 60 lines_reach "$ack" $((have + $2)) ||
		fail "the writer does not get on: $(cat "$site/writer.err")"
}

end_writer() {
	[ -n "$writer" ] || return 0
	kill -KILL "$writer" 2>/dev/null || true
	wait "$writer" 2>/dev/null || true
	writer=
}

verify_rows() {
	"$programs/sqlite_writer.py" verify "$1" "$ack" >"$site/out" 2>&1 || fail "$(cat "$site/out")"
}

survive() {
	local mode=$1 type=$2 i

	plain_mount "$type" 400M
	ack=$site/ack
	for ((i = 1; i <= rounds; i++)); do
		write_rows "$mode" $((25 * i))
		end_writer
		verify_rows "$mnt/db"
	done
	write_rows "$mode" 30
	# In this order: what is acknowledged while xfs goes down is native xfs's to lose.
	end_writer
	cut_power "$base"
	power_on
	verify_rows "$mnt/db"
	daemon_lives
	stop_daemon
	# The same bytes, read without us.
	verify_rows "$base/db"
}

in_wal_mode() { survive WAL "$1"; }
in_delete_mode() { survive DELETE "$1"; }

# Readers hold a snapshot of the WAL through shared memory while a writer goes on.
test_wal_readers_beside_a_writer_see_whole_transactions() {
	plain_mount ext4 200M
	ack=$site/ack
	write_rows WAL 12
	python3 - "$mnt/db" $((60 * soak)) <<-'P' || fail "a reader saw a torn transaction"
		import sqlite3, sys
		db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
		for _ in range(int(sys.argv[2])):
		    db.execute("BEGIN")
		    first = db.execute("SELECT count(*), max(n), sum(length(data)) FROM t").fetchone()
		    assert first == db.execute("SELECT count(*), max(n), sum(length(data)) FROM t").fetchone()
		    n = first[1]
		    assert first[0] == n - len([i for i in range(3, n - 9, 3)]), first
		    db.execute("COMMIT")
	P
	end_writer
	verify_rows "$mnt/db"
}

# S1-2 S2-9
on_types "WAL: nothing acknowledged is lost by kill -9 and power cut" in_wal_mode ext4
on_types "rollback journal: nothing acknowledged is lost by kill -9 and power cut" \
	in_delete_mode ext4 xfs
run_tests
