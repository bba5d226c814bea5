#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The units beside the daemon's under a real systemd: the trash is emptied when it is due, and none may
# do more than it needs.

# shellcheck source=tests/systemd/two_volumes.sh
. "$(dirname "$0")/two_volumes.sh"

in_base=/var/lib/anklume/data/$domain/$dev

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

# S4-27: no unit may do more than it was judged with.
test_the_exposure_does_not_grow() {
	new_machine exposure
	assert_exposure anklume-watch.service 1.5
	assert_exposure anklume-trash.service 1.5
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
