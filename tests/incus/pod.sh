#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A machine that keeps everything: its volumes are filled from its own files, once, and outlive it.

# shellcheck source=tests/incus/lib.sh
. "$(dirname "$0")/lib.sh"
need incus fuse fsctl setfattr setfacl

domain=$(unique_domain pods)
pod=$domain-a
old=$domain-b

new_host pod <<-Y
	$pod: {persistent_data: universal}
	$old: {persistent_data: [etc, var, home]}
Y
data=$ANKLUME_BASE/$domain/$pod
volumes=(workspace home root etc usr-local opt var srv)

# An image whose files have all that a seed has to keep.
rich_image() {
	local top=$tmp/rich

	cp -a "$tmp/incus/image" "$top"
	mkdir -p "$top"/rootfs/{home/web,root,opt/tool,srv,usr/local/bin,usr/share,var/lib/app}
	echo "set up" >"$top/rootfs/etc/app.conf"
	ln "$top/rootfs/etc/app.conf" "$top/rootfs/etc/app.hard"
	echo shared >"$top/rootfs/usr/share/tool"
	ln "$top/rootfs/usr/share/tool" "$top/rootfs/usr/local/bin/tool"
	ln "$top/rootfs/usr/share/tool" "$top/rootfs/usr/local/bin/tool2"
	ln -s ../share/tool "$top/rootfs/usr/local/link"
	ln -s /etc/shadow "$top/rootfs/home/web/steal"
	echo mine >"$top/rootfs/home/web/file"
	chown -R 33:33 "$top/rootfs/home/web"
	chmod 700 "$top/rootfs/root"
	chmod 4755 "$top/rootfs/usr/local/bin/tool"
	mkfifo "$top/rootfs/var/lib/app/pipe"
	truncate -s 8M "$top/rootfs/var/lib/app/sparse"
	touch -d '2020-02-02 02:02:02' "$top/rootfs/etc/app.conf" "$top/rootfs/opt/tool"
	tar -C "$top" -cf "$top.tar" metadata.yaml rootfs
	incus image import -q "$top.tar" --alias rich
}
rich_image

in_pod() { inside "$domain" "$pod" "$@"; }
pod_verb() { assert_status 0 fsctl pod "$@"; }

# S2-5 S2-6: what an empty /etc would have hidden is there.
test_create_fills_the_volumes_and_starts() {
	assert_status 5 fsctl pod create "$pod"
	assert_file_has "$tmp/err" "name its image with --image"
	pod_verb create "$pod" --image rich
	assert_file_has "$tmp/out" "^Created: $domain/$pod \(instance\)"
	assert_eq "$(grep -c '^Seeded: ' "$tmp/out")" 8
	assert_file_has "$tmp/out" "^Seeded: $domain/$pod/workspace \(the instance has no such directory\)"
	assert_file_has "$tmp/out" "^Started: $domain/$pod"
	assert_eq "$(in_pod cat /etc/app.conf)" "set up"
	in_pod cat /proc/self/mountinfo >"$tmp/mounts"
	assert_eq "$(grep -cE ' /(workspace|home|root|etc|usr/local|opt|var|srv) .*idmapped' "$tmp/mounts")" 8
	fsctl catalog check >/dev/null
	assert_eq "$(find "$data" -mindepth 1 -maxdepth 1 -name '.*')" ""
}

# S2-6
test_a_seed_keeps_ids_links_modes_and_times() {
	assert_eq "$(in_pod stat -c %u:%g:%a /home/web/file)" 33:33:644
	assert_eq "$(stat -c %u:%g "$data/home/web/file")" 33:33
	assert_eq "$(stat -c %a "$data/root")" 700
	assert_eq "$(stat -c %u:%a "$data/usr-local/bin/tool")" 0:4755
	[ "$data/etc/app.conf" -ef "$data/etc/app.hard" ] || fail "hard links are two files"
	[ "$data/usr-local/bin/tool" -ef "$data/usr-local/bin/tool2" ] ||
		fail "hard links to a file elsewhere are two files"
	assert_eq "$(cat "$data/usr-local/bin/tool2")" shared
	assert_eq "$(readlink "$data/usr-local/link")" ../share/tool
	assert_eq "$(readlink "$data/home/web/steal")" /etc/shadow
	[ -p "$data/var/lib/app/pipe" ] || fail "no pipe"
	assert_eq "$(stat -c %s "$data/var/lib/app/sparse")" 8388608
	[ "$(stat -c %b "$data/var/lib/app/sparse")" -lt 64 ] || fail "holes were filled"
	assert_eq "$(date -r "$data/etc/app.conf" +%F)" 2020-02-02
	assert_eq "$(date -r "$data/opt/tool" +%F)" 2020-02-02
}

mark_all() {
	in_pod sh -c 'for d in workspace home root etc usr/local opt var srv; do
		echo kept >/$d/marker; done; rm /etc/app.hard'
}

assert_all_marked() {
	local v

	for v in "${volumes[@]}"; do
		assert_eq "$(cat "$data/$v/marker")" kept "$v"
	done
	assert_eq "$(in_pod cat /usr/local/marker /workspace/marker)" "kept"$'\n'"kept"
	! in_pod test -e /etc/app.hard || fail "the volume was seeded again"
}

