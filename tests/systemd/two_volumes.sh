# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# A machine of lib.sh whose daemon serves two volumes.

# shellcheck source=tests/incus/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../incus/lib.sh"
# shellcheck source=tests/systemd/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

domain=$(unique_domain unit)
dev=$domain-dev

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
