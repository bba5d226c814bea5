#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the documents show, works: specs, devices, playbooks, the table of keys.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need python3

mkdir "$tmp/blocks"
extract_blocks "$tmp/blocks"

blocks() { find "$tmp/blocks" -name "*.$1.yml" | sort; }

# S0-26
test_specs_in_the_documents_are_valid_and_appliable() {
	local file count=0

	for file in $(blocks spec); do
		new_cli_site "doc-$count"
		cp "$file" infra.yml
		run 0 validate
		assert_eq "$err" "" "what is said about $(cat "$file")"
		run 0 apply
		count=$((count + 1))
	done
	[ "$count" -ge 2 ] || fail "only $count specs"
}

# S0-26: the first line says which error it is.
test_specs_that_are_shown_as_wrong_are_refused_for_that() {
	local file count=0 words

	for file in $(blocks refused); do
		words=$(sed -n '1s/^# //p' "$file")
		run 3 validate "$file"
		assert_match "$err" "error: .*$words"
		assert_match "$err" ' 1 error'
		count=$((count + 1))
	done
	[ "$count" -ge 3 ] || fail "only $count"
}

test_devices_in_the_documents_are_those_of_the_spec_above() {
	local spec device

	for device in $(blocks incus); do
		spec=$(find "$tmp/blocks" -name '*.spec.yml' | sort | awk -v d="$device" '$0 < d' | tail -n 1)
		assert_eq "$(fsctl devices "$spec" -f incus)" "$(cat "$device")"
	done
	[ -n "$device" ] || fail "no devices"
}

# S0-26
test_the_table_of_keys_is_the_schema() {
	local row

	while read -r row; do
		grep -qxF "$row" "$root/docs/spec.md" || fail "docs/spec.md lacks the row $row"
	done < <(fsctl schema --markdown | sed -n '1,2p; /`persistent_data\.<volume>\./p')
}

# S0-26: schema, both decisions, the section about flush.
test_the_documents_have_their_parts() {
	assert_file_has "$root/docs/spec.md" '^## The keys of a volume'
	assert_file_has "$root/docs/operations.md" '^## What a flush spares'
	assert_file_has "$root/docs/decisions/075-persistent-data-is-the-hosts.md" 'ADR-040'
	assert_file_has "$root/docs/decisions/076-flush-spares-whole-projects.md" 'ADR-041'
}

# A link to a file of the tree leads somewhere.
test_links_between_the_documents_lead_somewhere() {
	local file link

	for file in "$root"/README.md "$root"/CONTRIBUTING.md "$root"/docs/*.md "$root"/docs/decisions/*.md; do
		while read -r link; do
			[ -e "${file%/*}/$link" ] || fail "'$file' links to '$link'"
		done < <({ grep -o '](\([^)#:]*\))' "$file" || true; } | sed 's/^](//; s/)$//')
	done
}

run_tests
