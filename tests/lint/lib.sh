# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What the lints share: the list of the project's own files.

# shellcheck source=tests/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/common.sh"
cd "$root"

# tracked PATTERN...: files of the tree that match, NUL-separated; those not yet added included.
tracked() {
	# The tests run as root in a tree that belongs to somebody else.
	git -c safe.directory='*' ls-files -z --cached --others --exclude-standard -- "$@" ||
		fail "cannot list the tree's files: not a git checkout?"
}

# Sets files to what `tracked` lists and still exists.
list_files() {
	local file

	files=()
	while IFS= read -r -d '' file; do
		[ ! -f "$file" ] || files+=("$file")
	done < <(tracked "$@")
	[ "${#files[@]}" -gt 0 ] || fail "no files match: $*"
}

# Sets files to the shell scripts, by name or by their first line.
list_shell_scripts() {
	local file all=()

	list_files scripts tests .ci
	for file in "${files[@]}"; do
		case $file in
		*.sh) all+=("$file") ;;
		*) ! head -n 1 "$file" | grep -aq '^#!.*\bsh\b\|^#!.*bash' || all+=("$file") ;;
		esac
	done
	files=("${all[@]}")
}
