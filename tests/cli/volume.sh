#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The verbs that make, copy, move and remove volumes, and the trash.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need getfattr setfattr setfacl python3

# A site whose machine lab/test, which is not protected, has data of every kind. No Incus: what the
# machine of the test has is none of ours.
volume_site() {
	new_cli_site "$1"
	export INCUS_SOCKET=$site/no-incus.sock
	run 0 apply -q
	scratch=$ANKLUME_BASE/lab/test/scratch
	fill "$scratch"
}

fill() {
	mkdir -p "$1/dir/sub"
	echo text >"$1/dir/file"
	ln "$1/dir/file" "$1/hard"
	ln -s /etc/passwd "$1/link"
	ln -s ../../../../../etc "$1/dir/away"
	mkfifo "$1/pipe"
	mknod "$1/null" c 1 3
	truncate -s 64M "$1/sparse"
	echo end | dd of="$1/sparse" bs=1M seek=32 conv=notrunc status=none
	chown -R 999:998 "$1/dir"
	chown -h 33:34 "$1/link"
	chmod 4751 "$1/dir/file"
	setfattr -n user.note -v value "$1/dir/file"
	setfattr -n trusted.deep -v thing "$1/dir/sub"
	setfattr -h -n trusted.link -v own "$1/link"
	setfacl -m u:1234:rwx,d:u:1234:rx "$1/dir/sub"
	printf 'new\nline' >"$1/dir/odd"$'\n'"name"
	touch -d '2020-02-02 02:02:02.123456789' "$1/dir/file" "$1/dir/sub"
}

unmount_below() { mounts_below "$1" | tac | xargs -r umount; }

flags_of() { json '.[0].flags' ls "$1"; }
trash_ids() { json '[.[].volume]' trash ls; }

test_create_makes_and_records_a_volume() {
	volume_site create
	run 0 volume create lab/test/more --path /more/ --ids 70:71 --mode 2750
	assert_eq "$out" 'Created: lab/test/more'
	assert_eq "$(stat -c %u:%g:%a "$ANKLUME_BASE/lab/test/more")" 70:71:2750
	assert_eq "$(json '[.path,.uid,.gid,.flags]' show more)" '["/more",70,71,["orphan"]]'
	run 0 volume create perso/home/more --path /more
	assert_eq "$(flags_of perso/home/more)" '["protected","orphan"]'
	run 0 catalog check
	run 5 volume create lab/test/more --path /elsewhere
	assert_match "$err" "there is a volume 'lab/test/more' already"
	run 4 volume create lab/nobody/more --path /more
	assert_match "$err" "no machine 'lab/nobody' is recorded"
	run 2 volume create lab/test/more2
	run 2 volume create lab/test/more2 --path relative
	run 2 volume create lab/test/more2 --path /
	run 2 volume create lab/test/../x --path /x
	run 2 volume create lab/test/UP --path /x
	run 2 volume create lab/test/more2 --path /x --ids 1
	run 2 volume create lab/test/more2 --path /x --mode 9
	run 2 volume create lab/test/more2 --path /x --grace 3d
	run 2 volume make lab/test/more2
	[ ! -e "$ANKLUME_BASE/lab/test/more2" ] || fail "a refused create made a directory"
}

# A spec that declares it later takes it over as it is.
test_a_created_volume_is_adopted_by_the_spec() {
	volume_site adopted
	run 0 volume create perso/home/docs --path /docs
	spec_text | sed 's|^          photos:|          docs: {path: /docs}\n&|' >infra.yml
	run 0 apply
	assert_match "$out" 'Adopted: perso/home/docs'
	assert_eq "$(flags_of perso/home/docs)" '["protected"]'
}

# Data that nobody recorded gets its record.
test_create_takes_a_directory_that_is_there() {
	volume_site there
	mkdir "$ANKLUME_BASE/lab/test/old"
	echo precious >"$ANKLUME_BASE/lab/test/old/file"
	run 0 volume create lab/test/old --path /old
	assert_eq "$out" 'Created: lab/test/old (directory was there)'
	assert_eq "$(cat "$ANKLUME_BASE/lab/test/old/file")" precious
}

