#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The policy table through a real mount, for a caller who is not the owner: root on the host.

# shellcheck source=tests/fs/lib.sh
. "$(dirname "$0")/lib.sh"


# NAME | plain readonly protected held | operation (see fsop.c)
# % is a directory of the row's own in the volume, ^ a prefix at the volume's top, @ another volume.
# The kernel's FUSE refuses to insert or collapse a range before it asks anybody.
# DC-3 DC-4
table='
stat                       | OK  OK    OK    OK    | stat %/file
read                       | OK  OK    OK    OK    | read %/file
open for reading           | OK  OK    OK    OK    | openas %/file rdonly
list                       | OK  OK    OK    OK    | openas % rdonly,dir
statfs                     | OK  OK    OK    OK    | statfs %
fsync                      | OK  OK    OK    OK    | fsync %/file
create                     | OK  EROFS OK    OK    | create %/new
create without O_EXCL      | OK  EROFS OK    OK    | openas %/new wronly,creat
mkdir                      | OK  EROFS OK    OK    | mkdir %/new
mknod                      | OK  EROFS OK    OK    | mknod %/new
mkfifo                     | OK  EROFS OK    OK    | mkfifo %/new
symlink                    | OK  EROFS OK    OK    | symlink target %/new
link                       | OK  EROFS OK    OK    | link %/file %/new
O_TMPFILE, then a name     | OK  EROFS OK    OK    | tmpfile-link % %/new
open for writing           | OK  EROFS OK    OK    | openas %/file wronly
open for both              | OK  EROFS OK    OK    | openas %/file rdwr
write                      | OK  EROFS OK    OK    | write %/file text
append                     | OK  EROFS OK    OK    | append %/file text
write through mmap         | OK  EROFS OK    OK    | mmap-write %/file text
copy_file_range            | OK  EROFS OK    OK    | copy-range %/file %/over
chmod                      | OK  EROFS OK    OK    | chmod %/file 600
chmod of the top           | OK  EROFS OK    OK    | chmod ^. 755
chown                      | OK  EROFS OK    OK    | chown %/file 33 33
utimens                    | OK  EROFS OK    OK    | utimens %/file
setxattr                   | OK  EROFS OK    OK    | setxattr %/file user.b value
removexattr                | OK  EROFS OK    OK    | removexattr %/file user.a
rename to a new name       | OK  EROFS OK    OK    | rename %/file %/new
rename to a new directory  | OK  EROFS OK    OK    | rename %/file %/dir/new
rename a directory         | OK  EROFS OK    OK    | rename %/dir %/new
rename at the top          | OK  EROFS OK    OK    | rename ^a ^new
NOREPLACE to a new name    | OK  EROFS OK    OK    | rename-noreplace %/file %/new
NOREPLACE onto a name      | EEXIST EEXIST EEXIST EEXIST | rename-noreplace %/file %/over
rename onto its own link   | OK  OK    OK    OK    | rename %/file %/hard
truncate to more           | OK  EROFS OK    OK    | truncate %/file 100000
O_TRUNC of an empty file   | OK  EROFS OK    OK    | openas %/empty wronly,trunc
fallocate more             | OK  EROFS OK    OK    | fallocate %/file extend 0 65536
fallocate, size kept       | OK  EROFS OK    OK    | fallocate %/file keep 0 65536
insert a range             | EOPNOTSUPP EROFS EOPNOTSUPP EOPNOTSUPP | fallocate %/file insert 4096 4096
unlink                     | OK  EROFS EPERM EPERM | unlink %/file
unlink one of two links    | OK  EROFS EPERM EPERM | unlink %/hard
unlink a symlink           | OK  EROFS EPERM EPERM | unlink %/link
unlink a fifo              | OK  EROFS EPERM EPERM | unlink %/fifo
unlink an empty file       | OK  EROFS EPERM EPERM | unlink %/empty
unlink at the top          | OK  EROFS EPERM EPERM | unlink ^a
rmdir                      | OK  EROFS EPERM EPERM | rmdir %/dir
rename onto a file         | OK  EROFS EPERM EPERM | rename %/file %/over
rename onto a directory    | OK  EROFS EPERM EPERM | rename %/full %/dir
rename out of the top      | OK  EROFS EPERM EPERM | rename ^a %/new
NOREPLACE out of the top   | OK  EROFS EPERM EPERM | rename-noreplace ^a %/new
exchange                   | OK  EROFS EPERM EPERM | rename-exchange %/file %/over
whiteout                   | OK  EROFS EPERM EPERM | rename-whiteout %/file %/new
truncate to nothing        | OK  EROFS EPERM EPERM | truncate %/file 0
truncate to less           | OK  EROFS EPERM EPERM | truncate %/file 1
O_TRUNC                    | OK  EROFS EPERM EPERM | openas %/file wronly,trunc
O_TRUNC, open for both     | OK  EROFS EPERM EPERM | openas %/file rdwr,trunc
O_TRUNC, open for reading  | OK  EROFS EPERM EPERM | openas %/file rdonly,trunc
O_CREAT and O_TRUNC        | OK  EROFS EPERM EPERM | openas %/file wronly,creat,trunc
punch a hole               | OK  EROFS EPERM EPERM | fallocate %/file punch 0 4096
collapse a range           | EOPNOTSUPP EROFS EOPNOTSUPP EOPNOTSUPP | fallocate %/file collapse 0 4096
zero a range               | OK  EROFS EPERM EPERM | fallocate %/file zero 0 4096
zero a range, size kept    | OK  EROFS EPERM EPERM | fallocate %/file zero-keep 0 4096
link to another volume     | EXDEV EXDEV|EROFS EXDEV EXDEV | link %/file @/link
link from another volume   | EXDEV EXDEV|EROFS EXDEV EXDEV | link @/file %/new
rename to another volume   | EXDEV EXDEV|EROFS EXDEV EXDEV | rename %/file @/new
rename from another volume | EXDEV EXDEV|EROFS EXDEV EXDEV | rename @/file %/new
exchange across volumes    | EXDEV EXDEV|EROFS EXDEV EXDEV | rename-exchange %/file @/file
'

