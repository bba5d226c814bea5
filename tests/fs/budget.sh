#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What work may cost, counted in requests, bytes and descriptors: the same on a busy machine.

# shellcheck source=tests/fs/lib.sh
. "$(dirname "$0")/lib.sh"
need jq
smallfile=${SMALLFILE:-$build/tests/bench/smallfile}
[ -x "$smallfile" ] || skip build "'$smallfile' is not built"

new_site budget
declare_volumes free:protected=false
start_daemon
files=40
work=$mnt/free/work
mkdir "$work"

is_instrumented() { case ${ANKLUME_JOB:-} in sanitize | tsan) true ;; *) false ;; esac }
rss_kib() { awk '/^VmRSS:/ { print $2 }' "/proc/$daemon_pid/status"; }
count() { jq ".operations.$2" "$1"; }

# budget PHASE [REQUEST=N...]: so many of each per file, and none of any other kind. Some more of
# each are those of the path that leads there, whose virtual levels the kernel asks for again after
# a second; FORGET comes when the kernel likes.
budget() {
	local phase=$1 op max spent

	shift
	fsctl status --json >"$site/before"
	"$smallfile" "$phase" "$work" "$files" >/dev/null
	fsctl status --json >"$site/after"
	for op in $(jq -r '.operations | keys[] | select(. != "forget")' "$site/after"); do
		max=0
		case " $* " in *" $op="*)
			max=" $* "
			max=${max##* "$op"=}
			max=${max%% *}
			;;
		esac
		spent=$(($(count "$site/after" "$op") - $(count "$site/before" "$op")))
		[ "$spent" -le $((max * files + 10)) ] ||
			echo "$phase: $spent x $op for $files files" >>"$site/over"
	done
}

a_life() {
	: >"$site/over"
	budget create getattr=1 lookup=1 create=1 getxattr=1 release=1
	budget stat getattr=1 # their times may have moved since the reply
	budget stat
	budget read open=1 release=1
	budget append open=1 getxattr=1 release=1
	budget chmod setattr=1
	budget rename getattr=1 lookup=1 rename=1
	budget rename-back getattr=1 lookup=1 rename=1
	budget absent lookup=1
	budget absent
	budget readdir readdir=1 readdirplus=1 # one to some, not one each; then none
	budget readdir
	budget unlink getattr=1 unlink=1
	budget mkdir getattr=1 lookup=1 mkdir=1
	budget rmdir getattr=1 rmdir=1
}

# How often somebody has dropped the machine's caches: what was cached is asked for again.
drops() { awk '$1 == "drop_slab" { print $2 }' /proc/vmstat; }

# S3-14, and S3-27 as far as it is speed: decision 044 says which of these the kernel asks anyway.
test_small_files_cost_their_round_trips_and_no_more() {
	local before

	for _ in {1..10}; do
		before=$(drops)
		a_life
		[ -s "$site/over" ] || return 0
		[ "$(drops)" != "$before" ] || fail "$(cat "$site/over")"
		note "caches were dropped meanwhile: again"
	done
	fail "somebody drops the caches all the time"
}

# spent REQUEST: how many of them since 'before'.
spent() { echo $(($(fsctl status --json | jq ".operations.$1") - $(count "$site/before" "$1"))); }

# walk COMMAND...: through 20 directories of 40 files that nobody has looked at.
walk() {
	echo 2 >/proc/sys/vm/drop_caches
	fsctl status --json >"$site/before"
	"$@" >/dev/null
}

# S3-27, performance: a walk costs what it looks at (decision 045).
test_a_walk_costs_what_it_looks_at() {
	need root
	mkdir -p "$base/free/tree/"d{00..19}
	for dir in "$base/free/tree/"d*; do (cd "$dir" && touch f{00..39}); done

	walk find "$mnt/free/tree" -name '*7'
	[ "$(spent lookup)" -le 60 ] || fail "find: $(spent lookup) lookups for 20 directories"
	[ "$(fsctl status --json | jq .inodes)" -le 400 ] ||
		fail "find: $(fsctl status --json | jq .inodes) inodes cached for 800 files"

	walk find "$mnt/free/tree" -size +0
	[ "$(spent lookup)" -le 250 ] || fail "find -size: $(spent lookup) lookups for 800 files"
	[ "$(fsctl status --json | jq .inodes)" -ge 800 ] || fail "find -size looked at nothing"
}

test_a_birth_time_is_that_of_the_base_and_asked_for_once() {
	local file=$mnt/free/born dir=$mnt/free/work

	echo text >"$file"
	assert_eq "$(stat -c %w "$file")" "$(stat -c %w "$base/free/born")"
	assert_eq "$(stat -c %w "$dir")" "$(stat -c %w "$base/free/work")"
	assert_eq "$(stat -c '%w %s' "$ANKLUME_MOUNT")" "- 0"

	# Another look may follow the change of mode, but not one at the time of birth alone.
	chmod 600 "$file"
	assert_eq "$(stat -c '%w %a' "$file")" "$(stat -c '%w %a' "$base/free/born")"
	fsctl status --json >"$site/before"
	for _ in {1..50}; do stat -c %w "$file" >/dev/null; done
	[ "$(spent statx)" -le 10 ] || fail "$(spent statx) requests for one time"
}

# S3-14
test_a_cached_inode_costs_bytes_and_no_descriptor() {
	local n=20000 before

	mkdir "$base/free/many"
	(cd "$base/free/many" && seq "$n" | xargs touch)
	before=$(rss_kib)
	find "$mnt/free/many" -size +0 >/dev/null
	[ "$(fsctl status --json | jq .inodes)" -ge "$n" ] || fail "not all are cached"
	is_instrumented || [ $((($(rss_kib) - before) * 1024 / n)) -le 200 ] ||
		fail "$(($(rss_kib) - before)) KiB for $n inodes"
	[ "$(find "/proc/$daemon_pid/fd" -mindepth 1 | wc -l)" -le 64 ] || fail "too many descriptors"
}

run_tests
