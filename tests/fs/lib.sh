# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What the tests of the mount share: a site with the machine pro/pro-dev and volumes of every kind.

# shellcheck source=tests/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/common.sh"
need root fuse fsctl
[ -x "$FSOP" ] || skip build "'$FSOP' is not built"

# declare_volumes NAME[:KEY=VALUE,...]...: write the site's spec and apply it.
declare_volumes() {
	write_spec "$@" >"$site/infra.yml"
	fsctl apply "$site/infra.yml" >"$site/apply.out" || fail "apply: $(cat "$site/apply.out")"
	# Where the tests look: the machine's volumes in the mount and in the base.
	# shellcheck disable=SC2034
	mnt=$ANKLUME_MOUNT/pro/pro-dev
	# shellcheck disable=SC2034
	base=$ANKLUME_BASE/pro/pro-dev
}

# daemon_of BASE: one that nobody told us, but it has locked the base.
daemon_of() { awk -v end=":$(stat -c %i "$1")\$" '$2 == "FLOCK" && $6 ~ end { print $5; exit }' /proc/locks; }

write_spec() {
	local volume name keys key

	cat <<-Y
		project_name: test
		global:
		  base_subnet: "10.100"
		  persistent_data_base: $ANKLUME_MOUNT
		domains:
		  pro:
		    subnet_id: 0
		    machines:
		      pro-dev:
		        type: lxc
		        persistent_data:
	Y
	for volume; do
		name=${volume%%:*}
		printf '          %s:\n            path: /data/%s\n' "$name" "$name"
		keys=${volume#"$name"}
		keys=${keys#:}
		for key in ${keys//,/ }; do
			printf '            %s: %s\n' "${key%%=*}" "${key#*=}"
		done
	done
}

# The flags of the policy table, one volume each; "other" is where links across volumes lead.
declare_policy_volumes() {
	declare_volumes plain:protected=false readonly:readonly=true,protected=false protected \
		held:protected=false other:protected=false
	fsctl hold audit pro/pro-dev/held --reason "the auditors look at it" >/dev/null
}
