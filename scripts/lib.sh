# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What the scripts of this folder share. Source it first; it leaves the caller in the project's root.

set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
program=${0##*/}

say() { printf '%s: %s\n' "$program" "$*" >&2; }

die() {
	say "$*"
	exit 1
}

# The text between "# usage" and the first line that is no comment, of the calling script.
usage() {
	sed -n '/^# usage/,/^[^#]/{s/^# \{0,1\}//p}' "$root/scripts/$program"
}

is_root() { [ "$(id -u)" = 0 ]; }

# 12, 13 ...; empty on testing and on what is no Debian.
debian_version() {
	# shellcheck source=/dev/null
	(. /etc/os-release && [ "${ID:-}" = debian ] && printf '%s' "${VERSION_ID:-}") || true
}

debian_codename() {
	# shellcheck source=/dev/null
	(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
}

# Those of the given packages that are not installed, one per line.
missing_packages() {
	local installed
	installed=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "$@" 2>/dev/null |
		sed -n 's/^ii *//p') || true
	printf '%s\n' "$@" | grep -vxF -e "$installed" || true
}

# The mirror that this machine's own apt uses, whatever the format of its sources.
apt_mirror() {
	local uri
	uri=$(apt-get indextargets --no-release-info \
		--format '$(CREATED_BY) $(RELEASE) $(COMPONENT) $(REPO_URI)' |
		awk -v suite="$(debian_codename)" \
			'$1 == "Packages" && $2 == suite && $3 == "main" { print $4; exit }')
	[ -n "$uri" ] || die "apt has no source for '$(debian_codename)' main: add Debian's mirror first"
	printf '%s' "$uri"
}