# S2-7 S2-12 S2-15 S2-22
test_everything_survives_a_stop() {
	mark_all
	pod_verb stop "$pod" --force
	assert_eq "$(incus query "/1.0/instances/$pod?project=$domain" | jq -r .status)" Stopped
	pod_verb start "$pod"
	assert_all_marked
	in_pod sh -c 'echo changed >/etc/app.conf'
	pod_verb stop "$pod" --force
	pod_verb start "$pod"
	assert_eq "$(in_pod cat /etc/app.conf)" changed
}

# S2-8 S2-10 S2-13 S2-23 S2-24: packages do persist, in /usr/local and with their database.
test_everything_survives_a_removal() {
	local inodes

	in_pod sh -c 'mkdir -p /var/lib/dpkg && echo "Package: tool" >/var/lib/dpkg/status
		printf "#!/bin/sh\necho works\n" >/usr/local/bin/own && chmod 755 /usr/local/bin/own'
	inodes=$(in_pod stat -c %i /etc/marker /var/lib/dpkg/status)
	incus --project "$domain" delete -f "$pod"
	assert_status 5 fsctl pod start "$pod"
	pod_verb create "$pod" --image rich
	assert_eq "$(grep -c '^Seeded: ' "$tmp/out" || true)" 0
	assert_all_marked
	assert_eq "$(in_pod /usr/local/bin/own)" works
	assert_eq "$(in_pod cat /var/lib/dpkg/status)" "Package: tool"
	assert_eq "$(in_pod stat -c %i /etc/marker /var/lib/dpkg/status)" "$inodes" "inode numbers"
	pod_verb create "$pod"
	assert_file_has "$tmp/out" "Exists: $domain/$pod \(it runs\)"
}

# S2-13
test_check_warns_of_skew() {
	fsctl pod check "$pod" --json >"$tmp/check.json"
	assert_eq "$(jq -r '[.[].attached] | unique | join(",")' "$tmp/check.json")" yes
	assert_eq "$(jq -r '[.[].seeded] | unique | join(",")' "$tmp/check.json")" yes
	assert_eq "$(jq -r '.[] | select(.path == "/var") | .note' "$tmp/check.json")" \
		"the instance was made anew: what was installed into /usr since is gone"
}

# An emptied volume is the user's doing: never twice.
test_an_emptied_volume_is_not_seeded_again() {
	in_pod rm -rf /opt/tool /opt/marker
	incus --project "$domain" delete -f "$pod"
	pod_verb create "$pod" --image rich
	assert_eq "$(ls -A "$data/opt")" ""
	in_pod sh -c 'echo kept >/opt/marker'
}

# S2-6
test_devices_apply_does_not_hide_what_was_never_filled() {
	incus --project "$domain" launch -q rich "$old" 2>/dev/null
	assert_status 5 fsctl devices apply "$site/infra.yml" "$old"
	assert_file_has "$tmp/out" "pd-etc +seed +needs-seed"
	assert_eq "$(inside "$domain" "$old" cat /etc/app.conf)" "set up"
	assert_eq "$(incus query "/1.0/instances/$old?project=$domain" | jq '.devices | length')" 0
}

# S2-34
test_migrate_moves_what_an_instance_has_and_back() {
	local base=$ANKLUME_BASE/$domain/$old

	inside "$domain" "$old" sh -c 'echo lived >/var/lib/app/state; echo edited >/etc/app.conf'
	assert_status 5 fsctl pod create "$old"
	assert_file_has "$tmp/err" "runs without its volumes"
	assert_status 5 fsctl pod start "$old"
	pod_verb migrate "$old" --force
	assert_eq "$(cat "$base/var/lib/app/state" "$base/etc/app.conf")" "lived"$'\n'"edited"
	assert_eq "$(stat -c %u:%g "$base/home/web/file")" 33:33
	inside "$domain" "$old" sh -c 'echo later >/var/lib/app/state'
	assert_eq "$(cat "$base/var/lib/app/state")" later
	pod_verb migrate "$old" --undo --force
	assert_eq "$(inside "$domain" "$old" cat /var/lib/app/state)" lived
	assert_eq "$(incus query "/1.0/instances/$old?project=$domain" | jq '.devices | length')" 0
	pod_verb migrate "$old" --force
	assert_eq "$(inside "$domain" "$old" cat /var/lib/app/state)" later
	assert_status 0 fsctl devices apply "$site/infra.yml" "$old"
}

# S2-11
test_delete_keeps_the_data_in_the_trash() {
	assert_status 5 fsctl pod delete "$pod" --yes
	assert_file_has "$tmp/err" "is protected"
	in_pod true
	fsctl unprotect "$domain/$pod/*" >/dev/null
	fsctl hold audit "$domain/$pod/var" --reason test >/dev/null
	assert_status 5 fsctl pod delete "$pod" --yes
	assert_file_has "$tmp/err" "is on hold"
	in_pod true
	fsctl release audit "$domain/$pod/var" >/dev/null
	assert_status 5 fsctl pod delete "$pod"
	assert_file_has "$tmp/err" "no terminal to ask on"
	in_pod true
	pod_verb delete "$domain/$pod" --yes --force
	! incus query "/1.0/instances/$pod?project=$domain" >/dev/null 2>&1 || fail "it is there"
	assert_eq "$(fsctl trash ls --json | jq length)" 8
	assert_eq "$(find "$data" -mindepth 1 -maxdepth 1 -name '[a-z]*')" ""
	for v in "${volumes[@]}"; do
		fsctl volume undelete "$domain/$pod/$v" >/dev/null
	done
	pod_verb create "$pod" --image rich
	assert_eq "$(grep -c '^Seeded: ' "$tmp/out" || true)" 0
	assert_all_marked
}

run_tests
