#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The watcher's unit under a real systemd follows a real Incus.

# shellcheck source=tests/systemd/two_volumes.sh
. "$(dirname "$0")/two_volumes.sh"
need incus

owner() { inside anklume-fsctl show "$domain/$dev/kept" --json | jq -r .owner; }
owner_is() { [ "$(owner)" = "$1" ]; }
watched() { journal -u anklume-watch | grep -q "$1"; }
watcher_is_another() {
	local now

	now=$(property anklume-watch.service MainPID)
	[ "$now" != "$1" ] && [ "$now" != 0 ]
}

# The mark on the directory is written, too: 'catalog check' compares them.
test_the_watcher_follows_a_real_incus_from_its_sandbox() {
	local unit

	start_incus
	new_project "$domain"
	incus --project "$domain" init -q busybox "$dev" 2>/dev/null
	set_up watch
	# The machine sees the socket under a second name.
	ln "$INCUS_DIR/unix.socket" "$machine_dir/data/incus.socket"
	unit=$machine/etc/systemd/system/anklume-watch.service.d
	mkdir -p "$unit"
	printf '[Service]\nEnvironment=INCUS_SOCKET=/var/lib/anklume/incus.socket\nRestartSec=0\n' \
		>"$unit/test.conf"
	inside systemctl daemon-reload
	inside systemctl enable --quiet --now anklume-watch.service
	wait_until 30 watched 'watching Incus' || fail "$(journal -u anklume-watch -n 20)"
	incus --project "$domain" rename "$dev" renamed
	wait_until 30 owner_is "$domain/renamed" || fail "$(journal -u anklume-watch -n 20)"
	inside anklume-fsctl status >/dev/null
	inside anklume-fsctl catalog check >/dev/null
	incus --project "$domain" delete -q renamed
	wait_until 30 watched "instance '$domain/renamed' was deleted" ||
		fail "$(journal -u anklume-watch -n 20)"

	pid=$(property anklume-watch.service MainPID)
	assert_eq "$(inside sed -n 's/^NoNewPrivs:\t//p' "/proc/$pid/status")" 1
	inside nsenter --target "$pid" --mount findmnt -no OPTIONS / >"$tmp/root_options"
	assert_file_has "$tmp/root_options" '^ro'
	inside sh -c "kill -KILL $pid"
	wait_until 30 watcher_is_another "$pid" || fail "it does not come back"
	inside systemctl stop anklume-watch.service
	assert_eq "$(property anklume-watch.service Result)" success
}

run_tests
