#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Volumes of storage pools are copied into the base, with what their containers see, and stay.

# shellcheck source=tests/incus/lib.sh
. "$(dirname "$0")/lib.sh"
need incus fuse fsctl setfattr setfacl getfacl getfattr setcap getcap

domain=$(unique_domain adopt)
box=$domain-a

new_host adopt <<-Y
	$box:
	  persistent_data:
	    data: {path: /data}
	    shifted: {path: /shifted}
	    fresh: {path: /fresh}
	    killed: {path: /killed}
	    frozen: {path: /frozen, readonly: true}
	    full: {path: /full}
	    attached: {path: /attached}
	    spare: {path: /spare}
Y
new_project "$domain-other"
incus storage create -q second dir
data=$ANKLUME_BASE/$domain/$box

pool_volume() { incus --project "$domain" storage volume "$@"; }
disk_of() { echo "$INCUS_DIR/storage-pools/${2:-default}/custom/${domain}_$1"; }
backups_of() {
	incus query "/1.0/storage-pools/default/volumes/custom/$1/backups?project=$domain" | jq length
}
adopt() { assert_status "$1" fsctl volume adopt "${@:2}"; }

# What a container does to the volume at DIR, and what its tools cannot: done from the host, with the
# ids of the disk, which are SHIFT away.
populate() {
	local name=$1 dir=$2 shift=$3 disk

	disk=$(disk_of "$name")
	inside "$domain" "$box" sh -c "cd $dir && umask 022 && echo precious >file &&
		chown 33:44 file && ln file hard && mkdir -p dir/deep && echo leaf >dir/leaf && chmod 2750 dir &&
		chown 999:998 dir dir/deep && chown 33:33 . && chmod 1770 . && ln -s /etc/shadow link &&
		mkfifo pipe 2>/dev/null || mknod pipe p; truncate -s 8M sparse &&
		touch empty && cp /bin/busybox tool"
	setfattr -n user.note -v 'kept' "$disk/file"
	setfacl -m "u:$((shift + 77)):rw" -m "g:$((shift + 88)):r" "$disk/file"
	setfacl -d -m "u:$((shift + 77)):rwx" "$disk/dir"
	if [ "$shift" = 0 ]; then
		setcap cap_net_raw+ep "$disk/tool"
	else
		setcap -n "$shift" cap_net_raw+ep "$disk/tool"
	fi
	# Incus' export rounds times to seconds.
	find "$disk" -depth -exec touch -hd '2020-02-02 02:02:02' {} +
}

start_box() { [ -n "$(box_pid)" ] || incus --project "$domain" start -q "$box"; }
stop_box() { [ -z "$(box_pid)" ] || incus --project "$domain" stop -qf "$box"; }
box_pid() { instance_pid "$domain" "$box" | grep -vx 0 || true; }

# tree_of DIR [COMMAND...]: modes with types, ids, link counts (of files: btrfs counts no
# subdirectories), sizes, times, link targets and data, as they are seen by COMMAND.
tree_of() {
	local dir=$1

	shift
	"$@" sh -c 'cd "$1" && find . | sort | while read -r f; do
		stat -c "%n %f %u:%g %Y" "$f"
		[ -d "$f" ] || stat -c %h "$f"
		if [ -L "$f" ]; then ls -l "$f" | sed "s/.*-> //"
		elif [ -f "$f" ]; then stat -c %s "$f"; sha256sum <"$f"; fi
	done' sh "$dir"
}

