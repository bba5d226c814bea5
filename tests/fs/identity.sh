#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# One worker serves everybody, and stays who it was last: what comes out of a request must not depend
# on whose was before it.

# shellcheck source=tests/fs/lib.sh
. "$(dirname "$0")/lib.sh"
need setpriv

native=$tmp/native base=$tmp/base mnt=$tmp/mnt
mkdir "$native" "$base" "$mnt"
chmod 711 "$tmp"
chmod 1777 "$native" "$base"
"$ANKLUME_FS" --plain "$base" "$mnt" --workers 1
on_exit umount "$mnt"

as() { setpriv --reuid "$1" --regid "$1" --clear-groups "${@:2}"; }

# Each is done in the directory $1, and leaves the worker as somebody.
before_open() { cat "$1/open" >/dev/null; }
before_write() { as 3000 sh -c "echo more >>'$1/writable'"; }
before_chown() { chown 0:4000 "$1/chowned"; }
before_setgid() { chmod 2755 "$1/chowned"; }
before_root() { rm -rf "$1/root" && (umask 0 && mkdir -m 777 "$1/root"); }
before_user() { as 3000 sh -c "umask 0; rm -f '$1/theirs'; : >'$1/theirs'"; }
before_truncate() { truncate -s 0 "$1/open" && echo text >"$1/open"; }
earlier=(open write chown setgid root user truncate)

# Each is done by somebody in the directory $1 on "it", a file of his.
after_make() { umask 027 && : >"$1/new"; }
after_mkdir() { umask 027 && mkdir "$1/new"; }
after_mkdir_in_setgid() { mkdir "$1/setgid/new" && mv "$1/setgid/new" "$1/new"; }
after_mkfifo() { mkfifo "$1/new"; }
after_symlink() { ln -s it "$1/new"; }
after_link() { ln "$1/it" "$1/new"; }
after_rename() { mv "$1/it" "$1/new"; }
after_unlink() { rm "$1/it"; }
after_chmod() { chmod 6755 "$1/it"; }
after_chgrp() { chmod 6755 "$1/it" && chgrp "$(id -g)" "$1/it"; }
after_truncate() { chmod 6755 "$1/it" && truncate -s 1 "$1/it"; }
after_write() { chmod 6755 "$1/it" && echo x >>"$1/it"; }
after_fallocate() { chmod 6755 "$1/it" && fallocate -l 4096 "$1/it"; }
after_remove_theirs() { rm -f "$1/sticky/file"; }
deeds=(make mkdir mkdir_in_setgid mkfifo symlink link rename unlink chmod chgrp truncate write
	fallocate remove_theirs)
export -f "${deeds[@]/#/after_}"

prepare() {
	mkdir -m 2777 "$1/setgid"
	mkdir -m 1777 "$1/sticky"
	echo text >"$1/open"
	: >"$1/chowned"
	install -m 666 /dev/null "$1/writable"
	chgrp 4000 "$1/setgid"
	install -m 644 /dev/null "$1/sticky/file"
}

# What somebody with the id $3 gets from $2 in the directory $1, after $4.
outcome() {
	local before=${4:-}

	rm -rf "$1/new" "$1/it"
	as "$3" sh -c "echo text >'$1/it'"
	[ -z "$before" ] || "before_$before" "$1"
	(as "$3" bash -c "after_$2 '$1'" 2>&1 || true) | sed "s|$1/||g"
	(cd "$1" && stat -c '%n %F %u:%g %a %h %s' it new sticky/file 2>&1) || true
}

test_what_comes_out_is_the_same_whoever_was_before() {
	local after before id want got

	prepare "$native"
	prepare "$base"
	for after in "${deeds[@]}"; do
		for id in 0 3000 5000; do
			want=$(outcome "$native" "$after" "$id")
			for before in "${earlier[@]}"; do
				got=$(outcome "$mnt" "$after" "$id" "$before")
				[ "$got" = "$want" ] || fail "$after by $id after $before:" \
					$'\n'"$got"$'\n'"native:"$'\n'"$want"
			done
		done
	done
}

# The fsuids of the daemon's threads that are not root's.
fsuids() { sed -n 's/^Uid:.*\t//p' "/proc/$(daemon_of "$base")/task"/*/status | grep -vx 0 || true; }

test_what_could_depend_on_it_is_done_at_rest() {
	before_open "$base"
	assert_eq "$(fsuids)" ""
	before_open "$mnt"
	assert_eq "$(fsuids)" 4294967294
	mv "$mnt/open" "$mnt/moved"
	assert_eq "$(fsuids)" ""
	mv "$mnt/moved" "$mnt/open"
}

run_tests
