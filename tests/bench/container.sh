#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A private Incus daemon with one unprivileged container for the benchmarks.
#
#	container.sh NAME=DIR...
#
# Each DIR becomes an idmapped mount /NAME; the host's /usr is there to run programs from. Prints
# one line "refused NAME REASON" for each directory that cannot be attached so, then
# "ready INCUS_DIR INCUS_CONF PROJECT INSTANCE", and takes everything away when standard input ends.

# shellcheck source=tests/incus/lib.sh
. "$(dirname "$0")/../incus/lib.sh"
need incus

smallfile=$build/tests/bench/smallfile
project=$(unique_domain bench)

attach() {
	local name=${1%%=*} dir=${1#*=}

	incus --project "$project" config device add -q c "$name" disk source="$dir" path="/$name" \
		shift=true 2>"$tmp/refused" ||
		printf 'refused %s %s\n' "$name" "$(tail -n 1 "$tmp/refused")" >&3
}

# The container's own /bin stays busybox: its links are looked for first only by those who ask so.
bring_programs() {
	incus --project "$project" config device add -q c usr disk source=/usr path=/usr readonly=true
	inside "$project" c ln -s usr/lib /lib
	inside "$project" c ln -s usr/lib64 /lib64
	command incus --project "$project" file push -q --mode 0755 "$smallfile" "c/bin/smallfile"
}

exec 3>&1 1>&2
start_incus
new_project "$project"
launch "$project" c
bring_programs
for pair; do attach "$pair"; done
printf 'ready %s %s %s c\n' "$INCUS_DIR" "$INCUS_CONF" "$project" >&3
exec 3>&-
cat >/dev/null