test_a_copy_is_the_same_in_all_things() {
	volume_site copy
	run 0 volume copy scratch lab/test/twin --path /twin
	assert_match "$out" 'Copied: lab/test/scratch \(to lab/test/twin: 10 entries'
	assert_same_tree "$scratch" "$ANKLUME_BASE/lab/test/twin"
	assert_eq "$(getfacl -cnp "$ANKLUME_BASE/lab/test/twin/dir/sub")" \
		"$(getfacl -cnp "$scratch/dir/sub")"
	assert_eq "$(stat -c %y "$ANKLUME_BASE/lab/test/twin/dir/file")" \
		"$(stat -c %y "$scratch/dir/file")" "time"
	[ "$ANKLUME_BASE/lab/test/twin/dir/file" -ef "$ANKLUME_BASE/lab/test/twin/hard" ] ||
		fail "hard links are two files"
	[ ! "$scratch/hard" -ef "$ANKLUME_BASE/lab/test/twin/hard" ] || fail "it is no copy"
	[ "$(stat -c %b "$ANKLUME_BASE/lab/test/twin/sparse")" -le "$(stat -c %b "$scratch/sparse")" ] ||
		fail "holes were filled"
	getfattr -h --absolute-names --only-values -n trusted.link "$ANKLUME_BASE/lab/test/twin/link" |
		grep -qx own || fail "the link lost its attribute"
	assert_eq "$(getfattr -h --absolute-names -m trusted.anklume "$ANKLUME_BASE/lab/test/twin" | grep -c '^trusted')" 1
	assert_eq "$(json '[.path,.flags]' show twin)" '["/twin",["orphan"]]'
	run 0 catalog check
}

# Whatever lies in the base, a copy holds what the tree holds, and never what a link leads to.
test_a_copy_never_follows_a_link_out() {
	volume_site away
	echo secret >"$site/secret"
	ln -s "$site/secret" "$scratch/steal"
	ln -s "$site" "$scratch/steal-dir"
	run 0 volume copy scratch lab/test/twin
	[ -L "$ANKLUME_BASE/lab/test/twin/steal" ] || fail "the link became a file"
	[ -L "$ANKLUME_BASE/lab/test/twin/steal-dir" ] || fail "the link became a directory"
	assert_same_tree "$scratch" "$ANKLUME_BASE/lab/test/twin"
}

test_links_planted_in_the_base_are_errors() {
	volume_site planted
	run 0 volume create lab/test/more --path /more
	mkdir "$site/outside"
	ln -s "$site/outside" "$ANKLUME_BASE/lab/test/.trash"
	run 1 volume rm lab/test/scratch --yes
	assert_match "$err" "cannot move 'lab/test/scratch' into the trash"
	assert_eq "$(ls -A "$site/outside")" ""
	run 0 show scratch
	rm "$ANKLUME_BASE/lab/test/.trash"
	ln -s "$site/outside" "$ANKLUME_BASE/lab/test/.part-twin"
	run 1 volume copy scratch lab/test/twin
	assert_eq "$(ls -A "$site/outside")" ""
	mv "$ANKLUME_BASE/lab/test" "$site/outside/test"
	ln -s "$site/outside/test" "$ANKLUME_BASE/lab/test"
	run 1 volume create lab/test/evil --path /evil
	run 1 volume rm lab/test/more --yes
	run 1 volume rename more less
	[ -d "$site/outside/test/more" ] || fail "a directory behind a symlink moved"
}

test_a_copy_into_a_full_disk_leaves_nothing() {
	local free

	need_loop
	volume_site full
	head -c 8M /dev/urandom >"$scratch/big"
	truncate -s 24M "$site/image"
	mkfs.ext4 -q -m 0 "$site/image"
	mount -o loop "$site/image" "$ANKLUME_BASE/perso"
	on_exit umount "$ANKLUME_BASE/perso"
	mkdir -p "$ANKLUME_BASE/perso/home/photos"
	free=$(df --output=avail -k "$ANKLUME_BASE/perso" | tail -n 1)
	dd if=/dev/zero of="$ANKLUME_BASE/perso/ballast" bs=1K count=$((free - 3072)) status=none
	run 1 volume copy scratch perso/home/twin
	assert_match "$err" "volume 'lab/test/scratch' was not copied: .*'big'.*No space left"
	assert_eq "$(ls -A "$ANKLUME_BASE/perso/home")" photos
	run 4 show twin
	rm "$ANKLUME_BASE/perso/ballast"
	run 0 volume copy scratch perso/home/twin
	assert_same_tree "$scratch" "$ANKLUME_BASE/perso/home/twin"
	run 1 volume rename twin lab/test/twin
	assert_match "$err" "different disks"
	run 0 unprotect twin
	run 0 volume rm perso/home/twin --yes
	run 0 volume undelete twin
	assert_same_tree "$scratch" "$ANKLUME_BASE/perso/home/twin"
}

