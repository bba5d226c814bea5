#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What scripts/setup installs is enough to configure the build: only tests want the check library.

# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/common.sh"
need meson pkgconf

# Everything that pkg-config finds here, but for check.
without_check() {
	local dir

	mkdir "$tmp/pc"
	for dir in $(pkgconf --variable pc_path pkg-config | tr : ' '); do
		[ ! -d "$dir" ] || find "$dir" -maxdepth 1 -name '*.pc' ! -name check.pc -exec ln -sf -t "$tmp/pc" {} +
	done
	export PKG_CONFIG_LIBDIR=$tmp/pc PKG_CONFIG_PATH=
}

# configure OPTION...: a build directory of its own.
configure() {
	rm -rf "$tmp/build"
	meson setup "$tmp/build" "$root" "$@" >"$tmp/out" 2>&1
}

test_build_goes_without_the_check_library() {
	without_check
	configure || fail "no build without check: $(tail -n 5 "$tmp/out")"
	assert_eq "$(meson introspect --tests "$tmp/build")" "[]" "tests of a build without check"
	! configure -Dtests=enabled || fail "asked for tests, the build goes on without check"
	assert_file_has "$tmp/out" 'Dependency "check" not found'
}

run_tests