# S0-33: ids, attributes, ACLs, capabilities, hard links and holes.
assert_adopted() {
	local v=$data/$1

	diff -u "$tmp/inside" <(tree_of "$v") || fail "'$1' is not what the container saw"
	assert_eq "$(stat -c %u:%g:%a "$v")" 33:33:1770
	assert_eq "$(stat -c %u:%g:%h "$v/file")" 33:44:2
	[ "$v/file" -ef "$v/hard" ] || fail "hard links are two files"
	assert_eq "$(stat -c %u:%g:%a "$v/dir")" 999:998:2750
	assert_eq "$(getfattr --absolute-names --only-values -n user.note "$v/file")" kept
	assert_eq "$(getfacl -cpn "$v/file" | grep -E '^(user|group):[0-9]' | xargs)" \
		"user:77:rw- group:88:r--"
	assert_eq "$(getfacl -cpn "$v/dir" | grep -E '^default:user:[0-9]')" "default:user:77:rwx"
	assert_eq "$(getfacl -cpn "$v/dir/deep" "$v/dir/leaf" | grep -c ':77:' || true)" 0 \
		"what a default ACL gave to files that did not have it"
	assert_match "$(getcap -n "$v/tool")" 'cap_net_raw[+=]ep$'
	assert_eq "$(stat -c %s "$v/sparse")" 8388608
	[ "$(stat -c %b "$v/sparse")" -lt 64 ] || fail "holes were filled"
	! getfattr -n trusted.anklume.from --absolute-names "$v" >/dev/null 2>&1 || fail "the sign of a copy is left"
	assert_eq "$(find "$data" -mindepth 1 -maxdepth 1 -name '.*')" ""
}

# adopt_one NAME DEVICE-PATH SHIFT CONFIG...: attached, filled, adopted into the volume of that name.
adopt_one() {
	local name=$1 path=/mnt/$1 shift=$2 generation

	pool_volume create -q default "$name" "${@:3}"
	start_box
	pool_volume attach default "$name" "$box" "$name" "$path"
	populate "$name" "$path" "$shift"
	assert_eq "$(stat -c %u "$(disk_of "$name")/file")" $((shift + 33)) "the id on the disk"
	tree_of "$path" inside "$domain" "$box" >"$tmp/inside"
	find "$(disk_of "$name")" -printf '%P %U:%G %m %n %s %T@\n' | sort >"$tmp/pool"

	adopt 5 "$domain/default/$name" "$domain/$box/$name"
	assert_file_has "$tmp/err" "is in use by $domain/$box:"
	stop_box
	generation=$(fsctl status --json | jq .generation)
	adopt 0 "$domain/default/$name" "$domain/$box/$name" --dry-run
	assert_file_has "$tmp/out" "^Would be adopted: $domain/$box/$name"
	assert_eq "$(find "$data/$name" -mindepth 1)" ""
	adopt 0 "$domain/default/$name" "$domain/$box/$name" --json
	assert_eq "$(jq -c '[.changed, .dry_run, .daemon, .volumes[0].action]' "$tmp/out")" \
		'[true,false,"in force","adopted"]'
	assert_file_has "$tmp/err" "incus --project $domain storage volume delete default $name"
	assert_adopted "$name"

	# The mount shows it, the record, its mark and the trail agree, the pool's is as it was.
	assert_eq "$(cat "$ANKLUME_MOUNT/$domain/$box/$name/file")" precious
	[ "$(fsctl status --json | jq .generation)" != "$generation" ] || fail "nothing was told"
	fsctl catalog check >/dev/null
	fsctl audit --json >"$tmp/audit"
	assert_eq "$(jq -r '.[-1] | [.action, .object, .detail] | join(" ")' "$tmp/audit")" \
		"volume.adopt $domain/$box/$name $domain/default/$name"
	find "$(disk_of "$name")" -printf '%P %U:%G %m %n %s %T@\n' | sort | cmp "$tmp/pool" -
	assert_eq "$(backups_of "$name")" 0
	adopt 5 "$domain/default/$name" "$domain/$box/$name"
	assert_file_has "$tmp/err" "volume '$domain/$box/$name' has data already"
}

launch "$domain" "$box"
host_id=$(incus query "/1.0/instances/$box?project=$domain" |
	jq -r '.config["volatile.idmap.current"] | fromjson | .[0].Hostid')