test_a_copy_shares_blocks_where_the_filesystem_can() {
	local before after

	need_loop
	command -v mkfs.xfs >/dev/null || fail "no mkfs.xfs"
	new_cli_site reflink
	export INCUS_SOCKET=$site/no-incus.sock
	truncate -s 400M "$site/image"
	mkfs.xfs -q -m reflink=1 "$site/image"
	mount -o loop "$site/image" "$ANKLUME_BASE"
	on_exit umount "$ANKLUME_BASE"
	run 0 apply -q
	head -c 32M /dev/urandom >"$ANKLUME_BASE/lab/test/scratch/big"
	sync
	before=$(df --output=used -k "$ANKLUME_BASE" | tail -n 1)
	run 0 volume copy scratch lab/test/twin
	assert_match "$out" '0 B copied, 1 shared'
	sync
	after=$(df --output=used -k "$ANKLUME_BASE" | tail -n 1)
	[ $((after - before)) -lt 4096 ] || fail "the copy took $((after - before)) KiB"
	cmp "$ANKLUME_BASE/lab/test/scratch/big" "$ANKLUME_BASE/lab/test/twin/big"
}

test_rename_keeps_record_and_data() {
	local before

	volume_site rename
	run 0 hold audit scratch --reason kept
	before=$(tree_hash --inodes "$scratch")
	run 0 volume rename scratch other
	assert_eq "$out" \
		'Renamed: lab/test/scratch (to lab/test/other; rename it in the spec before the next apply)'
	assert_eq "$(tree_hash --inodes "$ANKLUME_BASE/lab/test/other")" "$before"
	assert_eq "$(json '.holds[0].tag' show other)" '"audit"'
	run 0 volume rename other perso/home/other
	assert_eq "$(tree_hash --inodes "$ANKLUME_BASE/perso/home/other")" "$before"
	assert_eq "$(json '.owner' show other)" '"perso/home"'
	run 0 catalog check
	run 5 volume rename other photos
	assert_match "$err" "there is a volume 'perso/home/photos' already"
	mkdir "$ANKLUME_BASE/perso/home/taken"
	run 1 volume rename other taken
	assert_match "$err" "there is a directory 'perso/home/taken' in the base"
	run 4 volume rename other perso/nobody/x
	run 2 volume rename other 'Bad Name'
	assert_eq "$(tree_hash --inodes "$ANKLUME_BASE/perso/home/other")" "$before"
	run 0 catalog check
}

test_rm_refuses_what_is_protected_frozen_or_held() {
	volume_site refuse
	run 5 volume rm pro/pro-dev/db --yes
	assert_match "$err" "volume 'pro/pro-dev/db' is protected"
	assert_match "$err" "see 'anklume-fsctl unprotect pro/pro-dev/db'"
	run 0 readonly on scratch
	run 5 volume rm lab/test/scratch --yes
	assert_match "$err" "is read-only"
	run 0 readonly off scratch
	run 0 hold audit scratch --reason kept
	run 5 volume rm lab/test/scratch --yes
	assert_match "$err" "is on hold"
	run 0 protect scratch
	run 5 volume rm lab/test/scratch --yes
	assert_match "$err" "is on hold and protected"
	[ -d "$scratch/dir" ] || fail "it is gone"
	assert_eq "$(trash_ids)" '[]'
}

# S2-11
test_rm_asks_for_the_full_name() {
	volume_site asks
	run 5 volume rm scratch
	assert_match "$err" "no terminal to ask on"
	run 5 volume rm scratch --yes
	assert_match "$err" "--yes takes full names only: write 'lab/test/scratch'"
	on_terminal 5 scratch volume rm scratch
	on_terminal 5 yes volume rm scratch
	[ -d "$scratch/dir" ] || fail "it is gone"
	on_terminal 0 lab/test/scratch volume rm scratch
	[ ! -e "$scratch" ] || fail "it is there"
}

# on_terminal CODE ANSWER VERB...: type ANSWER on a terminal.
on_terminal() {
	local want=$1 answer=$2

	shift 2
	assert_status "$want" "$tests_dir/lib/on_terminal.py" "$answer" "$ANKLUME_FSCTL" "$@"
}

