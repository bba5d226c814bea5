#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A real database on a volume: its writes, its recovery, and what is left after the mount went away.

# shellcheck source=tests/fs/lib.sh
. "$(dirname "$0")/lib.sh"
need postgresql
id postgres >/dev/null 2>&1 || skip postgresql "no user 'postgres'"

new_site pg
owner=$(id -u postgres):$(id -g postgres)
# On the host nobody is the owner instance, and a database truncates and deletes: not protected.
declare_volumes 'db:owner="'"$owner"'",mode="0700",protected=false'
start_daemon
data=$mnt/db/data
sock=$tmp/socket
install -d -o postgres "$sock"

run_as=(setpriv --reuid postgres --regid postgres --clear-groups env -C "$sock")
as_postgres() { "${run_as[@]}" "$@"; }
sql() { as_postgres "$pg_bin/psql" -h "$sock" -XAtqd postgres -c "$1"; }
is_up() { as_postgres "$pg_bin/pg_isready" -q -h "$sock"; }
is_gone() { [ -z "$(find /proc/[0-9]*/cwd -maxdepth 0 -lname "$data" 2>/dev/null)" ]; }

# The server is a child of this very shell: after kill -9 somebody must collect the process.
start_server() {
	"${run_as[@]}" "$pg_bin/postgres" -D "$data" -k "$sock" -c listen_addresses= \
		>>"$sock/log" 2>&1 &
	server=$!
	wait_until 60 is_up || fail "the server does not answer: $(tail -n 20 "$sock/log")"
}

# stop_server SIGNAL: INT is the fast shutdown, QUIT the immediate one.
stop_server() {
	kill "-$1" "$server" 2>/dev/null || true
	wait "$server" 2>/dev/null || true
	wait_until 60 is_gone || fail "a server process is left"
}

initdb_with_checksums() {
	as_postgres "$pg_bin/initdb" -k -D "$data" >"$sock/initdb" 2>&1 || fail "$(cat "$sock/initdb")"
	assert_eq "$(stat -c %u:%g "$base/db/data/base")" "$owner"
}

pgbench() { as_postgres "$pg_bin/pgbench" -h "$sock" "$@" postgres >"$sock/bench" 2>&1; }

pgbench_runs() {
	pgbench -q -i -s 2 || fail "$(cat "$sock/bench")"
	pgbench -c 4 -j 2 -t $((250 * ${ANKLUME_SOAK:-1})) || fail "$(cat "$sock/bench")"
	assert_file_has "$sock/bench" 'number of failed transactions: 0 '
	assert_eq "$(sql 'select count(*) from pgbench_history')" $((1000 * ${ANKLUME_SOAK:-1}))
}

contents() { sql "select sum(abalance), count(*) from pgbench_accounts"; }
contents_are() { assert_eq "$(contents)" "$1"; }

migrate() {
	sql "create table customer (id serial primary key, name text not null)"
	sql "insert into customer (name) select 'customer ' || n from generate_series(1, 1000) n"
	sql "alter table customer add column email text default 'none' not null"
	sql "create unique index customer_name on customer (lower(name))"
	sql "alter table customer alter column id type bigint"
}

# What \d prints, and what is in it.
schema() { as_postgres "$pg_bin/psql" -h "$sock" -Xd postgres -c '\d customer' -c '\d+ customer_name'; }
schema_is() {
	assert_eq "$(schema)" "$1"
	assert_eq "$(sql "select count(*), count(distinct email) from customer")" "1000|1"
}

a_copy_verifies() {
	as_postgres "$pg_bin/pg_basebackup" -h "$sock" -D "$mnt/db/backup" -c fast >"$sock/backup" 2>&1 ||
		fail "$(cat "$sock/backup")"
	as_postgres "$pg_bin/pg_verifybackup" "$mnt/db/backup" >"$sock/verify" 2>&1 ||
		fail "$(cat "$sock/verify")"
	# A test that cannot fail: one byte, and it must say so.
	printf x | dd of="$base/db/backup/global/pg_control" bs=1 seek=100 conv=notrunc status=none
	! as_postgres "$pg_bin/pg_verifybackup" "$mnt/db/backup" >/dev/null 2>&1 || fail "a changed file verifies"
}

# Rows that were acknowledged one by one while pgbench loads the server.
acknowledge_rows() {
	local i

	sql "create table acknowledged (n int)"
	pgbench -c 2 -T 60 &
	for i in {1..50}; do
		sql "insert into acknowledged values ($i)"
	done
}

every_row_is_there() { assert_eq "$(sql 'select count(*) from acknowledged')" 50; }

no_page_is_damaged() {
	as_postgres "$pg_bin/pg_checksums" --check -D "$data" >"$sock/sums" || fail "$(cat "$sock/sums")"
	assert_file_has "$sock/sums" 'Bad checksums: *0'
}

check "initdb, with data checksums" initdb_with_checksums
start_server
on_exit stop_server QUIT
check "pgbench runs without an error" pgbench_runs

# S1-2
check "a migration is carried out" migrate
before=$(contents) schema=$(schema)
stop_server INT
stop_daemon
start_daemon
start_server
check "the tables are the same after a restart of server and mount" contents_are "$before"

# S1-2
check "the migrated schema is the same after it" schema_is "$schema"
check "pg_verifybackup accepts a copy made on the mount" a_copy_verifies

check "rows are acknowledged under load" acknowledge_rows
stop_server KILL
start_server
# S1-2
check "every acknowledged row survives kill -9 of the server" every_row_is_there

stop_server INT
check "no page is damaged" no_page_is_damaged
finish_tests