new_site policy
declare_policy_volumes
volumes=(plain readonly protected held)

# Everything a row may need, made on the base before anybody looks through the mount.
make_row() {
	local dir=$1

	mkdir -p "$dir/dir" "$dir/full"
	head -c 16384 /dev/urandom >"$dir/file"
	cp "$dir/file" "$dir/over"
	ln "$dir/file" "$dir/hard"
	ln -s file "$dir/link"
	mkfifo "$dir/fifo"
	: >"$dir/empty"
	setfattr -n user.a -v value "$dir/file"
}

count=0
while IFS='|' read -r name _; do
	[ -n "$name" ] || continue
	count=$((count + 1))
	for volume in "${volumes[@]}"; do
		make_row "$base/$volume/$count"
		echo top >"$base/$volume/top$count-a"
	done
done <<<"$table"
echo data >"$base/other/file"
for volume in "${volumes[@]}"; do
	tree_hash --list "$base/$volume" >"$tmp/$volume.before"
done
start_daemon

# expect WANT OPERATION...: WANT may name several, as "EXDEV|EROFS".
expect() {
	local want=$1 got

	shift
	got=$("$FSOP" "$@") || true
	[[ "|$want|" == *"|$got|"* ]] || fail "$* gave '$got', expected '$want'"
}

run_row() {
	local row=$1 volume=$2 want=$3 operation=$4

	operation=${operation//^./$mnt/$volume/.}
	operation=${operation//^/$mnt/$volume/top$row-}
	operation=${operation//%/$mnt/$volume/$row}
	operation=${operation//@/$mnt/other}
	# shellcheck disable=SC2086 # words of the table
	expect "$want" $operation
}

# The rows that were refused in a volume, as a regular expression of the names they use.
declare -A refused
note_refused() {
	case $3 in OK) ;; *) refused[$1]+="${refused[$1]:+|}'($2/|top$2-)" ;; esac
}

# What was refused changed nothing on the base, not even a time.
refused_rows_are_unchanged() {
	tree_hash --list "$base/$1" >"$tmp/$1.after"
	diff <(grep -E "^(${refused[$1]})" "$tmp/$1.before") \
		<(grep -E "^(${refused[$1]})" "$tmp/$1.after") || fail "the base changed"
}

row=0
while IFS='#' read -r name expected operation; do
	row=$((row + 1))
	read -ra wants <<<"$expected"
	[ "${#wants[@]}" = 4 ] || fail "row '$name' has not four answers"
	for i in 0 1 2 3; do
		note_refused "${volumes[i]}" "$row" "${wants[i]}"
		check "$name, ${volumes[i]}: ${wants[i]}" \
			run_row "$row" "${volumes[i]}" "${wants[i]}" "$operation"
	done
done < <(sed -n 's/^\([^|]*[^| ]\) *| \(.*[A-Z]\) *| \(.*\)$/\1#\2#\3/p' <<<"$table")
[ "$row" = "$count" ] || fail "$count rows in the table, $row run"
for volume in "${volumes[@]}"; do
	check "what was refused changed nothing on the base, $volume" \
		refused_rows_are_unchanged "$volume"
done

# DC-3
rm_rf() {
	local volume=$1

	tree_hash --list "$base/$volume" >"$tmp/before"
	assert_status 1 rm -rf "$mnt/$volume"
	tree_hash --list "$base/$volume" >"$tmp/after"
	cmp "$tmp/before" "$tmp/after"
	[ -n "$(ls "$base/$volume")" ] || fail "nothing was there to remove"
}
for volume in readonly protected held; do
	check "rm -rf as root changes nothing, $volume" rm_rf "$volume"
done

# DC-3: also through a bind mount, which is what a container has.
rm_rf_through_bind() {
	mkdir -p "$tmp/bind"
	mount --bind "$mnt/protected" "$tmp/bind"
	on_exit umount "$tmp/bind"
	tree_hash --list "$base/protected" >"$tmp/before"
	find "$tmp/bind" -mindepth 1 -delete 2>"$tmp/err" && fail "find -delete succeeded"
	assert_file_has "$tmp/err" 'Operation not permitted'
	tree_hash --list "$base/protected" >"$tmp/after"
	cmp "$tmp/before" "$tmp/after"
}
check "find -delete through a bind mount changes nothing" rm_rf_through_bind

finish_tests