# S2-11 S3-25
test_what_was_removed_comes_back_as_it_was() {
	local before number

	volume_site undelete
	run 0 owner scratch --ids 5:6
	before=$(tree_hash --inodes "$scratch")
	number=$(sqlite_id lab/test/scratch)
	run 0 volume rm lab/test/scratch --yes --grace 30d
	assert_match "$out" '^Removed: lab/test/scratch \(in the trash until 20'
	run 4 show scratch
	[ ! -e "$scratch" ] || fail "it is there"
	assert_eq "$(json '.[0] | [.state, .entries]' trash ls)" '["kept",10]'
	run 0 orphans
	assert_eq "$out" ""
	run 0 catalog check
	run 0 trash empty
	assert_eq "$out" 'Nothing in the trash is due.'
	run 0 volume rm lab/test/scratch --yes
	assert_eq "$out" 'Unchanged: lab/test/scratch (in the trash already)'

	run 0 volume undelete scratch
	assert_eq "$out" 'Restored: lab/test/scratch'
	assert_eq "$(tree_hash --inodes "$scratch")" "$before"
	assert_eq "$(sqlite_id lab/test/scratch)" "$number" "row id"
	assert_eq "$(json '[.uid,.gid]' show scratch)" '[5,6]'
	run 0 catalog check
	assert_eq "$(trash_ids)" '[]'
	run 4 volume undelete scratch
}

# The number that the daemon makes inode numbers of, out of the mark.
sqlite_id() { mark_of "$ANKLUME_BASE/$1" | sed 's/^[^{]*//' | jq .volume.id; }

test_a_volume_comes_back_under_another_name() {
	volume_site rename-back
	run 0 volume rm lab/test/scratch --yes
	run 0 apply
	assert_match "$out" 'Created: lab/test/scratch'
	run 5 volume undelete scratch
	assert_match "$err" "there is a volume 'lab/test/scratch' already"
	run 0 volume rm lab/test/scratch --yes
	run 4 volume undelete scratch
	assert_match "$err" "ambiguous in the trash:"
	run 0 volume undelete "$(trash_ids | jq -r '.[0]')" perso/home/found
	assert_eq "$(cat "$ANKLUME_BASE/perso/home/found/dir/file")" text
	assert_eq "$(json .owner show found)" '"perso/home"'
	run 0 volume undelete scratch
	run 0 catalog check
}

test_the_trash_outlives_a_lost_catalogue() {
	volume_site lost
	run 0 volume rm lab/test/scratch --yes
	rm "$ANKLUME_CATALOG"
	run 0 catalog rebuild
	run 0 volume undelete scratch
	assert_eq "$(cat "$scratch/dir/file")" text
	run 0 catalog check
}

# S3-25
test_the_trash_lets_go_what_is_due() {
	local entry

	volume_site due
	run 0 volume rm lab/test/scratch --yes
	run 0 volume create lab/test/more --path /more
	run 0 volume rm lab/test/more --yes
	# The grace of one of them is over.
	entry=$(cd "$ANKLUME_BASE/lab/test/.trash" && ls -d scratch.*)
	mv "$ANKLUME_BASE/lab/test/.trash/$entry" \
		"$ANKLUME_BASE/lab/test/.trash/scratch.20200101T000000Z.20200115T000000Z"
	assert_eq "$(json '[.[].state]' trash ls)" '["kept","due"]'
	chattr +i "$ANKLUME_BASE/lab/test/.trash"/scratch.*/dir/file 2>/dev/null || true
	run 0 trash empty --dry-run
	assert_match "$out" 'Would be removed: lab/test/scratch@20200101T000000Z \(for good\)'
	assert_eq "$(json '[.[].state]' trash ls)" '["kept","due"]'
	run 0 trash empty
	assert_eq "$out" 'Removed: lab/test/scratch@20200101T000000Z (for good)'
	assert_eq "$(json '[.[].state]' trash ls)" '["kept"]'
	run 0 audit lab/test/scratch@20200101T000000Z
	assert_match "$out" trash.remove

	run 5 trash empty --all
	run 5 trash empty "$(trash_ids | jq -r '.[0]')"
	run 4 trash empty lab/test/more
	assert_eq "$(json '[.[].state]' trash ls)" '["kept"]'
	run 0 trash empty --yes "$(trash_ids | jq -r '.[0]')"
	assert_eq "$(trash_ids)" '[]'
	assert_eq "$(ls -A "$ANKLUME_BASE/lab/test/.trash")" ""
}

# Deeper than any path can be long, and than there are descriptors.
test_a_tree_without_a_bottom_can_be_removed() {
	volume_site deep
	python3 - "$scratch" <<-'PY'
		import os, sys
		os.chdir(sys.argv[1])
		for i in range(3000):
		    os.mkdir("directory")
		    os.chdir("directory")
		open("bottom", "w").close()
	PY
	run 0 volume rm lab/test/scratch --yes
	run 0 trash empty --all --yes
	assert_eq "$(ls -A "$ANKLUME_BASE/lab/test/.trash")" ""
}

