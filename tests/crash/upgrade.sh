#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Another build goes on with a mount that is in use, or refuses, and then the old one goes on.

# shellcheck source=tests/crash/site.sh
. "$(dirname "$0")/site.sh"
builds=${ANKLUME_BUILD:-$build}/tests/crash
[ -x "$builds/anklume-fs-next" ] || skip build "'$builds/anklume-fs-next' is not built"

set_up() {
	new_site "$1"
	declare_volumes db:protected=false
	start_held --watchdog "${ANKLUME_WATCHDOG:-30}"
	pid=$(daemon_pid)
	echo before >"$mnt/db/file"
	exec {held}<>"$mnt/db/open"
	on_exit close_held
}

close_held() { { exec {held}>&-; } 2>/dev/null; }

# What was open stays usable, what was there is there.
assert_goes_on() {
	echo more >&"$held"
	assert_eq "$(cat "$mnt/db/open")" "$(cat "$base/db/open")" "open file"
	assert_eq "$(cat "$mnt/db/file")" before
	: >"$mnt/db/new"
	rm "$mnt/db/new"
}

# Names and open files change all the time while daemons come and go. No call may fail.
start_churn() {
	churn_log=$site/churn
	mkdir -p "$mnt/db/churn"
	bash -c '
		cd "$1" || exit
		i=0
		while [ ! -e stop ]; do
			i=$((i + 1))
			echo $i >a && mv a b && mkdir d && rmdir d && ln b c && rm c && rm b || exit 1
		done
		echo $i
	' bash "$mnt/db/churn" >"$churn_log" 2>&1 &
	churn=$!
}
stop_churn() {
	: >"$mnt/db/churn/stop"
	wait "$churn" || fail "churn: $(cat "$churn_log")"
	note "rounds of names: $(tail -n 1 "$churn_log")"
	[ "$(tail -n 1 "$churn_log")" -gt 0 ]
}

test_the_same_build_takes_over_under_load() {
	local i

	set_up same
	start_churn
	for i in 1 2 3 4 5 6 7 8 9 10; do
		assert_status 0 fsctl upgrade
		assert_file_has "$tmp/err" '^upgraded from [0-9.]* to [0-9.]* in [0-9]* ms$'
	done
	assert_eq "$(daemon_pid)" "$pid" "pid"
	assert_eq "$(daemon_status takeovers)" 10 takeovers
	stop_churn
	assert_goes_on
	exec {held}>&-
	stop_held
}

test_the_next_version_and_back_again() {
	set_up versions
	start_churn
	assert_status 0 fsctl upgrade --binary "$builds/anklume-fs-next"
	assert_eq "$(readlink "/proc/$pid/exe")" "$builds/anklume-fs-next" executable
	assert_goes_on
	assert_status 0 fsctl upgrade --binary "$site/bin/anklume-fs"
	assert_eq "$(readlink "/proc/$pid/exe")" "$site/bin/anklume-fs" executable
	assert_goes_on
	stop_churn
}

# After a crash it is the installed one again, which is a downgrade, too.
test_a_crash_after_the_upgrade_starts_the_installed_one() {
	set_up crash
	assert_status 0 fsctl upgrade --binary "$builds/anklume-fs-next"
	kill_daemon
	wait_until 20 is_serving
	assert_eq "$(readlink "/proc/$(daemon_pid)/exe")" "$site/bin/anklume-fs" executable
	assert_goes_on
}

test_an_installed_upgrade_is_taken() {
	set_up installed
	cp "$builds/anklume-fs-next" "$site/bin/new"
	mv "$site/bin/new" "$site/bin/anklume-fs"
	assert_match "$(readlink "/proc/$pid/exe")" deleted executable
	assert_status 0 fsctl upgrade
	assert_eq "$(readlink "/proc/$pid/exe")" "$site/bin/anklume-fs" executable
	assert_goes_on
}

# refused BINARY REGEX: exit code 5, the reason, and the old daemon goes on under load.
refused() {
	assert_status 5 fsctl upgrade --binary "$1"
	assert_file_has "$tmp/err" "$2"
	assert_file_has "$tmp/err" 'the old daemon goes on'
	assert_eq "$(daemon_pid)" "$pid" "pid"
	assert_eq "$(readlink "/proc/$pid/exe")" "$site/bin/anklume-fs" executable
	assert_eq "$(daemon_status takeovers)" 0 takeovers
	assert_goes_on
}

