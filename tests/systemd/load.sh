# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# A volume in a machine of lib.sh, and somebody who works in it all the time.

volume=/srv/anklume/data/pro/pro-dev/db

spec='project_name: test
global:
  base_subnet: "10.100"
  persistent_data_base: /srv/anklume/data
domains:
  pro:
    subnet_id: 0
    machines:
      pro-dev:
        type: lxc
        persistent_data:
          db:
            path: /data/db
            protected: false
'

# shellcheck disable=SC2154 # $machine: lib.sh
write_spec() {
	printf '%s' "$spec" >"$machine/root/infra.yml"
	inside_root mkdir -p /var/lib/anklume/data
}

# A process that has files of the mount open all the time, and one that changes names: neither may
# ever see an error. As a service of the machine, so that it ends with it.
start_load() {
	cat >"$machine/usr/local/bin/load" <<-'L'
		#!/bin/sh
		cd /srv/anklume/data/pro/pro-dev/db || exit
		exec 3>>log
		i=0
		while [ ! -e stop ]; do
			i=$((i + 1))
			echo "$i" >&3 && echo "$i" >a && mv a b && mkdir d && rmdir d && rm b || exit 1
		done
		exec 3>&-
		[ "$(wc -l <log)" = "$i" ] || exit 2
	L
	chmod 755 "$machine/usr/local/bin/load"
	inside rm -f "$volume/stop" "$volume/log"
	inside systemd-run --quiet --unit=load --property=Type=exec --remain-after-exit load
}
stop_load() {
	inside touch "$volume/stop"
	wait_until 30 is_load_over || fail "the load does not end"
	assert_eq "$(inside systemctl show --property=Result --value load)" success "the load's result"
	note "rounds under load: $(inside sh -c "wc -l <$volume/log")"
	inside systemctl stop load
}
is_load_over() { [ "$(inside systemctl show --property=SubState --value load)" != running ]; }

# others PID: another daemon serves.
serves_without() {
	local now

	now=$(daemon_of_machine)
	[ "$now" != "$1" ] && [ "$now" != 0 ] && [ "$(unit_property SubState)" = running ]
}
inside_kill() { inside sh -c "kill -$1 $2"; }
takeovers() { inside anklume-fsctl status --json | jq .takeovers; }