test_nothing_that_is_mounted_is_removed() {
	local entry

	volume_site mounted
	mkdir "$site/other" "$scratch/mnt"
	echo mine >"$site/other/file"
	run 0 volume rm lab/test/scratch --yes
	entry=$(echo "$ANKLUME_BASE"/lab/test/.trash/*)
	mount --bind "$site/other" "$entry/mnt"
	on_exit unmount_below "$ANKLUME_BASE"
	run 1 trash empty --all --yes
	assert_match "$err" "'mnt'"
	assert_eq "$(cat "$site/other/file")" mine
	assert_eq "$(json '.[0].state' trash ls)" '"going"'
	umount "$ANKLUME_BASE"/lab/test/.trash/.going-*/mnt
	run 4 volume undelete scratch
	run 0 trash empty
	assert_eq "$(trash_ids)" '[]'
}

# S3-25: nobody looks at a timer's run every day, so what one entry has in the way is no other's.
test_an_entry_that_cannot_go_does_not_keep_the_others() {
	local trash

	volume_site blocked
	trash=$ANKLUME_BASE/lab/test/.trash
	mkdir "$site/other" "$scratch/mnt" "$ANKLUME_BASE/lab/test/.part-half"
	touch "$ANKLUME_BASE/lab/test/.part-half/file"
	run 0 volume rm lab/test/scratch --yes
	run 0 volume create lab/test/z --path /z
	run 0 volume rm lab/test/z --yes
	mv "$trash"/scratch.* "$trash/scratch.20200101T000000Z.20200115T000000Z"
	mv "$trash"/z.* "$trash/z.20200101T000000Z.20200115T000000Z"
	mount --bind "$site/other" "$trash/scratch.20200101T000000Z.20200115T000000Z/mnt"
	on_exit unmount_below "$ANKLUME_BASE"
	run 1 trash empty
	assert_match "$err" '1 could not be removed and stays:'
	assert_match "$err" "lab/test/scratch@20200101T000000Z: '.*'mnt': Device or resource busy"
	assert_match "$out" 'Removed: lab/test/z@20200101T000000Z \(for good\)'
	assert_match "$out" 'Removed: lab/test/half \(an unfinished copy\)'
	assert_eq "$(json '[.[] | [.volume, .state]]' trash ls)" '[["lab/test/scratch@20200101T000000Z","going"]]'
	run 0 audit lab/test/z@20200101T000000Z
	assert_match "$out" trash.remove
	umount "$trash"/.going-*/mnt
	run 0 trash empty
	assert_eq "$(ls -A "$trash")" ""
}

# S3-25
test_orphans_show_age_and_size() {
	volume_site orphans
	spec_text | sed '/^          scratch:/,/^            path:/d; s|^        persistent_data:$|&|' |
		sed '/^  lab:/,$d' >infra.yml
	run 0 apply
	mkdir -p "$ANKLUME_BASE/lab/test/undeclared"
	head -c 100000 /dev/zero >"$ANKLUME_BASE/lab/test/undeclared/file"
	touch -d '2021-03-04' "$ANKLUME_BASE/lab/test/undeclared/file" "$ANKLUME_BASE/lab/test/undeclared"
	assert_eq "$(json '.[] | select(.name == "lab/test/undeclared") | [.kind, .newest[:10], (.size_bytes >= 100000)]' orphans)" \
		'["undeclared","2021-03-04",true]'
	assert_eq "$(json '.[] | select(.name == "lab/test/scratch") | [.kind, (.size_bytes > 0), (.since != null)]' orphans)" \
		'["orphan",true,true]'
}

test_an_incus_that_does_not_answer_stops_a_removal() {
	volume_site silent
	python3 -c 'import socket, sys; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1])' \
		"$site/dead.sock"
	INCUS_SOCKET=$site/dead.sock run 1 volume rm lab/test/scratch --yes
	assert_match "$err" "cannot tell whether volume 'lab/test/scratch' is attached"
	[ -d "$scratch" ] || fail "it is gone"
}

test_a_dry_run_changes_nothing() {
	local before

	volume_site dry
	before=$(tree_hash --inodes "$ANKLUME_BASE"; fsctl ls --json; fsctl audit)
	run 0 volume create lab/test/more --path /more --dry-run
	run 0 volume copy scratch lab/test/twin --dry-run
	run 0 volume rename scratch other --dry-run
	run 0 volume rm lab/test/scratch --yes --dry-run
	assert_match "$out" 'Would be removed: lab/test/scratch'
	assert_eq "$(tree_hash --inodes "$ANKLUME_BASE"; fsctl ls --json; fsctl audit)" "$before"
}

run_tests
