#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A minimal Debian is installed by dpkg into a mount: owners, set-user-id bits, device nodes.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need debootstrap

suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)

# The first mirror of this suite in apt's own configuration.
configured_mirror() {
	apt-get indextargets --no-release-info --format '$(CREATED_BY) $(RELEASE) $(COMPONENT) $(REPO_URI)' |
		awk -v suite="$suite" '$1 == "Packages" && $2 == suite && $3 == "main" { print $4; exit }'
}

# Unsigned is good enough here: nothing of it leaves the test's directory.
bootstrap() { debootstrap --variant=minbase --no-check-gpg "$@" >"$site/debootstrap.log" 2>&1; }

need_mirror() {
	mirror=$(configured_mirror)
	[ -n "$mirror" ] || skip mirror "apt has no source for '$suite' main"
	/usr/lib/apt/apt-helper -o Acquire::Retries=0 -o Acquire::http::Timeout=10 \
		-o Acquire::https::Timeout=10 download-file "${mirror%/}/dists/$suite/Release" \
		"$tmp/Release" >"$tmp/apt-helper.log" 2>&1 || skip mirror "apt's mirror does not answer"
}

# modes DIR: everything that dpkg sets, by name; not what is made anew at each installation.
modes() {
	(cd "$1" && find . -xdev \( -path ./proc -o -path ./sys -o -path ./var/cache -o -path ./var/log \
		-o -path ./debootstrap \) -prune -o -printf '%P %y %m %U:%G %l\n' |
		grep -v '~\|/tmp\.\|\.pyc' | sort)
}

same_as_native() {
	native_beside 1G
	bootstrap "$suite" "$native/root" "$mirror" || fail "$(tail -n 20 "$site/debootstrap.log")"
	modes "$native/root" >"$site/native.modes"
	diff "$site/native.modes" "$site/ours" >"$site/diff" || fail "$(head -n 20 "$site/diff")"
}

test_dpkg_installs_a_debian_that_verifies() {
	bootstrap "$suite" "$mnt/root" "$mirror" || fail "$(tail -n 20 "$site/debootstrap.log")"
	modes "$mnt/root" >"$site/ours"
	[ "$soak" = 1 ] || same_as_native
	assert_file_has "$site/ours" '^usr/bin/passwd f 4755 0:0'
	assert_file_has "$site/ours" '^usr/bin/expiry f 2755 0:42'
	assert_file_has "$site/ours" '^dev/null c 666'
	chroot "$mnt/root" dpkg --verify >"$site/verify" 2>&1 || true
	! grep -v ' c \|missing' "$site/verify" | grep . || fail "dpkg --verify complains"
}

# Set-user-id and devices work where the mount was asked for them, and only there.
test_what_suid_and_dev_allow_is_there() {
	assert_eq "$(chroot "$mnt/root" sh -c 'echo x >/dev/null && head -c 4 /dev/zero | wc -c')" 4
	cp /bin/id "$mnt/root/tmp/id" 2>/dev/null || cp /usr/bin/id "$mnt/root/tmp/id"
	chmod 4755 "$mnt/root/tmp/id"
	assert_eq "$(effective_id "$mnt/root/tmp/id")" 0
}

effective_id() { setpriv --reuid 1000 --regid 1000 --clear-groups "$1" -u; }

test_the_tree_is_the_same_without_them_but_nothing_works_by_it() {
	stop_daemon
	start_plain
	modes "$mnt/root" >"$site/again"
	# The copy of id is new.
	diff <(grep -v '^tmp' "$site/ours") <(grep -v '^tmp' "$site/again")
	assert_errno EACCES openas "$mnt/root/dev/null" wronly
	assert_eq "$(effective_id "$mnt/root/tmp/id")" 1000
	# A node can be made, as on a native nodev mount.
	mknod "$mnt/node" c 1 3
	assert_eq "$(stat -c %t:%T "$base/node")" 1:3
	assert_errno EACCES openas "$mnt/node" rdonly
	stop_daemon
}

need_mirror
plain_mount ext4 1G -o suid,dev
run_tests