# S0-33: Incus has shifted the ids on the disk, and exports them so.
test_a_volume_has_the_ids_that_its_container_sees() { adopt_one data "$host_id"; }

# S0-33: here the disk has them as they are.
test_a_shifted_volume_has_its_ids_on_the_disk() { adopt_one shifted 0 security.shifted=true; }

# S0-33
test_the_adopted_data_is_used_by_the_instance() {
	incus --project "$domain" config device remove "$box" data >/dev/null
	incus --project "$domain" config device remove "$box" shifted >/dev/null
	start_box
	fsctl devices apply "$site/infra.yml" "$box" >/dev/null
	assert_eq "$(inside "$domain" "$box" cat /data/file)" precious
	assert_eq "$(inside "$domain" "$box" stat -c %u:%g /data/file)" 33:44
	inside_as 33 "$domain" "$box" sh -c 'echo more >>/data/file'
	stop_box
	while read -r device; do
		incus --project "$domain" config device remove "$box" "$device" >/dev/null
	done < <(incus --project "$domain" config device list "$box")
}

# S0-33: never attached, empty.
test_a_volume_that_was_never_attached() {
	pool_volume create -q default fresh
	adopt 0 fresh "$domain/$box/fresh"
	assert_eq "$(find "$data/fresh" -mindepth 1)" ""
	fsctl catalog check >/dev/null
}

# S0-33: each reason at once, and nothing is changed.
test_refusals_say_everything_at_once() {
	echo mine >"$ANKLUME_MOUNT/$domain/$box/full/mine"
	pool_volume create -q default image --type block size=1MiB
	adopt 5 image "$domain/$box/full"
	assert_file_has "$tmp/err" "'$domain/default/image' of a pool is a disk image"
	assert_file_has "$tmp/err" "volume '$domain/$box/full' has data already"
	adopt 5 image "$domain/$box/frozen"
	assert_file_has "$tmp/err" "is a disk image"
	assert_file_has "$tmp/err" "'anklume-fsctl readonly off $domain/$box/frozen'"
	adopt 4 nothing "$domain/$box/none"
	assert_file_has "$tmp/err" "no storage pool has a custom volume 'nothing'"
	assert_file_has "$tmp/err" "$domain/$box/none"
	incus --project "$domain" config device add "$box" pd-attached disk \
		source="$ANKLUME_MOUNT/$domain/$box/attached" path=/attached shift=true >/dev/null
	adopt 5 fresh "$domain/$box/attached"
	assert_file_has "$tmp/err" "is attached to $domain/$box \(pd-attached\)"
	incus --project "$domain" config device remove "$box" pd-attached >/dev/null
	fsctl volume create "$domain/$box/stray" --path /stray >/dev/null
	adopt 5 fresh "$domain/$box/stray"
	assert_file_has "$tmp/err" "no spec declares volume '$domain/$box/stray'"
	adopt 2 fresh
	adopt 2 fresh "$domain/$box/spare" --yes
	assert_eq "$(cat "$data/full/mine")" mine
	assert_eq "$(backups_of fresh)" 0
	assert_status 1 env INCUS_DIR="$tmp/nowhere" "$ANKLUME_FSCTL" volume adopt x "$domain/$box/spare"
	assert_file_has "$tmp/err" "cannot connect to Incus"
}

# S0-33: a name that several pools or projects have.
test_a_name_of_several_is_an_error() {
	pool_volume create -q default twin
	pool_volume create -q second twin
	incus --project "$domain-other" storage volume create -q second twin
	adopt 4 twin "$domain/$box/spare"
	assert_file_has "$tmp/err" "'twin' is several volumes of pools:"
	assert_file_has "$tmp/err" "^  $domain/default/twin"
	assert_file_has "$tmp/err" "^  $domain-other/second/twin"
	adopt 4 second/twin "$domain/$box/spare"
	adopt 0 default/twin "$domain/$box/spare" --dry-run
	assert_file_has "$tmp/out" "a copy of volume $domain/default/twin"
	adopt 0 "$domain-other/second/twin" "$domain/$box/spare" --dry-run
}

