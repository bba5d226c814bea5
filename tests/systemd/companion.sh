#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The units beside the daemon's under a real systemd: the trash is emptied when it is due, the watcher
# follows a real Incus, and neither may do more than it needs.

# shellcheck source=tests/incus/lib.sh
. "$(dirname "$0")/../incus/lib.sh"
# shellcheck source=tests/systemd/lib.sh
. "$(dirname "$0")/lib.sh"

domain=$(unique_domain unit)
dev=$domain-dev
in_base=/var/lib/anklume/data/$domain/$dev

# set_up NAME: a machine with the daemon and its volumes.
set_up() {
	new_machine "$1"
	export ANKLUME_MOUNT=/srv/anklume/data
	site=$tmp
	write_spec 'ephemeral: true' <<-Y
		$dev:
		  persistent_data:
		    due: {path: /data/due}
		    kept: {path: /data/kept}
	Y
	cp "$site/infra.yml" "$machine/root/infra.yml"
	inside_root mkdir -p /var/lib/anklume/data
	enable_units anklume-fs.service
	boot
	inside anklume-fsctl apply -q /root/infra.yml
}

property() { inside systemctl show --property="$2" --value "$1"; }
trash() { inside anklume-fsctl trash ls --json | jq -r '.[].volume | sub("@.*"; "")' | xargs; }

# Both are in the trash, the grace of one is over.
fill_trash() {
	inside sh -c "mkdir $in_base/due/dir && echo x >$in_base/due/dir/file && chown -R 33:33 $in_base/due &&
		chmod 0 $in_base/due/dir && echo y >$in_base/due/fixed"
	inside chattr +i "$in_base/due/fixed"
	inside anklume-fsctl volume rm -q --yes "$domain/$dev/due"
	inside anklume-fsctl volume rm -q --yes "$domain/$dev/kept"
	inside sh -c "cd $in_base/.trash && mv due.* due.20200101T000000Z.20200115T000000Z"
	assert_eq "$(trash)" "$domain/$dev/due $domain/$dev/kept"
}

trash_is() { [ "$(trash)" = "$1" ]; }
service_ended() { [ "$(property anklume-trash.service ActiveState)" = inactive ]; }

# S3-25: the machine was off when the timer was due.
test_the_timer_removes_what_has_had_its_grace() {
	local stamp

	set_up trash
	on_exit chattr -Rfi "$machine_dir/data"
	fill_trash
	stamp=$machine/var/lib/systemd/timers/stamp-anklume-trash.timer
	mkdir -p "$machine/etc/systemd/system/anklume-trash.timer.d" "${stamp%/*}"
	printf '[Timer]\nRandomizedDelaySec=0\n' >"$machine/etc/systemd/system/anklume-trash.timer.d/test.conf"
	touch -d '3 days ago' "$stamp"
	inside systemctl daemon-reload
	inside systemctl enable --quiet --now anklume-trash.timer
	wait_until 30 trash_is "$domain/$dev/kept" ||
		fail "it stays: $(journal -u anklume-trash -n 20)"
	wait_until 30 service_ended || fail "it does not end"
	assert_eq "$(property anklume-trash.service Result)" success
	journal -u anklume-trash >"$tmp/journal"
	assert_file_has "$tmp/journal" "^Removed: $domain/$dev/due@20200101T000000Z \(for good\)"
	assert_eq "$(inside ls -A "$in_base/.trash" | grep -c due || true)" 0
	assert_eq "$(property anklume-trash.timer ActiveState)" active
	[ "$(property anklume-trash.timer NextElapseUSecRealtime)" != "" ] || fail "it has no next time"
	inside anklume-fsctl audit --json >"$tmp/audit"
	assert_eq "$(jq -r '.[-1] | [.action, .object] | join(" ")' "$tmp/audit")" \
		"trash.remove $domain/$dev/due@20200101T000000Z"
	# Whoever wants the other one back has it.
	inside anklume-fsctl volume undelete -q "$domain/$dev/kept"
}

test_a_host_without_a_catalogue_has_no_failed_unit() {
	new_machine bare
	boot
	inside systemctl start anklume-trash.service
	assert_eq "$(property anklume-trash.service Result)" success
	assert_eq "$(property anklume-trash.service ConditionResult)" no
}

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

	need_incus
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

# S4-27: no unit may do more than it was judged with.
test_the_exposure_does_not_grow() {
	local unit limit level

	new_machine exposure

	while read -r unit limit; do
		level=$(exposure "$unit")
		note "exposure of $unit: $level"
		awk -v is="$level" -v limit="$limit" 'BEGIN { exit !(is > 0 && is <= limit) }' ||
			fail "exposure of $unit: $level, $limit at most"
	done <<-ROWS
		anklume-watch.service 1.5
		anklume-trash.service 1.5
	ROWS
}

# S4-27
test_systemd_finds_nothing_wrong_with_the_units() {
	new_machine verify
	boot
	inside systemd-analyze verify --man=no anklume-watch.service anklume-trash.service \
		anklume-trash.timer >"$tmp/found" 2>&1 || fail "$(cat "$tmp/found")"
	assert_eq "$(grep 'anklume-[tw]' "$tmp/found" || true)" ""
	# As often as it says, in the words that systemd understands.
	assert_eq "$(inside systemd-analyze calendar --iterations=2 daily | grep -cE 'Next elapse|Iter(\.|ation) #2')" 2
}

run_tests