test_what_cannot_take_over_is_refused_and_nothing_is_lost() {
	set_up refused
	start_churn
	refused /bin/false "'.*/bin/false' did not answer"
	printf '#!/bin/sh\nkill -SEGV $$\n' >"$site/crashing"
	chmod 755 "$site/crashing"
	refused "$site/crashing" "did not answer"
	: >"$site/not-executable"
	refused "$site/not-executable" "did not answer"
	printf '#!/bin/sh\nexec sleep 1000\n' >"$site/silent"
	chmod 755 "$site/silent"
	refused "$site/silent" "did not say within 10 s whether it can"
	stop_churn
	assert_status 2 fsctl upgrade --binary "$site/nowhere"
	assert_eq "$(pgrep -P "$pid" | wc -l)" 1 "children of the daemon (the holder)"
}

# broken COMMAND: an executable that says it can, and then does COMMAND.
broken() {
	printf '#!/bin/sh\ncase " $* " in *" --check-takeover "*) exec %s "$@" ;; esac\n%s\n' \
		"$ANKLUME_FS" "$1" >"$site/broken"
	chmod 755 "$site/broken"
}
# The one that was asked for died in the place of the old one: another process serves.
rolled_back() {
	assert_status 5 fsctl upgrade --binary "$site/broken"
	assert_file_has "$tmp/err" "the new daemon died before it served; nothing is lost"
	assert_eq "$(readlink "/proc/$(daemon_pid)/exe")" "$site/bin/anklume-fs" executable
	[ "$(daemon_pid)" != "$pid" ] || fail "the same process"
	pid=$(daemon_pid)
	assert_goes_on
}

test_what_says_it_can_and_cannot_is_rolled_back() {
	ANKLUME_WATCHDOG=2 set_up yes
	start_churn
	broken 'kill -SEGV $$'
	rolled_back
	broken 'exec tail -f /dev/null'
	rolled_back
	stop_churn
}

# Nobody has killed it from outside, and it never is ready: the holder does not wait for ever.
test_an_installed_one_that_hangs_is_rolled_back() {
	ANKLUME_WATCHDOG=2 set_up hangs
	start_churn
	broken 'exec tail -f /dev/null'
	mv "$site/broken" "$site/bin/anklume-fs"
	kill_daemon
	wait_until 30 is_serving || fail "nobody serves: $(tail -n 20 "$daemon_log")"
	assert_match "$(readlink "/proc/$(daemon_pid)/exe")" "$site/bin/anklume-fs \(deleted\)" executable
	assert_file_has "$daemon_log" "starting the executable that worked before"
	assert_goes_on
	stop_churn
}

# A downgrade to what does not understand the state.
test_a_build_that_is_too_old_is_refused() {
	ANKLUME_FS=$builds/anklume-fs-alien set_up old
	start_churn
	refused "$ANKLUME_FS" "cannot take over: the state is of version 3, and this program reads 1"
	stop_churn
}

test_a_catalogue_that_the_new_one_cannot_read_refuses() {
	set_up catalogue
	cp "$ANKLUME_CATALOG" "$site/good.db"
	printf 'this is no database' >"$ANKLUME_CATALOG"
	rm -f "$ANKLUME_CATALOG-wal" "$ANKLUME_CATALOG-shm"
	refused "$builds/anklume-fs-next" "cannot take over: .*catalog"
	cp "$site/good.db" "$ANKLUME_CATALOG"
	assert_status 0 fsctl upgrade
	assert_goes_on
}

test_umount_refuses_what_is_in_use() {
	set_up use
	assert_status 5 fsctl umount
	assert_file_has "$tmp/err" "is in use by a process of this host"
	exec {held}>&-
	# As a container's device: a directory of the mount, bound in another mount namespace.
	mkdir "$site/container"
	mkfifo "$site/up" "$site/down"
	unshare --mount --propagation private bash -c \
		'mount --bind "$1" "$2" && echo up >"$3" && read -r _ <"$4"' \
		bash "$mnt/db" "$site/container" "$site/up" "$site/down" &
	container=$!
	read -r _ <"$site/up"
	assert_status 5 fsctl umount
	assert_file_has "$tmp/err" "'/pro/pro-dev/db' is bound elsewhere"
	assert_eq "$(cat "$mnt/db/file")" before
	echo >"$site/down"
	wait "$container"
	assert_status 0 fsctl umount
	wait_until 20 is_ended "$site/bin" || fail "left running: $(processes_below "$site/bin")"
	! findmnt -rn "$ANKLUME_MOUNT" >/dev/null || fail "still mounted"
	assert_status 6 fsctl umount
	assert_status 6 fsctl upgrade
}

test_lazy_umount_serves_what_is_open() {
	set_up lazy
	assert_status 0 fsctl umount --lazy
	! findmnt -rn "$ANKLUME_MOUNT" >/dev/null || fail "still mounted"
	echo still >&"$held"
	assert_eq "$(tail -n 1 "$base/db/open")" still
	exec {held}>&-
	wait_until 20 is_ended "$site/bin" || fail "left running: $(processes_below "$site/bin")"
}

run_tests