# S0-33: what the host's root put there has no owner in the container; nothing is kept half.
test_an_owner_outside_of_the_map_is_an_error() {
	pool_volume create -q default odd
	start_box
	pool_volume attach default odd "$box" odd /mnt/odd
	inside "$domain" "$box" touch /mnt/odd/first
	stop_box
	echo host >"$(disk_of odd)/hosts"
	adopt 1 odd "$domain/$box/spare"
	assert_file_has "$tmp/err" "'hosts' belongs to 0:0 on the disk"
	assert_eq "$(find "$data/spare" -mindepth 1)" ""
	assert_eq "$(find "$data" -mindepth 1 -maxdepth 1 -name '.*')" ""
	assert_eq "$(backups_of odd)" 0
}

# left_over NAME: a backup that somebody made.
left_over() {
	incus query -X POST --wait \
		"/1.0/storage-pools/default/volumes/custom/killed/backups?project=$domain" \
		-d "{\"name\": \"$1\", \"volume_only\": true, \"compression_algorithm\": \"none\"}" >/dev/null
}

# The volume is empty, or has all of it.
assert_whole_or_untouched() {
	local n

	n=$(find "$data/killed" -mindepth 1 | wc -l)
	[ "$n" = 0 ] || [ "$n" = 3 ] || fail "kill $step: $n of 3 files"
}

again() {
	if [ -e "$data/killed" ]; then
		fsctl unprotect "$domain/$box/killed" -q
		fsctl volume rm "$domain/$box/killed" --yes -q
	fi
	fsctl trash empty --all --yes -q
	fsctl apply "$site/infra.yml" -q
}

# S0-33: killed in front of calls evenly over the run; KILL_STRIDE=1 for all.
test_a_killed_adoption_is_ended_by_the_next() {
	local stride=${KILL_STRIDE:-9} n=0 status disk

	"$KILLAT" 1000000 true 2>/dev/null || skip ptrace "no ptrace here"
	pool_volume create -q default killed security.shifted=true
	disk=$(disk_of killed)
	echo one >"$disk/one"
	mkdir "$disk/dir"
	echo two >"$disk/dir/two"
	chown 5:6 "$disk/one"
	left_over users-own
	left_over "anklume-$$-1" # of a process that lives
	left_over "anklume-$(sh -c 'echo $$')-1"
	for ((step = 5; step < 5000; step += stride)); do
		again
		status=0
		"$KILLAT" "$step" "$ANKLUME_FSCTL" volume adopt killed "$domain/$box/killed" \
			>"$tmp/out" 2>"$tmp/err" || status=$?
		[ "$status" = 137 ] || [ "$status" = 0 ] || fail "kill $step: $status, $(cat "$tmp/err")"
		assert_whole_or_untouched
		if [ "$status" = 137 ]; then
			fsctl volume adopt killed "$domain/$box/killed" >"$tmp/out" 2>"$tmp/err" ||
				grep -q 'has data already' "$tmp/err" || fail "kill $step: $(cat "$tmp/err")"
			n=$((n + 1))
		fi
		assert_eq "$(cat "$data/killed/dir/two")" two "kill $step"
		assert_eq "$(stat -c %u:%g "$data/killed/one")" 5:6 "kill $step"
		fsctl catalog check >"$tmp/check" || fail "kill $step: $(cat "$tmp/check")"
		assert_eq "$(find "$data" -mindepth 1 -maxdepth 1 -name '.part*')" "" "kill $step: left over"
		[ "$status" = 137 ] || break
	done
	[ "$n" -ge 5 ] || fail "it was killed at $n steps only"
	assert_eq "$(backups_of killed)" 2 "backups besides those of others"
	note "killed at $n of about $step steps"
}

run_tests
